//! What is read of a file, and what is refused.

mod refused;

use std::fs;

use schemas::Command;
use schemas::command::{CatalogCommand, CustomerCommand, SubscriptionCommand};
use schemas::terms::{Anchor, ChangeTime, PackageRate, Rate, Settle};

use super::*;
use crate::value::Wanted;

fn read_with(text: &str, cases: Cases<'_>) -> Result<Scenario, Trouble> {
    let mut read = scenarios(text, cases).expect("YAML");
    read.remove(0).1
}

fn read_steps(steps: &str) -> Result<Vec<Step>, Trouble> {
    let text = format!("scenario: 1\nid: x\nsteps:\n{steps}\n");
    let cases = Cases { named: None, folder: Path::new(".") };
    read_with(&text, cases).map(|scenario| scenario.steps)
}

/// The commands of the steps, if all are accepted.
fn commands(steps: &str) -> Vec<Command> {
    let text = format!("scenario: 1\nid: x\nsteps:\n{steps}\n");
    let cases = Cases { named: None, folder: Path::new(".") };
    let scenario = read_with(&text, cases).expect("understood");
    let mut names = scenario.names();
    let mut commands = Vec::new();
    for (_, verb) in scenario.verbs() {
        let command = verb.command(&names).expect("can be made").expect("asks for something");
        names.learn(&command);
        commands.push(command);
    }
    commands
}

#[test]
fn the_page_of_the_format_is_understood_as_far_as_there_are_commands() {
    let text = r#"
scenario: 1
id: PRO-STRIPE-006
profile: stripe_flexible@1
policies: {}
book: {zone: UTC, currency: USD, entity: e1, periods: monthly}
steps:
- {at: 2019-04-01T00:00:00Z, customer: {id: c, currency: USD, zone: UTC, parent: p}}
- plan:
    id: basic
    every: 1 month
    bill: in_arrears
    trial: 0 days
    lead: 0 days
    prices:
    - {id: fee, model: flat, unit: "90", package: 10, free_units: 0, free_amount: "0",
       fixed: "0", min: "0", max: "0", minimum: "0", schedule: by_day}
- subscribe: {id: s, customer: c, plan: basic, quantity: "1", anchor: {day: 1}}
- {at: 2019-04-21T00:00:00Z, change: {sub: s, plan: basic, quantity: "1", unit: {fee: "120"},
    anchor: {day: 1}, when: cycle_end, proration: none}}
- cancel: {sub: s, when: now, credit: prorated}
- pause: {sub: s, when: now, credit: prorated}
- resume: {sub: s, when: now, credit: prorated}
- uncancel: {sub: s, when: now}
- discount: {id: d, on: c, percent: "10", amount: "0", for: 3 cycles}
- remove_discount: {id: d, on: c}
- charge: {id: x, customer: c, amount: "31.00", quantity: "1", service: 2019-04-01/2019-05-01,
    invoice: now}
- {at: 2019-05-01T00:00:00Z, run: {through: 2019-05-01}}
- finalize: {invoice: i1}
- void: {invoice: i1, rebill: true}
- credit_note: {id: n1, invoice: i1, lines: {1: "10.00"}, to: receivable}
- grant_credit: {customer: c, amount: "10"}
- pay: {id: p, customer: c, amount: "130.00", rate: "1", state: settled, allocate: {i1: "130.00"}}
- refund: {payment: p, amount: "10", effect: reopen}
- expect: {invoice: i1, total: "130.00", match: subset,
    lines: [{kind: proration_credit, item: fee, service: 2019-04-21/2019-05-01, net: "-30.00",
      ratio: "10/30", exact: "-30"}]}
- expect: {note: n1, net: "1", tax: "1"}
- expect: {customer: c, open: "130.00", credit: "0", unapplied: "0"}
- expect: {sub: s, state: active, cycles: [2019-04-01/2019-05-01]}
- expect: {preview: {run: {through: 2019-05-01}}, total: "0"}
- expect: {rerun: empty}
"#;
    let cases = Cases { named: None, folder: Path::new(".") };
    let scenario = read_with(text, cases).expect("understood");
    assert_eq!(scenario.steps.len(), 24);
    assert_eq!(scenario.start.to_string(), "2019-04-01T00:00:00Z");
    assert_eq!(scenario.currencies().len(), 1);
}

#[test]
fn prices_of_every_model_are_read_with_their_own_figures() {
    let rate = |price: &str| {
        let all = commands(&format!("- plan: {{id: p, prices: [{{id: a, {price}}}]}}"));
        let [Command::Catalog(CatalogCommand::DefinePlan(plan))] = all.as_slice() else {
            panic!("{all:?}")
        };
        plan.prices[0].amounts[0].rate.clone()
    };
    let n = |text: &str| text.parse().expect("a decimal");
    assert_eq!(rate("unit: 9"), Rate::Flat(n("9")));
    assert_eq!(rate("model: per_unit, unit: 9"), Rate::PerUnit(n("9")));
    let package = PackageRate { price: n("5"), size: n("10"), free_units: n("0") };
    assert_eq!(rate("model: package, unit: 5, package: 10"), Rate::Package(package));
    let Rate::Percentage(share) = rate("model: percentage, unit: '1.5', min: 1, max: 0") else {
        panic!("a percentage")
    };
    assert_eq!((share.percent, share.min, share.max), (n("1.5"), Some(n("1")), None));
    let tiers = "model: volume, tiers: [{up_to: 5, unit: 7}, {up_to: inf, unit: 6, flat: 1}]";
    let Rate::Volume(tiers) = rate(tiers) else { panic!("tiers") };
    assert_eq!((tiers[0].up_to, tiers[1].up_to), (Some(n("5")), None));
    // So many free units are a first tier that costs nothing.
    let Rate::Graduated(tiers) = rate("model: per_unit, unit: 2, free_units: 3") else {
        panic!("tiers")
    };
    assert_eq!((tiers[0].up_to, tiers[0].unit, tiers[1].unit), (Some(n("3")), n("0"), n("2")));
}

#[test]
fn a_figure_that_a_model_has_no_place_for_is_refused_by_name() {
    let steps = "- plan: {id: p, prices: [{id: a, model: flat, unit: 9, fixed: 1}]}";
    let trouble = read_steps(steps).expect_err("refused");
    assert!(trouble.to_string().contains("`fixed` of a flat price"), "{trouble}");
    let metered = "- plan: {id: p, prices: [{id: a, model: per_unit, unit: 9, meter: m}]}";
    let trouble = read_steps(metered).expect_err("refused");
    assert!(trouble.to_string().contains("`meter: m`"), "{trouble}");
}

#[test]
fn changes_say_when_and_how_the_difference_is_billed() {
    let all = commands("- change: {sub: s, when: 2024-05-01, proration: now, anchor: calendar}");
    let [Command::Subscription(SubscriptionCommand::ChangeSubscription(change))] = all.as_slice()
    else {
        panic!("{all:?}")
    };
    let date = "2024-05-01".parse().expect("a date");
    assert_eq!((change.when, change.proration), (ChangeTime::On(date), Some(Settle::Now)));
    assert_eq!(change.anchor, Some(Anchor::Calendar));
    let trouble = read_steps("- change: {sub: s, when: tomorrow}").expect_err("refused");
    assert!(trouble.to_string().contains("`when: tomorrow`"), "{trouble}");
}

#[test]
fn a_step_is_repeated_with_its_turn_in_its_texts() {
    let all = commands("- {repeat: 3, customer: {id: 'c{i}'}}");
    let id = |command: &Command| {
        let Command::Customer(CustomerCommand::RegisterCustomer(customer)) = command else {
            panic!("{command:?}")
        };
        customer.external_id.clone().map(|id| id.to_string())
    };
    let ids: Vec<_> = all.iter().filter_map(id).collect();
    assert_eq!(ids, ["c1", "c2", "c3"]);
}

#[test]
fn times_are_instants_dates_or_times_of_day_in_the_zone_of_the_book() {
    let text = "
scenario: 1
id: x
book: {zone: America/New_York}
steps:
- {at: 2024-01-01, customer: {id: c}}
- {at: '2024-01-01T01:30:00', customer: {id: d}}
- {at: '2024-01-01T08:30:00+01:00', customer: {id: e}}
";
    let cases = Cases { named: None, folder: Path::new(".") };
    let scenario = read_with(text, cases).expect("understood");
    let at: Vec<_> = scenario.steps.iter().filter_map(|step| Some(step.at?.to_string())).collect();
    assert_eq!(at, ["2024-01-01T05:00:00Z", "2024-01-01T06:30:00Z", "2024-01-01T07:30:00Z"]);
}

#[test]
fn policies_are_known_by_name_or_by_a_rule_that_only_one_of_them_has() {
    assert_eq!(policy_of("proration", "fixed_30"), Some(("proration", "fixed_30")));
    assert_eq!(policy_of("unit", "fixed_30"), Some(("proration", "fixed_30")));
    // Two policies know an anchor that is `calendar` or `anchor`; the name decides.
    let from_anchor = policy_of("previous_period_from", "anchor");
    assert_eq!(from_anchor, Some(("previous_period_from", "anchor")));
    assert_eq!(policy_of("proration", "by_moon"), None);
}

#[test]
fn figures_of_a_case_are_read_where_an_expectation_points() {
    let scratch = tempfile::tempdir().expect("a folder");
    let cases = r#"[{"id": "A", "expected": {"fee": "-30.00", "minor": 364, "f": 1.5}}]"#;
    fs::write(scratch.path().join("cases.json"), cases).expect("written");
    let text = |pointer: &str| {
        format!(
            "scenario: 1\nid: x\ncase: cases.json#A\nsteps:\n- expect: {{invoice: i1, total: \
             {{$case: {pointer}}}}}\n"
        )
    };
    let read = |pointer: &str| {
        let cases = Cases { named: None, folder: scratch.path() };
        read_with(&text(pointer), cases).map(|scenario| {
            let act = scenario.steps.into_iter().next().map(|step| step.act);
            let Some(Act::Expect(expect)) = act else { panic!("an expectation") };
            assert!(matches!(&expect.subject, Subject::Invoice(name) if name == "i1"));
            expect.values[0].1.clone()
        })
    };
    assert_eq!(read("/expected/fee").map(|it| it.text), Ok("-30.00".to_owned()));
    let minor = read("/expected/minor, minor: true, negate: true").expect("a figure");
    assert_eq!((minor.text.as_str(), minor.minor, minor.negate), ("364", true, true));
    // A float can no longer tell what was written.
    assert!(read("/expected/f").is_err());
    assert!(read("/expected/nothing").is_err());
    let missing = Cases { named: None, folder: Path::new("/nonexistent") };
    assert!(read_with(&text("/expected/fee"), missing).is_err());
}

#[test]
fn a_number_of_lines_in_place_of_the_lines_is_compared() {
    let steps = read_steps("- expect: {invoice: i1, lines: 3}").expect("understood");
    let Act::Expect(expect) = &steps[0].act else { panic!("an expectation") };
    assert_eq!(expect.values, [("line_count".to_owned(), Wanted::from("3"))]);
    assert_eq!(expect.lines, None);
}

#[test]
fn a_book_starts_at_the_first_time_that_is_named() {
    let start = |steps: &str| {
        let text = format!("scenario: 1\nid: x\nsteps:\n{steps}\n");
        let cases = Cases { named: None, folder: Path::new(".") };
        read_with(&text, cases).expect("understood").start.to_string()
    };
    assert_eq!(start("- {customer: {id: c}}"), "2020-01-01T00:00:00Z");
    let two = "- {customer: {id: c}}\n- {at: 2024-05-01T00:00:00Z, customer: {id: d}}";
    assert_eq!(start(two), "2024-05-01T00:00:00Z");
    let backdated = "- {at: 2024-05-01T00:00:00Z, effective: 2024-04-01T00:00:00Z, \
                     uncancel: {sub: s}}";
    assert_eq!(start(backdated), "2024-04-01T00:00:00Z");
}

#[test]
fn a_file_without_a_scenario_is_no_success() {
    for text in ["", "# Only a comment.\n"] {
        let cases = Cases { named: None, folder: Path::new(".") };
        let trouble = scenarios(text, cases).expect_err("nothing to play");
        assert!(trouble.to_string().contains("holds no scenario"), "{trouble}");
    }
}

const SOLD: &str = "- customer: {id: c}
- plan: {id: p, product: suite, prices: [{id: fee, unit: 7}, {id: seat, model: per_unit, unit: 2}]}
- subscribe: {id: s, customer: c, plan: p}
";

/// The last command of some steps behind a sale, as JSON.
fn last(step: &str) -> serde_json::Value {
    commands(&format!("{SOLD}{step}")).last().expect("a command").to_json()
}

#[test]
fn a_verb_may_be_the_name_of_a_command_and_say_its_own_fields() {
    for (short, whole) in [
        (
            "cancel: {sub: s, when: cycle_end}",
            "subscription.cancel: {subscription: s, when: cycle_end}",
        ),
        ("run: {through: 2024-05-01}", "billing.run: {through: 2024-05-01}"),
        (
            "discount: {id: d, on: seat, percent: 10, for: 3 cycles}",
            "discount.apply: {discount: d, on: {item: {subscription: s, price: seat}}, \
             value: {percent: 10}, duration: {cycles: 3}}",
        ),
        (
            "charge: {id: x, customer: c, amount: 12, invoice: now}",
            "charge.add: {charge: x, customer: c, description: x, price: {total: 12.00 USD}, \
             invoice: now}",
        ),
        (
            "pay: {id: y, customer: c, amount: 12, allocate: {i1: 7}}",
            "payment.record: {payment: y, customer: c, amount: 12, allocate: {to: [{invoice: i1, \
             amount: 7}]}}",
        ),
        (
            "refund: {payment: y, amount: 1, effect: credit_note, id: z}",
            "payment.refund: {payment: y, refund: z, amount: 1, effect: {credit_note: ~}}",
        ),
        (
            "subscribe: {id: t, customer: c, plan: p, trial: 2 weeks, term: 1 year}",
            "subscription.create: {subscription: t, customer: c, plan: p, with: {trial_days: 14, \
             term: {length: 1 year, renewal: renew}}}",
        ),
    ] {
        assert_eq!(last(&format!("- {short}")), last(&format!("- {whole}")), "{short}");
    }
}

#[test]
fn a_command_without_a_short_form_is_a_verb_too() {
    let update = last("- customer.update: {customer: c, payment_terms_days: 2 weeks}");
    assert_eq!(update["payment_terms_days"], 14);
    assert!(update["customer"].as_str().is_some_and(|id| id.starts_with("cus_")), "{update}");
    let change = last("- subscription.change_quantity: {subscription: s, quantity: 3}");
    assert_eq!((&change["quantity"], &change["when"]), (&"3".into(), &"now".into()));
}
