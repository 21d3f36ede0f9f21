//! Tables from rows of any documents.

use client::Node;
use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use schemas::text::unfit;

/// A line below the headings and below the rows; nothing between columns but room.
const STYLE: TableStyle = TableStyle::new()
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// Rows of a table: headings, and cells that are as many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// One for each column; those that start with `>` are right-aligned.
    pub headings: Vec<String>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
}

impl Rows {
    /// A table without rows.
    pub fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { headings: headings.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(Vec::from(cells));
    }

    /// A column for each field of any row, in the order of first sight. Objects inside are
    /// spread out one level; amounts are one column.
    pub fn of(documents: &[Node]) -> Self {
        let spread: Vec<Vec<(String, Node)>> = documents.iter().map(spread).collect();
        let mut names: Vec<String> = Vec::new();
        for (name, value) in spread.iter().flatten() {
            if !names.contains(name) && *value != Node::Null {
                names.push(name.clone());
            }
        }
        let mut headings = names.clone();
        for (index, name) in names.iter().enumerate() {
            let mut values = spread.iter().flatten().filter(|(key, _)| key == name);
            if values.any(|(_, value)| is_number(value)) {
                headings[index] = format!(">{name}");
            }
        }
        let cell = |row: &[(String, Node)], name: &str| {
            row.iter().find(|(key, _)| key == name).map(|(_, value)| show(value))
        };
        let rows = spread
            .iter()
            .map(|row| names.iter().map(|name| cell(row, name).unwrap_or_default()).collect())
            .collect();
        Self { headings, rows }
    }

    /// The table as text.
    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(STYLE);
        table.set_header(self.headings.iter().map(|heading| heading.trim_start_matches('>')));
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::new));
        }
        for (index, heading) in self.headings.iter().enumerate() {
            let Some(column) = table.column_mut(index) else { continue };
            column.set_padding((1, u16::from(index + 1 == self.headings.len())));
            if heading.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n")
    }
}

fn is_number(value: &Node) -> bool {
    value.is_money() || matches!(value, Node::Number(_))
}

/// Fields of a row; those of objects inside get the names of both.
fn spread(row: &Node) -> Vec<(String, Node)> {
    if row.is_money() || row.fields().is_empty() {
        return vec![("value".to_owned(), row.clone())];
    }
    let mut cells = Vec::new();
    for (name, value) in row.fields() {
        match value {
            Node::Object(inner) if !value.is_money() => {
                cells.extend(inner.iter().map(|(key, v)| (format!("{name}.{key}"), v.clone())));
            }
            Node::Object(_)
            | Node::Null
            | Node::Bool(_)
            | Node::Number(_)
            | Node::Text(_)
            | Node::List(_) => cells.push((name.clone(), value.clone())),
        }
    }
    cells
}

/// A value in one cell.
pub fn show(value: &Node) -> String {
    match value {
        Node::Null => String::new(),
        Node::Bool(true) => "yes".to_owned(),
        Node::Bool(false) => "no".to_owned(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => plain(text),
        Node::List(items) => match items.as_slice() {
            [] => String::new(),
            items if items.iter().any(|item| !item.fields().is_empty() && !item.is_money()) => {
                format!("({})", items.len())
            }
            items => items.iter().map(show).collect::<Vec<_>>().join(", "),
        },
        Node::Object(_) if value.is_money() => {
            format!("{} {}", grouped(value.text_at("amount")), value.text_at("currency"))
        }
        Node::Object(fields) => {
            let pairs = fields.iter().map(|(key, value)| format!("{key}={}", show(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
    }
}

/// A text as it stands in a cell: a character that would break the line, drive the terminal or
/// turn the direction of the cells beside it is shown by its number. None of the book's own texts
/// has one; what an answer holds besides may.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match unfit(character) {
            None => out.push(character),
            Some(_) => out.extend(character.escape_unicode()),
        }
    }
    out
}

/// Lines for people: what drives a terminal is shown by its number, wherever it comes from.
pub(crate) fn in_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// A decimal number with a comma between thousands.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(w, p)| (w, Some(p)));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(part) = part {
        out.push('.');
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (plain, shown) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.05", "-1,234,567.05"),
            ("-123.00", "-123.00"),
        ] {
            assert_eq!(grouped(plain), shown);
        }
    }

    #[test]
    fn a_text_cannot_forge_what_stands_beside_it() {
        let forged = "Ada\n 9,999.00 EUR\u{1b}[2K\u{202e}";
        let rows = Rows::of(&[Node::object([("name", Node::of(&forged))])]);
        let text = rows.text();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.chars().all(|c| c == '\n' || unfit(c).is_none()), "{text}");
        assert_eq!(plain("שלום 👩‍👩‍👧"), "שלום 👩‍👩‍👧");
    }

    #[test]
    fn rows_of_any_documents_become_a_table() {
        let json = r#"[
            {"number":"A-1","total":{"amount":"1234.50","currency":"EUR","amount_minor":123450},
             "tags":["a","b"],"page":{"n":1},"none":null},
            {"number":"A-2","paid":true,"lines":[{"x":1},{"x":2}]}
        ]"#;
        let node = Node::parse(json.as_bytes()).expect("reads");
        let rows = Rows::of(node.items());
        assert_eq!(rows.headings, ["number", ">total", "tags", ">page.n", "paid", "lines"]);
        assert_eq!(rows.rows[0], ["A-1", "1,234.50 EUR", "a, b", "1", "", ""]);
        assert_eq!(rows.rows[1], ["A-2", "", "", "", "yes", "(2)"]);
        let expected = " number         total  tags  page.n  paid  lines
─────────────────────────────────────────────────
 A-1     1,234.50 EUR  a, b       1
 A-2                                 yes   (2)
─────────────────────────────────────────────────";
        assert_eq!(rows.text(), expected);
    }
}
