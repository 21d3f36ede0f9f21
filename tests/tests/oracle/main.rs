//! Random command sequences, against an independent and naive oracle.
//!
//! After every commit: the laws hold, what each customer owes and what each invoice line says
//! equals the oracle's, and commands are refused exactly when the oracle refuses them. Billing
//! twice bills nothing new. What `decide` predicts without a commit is what is then charged,
//! with time and other commits in between. A replay from bytes gives an equal ledger, and the
//! read models agree with the oracle.

mod billing;
mod calendar;
mod changes;
mod commands;
mod drive;
mod model;
mod moves;
mod rational;
mod settling;
mod timeline;
mod views;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use drive::{Counts, Game};
use moves::Step;

/// Moves in a sequence, at most.
const LENGTH: usize = 150;

/// How often each command must be accepted and each rejection met, over all sequences: below
/// that, the moves no longer reach what they are meant to test.
const AT_LEAST: [(&str, u64); 43] = [
    ("preview", 5_000),
    ("book.advance_clock", 5_000),
    ("billing.run", 3_000),
    ("customer.bill", 1_000),
    ("customer.register", 500),
    ("customer.update", 300),
    ("plan.define", 1_000),
    ("plan.retire", 200),
    ("subscription.create", 1_000),
    ("subscription.change_plan", 500),
    ("subscription.change_quantity", 500),
    ("subscription.cancel", 300),
    ("discount.apply", 1_000),
    ("discount.remove", 300),
    ("charge.add", 3_000),
    ("invoice.now", 300),
    ("invoice.void", 500),
    ("payment.record", 1_500),
    ("payment.reverse", 400),
    ("payment.refund", 400),
    ("credit.grant", 2_000),
    ("allocation_exceeds_open", 200),
    ("amount_not_positive", 300),
    ("before_current_cycle", 20),
    ("before_invoice", 200),
    ("before_subscription_start", 300),
    ("cancellation_scheduled", 20),
    ("credit_consumed", 20),
    ("credit_exceeds_invoice", 10),
    ("discount_ended", 100),
    ("invoice_has_payments", 500),
    ("invoice_line_credited", 70),
    ("invoice_voided", 300),
    ("negative_amount", 5),
    ("negative_unit_price", 5),
    ("nothing_to_invoice", 500),
    ("over_allocated", 70),
    ("payment_reversed", 300),
    ("plan_retired", 700),
    ("refund_exceeds_allocated", 50),
    ("refund_exceeds_credit", 70),
    ("refund_exceeds_payment", 70),
    ("subscription_canceled", 800),
];

fn play(steps: &[Step]) -> Counts {
    let mut game = Game::new();
    for step in steps {
        game.step(step);
    }
    game.kept.replay();
    // The read models are as slow as the rest together: a part of the games is enough for them.
    if game.kept.log.len().is_multiple_of(4) {
        views::agree(&game);
    }
    game.counts
}

fn cases(default: u32) -> u32 {
    std::env::var("BILLFOLD_TEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn seed() -> u64 {
    std::env::var("BILLFOLD_TEST_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

#[test]
fn the_ledger_and_the_oracle_agree_on_every_sequence_of_commands() {
    let config = Config {
        cases: cases(1_000),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed()),
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    // Shrinking plays hundreds of losing games: only the last one is worth a word.
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let counts = RefCell::new(Counts::new());
    let mut runner = TestRunner::new(config);
    let result = runner.run(&moves::game(LENGTH), |steps| {
        let played = std::panic::catch_unwind(|| play(&steps)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            TestCaseError::fail(text.unwrap_or("a panic without a text").to_owned())
        })?;
        for (what, count) in played {
            *counts.borrow_mut().entry(what).or_default() += count;
        }
        Ok(())
    });
    std::panic::set_hook(loud);
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => {
            let steps: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
            panic!("{reason}\nafter, at least:\n{}", steps.join("\n"));
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
    let counts = counts.into_inner();
    let often = |what: &str| counts.get(what).copied().unwrap_or_default();
    let rare: Vec<String> = AT_LEAST
        .iter()
        .filter(|(what, least)| often(what) < *least)
        .map(|(what, least)| format!("{what}: {} of {least}", often(what)))
        .collect();
    assert!(rare.is_empty(), "too rare to say much: {rare:?}; all were {counts:#?}");
}
