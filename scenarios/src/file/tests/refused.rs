//! What is refused when a file is read, with its line and what may stand there.

use schemas::Rejection;
use schemas::problem::Fault;

use super::*;

/// What is said of a file that is refused.
fn refused(text: &str) -> String {
    let cases = Cases { named: None, folder: Path::new(".") };
    read_with(text, cases).expect_err("refused").to_string()
}

#[test]
fn what_is_wrong_in_the_head_is_told_with_its_own_line() {
    // Given a head of several lines; when one value is wrong; then that line is named.
    for (head, said) in [
        ("scenario: 2", "line 3: `scenario: 2` of `the file` is not supported"),
        ("scenario: 1\nprofile: acme@1", "line 4: profile `acme@1` is not supported; there is "),
        (
            "scenario: 1\npolicies:\n  zone: iana_zone\n  proration: by_moon",
            "line 6: policy `proration: by_moon` is not supported; there is ",
        ),
        (
            "scenario: 1\nbook:\n  entity: e1\n  zone: Mars/Olympus",
            "line 6: `zone` of `book`: \"Mars/Olympus\" is not an IANA time zone",
        ),
        ("scenario: 1\nbook:\n  currency: GOLD", "line 5: `currency` of `book`: \"GOLD\""),
        (
            "scenario: 1\nbook:\n  periods: weekly",
            "line 5: `periods: weekly` of `book` is not supported; there is monthly",
        ),
        ("scenario: 1\ncase: nowhere", "line 4: \"nowhere\" is no case; write FILE#ID"),
        (
            "scenario: 1\npolicies:\n  zone: [iana_zone]",
            "line 5: `zone` in `policies` of `the file` is a list; write a text",
        ),
    ] {
        let trouble = refused(&format!("# A comment.\nid: x\n{head}\nsteps: []\n"));
        assert!(trouble.starts_with(said), "{trouble}");
    }
    let trouble = refused("scenario: 1\nid: x\nsteps: none\n");
    assert_eq!(trouble, "line 3: `steps` of the file is the text \"none\"; write a list");
}

#[test]
fn what_is_wrong_far_inside_a_step_is_told_with_its_own_line() {
    for (step, said) in [
        (
            "- change:\n    sub: s\n    unit:\n      fee: 1\n      gold: 9",
            "step 4 (line 11): price `gold` of the plan is not supported; there is fee, seat",
        ),
        (
            "- change:\n    sub: s\n    unit:\n      seat: nine",
            "step 4 (line 10): `unit` of `change`: \"nine\" is not an exact decimal",
        ),
        (
            "- charge.add:\n    charge: x\n    price:\n      per_unit:\n        colour: red",
            "step 4 (line 11): key `colour` of `price` is not supported",
        ),
        (
            "- pay:\n    id: y\n    amount: 9\n    allocate:\n      i1: much",
            "step 4 (line 11): `allocate` of `pay`: \"much\" is not an amount",
        ),
        (
            "- customer:\n    id: d\n    payment_terms: -1",
            "step 4 (line 9): `payment_terms` of `customer`: \"-1\" is no whole number from 0 to \
             65535; write one",
        ),
        (
            "- subscribe:\n    id: t\n    customer: c\n    plan: p\n    version: -1",
            "step 4 (line 11): `version` of `subscribe`: \"-1\" is no whole number from 1 on; write \
             one",
        ),
    ] {
        let trouble = refused(&format!("scenario: 1\nid: x\nsteps:\n{SOLD}{step}\n"));
        assert!(trouble.starts_with(said), "{trouble}");
    }
}

#[test]
fn a_value_of_another_kind_is_told_with_what_may_stand_there() {
    for (step, said) in [
        ("expect: {rerun: full}", "`rerun: full` of `expect` is not supported; there is empty"),
        ("expect: {rerun: [1]}", "`rerun: a list` of `expect` is not supported; there is empty"),
        (
            "expect: full",
            "`expect` is the text \"full\"; write a mapping with one of invoice, note, customer, \
             sub, lot, preview, rerun",
        ),
        ("expect: {}", "an expectation of nothing is not supported; there is invoice, note"),
        (
            "expect: {preview: run}",
            "`preview` of `expect` is the text \"run\"; write one verb, such as `preview: {run: ",
        ),
        (
            "expect: {invoice: i1, complete: maybe}",
            "`complete: maybe` of `expect` is not supported; there is true, false",
        ),
        (
            "expect: {invoice: i1, match: most}",
            "`match: most` of `expect` is not supported; there is exact, subset",
        ),
        (
            "expect: {invoice: i1, total: [1, 2]}",
            "`total` of `expect`: here are 2 values; write one",
        ),
        (
            "expect: {invoice: i1, lines: {net: 1}}",
            "`lines` is a mapping; write a value, or {$case: POINTER}",
        ),
        ("void: i1", "`void` is the text \"i1\"; write a mapping"),
        (
            "{reject: not_paused, expect: {invoice: i1}}",
            "`reject` of `step`: an expectation is no command; leave it out, `at` says as of when",
        ),
    ] {
        let trouble = read_steps(&format!("- {step}")).expect_err("refused").to_string();
        assert!(trouble.starts_with(&format!("step 1 (line 4): {said}")), "{trouble}");
    }
    for times in ["-1", "0", "often", "1.5", "100001"] {
        let step = format!("- customer: {{id: c}}\n  repeat: {times}");
        let trouble = read_steps(&step).expect_err("refused").to_string();
        let said = format!(
            "step 1 (line 5): `repeat` of `step`: {times:?} is no whole number from 1 to 100000; \
             write one"
        );
        assert_eq!(trouble, said);
    }
}

#[test]
fn a_refusal_is_expected_by_a_code_that_there_is() {
    let faults = Fault::ALL.iter().map(|fault| fault.code());
    for code in Rejection::CODES.iter().map(|(code, _)| *code).chain(faults) {
        let steps = read_steps(&format!("- {{reject: {code}, uncancel: {{sub: s}}}}"));
        assert_eq!(steps.map(|steps| steps[0].reject.clone()), Ok(Some(code.to_owned())));
    }
    let said = |code: &str| {
        let steps = format!("- uncancel: {{sub: s}}\n  reject: {code}");
        read_steps(&steps).expect_err("refused").to_string()
    };
    let near = said("unknown_invioce");
    let begins = "step 1 (line 5): `reject` of `step`: \"unknown_invioce\" is no code of a problem; \
                  write unknown_invoice, ";
    assert!(near.starts_with(begins), "{near}");
    assert!(near.ends_with(", or another: docs/integrate.md lists all"), "{near}");
    assert_eq!(
        said("zzz"),
        "step 1 (line 5): `reject` of `step`: \"zzz\" is no code of a problem; docs/integrate.md \
         lists all"
    );
}

#[test]
fn a_word_that_names_no_invoice_is_refused_on_its_line() {
    for step in [
        "void:\n    invoice: first",
        "credit_note:\n    {id: n1, invoice: first}",
        "invoice.void:\n    invoice: first",
        "pay:\n    {id: y, amount: 9, allocate: {first: 9}}",
    ] {
        let trouble = read_steps(&format!("{SOLD}- {step}")).expect_err("refused").to_string();
        let (verb, _) = step.split_once(':').expect("a verb");
        let said = format!(
            "step 4 (line 8): `{verb}`: \"first\" is no invoice; write i1, i2 … in the order of \
             finalization"
        );
        assert_eq!(trouble, said);
    }
    for step in [
        "finalize: {invoice: first}",
        "expect: {invoice: first}",
        "expect: {invoice: i0}",
        "expect: {preview: {void: {invoice: first}}}",
    ] {
        let trouble = read_steps(&format!("{SOLD}- {step}")).expect_err("refused").to_string();
        assert!(trouble.contains("is no invoice; write i1, i2"), "{trouble}");
    }
    // That there is no such invoice is what this one expects.
    assert!(read_steps("- {reject: unknown_invoice, void: {invoice: first}}").is_ok());
}

#[test]
fn a_step_that_the_clock_has_gone_past_is_refused_with_the_line_that_moved_it() {
    let early = "- {at: 2024-01-01, customer: {id: c}}\n";
    for moves in [
        "- run: {through: 2024-03-01}",
        "- book.advance_clock: {to: 2024-03-01}",
        "- {at: 2024-03-01}",
        "- {at: 2024-03-01, expect: {customer: c, overdue: 0}}",
    ] {
        let steps = format!("{early}{moves}\n- at: 2024-02-15\n  expect: {{customer: c}}");
        let said = "step 3 (line 6): `at` is 2024-02-15T00:00:00Z, and the test clock shows \
                    2024-03-01T00:00:00Z since line 5; it never goes back: put this step before \
                    that line, or backdate a command with `effective`";
        assert_eq!(read_steps(&steps).expect_err("refused").to_string(), said);
    }
    // A run that is refused does not move it, nor does a preview.
    for stays in [
        "- {reject: unknown_entity, run: {through: 2024-03-01}}",
        "- expect: {preview: {run: {through: 2024-03-01}}}",
    ] {
        let steps = format!("{early}{stays}\n- {{at: 2024-02-15, expect: {{customer: c}}}}");
        assert!(read_steps(&steps).is_ok(), "{stays}");
    }
    // The day of a run, in UTC, begins before it does in New York.
    let text = "
scenario: 1
id: x
book: {zone: America/New_York}
steps:
- {at: 2024-03-01T00:00:00Z, customer: {id: c}}
- run: {through: 2024-04-01}
- {at: 2024-04-01T00:00:00Z, expect: {customer: c, overdue: 0}}
";
    let cases = Cases { named: None, folder: Path::new(".") };
    assert!(read_with(text, cases).is_ok());
}

#[test]
fn what_there_is_not_is_told_with_what_there_is() {
    for (step, said) in [
        (
            "cancel: {sub: s, when: tomorrow}",
            "`when: tomorrow` of `cancel` is not supported; there is now, cycle_end, {on: …}, when_paid",
        ),
        (
            "cancel: {sub: s, colour: red}",
            "key `colour` of `cancel` is not supported; there is sub, ",
        ),
        ("juggle: {balls: 3}", "verb `juggle` is not supported; there is customer, plan"),
        ("billing.run: {through: 2024-05-01, who: c}", "key `who` of `billing.run`"),
        (
            "change: {sub: s, unit: {gold: 9}}",
            "price `gold` of the plan is not supported; there is fee, seat",
        ),
        ("discount: {id: d, on: moon, percent: 10}", "\"moon\" is no customer, subscription"),
        ("cancel: {when: now}", "`cancel` has no `sub`"),
        ("pay: {id: y, amount: much}", "step 4 (line 7): `amount` of `pay`"),
    ] {
        let trouble = read_steps(&format!("{SOLD}- {step}")).expect_err("refused").to_string();
        assert!(trouble.contains(said) && trouble.starts_with("step 4 (line 7)"), "{trouble}");
    }
}

#[test]
fn an_expectation_that_asks_for_what_is_not_there_is_refused() {
    for (steps, name) in [
        ("- expect: {report: journal, rows: {}}", "report `journal`"),
        ("- expect: {customer: c, dunning: clear}", "key `dunning`"),
        ("- expect: {invoice: i1, lines: [{colour: red}]}", "key `colour` of `lines`"),
        ("- expect: {moon: full}", "`moon`"),
    ] {
        let trouble = read_steps(steps).expect_err("refused");
        assert!(trouble.to_string().contains(name), "{trouble}");
    }
    let without = "- expect: {invoice: i1, total: {$case: /expected/fee}}";
    let trouble = read_steps(without).expect_err("refused");
    assert!(trouble.to_string().contains("--case FILE#ID"), "{trouble}");
}
