//! Plays `story.json` against the real process.

use client::Node;
use client::SocketClient;
use schemas::wire::{Headers, Message, header};
use tests::acme::BOOK;
use tests::process::{Server, run};

/// In place of the log's id, which is made with the book.
const LOG: &str = "01930000000070008000000000000042";
/// In place of every cursor.
const CURSOR: &str = "adc4c4ffc38edddf9201";
/// In place of the ids that a preview makes: of an invoice, a note, a run, a command.
const FRESH: &str = "019300000000700080000000000000ff";
/// In place of the token of a preview that made the command's id.
const TOKEN: &str = "pv1_019300000000700080000000000000ffadc4c4ff";
const STORY: &str = include_str!("story.json");

/// A request with its answer.
#[derive(Debug)]
pub(crate) struct Told {
    /// The subject after the actor.
    pub(crate) path: String,
    /// Headers worth showing.
    pub(crate) headers: Headers,
    /// What was asked.
    pub(crate) request: String,
    /// What was answered.
    pub(crate) answer: Node,
    /// It failed, as it should.
    pub(crate) is_problem: bool,
    /// It only prepares something.
    pub(crate) quiet: bool,
}

/// The story as it is played: what the placeholders of the next requests stand for.
struct Player {
    client: SocketClient,
    log: String,
    last: String,
    first_invoice: String,
}

/// Plays the whole story.
pub(crate) fn play() -> Vec<Told> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let clock = ["book", "create", BOOK, "--test-clock", "2026-01-01T09:00:00Z"];
    let made = run(&data, &clock);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Server::start(&data);
    let mut player = Player {
        client: server.connect(),
        log: String::new(),
        last: String::new(),
        first_invoice: String::new(),
    };
    let steps = Node::parse(STORY.as_bytes()).expect("the story is JSON");
    let Node::List(steps) = steps else { panic!("the story is a list") };
    (1..).zip(&steps).map(|(n, step)| player.tell(n, step)).collect()
}

impl Player {
    fn tell(&mut self, n: u64, step: &Node) -> Told {
        let path = step.text_at("ask").to_owned();
        let request = compact(step.get("body").expect("a step has a body"));
        let mut shown = Headers::new();
        if let Some(Node::Object(fields)) = step.get("headers") {
            for (name, value) in fields {
                shown.insert(name.clone(), value.text().expect("headers are text").to_owned());
            }
        }
        let reply = self.ask(n, &path, &request, &shown);
        let is_problem = step.get("problem").is_some();
        assert_eq!(reply.get("code").is_some(), is_problem, "{path} {request}: {reply:?}");
        let wanted = step.get("says").and_then(Node::text);
        assert_eq!(reply.get("code").and_then(Node::text), wanted, "{path}: {reply:?}");
        self.remember(&path, &reply);
        let mut without_log = compact(&reply).replace(&self.log, LOG);
        if matches!(path.as_str(), "query.preview.invoice" | "query.preview.run") {
            without_log = without_fresh_ids(without_log, &reply);
        }
        Told {
            path,
            headers: shown,
            request: request
                .replace("LOG:", &format!("{LOG}:"))
                .replace("FIRST_INVOICE", &self.first_invoice),
            answer: with_a_cursor(Node::parse(without_log.as_bytes()).expect("still JSON")),
            is_problem,
            quiet: step.get("quiet").is_some(),
        }
    }

    fn ask(&mut self, n: u64, path: &str, request: &str, shown: &Headers) -> Node {
        let in_this_log = |text: &str| {
            text.replace("LOG:", &format!("{}:", self.log))
                .replace("FIRST_INVOICE", &self.first_invoice)
        };
        let mut headers: Headers =
            shown.iter().map(|(name, value)| (name.clone(), in_this_log(value))).collect();
        if path.starts_with("command.") && path != "command.batch" {
            let id = format!("cmd_019300000000700080000000000001{n:02x}");
            headers.entry(header::COMMAND_ID.to_owned()).or_insert(id);
        }
        if path.starts_with("query.") && !self.last.is_empty() {
            headers.entry(header::AT_LEAST.to_owned()).or_insert(self.last.clone());
        }
        let message = Message {
            subject: format!("billfold.{BOOK}.as.ada.{path}"),
            headers,
            body: in_this_log(request).into_bytes(),
        };
        let reply = self.client.call(&message).expect("the server answers");
        Node::parse(&reply.body).expect("answers are JSON")
    }

    fn remember(&mut self, path: &str, reply: &Node) {
        if path.starts_with("query.invoices.get") && self.first_invoice.is_empty() {
            let data = reply.get("data").expect("an answer has data");
            data.get("invoice")
                .expect("an invoice")
                .text_at("invoice")
                .clone_into(&mut self.first_invoice);
        }
        // What was accepted last: queries must have seen it, so that they always say the same.
        let mut of_batch = reply.items_at("answers").iter().filter(|one| one.get("code").is_none());
        let position = of_batch.next_back().unwrap_or(reply).get("position").and_then(Node::text);
        if let Some(position) = position.filter(|_| !path.starts_with("feed.")) {
            position.split(':').next().unwrap_or_default().clone_into(&mut self.log);
            position.clone_into(&mut self.last);
        }
    }
}

/// The same with a cursor that does not differ: a real one holds the read model's generation.
fn with_a_cursor(mut answer: Node) -> Node {
    let cursor = answer.get("next").and_then(Node::text);
    if cursor.is_some_and(|cursor| !cursor.contains(':')) {
        answer.set("next", Node::Text(CURSOR.to_owned()));
    }
    answer
}

/// The same with ids that do not differ: a preview makes those that it was not given.
fn without_fresh_ids(mut text: String, answer: &Node) -> String {
    let data = answer.get("data").expect("an answer has data");
    let at = |object: &str, name: &str| data.get(object)?.get(name)?.text();
    if let Some(token) = at("command", "token") {
        text = text.replace(token, TOKEN);
    }
    let notes = data.items_at("notes").iter().map(|note| note.text_at("note"));
    let made = [at("invoice", "invoice"), at("invoice", "run"), at("command", "command_id")];
    for made in made.into_iter().flatten().chain(notes) {
        if let Some((_, id)) = made.split_once('_') {
            text = text.replace(id, FRESH);
        }
    }
    text
}

/// One line of JSON.
fn compact(node: &Node) -> String {
    serde_json::to_string(node).expect("a node is JSON")
}
