//! Answers as tables for people: subscriptions, explanations, what became of a command.

use crate::workbench::{Bench, CUSTOMER};

const SUBSCRIPTION: &str = "subscription=sub_00000000000000000000000000000001";
const PLAN: &str = "plan=pln_00000000000000000000000000000001";

impl Bench {
    /// What a command line prints for people.
    fn table(&self, args: &[&str]) -> String {
        let ran = self.run(&[args, &["--output", "table"]].concat());
        assert_eq!(ran.code, 0, "{args:?} {}", ran.err);
        ran.out
    }

    /// Three units of the plan of 20.00, billed.
    fn subscribed() -> Self {
        let bench = Self::with_book();
        bench.catalog();
        bench.table(&[
            "submit",
            "subscription.create",
            CUSTOMER,
            SUBSCRIPTION,
            PLAN,
            "quantity=3",
            "invoice=now",
        ]);
        bench
    }
}

#[test]
fn a_subscription_is_a_page_with_its_items_changes_and_next_commands() {
    // given
    let bench = Bench::subscribed();
    let id = &SUBSCRIPTION["subscription=".len()..];
    let on = format!(r#"on={{"item":{{"subscription":"{id}","price":"fee"}}}}"#);
    for command in [
        &["subscription.change_quantity", SUBSCRIPTION, "quantity=5", "when=cycle_end"][..],
        &["subscription.cancel", SUBSCRIPTION, r#"when={"on":"2026-06-01"}"#],
        &[
            "discount.apply",
            "discount=dsc_0000000000000000000000000000d001",
            &on,
            "value.amount=5:EUR",
            r#"duration={"cycles":3}"#,
        ],
    ] {
        bench.table(&[&["submit"], command, &[CUSTOMER]].concat());
    }
    // when
    let page = bench.table(&["query", "subscriptions", "get", CUSTOMER, SUBSCRIPTION]);
    // then
    for said in [
        "State           active at 2026-01-01T09:00Z\n",
        "Billed through  2026-02-01\n",
        " item  what     quantity  price        billed                   cycle\n",
        "    0  Starter         3  EUR 20 flat  every month, in advance  2026-01-01/2026-02-01\n",
        "  2026-02-01  quantity 5\n",
        "           the difference is billed with the next invoice\n",
        "it is canceled; unused time is credited\n",
        " 5.00 EUR  3 times  price fee  dsc_0000000000000000000000000000d001\n",
        "  2026-01-15    20.00 EUR\n",
        "Next  subscription.",
    ] {
        assert!(page.contains(said), "{said} is missing in\n{page}");
    }
    let width = page.lines().map(|line| line.chars().count()).max();
    assert!(width < Some(110), "{page}");
    // when
    let list = bench.table(&["query", "subscriptions", "list", CUSTOMER]);
    // then
    let row = format!(
        " active  Starter ×3  2026-01-01  2026-02-01      2026-06-01          2     1  {id}"
    );
    assert!(list.contains(&row), "{list}");
    let none = ["query", "subscriptions", "list", "customer=cus_0000000000000000000000000000c002"];
    assert_eq!(bench.run(&none).code, 1);
}

#[test]
fn a_query_for_an_explanation_shows_the_tree_that_explain_shows() {
    let bench = Bench::subscribed();
    let explained = bench.table(&["explain", "INV-0001"]);
    let asked = bench.table(&["query", "invoices", "explain", "number=INV-0001"]);
    assert!(explained.starts_with("INV-0001 of 2026-01-01, due 2026-01-15: 20.00 EUR\n├─ billed"));
    let tree = asked.rsplit_once("position ").expect("a position").0;
    assert_eq!(tree, explained);
}

#[test]
fn an_explanation_has_every_part_of_a_price() {
    // given
    let bench = Bench::with_book();
    bench.catalog();
    let rate = r#"{"percent":"2.5","fixed":"0.30","free_amount":"100","min":"1","max":"50"}"#;
    let share = format!(r#"{{"currency":"EUR","rate":{{"percentage":{rate}}}}}"#);
    let least = r#"{"currency":"EUR","minimum":"100","rate":{"per_unit":"0.005"}}"#;
    let prices = format!(
        r#"prices=[{{"price":"share","amounts":[{share}]}},{{"price":"calls","amounts":[{least}]}}]"#
    );
    let plan = "plan=pln_00000000000000000000000000000002";
    let every = ["every.count=1", "every.unit=month", "timing=in_advance"];
    let define = ["submit", "plan.define", plan, "name=Share", &prices];
    bench.table(&[&define[..], &every].concat());
    // when
    let create = ["submit", "subscription.create", CUSTOMER, SUBSCRIPTION, plan];
    bench.table(&[&create[..], &["quantity=10000", "invoice=now"]].concat());
    let explained = bench.table(&["explain", "INV-0001"]);
    // then
    for said in [
        "a whole cycle of 10000 units is 5000 minor units\n",
        "└─ 2.5 % and 0.3, 100 free, at least 1, at most 50\n",
        "└─ at least 100 for a whole cycle; what is missing has a line of its own\n",
        ": a whole cycle costs at least 10000 minor units\n",
        "─ of that, the price asks for 50.00 EUR\n",
    ] {
        assert!(explained.contains(said), "{said} is missing in\n{explained}");
    }
}

#[test]
fn events_are_counted_and_nothing_is_said_to_be_nothing() {
    let bench = Bench::subscribed();
    let same = bench.table(&["submit", "customer.update", CUSTOMER, "name=Ada"]);
    assert!(same.ends_with("\n  nothing changed\n"), "{same}");
    bench.table(&["submit", "book.advance_clock", "to=2026-06-02T00:00:00Z"]);
    let run = "run=run_00000000000000000000000000000001";
    bench.table(&["submit", "billing.run", run, "through=2026-06-01", "--field=position"]);
    for listed in [bench.table(&["tail"]), bench.table(&["feed"])] {
        let long = listed.lines().find(|line| line.chars().count() > 200);
        assert_eq!(long, None, "{listed}");
        assert!(listed.contains("  nothing changed") || listed.contains("-> nothing changed"));
    }
}

#[test]
fn what_cannot_be_explained_or_asked_is_told_what_can() {
    let bench = Bench::subscribed();
    let subscription = &SUBSCRIPTION["subscription=".len()..];
    for (args, said) in [
        (&["explain", "INV-0001", "abc"][..], "a line is a number"),
        (&["explain", subscription], "or its id (inv_…)"),
        (&["query", "foo", "list"], "balances, subscriptions, customers, entities, plans, preview"),
        (&["submit", "payment.record", CUSTOMER, "amount=5"], "write amount=5.00:EUR"),
        (&["scenario", "/nonexistent.yaml"], "/nonexistent.yaml cannot be read"),
    ] {
        let ran = bench.run(args);
        assert_eq!(ran.code, 2, "{args:?} {}", ran.err);
        assert!(ran.err.contains(said), "{args:?} {}", ran.err);
    }
}
