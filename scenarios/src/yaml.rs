//! YAML as a tree of raw texts with their lines.
//!
//! # Correctness
//!
//! A scalar stays the text that the author wrote: no number is read here, so none passes through
//! a float. A key that stands twice in a map is refused.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 32;
/// The most nodes of one file, aliases counted as often as they are used.
const MAX_NODES: usize = 200_000;

/// A node with the line on which it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yaml {
    /// 1 is the first.
    pub line: usize,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A text as it was written, without its quotes.
    Text(String),
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping, in the order of the file.
    Map(Vec<(String, Yaml)>),
}

/// Text that is no YAML, or more than is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct YamlError {
    /// Where.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl Yaml {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[(String, Self)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            Value::Null | Value::Text(_) | Value::List(_) => None,
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Every text in it, keys too.
    pub fn texts(&self) -> Vec<&str> {
        match &self.value {
            Value::Null => Vec::new(),
            Value::Text(text) => vec![text],
            Value::List(items) => items.iter().flat_map(Self::texts).collect(),
            Value::Map(entries) => {
                let each = entries.iter();
                each.flat_map(|(key, node)| [vec![key.as_str()], node.texts()].concat()).collect()
            }
        }
    }

    /// What it is, for a message.
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The same, with the text of a scalar.
    pub fn told(&self) -> String {
        match self.text() {
            Some(text) => format!("the text {text:?}"),
            None => self.kind().to_owned(),
        }
    }

    /// The line of a text inside it, be it a key or a value.
    pub fn line_of(&self, wanted: &str) -> Option<usize> {
        match &self.value {
            Value::Null => None,
            Value::Text(text) => (text == wanted).then_some(self.line),
            Value::List(items) => items.iter().find_map(|item| item.line_of(wanted)),
            Value::Map(entries) => entries.iter().find_map(|(key, node)| {
                node.line_of(wanted).or_else(|| (key == wanted).then_some(node.line))
            }),
        }
    }

    /// The same with a word replaced in every text and key.
    #[must_use]
    pub fn replaced(&self, word: &str, by: &str) -> Self {
        let value = match &self.value {
            Value::Null => Value::Null,
            Value::Text(text) => Value::Text(text.replace(word, by)),
            Value::List(items) => {
                Value::List(items.iter().map(|item| item.replaced(word, by)).collect())
            }
            Value::Map(entries) => Value::Map(
                entries.iter().map(|(k, v)| (k.replace(word, by), v.replaced(word, by))).collect(),
            ),
        };
        Self { line: self.line, value }
    }
}

/// The documents of a file.
///
/// # Errors
/// [`YamlError`] with the line.
pub fn parse(text: &str) -> Result<Vec<Yaml>, YamlError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| wrong(error.marker().line(), format!("not YAML: {}", error.info())))?;
        builder.event(event, span.start.line())?;
    }
    Ok(builder.documents)
}

fn wrong(line: usize, why: impl Into<String>) -> YamlError {
    YamlError { line, why: why.into() }
}

/// A collection whose end has not come.
enum Growing {
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>, Option<String>),
}

struct Frame {
    line: usize,
    anchor: usize,
    growing: Growing,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Yaml>,
    open: Vec<Frame>,
    anchors: BTreeMap<usize, Yaml>,
    nodes: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let value = match &*text {
                    "" | "~" | "null" if plain => Value::Null,
                    text => Value::Text(text.to_owned()),
                };
                self.add(Yaml { line, value }, anchor)
            }
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                self.add(known.ok_or_else(|| wrong(line, "an alias of nothing"))?, 0)
            }
            Event::SequenceStart(anchor, _) => self.start(line, anchor, Growing::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.start(line, anchor, Growing::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(line),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn start(&mut self, line: usize, anchor: usize, growing: Growing) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(wrong(line, format!("more than {MAX_DEPTH} levels")));
        }
        self.open.push(Frame { line, anchor, growing });
        Ok(())
    }

    fn end(&mut self, line: usize) -> Result<(), YamlError> {
        let Some(frame) = self.open.pop() else { return Err(wrong(line, "an end of nothing")) };
        let value = match frame.growing {
            Growing::List(items) => Value::List(items),
            Growing::Map(entries, _) => Value::Map(entries),
        };
        self.add(Yaml { line: frame.line, value }, frame.anchor)
    }

    fn add(&mut self, node: Yaml, anchor: usize) -> Result<(), YamlError> {
        self.nodes += count(&node);
        if self.nodes > MAX_NODES {
            return Err(wrong(node.line, format!("more than {MAX_NODES} nodes")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let line = node.line;
        match self.open.last_mut().map(|frame| &mut frame.growing) {
            None => self.documents.push(node),
            Some(Growing::List(items)) => items.push(node),
            Some(Growing::Map(entries, pending)) => {
                if let Some(key) = pending.take() {
                    entries.push((key, node));
                    return Ok(());
                }
                let key = node.text().ok_or_else(|| wrong(line, "a key that is no text"))?;
                if entries.iter().any(|(known, _)| known == key) {
                    return Err(wrong(line, format!("key `{key}` stands twice")));
                }
                *pending = Some(key.to_owned());
            }
        }
        Ok(())
    }
}

/// Collections were counted when their parts were; a text or an alias counts here.
fn count(node: &Yaml) -> usize {
    match &node.value {
        Value::Null | Value::Text(_) => 1,
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, value)| count(value)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn one(text: &str) -> Yaml {
        let mut documents = parse(text).expect("YAML");
        assert_eq!(documents.len(), 1);
        documents.remove(0)
    }

    #[test]
    fn a_number_stays_the_text_that_was_written() {
        let read = one("{a: 7.00, b: \"7\", c: 0010, d: 1e3, e: 2019-04-01T00:00:00Z}");
        let texts: Vec<_> =
            read.entries().expect("a map").iter().filter_map(|(_, v)| v.text()).collect();
        assert_eq!(texts, ["7.00", "7", "0010", "1e3", "2019-04-01T00:00:00Z"]);
    }

    #[test]
    fn nothing_is_null_and_quoted_nothing_is_a_text() {
        let read = one("{a: ~, b: , c: '', d: null}");
        assert_eq!(read.get("a").expect("there").value, Value::Null);
        assert_eq!(read.get("b").expect("there").value, Value::Null);
        assert_eq!(read.get("c").expect("there").text(), Some(""));
        assert_eq!(read.get("d").expect("there").value, Value::Null);
    }

    #[test]
    fn nodes_know_their_lines_and_files_may_hold_several_documents() {
        let documents = parse("a: 1\n---\nb:\n- c\n- {d: e}\n").expect("YAML");
        assert_eq!(documents.len(), 2);
        let list = documents[1].get("b").expect("there");
        let Value::List(items) = &list.value else { panic!("a list") };
        assert_eq!((items[0].line, items[1].line), (4, 5));
    }

    #[test]
    fn a_key_twice_is_refused_with_its_line() {
        let error = parse("a: 1\nb: 2\na: 3\n").expect_err("twice");
        assert_eq!(error.to_string(), "line 3: key `a` stands twice");
    }

    #[test]
    fn bad_text_and_deep_text_are_refused() {
        assert!(parse("{a: [}").is_err());
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(parse(&deep).expect_err("deep").why.contains("levels"));
    }

    #[test]
    fn aliases_are_copies_and_are_counted() {
        let read = one("a: &x [1, 2]\nb: *x\n");
        let strip = |key: &str| read.get(key).expect("there").value.clone();
        assert_eq!(strip("a"), strip("b"));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..8 {
            let refs = vec![format!("*a{}", n - 1); 10].join(", ");
            writeln!(bomb, "a{n}: &a{n} [{refs}]").expect("a string takes all");
        }
        assert!(parse(&bomb).expect_err("a bomb").why.contains("nodes"));
    }

    #[test]
    fn a_text_is_found_on_its_line_be_it_a_key_or_a_value() {
        let read = one("a: 1\nb:\n- {c: d}\n- e:\n    f: g\n");
        assert_eq!(
            ["1", "d", "c", "g", "f"].map(|text| read.line_of(text)),
            [Some(1), Some(3), Some(3), Some(5), Some(5)]
        );
        assert_eq!(read.line_of("h"), None);
    }

    #[test]
    fn a_word_is_replaced_in_texts_and_keys() {
        let read = one("{'i{i}': ['c{i}', 2]}").replaced("{i}", "3");
        assert_eq!(read, one("{i3: [c3, 2]}"));
    }
}
