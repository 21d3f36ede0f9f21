//! `feed`: with a server of one process, of several, and with none.

use projections::ViewName;
use serde_json::Value;

use crate::workbench::{Bench, Ran, Server};

fn commands(fed: &Ran) -> Vec<String> {
    assert_eq!(fed.code, 0, "{}", fed.err);
    let commits = fed.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let name = |commit: Value| commit["events"][0]["type"].as_str().expect("a name").to_owned();
    commits.map(name).collect()
}

const ALL: [&str; 4] =
    ["book.opened", "entity.defined", "plan.version_defined", "customer.registered"];

#[test]
fn commits_come_from_a_running_server() {
    let bench = Bench::with_book();
    let server = bench.up();
    bench.catalog();
    assert_eq!(commands(&bench.run(&["feed", "--limit", "1"])), ALL[..1]);
    assert_eq!(commands(&bench.run(&["feed"])), ALL);
    assert_eq!(commands(&bench.run(&["feed", "--follow", "--limit", "4"])), ALL);
    assert_eq!(server.stop(), 0);
}

#[test]
fn commits_come_from_the_gateway_where_read_models_have_processes_of_their_own() {
    let bench = Bench::with_book();
    let gateway = bench.start(&["serve"]);
    let views = ViewName::ALL.map(ViewName::as_str);
    let views = bench.start(&[&["project"], &views[..]].concat());
    bench.catalog();
    assert_eq!(commands(&bench.run(&["feed"])), ALL);
    assert_eq!([gateway, views].map(Server::stop), [0; 2]);
}

#[test]
fn without_a_server_the_book_is_read_once_and_cannot_be_followed() {
    let bench = Bench::with_book();
    let position = bench.catalog();
    assert_eq!(commands(&bench.run(&["feed"])), ALL);
    assert_eq!(commands(&bench.run(&["feed", "--types", "plan.version_defined"])), ALL[2..3]);
    assert_eq!(commands(&bench.run(&["feed", "--after", &position])), [""; 0]);
    let followed = bench.run(&["feed", "--follow"]);
    assert_eq!(followed.code, 4, "{}", followed.err);
    assert!(followed.err.contains("billfold up"), "{}", followed.err);
    assert_eq!(bench.run(&["feed", "--book", "other"]).code, 1);
}
