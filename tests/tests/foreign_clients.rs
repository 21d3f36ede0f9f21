//! Programs in other languages do the README's tour over a real NATS server, and get what the
//! command line gets, byte for byte but for the log's id.

mod foreign_clients {
    pub(crate) mod book;
    pub(crate) mod programs;
    pub(crate) mod tour;
}

use std::collections::BTreeMap;

use foreign_clients::book::Book;
use foreign_clients::programs::{node, output_of, python};
use foreign_clients::tour;
use schemas::subjects::{GATEWAY_SERVICE, PROJECTOR_SERVICE, Role, of_role, projector, views};
use serde_json::Value;
use tests::nats::{NatsServer, repository};

/// The documents of a tour without what is made with the book: the log's id, and the id of the
/// command that opened the book, which follows from it.
fn normalised(printed: &str) -> String {
    let documents = tour::documents(printed);
    let position = documents[0]["position"].as_str().expect("an answer with a position");
    let (log, _) = position.split_once(':').expect("log and number");
    let opened = documents.iter().find(|one| one["command"]["type"] == "book.open");
    let opened = opened.expect("the first commit")["command_id"].as_str().expect("an id");
    assert_eq!(log.len(), 32, "{log}");
    printed.replace(log, "LOG").replace(opened, "OPENED")
}

#[test]
fn a_foreign_client_prints_what_the_command_line_prints() {
    let Some(book) = Book::start() else { return };
    let ids = tour::Ids::new();
    let by_command_line = tour::by_command_line(&book);
    let documents = tour::documents(&by_command_line);
    drop(book);
    assert_eq!(documents.len(), tour::DOCUMENTS, "{by_command_line}");
    let expected = normalised(&by_command_line);

    for mut program in [python("tour.py"), node("tour.js")].into_iter().flatten() {
        let book = Book::start().expect("one was started before");
        program.args(["--nats", &book.url(), "--ids"]).arg(ids.path());
        let printed = normalised(&output_of(program));
        assert!(printed == expected, "{}", tour::difference(&expected, &printed));
    }
}

#[test]
fn what_a_client_relies_on_holds_and_every_document_fits_its_schema() {
    let (Some(book), Some(mut tour), Some(mut checks)) =
        (Book::start(), python("tour.py"), python("checks.py"))
    else {
        return;
    };
    tour.args(["--nats", &book.url()]);
    checks.args(["--nats", &book.url()]);

    output_of(tour);
    let printed = output_of(checks);

    assert!(printed.contains("wrong requests are problems"), "{printed}");
    assert!(printed.contains("a batch of 2000 took"), "{printed}");
}

#[test]
fn a_client_sends_the_same_id_again_where_that_may_help() {
    let Some(server) = NatsServer::start("") else { return };
    for mut program in [python("retries.py"), node("retries.js")].into_iter().flatten() {
        program.args(["--nats", &server.url()]);
        let printed = output_of(program);
        assert_eq!(printed.lines().count(), 6, "{printed}");
    }
}

#[test]
fn the_service_api_lists_every_endpoint() {
    let (Some(book), Some(mut program)) = (Book::start(), python("services.py")) else { return };
    let services = 1 + views().len();
    program.args(["--nats", &book.url(), "--expect", &services.to_string()]);

    let found: Value = serde_json::from_str(&output_of(program)).expect("JSON");

    for verb in ["PING", "INFO", "STATS"] {
        let answers = found[verb].as_array().expect("a list");
        let about = |id: &Value| {
            let described = found["INFO"].as_array().expect("a list");
            described.iter().find(|one| one["id"] == *id).expect("every service has an INFO")
        };
        let mut named: BTreeMap<String, usize> = BTreeMap::new();
        for answer in answers {
            let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
            *named.entry(text("name")).or_default() += 1;
            assert!(is_semver(&text("version")), "{answer}");
            for field in ["book", "log", "role", "schema_hash"] {
                let metadata = &about(&answer["id"])["metadata"];
                assert!(metadata[field].is_string(), "{verb} {field}: {answer}");
            }
            if verb != "PING" {
                endpoints_are_the_registry(answer, &about(&answer["id"])["metadata"]);
            }
        }
        assert_eq!(named.get(GATEWAY_SERVICE), Some(&1), "{verb}");
        assert_eq!(named.get(PROJECTOR_SERVICE), Some(&views().len()), "{verb}");
    }
}

/// The endpoints of one service: names, subjects and queue groups.
fn endpoints_are_the_registry(answer: &Value, metadata: &Value) {
    let role = match metadata["view"].as_str() {
        Some(view) => projector(view).expect("a read model"),
        None => Role::Gateway,
    };
    let book = tests::acme::BOOK.parse().expect("a name");
    let row = |name: &str, subject: &str, group: &str| format!("{name} {subject} {group}");
    let mut expected: Vec<String> = of_role(role)
        .iter()
        .map(|one| row(&one.name, &one.served_on("billfold", &book), one.queue_group()))
        .collect();
    let text = |endpoint: &Value, field: &str| {
        endpoint[field].as_str().unwrap_or_else(|| panic!("{field}: {endpoint}")).to_owned()
    };
    let endpoints = answer["endpoints"].as_array().expect("endpoints");
    let mut found: Vec<String> = endpoints
        .iter()
        .map(|one| row(&text(one, "name"), &text(one, "subject"), &text(one, "queue_group")))
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "{}", answer["name"]);
}

fn is_semver(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

#[test]
fn the_shortest_client_of_the_guide_runs() {
    let guide = std::fs::read_to_string(repository().join("docs/integrate.md")).expect("a guide");
    let (_, rest) = guide.split_once("```python\n").expect("an example in Python");
    let (example, _) = rest.split_once("```").expect("its end");
    let Some(book) = Book::start() else { return };
    let script = book.folder().join("shortest.py");
    let example = example.replace("nats://127.0.0.1:4222", &book.url());
    std::fs::write(&script, example).expect("a file in a temporary folder");
    let Some(program) = python(&script) else { return };

    let printed = output_of(program);

    // There is no such customer yet.
    assert!(printed.starts_with("failed ") && printed.contains("unknown_customer"), "{printed}");
}

#[test]
fn the_interface_document_has_no_errors() {
    let Some(mut program) = node("check-asyncapi.js") else { return };
    program.arg(repository().join("docs/asyncapi.json"));

    let printed = output_of(program);

    // Warnings are for whoever reads the test's output.
    print!("{printed}");
    assert!(printed.contains("operations"), "{printed}");
}
