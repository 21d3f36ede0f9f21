//! From one version of a plan to another: what moves with it, when, and who cannot.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod support;

use schemas::Timestamp;
use schemas::event::{PlanMigrationSet, SubscriptionMigrated, TermsChange};
use schemas::ids::{CustomerId, PlanId};
use schemas::view::{MigrationObstacle, MigrationStanding, SubscriptionMigration};
use serde_json::{Value, json};

use support::{TestBook, at, id, pairs, subscription, with};

fn price(name: &str, kind: &str, amount: &str) -> Value {
    json!({
        "price": name, "recurrence": kind,
        "amounts": [{"currency": "EUR", "rate": {"per_unit": amount}}],
    })
}

fn fee(amount: &str) -> Value {
    price("fee", "recurring", amount)
}

/// A version of plan `p`, monthly in advance unless said otherwise.
fn version(book: &mut TestBook, prices: Value, more: Value) {
    let plan = json!({
        "plan": id("p"), "name": "Plan", "every": {"count": 1, "unit": "month"},
        "timing": "in_advance", "prices": prices,
    });
    book.given("plan.define", with(plan, more));
}

fn migrate(from: u32, to: u32, on: &str) -> Value {
    json!({"plan": id("p"), "from_version": from, "to_version": to, "on": on})
}

/// Customer `c` with subscription `s` of the first version, billed for January.
fn subscribed(versions: &[Value], terms: Value) -> TestBook {
    let mut book = TestBook::with_plans();
    for prices in versions {
        version(&mut book, prices.clone(), json!({}));
    }
    let body = json!({"plan": id("p"), "version": 1, "with": terms});
    book.given("subscription.create", with(subscription(), body));
    book.bill("2024-01-01");
    book
}

fn nets(book: &mut TestBook, day: &str) -> Vec<i64> {
    book.billed(&[day]).into_iter().map(|(_, net)| net).collect()
}

fn row(book: &TestBook, now: &str) -> Option<SubscriptionMigration> {
    let customer: CustomerId = id("c").parse().expect("an id");
    let plan: PlanId = id("p").parse().expect("an id");
    let rows = book.ledger.migrations_of(customer, plan, at(now)).expect("they are told");
    rows.into_iter().next()
}

fn starts(row: &SubscriptionMigration) -> (Vec<Option<Timestamp>>, Option<Timestamp>) {
    (row.moved.iter().map(|step| step.at).collect(), row.next.and_then(|next| next.at))
}

#[test]
fn prices_move_by_id_others_end_and_new_ones_begin() {
    let old = json!([fee("10"), price("logs", "recurring", "3"), price("chat", "add_on", "4")]);
    let new = json!([price("care", "recurring", "5"), fee("12")]);
    let items = json!([{"price": "fee", "quantity": "2"}, {"price": "chat"}]);
    let mut book = subscribed(&[old, new], json!({"items": items}));
    let set = book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    let set = set[0].get::<PlanMigrationSet>().expect("a migration");
    assert_eq!(set.prices.started, ["care".parse().expect("a code")]);
    assert_eq!(set.prices.ended, ["logs", "chat"].map(|code| code.parse().expect("a code")));
    // Quantities go along; what begins does so with one unit, behind what was there.
    assert_eq!(
        book.billed(&["2024-02-01"]),
        pairs(&[("2024-02-01/2024-03-01", 2_400), ("2024-02-01/2024-03-01", 500)])
    );
}

#[test]
fn a_map_says_what_ids_do_not() {
    let old = json!([fee("10"), price("seat", "recurring", "3")]);
    let new = json!([price("base", "recurring", "20"), price("seat", "recurring", "4")]);
    let mut book = subscribed(&[old, new], json!({}));
    let by = |map: Value| with(migrate(1, 2, "2024-02-01"), json!({"map": map}));
    let twice = by(json!([{"from": "fee", "to": "seat"}]));
    let refused = book.when("plan.migrate", twice).expect_err("two become seat");
    assert_eq!(refused.code(), "invalid_migration");
    book.given("plan.migrate", by(json!([{"from": "fee", "to": "base"}, {"from": "seat"}])));
    assert_eq!(nets(&mut book, "2024-02-01"), [2_000, 400], "seat ended and begins anew");
}

#[test]
fn what_maps_to_nothing_is_refused_with_what_it_could_map_to() {
    let new = json!([price("base", "recurring", "20"), price("fee", "add_on", "1")]);
    let mut book = subscribed(&[json!([fee("10")]), new], json!({}));
    let refused = book.when("plan.migrate", migrate(1, 2, "2024-02-01")).expect_err("an add-on");
    assert_eq!(refused.code(), "unknown_price");
    assert!(refused.to_string().ends_with("map fee to one of: base"), "{refused}");
}

#[test]
fn what_was_begun_when_the_migration_was_made_keeps_its_version() {
    let mut book = subscribed(&[json!([fee("10")]), json!([fee("20")])], json!({}));
    // The run is late: February began before the migration was made.
    book.on("2024-02-10");
    book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    assert_eq!(nets(&mut book, "2024-02-11"), [1_000]);
    // Withdrawn in March, it stood when March began.
    book.on("2024-03-10");
    book.given("plan.withdraw_migration", json!({"plan": id("p"), "from_version": 1}));
    assert_eq!(nets(&mut book, "2024-03-11"), [2_000]);
    let again = json!({"plan": id("p"), "from_version": 1});
    let refused = book.when("plan.withdraw_migration", again).expect_err("none stands");
    assert_eq!(refused.code(), "unknown_migration");
    assert_eq!(nets(&mut book, "2024-04-01"), [2_000], "who has moved stays");
}

#[test]
fn what_is_billed_ahead_keeps_its_version() {
    let mut book = TestBook::with_plans();
    for amount in ["10", "20"] {
        version(&mut book, json!([fee(amount)]), json!({"lead_days": 10}));
    }
    let body = json!({"plan": id("p"), "version": 1});
    book.given("subscription.create", with(subscription(), body));
    assert_eq!(nets(&mut book, "2024-01-22"), [1_000, 1_000]);
    book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    assert_eq!(nets(&mut book, "2024-02-01"), [0; 0]);
    assert_eq!(nets(&mut book, "2024-02-20"), [2_000]);
}

#[test]
fn a_later_migration_takes_the_place_of_one_from_the_same_version() {
    let versions = ["10", "20", "30"].map(|amount| json!([fee(amount)]));
    let mut book = subscribed(&versions, json!({}));
    book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    book.given("plan.migrate", migrate(1, 3, "2024-03-01"));
    assert_eq!(nets(&mut book, "2024-02-01"), [1_000]);
    assert_eq!(nets(&mut book, "2024-03-01"), [3_000]);
}

#[test]
fn migrations_that_lead_on_are_one_step_and_none_is_taken_twice() {
    let versions = ["10", "20", "30"].map(|amount| json!([fee(amount)]));
    let mut book = subscribed(&versions, json!({}));
    for (from, to) in [(1, 2), (2, 3), (3, 1)] {
        let on = if from == 3 { "2024-03-01" } else { "2024-02-01" };
        book.given("plan.migrate", migrate(from, to, on));
    }
    assert_eq!(nets(&mut book, "2024-02-01"), [3_000]);
    let told = row(&book, "2024-02-01").expect("it moved");
    assert_eq!(told.standing, MigrationStanding::WillMove);
    assert_eq!((told.moved[0].from_version, told.moved[0].to_version), (1, 3));
    assert_eq!(starts(&told), (vec![Some(at("2024-02-01"))], Some(at("2024-03-01"))));
    assert_eq!(nets(&mut book, "2024-03-01"), [1_000]);
    assert_eq!(nets(&mut book, "2024-04-01"), [1_000]);
    assert_eq!(row(&book, "2024-04-01").expect("it moved").standing, MigrationStanding::Moved);
}

#[test]
fn a_price_of_ones_own_stays_and_a_ramp_goes_on_in_the_new_version() {
    let ramp = json!([
        {"days": "2024-01-01/2024-03-01", "items": [{"price": "fee", "rate": {"per_unit": "7"}}]},
        {"days": "2024-03-01/2024-05-01", "items": [{"price": "fee", "rate": {"per_unit": "8"}}]},
    ]);
    let versions = ["10", "20"].map(|amount| json!([fee(amount)]));
    let mut book = subscribed(&versions, json!({"ramp": ramp}));
    book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    assert_eq!(nets(&mut book, "2024-02-01"), [700]);
    assert_eq!(nets(&mut book, "2024-03-01"), [800]);
    let line = &book.invoices.last().expect("an invoice").lines[0];
    assert_eq!(line.plan.map(|plan| plan.version), Some(2));
}

#[test]
fn cycles_of_another_length_begin_with_the_cycle_that_moves() {
    let mut book = TestBook::with_plans();
    version(&mut book, json!([fee("10")]), json!({}));
    let chat = price("chat", "add_on", "1");
    let yearly = json!({"every": {"count": 1, "unit": "year"}});
    version(&mut book, json!([fee("100"), chat]), yearly);
    let body = json!({"plan": id("p"), "version": 1});
    book.given("subscription.create", with(subscription(), body));
    book.bill("2024-01-01");
    book.given("plan.migrate", migrate(1, 2, "2024-01-15"));
    // `interval_change: restart_on_change`: the year starts with that cycle.
    assert_eq!(
        book.billed(&["2024-02-01", "2024-03-01", "2025-02-01"]),
        pairs(&[("2024-02-01/2025-02-01", 10_000), ("2025-02-01/2026-02-01", 10_000)])
    );
}

#[test]
fn who_pays_in_a_currency_that_the_version_lacks_stays_and_is_told() {
    let dollars = |amount: &str| {
        let euro = json!({"currency": "EUR", "rate": {"flat": amount}});
        json!([{"price": "fee", "amounts": [euro, {"currency": "USD", "rate": {"flat": amount}}]}])
    };
    let mut book = TestBook::with_plans();
    version(&mut book, dollars("10"), json!({}));
    version(
        &mut book,
        json!([{
            "price": "fee", "amounts": [{"currency": "USD", "rate": {"flat": "20"}}],
        }]),
        json!({}),
    );
    let body = json!({"plan": id("p"), "version": 1});
    book.given("subscription.create", with(subscription(), body));
    book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    assert_eq!(nets(&mut book, "2024-01-01"), [1_000]);
    assert_eq!(nets(&mut book, "2024-02-01"), [1_000]);
    let told = row(&book, "2024-02-01").expect("it is told");
    assert_eq!(told.standing, MigrationStanding::CannotMove);
    assert_eq!(told.obstacle, Some(MigrationObstacle::Currency));
}

#[test]
fn who_leaves_before_the_day_cannot_move() {
    let versions = ["10", "20"].map(|amount| json!([fee(amount)]));
    let mut book = subscribed(&versions, json!({}));
    assert_eq!(row(&book, "2024-01-01"), None, "there is no migration");
    book.given("plan.migrate", migrate(1, 2, "2024-02-15"));
    let told = row(&book, "2024-01-01").expect("it will move");
    assert_eq!(starts(&told), (vec![], Some(at("2024-03-01"))));
    book.given("subscription.cancel", with(subscription(), json!({"when": "cycle_end"})));
    let told = row(&book, "2024-01-01").expect("it is told");
    assert_eq!(told.obstacle, Some(MigrationObstacle::Ends));
    book.given("subscription.uncancel", subscription());
    let change = json!({"plan": id("pro"), "when": "cycle_end"});
    book.given("subscription.change_plan", with(subscription(), change));
    let told = row(&book, "2024-01-01").expect("it is told");
    assert_eq!(told.obstacle, Some(MigrationObstacle::Changes));
}

#[test]
fn what_leads_back_changes_nothing_and_is_taken() {
    let versions = ["10", "20"].map(|amount| json!([fee(amount)]));
    let mut book = subscribed(&versions, json!({}));
    book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    book.given("plan.migrate", migrate(2, 1, "2024-02-01"));
    book.on("2024-02-01");
    let before = book.invoices.len();
    book.bill("2024-02-01");
    assert_eq!(book.invoices[before].lines[0].net.0, 1_000);
    // Though the way back is gone, the way there was taken.
    book.given("plan.withdraw_migration", json!({"plan": id("p"), "from_version": 2}));
    assert_eq!(nets(&mut book, "2024-03-01"), [1_000]);
}

#[test]
fn an_add_on_ends_with_the_cycle_of_the_plan() {
    let old = json!([fee("10"), price("chat", "add_on", "31")]);
    let mut book = subscribed(&[old, json!([fee("20")])], json!({"items": [{"price": "chat"}]}));
    book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    book.on("2024-02-01");
    let run = book.bill("2024-02-01");
    assert_eq!(run[0].totals.total.0, 2_000);
    let body = json!({"items": [{"price": "chat", "quantity": "2"}], "when": "now"});
    let refused = book.when("subscription.change", with(subscription(), body)).expect_err("ended");
    assert_eq!(refused.code(), "invalid_items");
}

#[test]
fn the_event_says_what_was_taken_and_what_changed() {
    let versions = ["10", "20"].map(|amount| json!([fee(amount)]));
    let mut book = subscribed(&versions, json!({}));
    book.given("plan.migrate", migrate(1, 2, "2024-02-01"));
    book.on("2024-02-01");
    let events = book.given("invoice.now", json!({"customer": id("c")}));
    let migrated = events.iter().find_map(|event| event.get::<SubscriptionMigrated>());
    let migrated = migrated.expect("it moved");
    assert_eq!(migrated.taken[0].to_version, 2);
    assert!(matches!(&migrated.items[0].terms, TermsChange::Set(terms) if terms.version == 2));
}
