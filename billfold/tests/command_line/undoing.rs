//! `undo`: a session, a batch, single commits; shown first, done once, refused as a whole.

use serde_json::{Value, json};

use crate::workbench::{Bench, CUSTOMER};

const SUBSCRIPTION: &str = "subscription=sub_00000000000000000000000000000001";
const PLAN: &str = "plan=pln_00000000000000000000000000000001";
const PAYMENT: &str = "payment=pay_00000000000000000000000000000002";
const GRANT: &str = "grant=crg_00000000000000000000000000000003";
const SESSION: &str = "--session=ses_00000000000000000000000000000001";

impl Bench {
    fn submit(&self, args: &[&str]) -> u64 {
        let ran = self.run(&[&["submit", "--field=position"], args].concat());
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        let position = ran.out.trim().rsplit_once(':').expect("a position").1;
        position.parse().expect("a number")
    }

    /// The last commit.
    fn head(&self) -> u64 {
        let lines = self.run(&["tail", "--output", "jsonl"]).out;
        lines.lines().count() as u64
    }

    fn undo(&self, args: &[&str]) -> Value {
        self.run(&[&["undo"], args].concat()).json()
    }

    /// What it says that it refuses; nothing is written.
    fn refused(&self, args: &[&str]) -> String {
        let before = self.head();
        let ran = self.run(&[&["undo"], args].concat());
        assert_eq!(ran.code, 1, "{args:?}: {} {}", ran.out, ran.err);
        assert_eq!(self.head(), before, "nothing is written");
        ran.err
    }

    /// What the customer owes, and its credit.
    fn balance(&self) -> (Value, Value) {
        let answer = self.run(&["query", "balances", "get", CUSTOMER]).json();
        let found = &answer["data"]["customer"];
        (found["open"]["amount"].clone(), found["credit"]["amount"].clone())
    }

    /// Ada is renamed, buys, pays and gets credit, all in one session.
    fn session() -> Self {
        let bench = Self::with_book();
        bench.catalog();
        bench.submit(&["customer.update", CUSTOMER, "name=Eve", "email=e@example.org", SESSION]);
        let create = ["subscription.create", CUSTOMER, SUBSCRIPTION, PLAN, "invoice=now", SESSION];
        bench.submit(&create);
        bench.submit(&["payment.record", CUSTOMER, PAYMENT, "amount=30:EUR", SESSION]);
        bench.submit(&["credit.grant", CUSTOMER, GRANT, "amount=5:EUR", "reason=x", SESSION]);
        bench
    }
}

fn states(shown: &Value) -> Vec<&str> {
    let rows = shown["data"].as_array().expect("rows").iter();
    let steps = rows.flat_map(|row| row["undone_by"].as_array().expect("steps"));
    steps.map(|step| step["state"].as_str().expect("a word")).collect()
}

#[test]
fn a_session_is_shown_and_then_undone_as_it_was_shown_once() {
    // given
    let bench = Bench::session();
    let before = bench.head();
    // when
    let shown = bench.undo(&[SESSION]);
    // then
    assert_eq!(bench.head(), before, "a preview writes nothing");
    let rows = shown["data"].as_array().expect("rows");
    let pairs: Vec<_> = rows
        .iter()
        .map(|row| (row["command"].clone(), row["undone_by"][0]["command"].clone()))
        .collect();
    let expected = [
        ("credit.grant", "credit.revoke"),
        ("payment.record", "payment.reverse"),
        ("subscription.create", "subscription.cancel"),
        ("customer.update", "customer.update"),
    ];
    assert_eq!(pairs, expected.map(|(done, back)| (json!(done), json!(back))));
    assert_eq!(rows[3]["undone_by"][0]["body"]["name"], "Ada");
    // when
    let token = format!("--commit={}", shown["token"].as_str().expect("a token"));
    let done = bench.undo(&[SESSION, &token, "--reason=wrong customer"]);
    // then
    assert_eq!(states(&done), ["done"; 4]);
    assert_eq!(bench.balance(), (json!("0.00"), json!("0.00")));
    let customer = bench.run(&["query", "customers", "get", CUSTOMER]).json();
    assert_eq!(customer["data"]["name"], "Ada");
    assert_eq!(customer["data"]["email"], Value::Null);
    // What was done again and again is done once.
    assert_eq!(bench.head(), before + 4);
    let again = bench.undo(&[SESSION, "--commit"]);
    assert_eq!((states(&again), bench.head()), (vec!["done"; 4], before + 4));
    let feed = bench.run(&["feed", &format!("--batch={}", done["batch"].as_str().expect("one"))]);
    assert_eq!(feed.out.lines().count(), 4, "{}", feed.out);
    assert!(feed.out.lines().all(|line| line.contains("wrong customer")), "{}", feed.out);
    assert_eq!(bench.run(&["verify"]).code, 0);
}

#[test]
fn what_a_crash_left_half_done_is_done_to_its_end() {
    let bench = Bench::session();
    let shown = bench.undo(&[SESSION]);
    let step = &shown["data"][0]["undone_by"][0];
    let id = format!("--id={}", step["command_id"].as_str().expect("an id"));
    let body = format!("--json={}", step["body"]);
    bench.submit(&[step["command"].as_str().expect("a name"), &body, &id]);
    let before = bench.head();
    let half = bench.undo(&[SESSION]);
    assert_eq!(states(&half), ["done", "planned", "planned", "planned"]);
    assert_eq!(states(&bench.undo(&[SESSION, "--commit"])), ["done"; 4]);
    assert_eq!(bench.head(), before + 3);
}

#[test]
fn all_of_it_is_refused_where_something_later_rests_on_it_and_the_way_out_is_true() {
    let bench = Bench::session();
    let later = bench.submit(&[
        "charge.add",
        CUSTOMER,
        "charge=chg_00000000000000000000000000000004",
        "description=Work",
        "price.total=10:EUR",
        r#"invoice={"now":{}}"#,
    ]);
    let said = bench.refused(&[SESSION, "--commit"]);
    assert!(said.contains(&format!("charge.add at position {later} by cli rests on it")), "{said}");
    assert!(said.contains(&format!("`billfold undo {later}`")), "{said}");
    // The way out that it names.
    let position = later.to_string();
    assert_eq!(states(&bench.undo(&[&position, "--commit"])), ["done"]);
    assert_eq!(states(&bench.undo(&[SESSION, "--commit"])), ["done"; 4]);
    assert_eq!(bench.balance(), (json!("0.00"), json!("0.00")));
}

#[test]
fn what_nothing_takes_back_refuses_the_whole_and_says_why() {
    let bench = Bench::session();
    let invoice = bench.run(&["query", "invoices", "list", CUSTOMER]).json();
    let invoice = format!("invoice={}", invoice["data"][0]["invoice"].as_str().expect("an id"));
    bench.submit(&["payment.reverse", CUSTOMER, PAYMENT, "reason=bounced"]);
    let void = ["invoice.void", CUSTOMER, &invoice, "reason=wrong", "rebill=false", SESSION];
    let position = bench.submit(&void).to_string();
    let said = bench.refused(&[&position, "--commit"]);
    assert!(said.contains("a voided invoice stays void"), "{said}");
    assert!(said.contains("add a charge"), "{said}");
    let page = bench.run(&["undo", &position, "--output", "table"]).out;
    assert!(page.contains("stays: a voided invoice stays void"), "{page}");
    assert!(page.ends_with("Nothing is written.\n"), "{page}");
    assert_eq!(bench.run(&["undo", "999"]).code, 1);
    assert_eq!(bench.run(&["undo", "--batch=bat_00000000000000000000000000000009"]).code, 1);
}

#[test]
fn what_has_changed_since_it_was_shown_is_not_committed() {
    let bench = Bench::session();
    let token = bench.undo(&[SESSION])["token"].as_str().expect("a token").to_owned();
    let of_session = "subscription.change_quantity";
    bench.submit(&[of_session, CUSTOMER, SUBSCRIPTION, "quantity=2", "when=now", SESSION]);
    let said = bench.refused(&[SESSION, &format!("--commit={token}")]);
    assert!(said.contains("not what the preview with that token showed"), "{said}");
    assert_eq!(states(&bench.undo(&[SESSION, "--commit"])), ["done"; 5]);
    assert_eq!(bench.balance(), (json!("0.00"), json!("0.00")));
}

#[test]
fn a_batch_is_undone_and_the_undoing_is_a_batch_that_can_be_undone() {
    // given
    let bench = Bench::with_book();
    bench.catalog();
    let charge = |n: u8| {
        json!({
            "command": "charge.add",
            "command_id": format!("cmd_0000000000000000000000000000000{n}"),
            "body": {
                "customer": &CUSTOMER["customer=".len()..],
                "charge": format!("chg_0000000000000000000000000000000{n}"),
                "description": "Work", "price": {"total": {"amount": "1", "currency": "EUR"}},
            },
        })
    };
    let commands = json!({"commands": [charge(1), charge(2), charge(3)]});
    let file = bench.file("batch.json", commands.to_string().as_bytes());
    let batch = "bat_00000000000000000000000000000007";
    let of = format!("--batch={batch}");
    let file = file.to_str().expect("a path");
    assert_eq!(bench.run(&["submit", "batch", "--file", file, &of]).code, 0);
    let pending = || {
        let preview = bench.run(&["query", "preview", "invoice", CUSTOMER]).json();
        preview["data"]["invoice"]["lines"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(pending(), 3);
    // when, then
    let undone = bench.undo(&[&of, "--commit"]);
    assert_eq!((states(&undone), pending()), (vec!["done"; 3], 0));
    let redo = format!("--batch={}", undone["batch"].as_str().expect("a batch"));
    assert_eq!(states(&bench.undo(&[&redo, "--commit"])), ["done"; 3]);
    assert_eq!(pending(), 3);
    // The first undoing was taken back: its commands are not sent again.
    let said = bench.refused(&[&of, "--commit"]);
    assert!(said.contains("was taken back, too"), "{said}");
}

#[test]
fn what_somebody_did_since_an_instant_is_undone_on_the_clock_of_the_wall() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["book", "create", "main"]).code, 0);
    bench.catalog();
    let eve = ["--actor", "eve"];
    let first = bench.submit(
        &[&["subscription.create", CUSTOMER, SUBSCRIPTION, PLAN, "invoice=now"], &eve[..]].concat(),
    );
    bench.submit(
        &[&["subscription.cancel", CUSTOMER, SUBSCRIPTION, "when=cycle_end"], &eve[..]].concat(),
    );
    let since = format!("--since={first}");
    let by = ["--by=eve", &since];
    let server = bench.up();
    let shown = bench.undo(&by);
    assert_eq!(states(&shown), ["planned"; 2]);
    let token = format!("--commit={}", shown["token"].as_str().expect("a token"));
    let done = bench.undo(&[&by[..], &[token.as_str()]].concat());
    assert_eq!(states(&done), ["done"; 2]);
    drop(server);
    assert_eq!(bench.balance().0, json!("0.00"));
}

const RUN: [&str; 3] =
    ["billing.run", "run=run_00000000000000000000000000000005", "through=2026-01-01"];

/// The `undo` that a refusal names last.
fn named(said: &str) -> Vec<&str> {
    let mut commands = said.split('`').filter_map(|part| part.strip_prefix("billfold undo "));
    commands.next_back().unwrap_or_else(|| panic!("{said}")).split(' ').collect()
}

#[test]
fn what_a_run_has_billed_is_taken_back_with_what_it_billed() {
    // given
    let bench = Bench::with_book();
    bench.catalog();
    let create = bench.submit(&["subscription.create", CUSTOMER, SUBSCRIPTION, PLAN]).to_string();
    bench.submit(&RUN);
    assert_eq!(bench.balance().0, json!("20.00"));
    // when, then
    assert_eq!(states(&bench.undo(&[&create, "--commit"])), ["done"]);
    assert_eq!(bench.balance(), (json!("0.00"), json!("0.00")));
    // What the run itself did stays, and the way out is told.
    let lines = bench.run(&["tail", "--output", "jsonl"]).out;
    let run = 1 + lines.lines().position(|line| line.contains("\"customer.bill\"")).expect("one");
    let said = bench.refused(&[&run.to_string(), "--commit"]);
    assert!(said.contains("void the invoice with invoice.void"), "{said}");
}

#[test]
fn a_refusal_names_all_that_rests_and_that_is_accepted() {
    // given
    let bench = Bench::with_book();
    bench.catalog();
    let charge = ["charge=chg_00000000000000000000000000000004", "description=Work"];
    let add = ["charge.add", CUSTOMER, charge[0], charge[1], "price.total=10:EUR"];
    let first = bench.submit(&add).to_string();
    let second = bench.submit(&["invoice.now", CUSTOMER]);
    let third = bench.submit(&["payment.record", CUSTOMER, PAYMENT, "amount=10:EUR"]);
    // when
    let said = bench.refused(&[&first, "--commit"]);
    // then
    assert!(said.contains(&format!("invoice.now at position {second} by cli rests")), "{said}");
    assert!(said.contains(&format!("`billfold undo {second} {third}`")), "{said}");
    let whole = named(&said);
    assert_eq!(whole, [first.clone(), second.to_string(), third.to_string()]);
    let done = bench.undo(&[&whole[..], &["--commit"]].concat());
    assert_eq!(states(&done), ["done"; 3]);
    assert_eq!(bench.balance(), (json!("0.00"), json!("0.00")));
}

#[test]
fn what_rests_and_stays_says_so_instead_of_naming_an_undo_that_is_refused() {
    let bench = Bench::session();
    let over = "payment=pay_00000000000000000000000000000007";
    let pay = bench.submit(&["payment.record", CUSTOMER, over, "amount=9:EUR"]).to_string();
    bench.submit(&[
        "payment.refund",
        CUSTOMER,
        over,
        "refund=ref_00000000000000000000000000000008",
        "amount=5:EUR",
        "effect=customer_credit",
        "reason=asked for",
    ]);
    let said = bench.refused(&[&pay, "--commit"]);
    assert!(said.contains("rests on it") && said.contains("is not taken back"), "{said}");
    assert!(said.contains("record it with payment.record"), "{said}");
    assert!(!said.contains("`billfold undo"), "{said}");
}

#[test]
fn a_plan_that_was_bought_is_taken_back_with_the_purchase() {
    let bench = Bench::with_book();
    bench.catalog();
    let lines = bench.run(&["tail", "--output", "jsonl"]).out;
    let plan = 1 + lines.lines().position(|line| line.contains("\"plan.define\"")).expect("one");
    let bought = bench.submit(&["subscription.create", CUSTOMER, SUBSCRIPTION, PLAN]);
    bench.submit(&RUN);
    let said = bench.refused(&[&plan.to_string(), "--commit"]);
    let whole = named(&said);
    assert_eq!(whole, [plan.to_string(), bought.to_string()]);
    assert_eq!(states(&bench.undo(&[&whole[..], &["--commit"]].concat())), ["done"; 2]);
}

#[test]
fn an_annotation_that_a_run_has_issued_is_on_its_invoice() {
    let bench = Bench::with_book();
    bench.catalog();
    let said = bench.submit(&["invoice.annotate", CUSTOMER, "memo=wrong"]).to_string();
    bench.submit(&["subscription.create", CUSTOMER, SUBSCRIPTION, PLAN]);
    bench.submit(&RUN);
    let said = bench.refused(&[&said, "--commit"]);
    assert!(said.contains("has issued the customer's next invoice"), "{said}");
    assert!(said.contains("with invoice.annotate"), "{said}");
    bench.submit(&["invoice.annotate", CUSTOMER, "memo=right"]);
}
