//! Previews, access and subscriptions, asked through the router as every door does.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod book;
mod gate;
mod shown;

use std::sync::Arc;

use book::*;
use command_gateway::{BookDoor, Gateway, Router};
use event_log::sim::SimDisk;
use gate::{Gate, GatedDisk};
use ledger_core::Claims;
use schemas::event::InvoiceFinalized;
use schemas::wire::{Headers, Message, Reply, header};
use serde_json::{Value, json};
use uuid::Uuid;

const ID: &str = "00000000-0000-0000-0000-00000000c001";
const OTHER: &str = "00000000-0000-0000-0000-00000000c002";
const ENTITY: &str = "ent_00000000000000000000000000000001";
const PLAN: &str = "pln_00000000000000000000000000000001";
/// What [`pay`] numbers 1.
const PAYMENT: &str = "pay_00000000000000000000a00000000001";
const SUB: &str = "sub_00000000000000000000000000000001";

/// A book with one subscriber, and everything that answers for it.
struct Asked {
    gateway: Gateway,
    router: Router,
    runtime: tokio::runtime::Runtime,
    disk: SimDisk,
}

impl Asked {
    /// A test book on 1 January 2026, where customer 1 subscribed.
    fn new() -> Self {
        let disk = SimDisk::new(1);
        let open = open_test_book("2026-01-01T00:00:00Z");
        let gateway = Gateway::create(&config(&disk), LOG, open).expect("a fresh disk");
        set_up(&gateway);
        let asked = Self::of(gateway, disk);
        asked.submit(10, register(1));
        asked.submit(11, subscribe(1));
        asked
    }

    fn of(gateway: Gateway, disk: SimDisk) -> Self {
        let router = Router::new();
        router.add_book(BookDoor::new(gateway.handle()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { gateway, router, runtime: runtime.expect("a runtime"), disk }
    }

    fn submit(&self, n: u64, command: schemas::Command) {
        self.gateway.handle().submit_blocking(request(n, command)).expect("accepted");
    }

    /// The invoice of the last commit.
    fn last_invoice(&self) -> Value {
        let last = commits(reader(&self.disk)).pop().expect("there are some");
        let invoice = last.events.iter().find_map(|event| event.get::<InvoiceFinalized>());
        serde_json::to_value(invoice.expect("an invoice")).expect("JSON")
    }

    fn ask(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Result<Value, Value> {
        let pairs = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let headers: Headers = pairs.collect();
        let subject = format!("billfold.acme.as.ada.{path}");
        let message = Message { subject, headers, body: body.to_string().into_bytes() };
        let reply: Reply = self.runtime.block_on(self.router.handle(message));
        let document = serde_json::from_slice(&reply.body).expect("JSON");
        if reply.is_problem() { Err(document) } else { Ok(document) }
    }

    fn query(&self, path: &str, body: Value) -> Value {
        self.ask(&format!("query.{path}"), &[], &body).expect("answered")["data"].take()
    }

    fn cancel() -> Value {
        json!({"customer": customer(1).to_string(), "subscription": SUB, "when": "now"})
    }

    /// The preview of a cancellation.
    fn previewed(&self) -> Value {
        let body = json!({"command": "subscription.cancel", "body": Self::cancel()});
        self.query("preview.command", body)
    }

    /// Sends what was previewed, with its token.
    fn commit(&self, preview: &Value, more: &[(&str, &str)]) -> Result<Value, Value> {
        let (id, token) = (text(&preview["command_id"]), text(&preview["token"]));
        let mut headers = vec![(header::COMMAND_ID, id), (header::PREVIEW, token)];
        headers.extend(more);
        self.ask("command.subscription.cancel", &headers, &Self::cancel())
    }

    fn refused(&self, preview: &Value, more: &[(&str, &str)]) -> String {
        let problem = self.commit(preview, more).expect_err("stale");
        assert_eq!(problem["code"], "preview_stale", "{problem}");
        text(&problem["detail"]).to_owned()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[test]
fn a_command_with_the_token_of_its_preview_becomes_exactly_what_was_shown() {
    let asked = Asked::new();
    asked.submit(12, charge(1, 1, "3.00"));
    let preview = asked.previewed();
    // Time passes, another customer's invoice takes the next number, a run bills nobody new.
    asked.submit(20, register(2));
    asked.submit(21, charge(2, 2, "5.00"));
    let accepted = asked.commit(&preview, &[]).expect("nothing moved");
    assert_eq!(accepted["duplicate"], false);
    let again = asked.commit(&preview, &[]).expect("known by its id");
    assert_eq!(again["duplicate"], true);
    let stored = commits(reader(&asked.disk));
    let stored = stored.last().expect("a commit");
    let shown = preview["events"].as_array().expect("events");
    assert_eq!(shown.len(), stored.events.len());
    for (shown, event) in shown.iter().zip(&stored.events) {
        assert_eq!(shown["type"], event.kind().name);
        assert_eq!(shown["body"], event.to_json());
    }
}

#[test]
fn a_preview_is_stale_once_the_customer_moved() {
    let asked = Asked::new();
    let preview = asked.previewed();
    asked.submit(20, pay(1, 1, "1.00"));
    assert!(asked.refused(&preview, &[]).starts_with("the customer has changed"));
}

#[test]
fn a_preview_is_stale_once_the_catalog_moved_but_not_by_clock_or_runs() {
    let asked = Asked::new();
    let preview = asked.previewed();
    asked.submit(20, advance("2026-01-01T06:00:00Z"));
    let token = text(&preview["token"]).to_owned();
    asked.submit(21, define_plan());
    assert!(asked.refused(&preview, &[]).starts_with("the catalog has changed"), "{token}");
    let fresh = asked.previewed();
    asked.submit(22, advance("2026-01-01T12:00:00Z"));
    asked.commit(&fresh, &[]).expect("time may pass");
}

#[test]
fn a_preview_is_stale_with_another_effective_time_id_or_command() {
    let asked = Asked::new();
    asked.submit(19, advance("2026-01-02T00:00:00Z"));
    let preview = asked.previewed();
    let earlier = [(header::EFFECTIVE_AT, "2026-01-01T00:00:00Z")];
    assert!(asked.refused(&preview, &earlier).starts_with("the effective time has changed"));
    let mut other = preview.clone();
    other["command_id"] = json!(Uuid::from_u128(99).to_string());
    assert!(asked.refused(&other, &[]).starts_with("the command's id has changed"));
    let mut body = Asked::cancel();
    body["credit"] = json!("none");
    body["preview"] = preview["token"].clone();
    let headers = [(header::COMMAND_ID, text(&preview["command_id"]))];
    let problem = asked.ask("command.subscription.cancel", &headers, &body).expect_err("stale");
    assert!(text(&problem["detail"]).starts_with("the command has changed"), "{problem}");
}

#[test]
fn a_token_goes_through_a_batch_and_a_mistyped_one_is_malformed() {
    let asked = Asked::new();
    let preview = asked.previewed();
    let mistyped = [(header::COMMAND_ID, text(&preview["command_id"])), (header::PREVIEW, "pv1_0")];
    let problem = asked.ask("command.subscription.cancel", &mistyped, &Asked::cancel());
    assert_eq!(problem.expect_err("refused")["status"], 400);
    let command = json!({
        "command": "subscription.cancel", "command_id": preview["command_id"],
        "body": Asked::cancel(), "preview": preview["token"],
    });
    let answers = asked.ask("command.batch", &[], &json!({"commands": [command]}));
    assert_eq!(answers.expect("answered")["answers"][0]["status"], "accepted");
}

#[test]
fn what_a_preview_refuses_is_refused_as_the_command_would_be() {
    let asked = Asked::new();
    let unknown = json!({
        "command": "subscription.cancel",
        "body": {"customer": customer(7).to_string(), "subscription": SUB, "when": "now"},
    });
    let problem = asked.ask("query.preview.command", &[], &unknown).expect_err("unknown");
    assert_eq!(problem["code"], "unknown_customer");
    assert!(problem["position"].is_string());
    let wrong = json!({"command": "subscription.cancel", "body": {"customer": 1}});
    let problem = asked.ask("query.preview.command", &[], &wrong).expect_err("malformed");
    assert_eq!(problem["errors"][0]["pointer"], "/body/customer");
    let internal = json!({"command": "customer.bill", "body": {
        "customer": customer(1).to_string(), "run": run_id(1).to_string(),
        "through": "2026-01-01", "ahead": false}});
    let problem = asked.ask("query.preview.command", &[], &internal).expect_err("internal");
    assert_eq!(problem["code"], "internal_command");
    let problem = asked.ask("query.preview.nothing", &[], &json!({})).expect_err("unknown");
    assert_eq!(problem["status"], 404);
}

#[test]
fn the_next_invoice_is_that_of_now_with_a_command_or_that_of_the_next_due_day() {
    let asked = Asked::new();
    let body = json!({"customer": customer(1).to_string()});
    let due = asked.query("preview.invoice", body.clone());
    assert_eq!(due["invoice"]["totals"]["total"], 1_000, "{due}");
    let command = &due["command"];
    let headers = [
        (header::COMMAND_ID, text(&command["command_id"])),
        (header::PREVIEW, text(&command["token"])),
    ];
    asked.ask("command.invoice.now", &headers, &command["body"]).expect("as shown");
    assert_eq!(asked.last_invoice(), due["invoice"]);
    // Nothing is due any more: the next one is that of February.
    let next = asked.query("preview.invoice", body);
    assert_eq!(next["at"], "2026-02-01T00:00:00Z", "{next}");
    assert_eq!(next["invoice"]["document_date"], "2026-02-01");
    assert!(next["command"].is_null());
}

#[test]
fn a_run_on_a_date_ahead_bills_what_the_preview_showed() {
    let asked = Asked::new();
    let body = json!({"customer": customer(1).to_string(), "through": "2026-03-01"});
    let preview = asked.query("preview.run", body);
    assert_eq!(preview["invoice"]["totals"]["total"], 3_000, "{preview}");
    asked.submit(20, advance("2026-03-01T00:00:00Z"));
    asked.submit(21, run_billing(1, "2026-03-01"));
    let patience = std::time::Duration::from_secs(20);
    asked.gateway.handle().progress().wait_run(run_id(1), patience).expect("known");
    let (mut made, mut shown) = (asked.last_invoice(), preview["invoice"].clone());
    // The run and what is derived from it have other ids.
    for field in ["run", "invoice"] {
        made[field] = Value::Null;
        shown[field] = Value::Null;
    }
    assert_eq!(made, shown);
}

#[test]
fn a_subscription_says_where_it_is_and_what_may_come_next() {
    let asked = Asked::new();
    let body = json!({"customer": customer(1).to_string(), "subscription": SUB});
    let shown = asked.query("subscriptions.get", body.clone());
    assert_eq!(shown["state"], "active", "{shown}");
    assert_eq!(shown["items"][0]["cycle"]["span"], "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z");
    let next = |shown: &Value| -> Vec<String> {
        let names = shown["next"].as_array().expect("names").iter();
        names.map(|name| text(name).to_owned()).collect()
    };
    let legal = next(&shown);
    for name in ["subscription.pause", "subscription.cancel", "subscription.change"] {
        assert!(legal.contains(&name.to_owned()), "{name} not in {legal:?}");
    }
    for name in ["subscription.resume", "subscription.uncancel", "subscription.withdraw_change"] {
        assert!(!legal.contains(&name.to_owned()), "{name} in {legal:?}");
    }
    let later = json!({"when": "cycle_end", "customer": customer(1).to_string(),
        "subscription": SUB});
    asked.submit(30, command("subscription.cancel", &later.to_string()));
    let shown = asked.query("subscriptions.get", body);
    assert_eq!(shown["end"], "2026-02-01T00:00:00Z", "{shown}");
    assert_eq!(shown["scheduled"][0]["change"], 1);
    assert!(next(&shown).contains(&"subscription.uncancel".to_owned()), "{shown}");
    let after = json!({"customer": customer(1).to_string(), "subscription": SUB,
        "at": "2026-02-01T00:00:00Z"});
    assert_eq!(asked.query("subscriptions.get", after)["state"], "canceled");
    let all = json!({"customer": customer(1).to_string()});
    let page = asked.ask("query.subscriptions.list", &[], &all).expect("answered");
    assert_eq!(
        (page["data"].as_array().map(Vec::len), &page["has_more"]),
        (Some(1), &json!(false))
    );
}

#[test]
fn access_follows_what_is_billed_and_paid() {
    let asked = Asked::new();
    let at = |at: &str| {
        asked.query("customers.access", json!({"customer": customer(1).to_string(), "at": at}))
    };
    let now = "2026-01-10T00:00:00Z";
    assert_eq!(at(now)["reason"], "not_billed");
    let mut number = 40;
    let mut submit = |command| {
        number += 1;
        asked.submit(number, command);
    };
    let customer = json!({"customer": customer(1).to_string()}).to_string();
    submit(command("invoice.now", &customer));
    let open = at(now);
    assert_eq!((&open["access"], &open["reason"]), (&json!(true), &json!("within_payment_terms")));
    // Thirty days to pay: the last one is 31 January.
    assert_eq!(open["until"], "2026-02-01T00:00:00Z", "{open}");
    submit(advance("2026-02-01T00:00:00Z"));
    submit(command("invoice.now", &customer));
    let unpaid = at("2026-03-04T00:00:00Z");
    assert_eq!((&unpaid["access"], &unpaid["reason"]), (&json!(false), &json!("unpaid")));
    let body = json!({"customer": self::customer(1).to_string(), "subscription": SUB,
        "at": "2026-02-02T00:00:00Z"});
    assert_eq!(asked.query("subscriptions.get", body)["state"], "past_due");
    submit(pay(1, 1, "20.00"));
    let paid = at("2026-02-10T00:00:00Z");
    assert_eq!((&paid["access"], &paid["reason"]), (&json!(true), &json!("paid")));
    assert_eq!(paid["until"], "2026-03-01T00:00:00Z", "{paid}");
    let none = asked.query(
        "customers.access",
        json!({"customer": self::customer(1).to_string(),
        "at": "2026-02-10T00:00:00Z", "subscription": SUB}),
    );
    assert_eq!(none["subscriptions"][0]["paid_through"], "2026-03-01T00:00:00Z");
}

#[test]
fn a_preview_is_refused_for_what_others_have_as_the_command_would_be() {
    let asked = Asked::new();
    asked.submit(20, pay(1, 1, "1.00"));
    let parent = customer(1).to_string();
    let child = json!({"customer": customer(2).to_string(), "entity": ENTITY,
        "name": "Child", "currency": "EUR", "parent": parent, "external_id": "child"});
    let preview = |command: &str, body: Value| {
        let body = json!({"command": command, "body": body});
        asked.ask("query.preview.command", &[], &body)
    };
    let shown = preview("customer.register", child.clone()).expect("the parent is there");
    assert_eq!(shown["data"]["events"][0]["type"], "customer.registered");
    asked.ask("command.customer.register", &[(header::COMMAND_ID, ID)], &child).expect("accepted");

    let again = json!({"customer": customer(2).to_string(), "payment": PAYMENT,
        "amount": {"amount": "1.00", "currency": "EUR"}});
    let mut of_child = child.clone();
    of_child["customer"] = json!(customer(3).to_string());
    of_child["parent"] = child["customer"].clone();
    of_child["external_id"] = json!("grandchild");
    let mut same_name = child.clone();
    same_name["customer"] = json!(customer(3).to_string());
    let mut unknown = same_name.clone();
    unknown["parent"] = json!(customer(9).to_string());
    unknown["external_id"] = Value::Null;
    for (command, body, code) in [
        ("payment.record", again, "payment_exists"),
        ("customer.register", of_child, "cyclic_parents"),
        ("customer.register", same_name, "external_id_taken"),
        ("customer.register", unknown, "unknown_customer"),
    ] {
        let foreseen = preview(command, body.clone()).expect_err(code);
        let path = format!("command.{command}");
        let refused = asked.ask(&path, &[(header::COMMAND_ID, OTHER)], &body).expect_err(code);
        assert_eq!((&foreseen["code"], &refused["code"]), (&json!(code), &json!(code)));
        assert_eq!(foreseen["detail"], refused["detail"]);
    }
}

#[test]
fn a_child_has_access_to_what_its_parent_pays_for() {
    let asked = Asked::new();
    let (parent, child) = (customer(1).to_string(), customer(2).to_string());
    let register = json!({"customer": child, "entity": ENTITY, "name": "Child",
        "currency": "EUR", "parent": parent});
    asked.ask("command.customer.register", &[(header::COMMAND_ID, ID)], &register).expect("new");
    let access = || asked.query("customers.access", json!({"customer": child}));
    assert_eq!(access()["reason"], "none");
    let mut subscription = json!({"customer": parent, "plan": PLAN,
        "subscription": "sub_000000000000000000000000000000c1"});
    subscription["with"] = json!({"beneficiary": child});
    let headers = [(header::COMMAND_ID, OTHER)];
    asked.ask("command.subscription.create", &headers, &subscription).expect("accepted");
    let has = access();
    assert_eq!((&has["access"], &has["subscriptions"][0]["payer"]), (&json!(true), &json!(parent)));
    // What the parent has for itself is not the child's.
    assert_eq!(has["subscriptions"].as_array().expect("a list").len(), 1);
}

/// A plan whose size is set in two steps: by tiers, and by the letters of its name.
fn large_plan(tiers: usize, letters: usize) -> Value {
    let amount = |currency: &str, tiers: usize| {
        let tier = |n: usize| {
            let up_to = (n < tiers).then(|| (1_000_000 + n).to_string());
            json!({"up_to": up_to, "unit": "0.12345678", "flat": "0.12345678", "percent": "0"})
        };
        let tiers: Vec<_> = (1..=tiers).map(tier).collect();
        json!({"currency": currency, "rate": {"graduated": tiers}})
    };
    let (mut prices, mut left) = (Vec::new(), tiers);
    while left > 0 {
        let mut amounts = Vec::new();
        for currency in ["EUR", "USD", "GBP"] {
            let most = left.min(64);
            if most > 0 {
                amounts.push(amount(currency, most));
            }
            left -= most;
        }
        prices.push(json!({"price": format!("p{}", prices.len()), "amounts": amounts}));
    }
    json!({
        "plan": "pln_000000000000000000000000000000aa", "name": "x".repeat(letters),
        "every": {"count": 1, "unit": "month"}, "timing": "in_advance", "prices": prices,
    })
}

/// The largest number below `end` for which something holds, where it holds up to a limit.
fn largest(end: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (1, end);
    assert!(holds(low) && !holds(high), "the limit lies between");
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

#[test]
fn the_largest_command_that_is_previewed_is_taken_with_whatever_is_sent_beside_it() {
    // given a book that seals reasons
    let disk = SimDisk::new(1);
    let keys = vault::Place::on(Arc::new(SimDisk::new(2))).with_room(64);
    let open = open_test_book("2026-01-01T00:00:00Z");
    let gateway = Gateway::create(&config(&disk).with_keys(keys), LOG, open).expect("a fresh disk");
    set_up(&gateway);
    let asked = Asked::of(gateway, disk);
    let preview = |plan: &Value| {
        let body = json!({"command": "plan.define", "body": plan});
        asked.ask("query.preview.command", &[], &body)
    };
    let tiers = largest(64 * 3 * 64, |tiers| preview(&large_plan(tiers, 1)).is_ok());
    let letters = largest(201, |letters| preview(&large_plan(tiers, letters)).is_ok());
    let plan = large_plan(tiers, letters);
    let shown = preview(&plan).expect("it is the largest")["data"].clone();
    // when
    let (reason, uuid) = ("r".repeat(1_000), Uuid::from_u128(7).to_string());
    let headers = [
        (header::COMMAND_ID, text(&shown["command_id"])),
        (header::PREVIEW, text(&shown["token"])),
        (header::REASON, &reason),
        (header::SESSION, &uuid),
        (header::BATCH, &uuid),
    ];
    let accepted = asked.ask("command.plan.define", &headers, &plan);
    // then
    assert_eq!(accepted.expect("as previewed")["status"], "accepted");
    let refused = preview(&large_plan(tiers, letters + 1)).expect_err("too large");
    assert_eq!(refused["code"], "commit_too_large");
    let stored = commits(reader(&asked.disk)).pop().expect("a commit").to_bytes();
    let room = schemas::commit::MAX_COMMIT_BYTES - stored.len();
    assert!(room < 32, "{room} bytes are kept for nothing");
}

#[test]
fn a_copy_shows_nothing_that_is_not_durable() {
    let disk = SimDisk::new(1);
    let gate = Gate::default();
    let gated = GatedDisk { gate: gate.clone(), ..GatedDisk::of(disk.clone()) };
    let config = command_gateway::GatewayConfig::on(Arc::new(gated)).with_clock(clock());
    let gateway = Gateway::create(&config, LOG, open_book()).expect("a fresh disk");
    set_up(&gateway);
    let handle = gateway.handle();
    gate.close();
    let registered = handle.submit(request(10, register(1))).expect("taken");
    gate.wait_for_a_sync();
    let mut copy = handle.excerpt(Some(customer(1)), Claims::default()).expect("taken");
    assert!(copy.try_recv().is_err(), "the registration is not durable yet");
    gate.open();
    registered.wait().expect("accepted");
    let copy = copy.blocking_recv().expect("a copy");
    assert_eq!(copy.position, 4);
    drop(gateway);
    assert!(handle.excerpt(None, Claims::default()).is_err(), "the engine is gone");
}
