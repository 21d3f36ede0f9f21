//! What must hold after any history.

use std::collections::BTreeMap;

use projections::store::content_hash;
use projections::{Balances, Invoices, Revenue};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use schemas::Minor;
use schemas::event::{InvoiceVoided, LineReversal, PaymentReversed, RevenueSchedule};
use serde_json::{Value, json};

use crate::book::{Book, date, eur, invoice, line, minor, part, payment};

/// One thing that happens: what, to which customer, how much, and how many days later.
type Step = (u8, u8, u16, u8);

/// What is needed to make events that fit together.
#[derive(Default)]
struct Model {
    open: BTreeMap<u128, i64>,
    owner: BTreeMap<u128, u8>,
    billed: BTreeMap<u128, i64>,
    paid: BTreeMap<u128, (u128, i64)>,
    reversed: Vec<u128>,
}

fn day(number: i32) -> String {
    date("2026-01-01").plus_days(number).expect("in range").to_string()
}

fn write(steps: &[Step]) -> Book {
    let mut book = Book::opened(&day(0));
    for n in 0..4 {
        book.customer(&day(0), n);
    }
    let (mut model, mut now) = (Model::default(), 0);
    for (number, (what, of, amount, later)) in (1_u128..).zip(steps) {
        now += i32::from(*later);
        let (of, amount) = (of % 4, i64::from(*amount));
        match what % 4 {
            0 | 1 => model.bill(&mut book, now, of, number, amount),
            2 => model.pay(&mut book, now, of, number, amount),
            _ => model.take_back(&mut book, now, amount),
        }
    }
    book
}

impl Model {
    fn bill(&mut self, book: &mut Book, now: i32, of: u8, n: u128, amount: i64) {
        let schedule = if amount % 3 == 0 {
            RevenueSchedule::Point(date(&day(now)))
        } else {
            // Some begin before the day of the invoice, some after it.
            let start = now - 10 + i32::try_from(amount % 20).expect("small");
            let length = 1 + i32::try_from(amount % 100).expect("small");
            let text = format!("{}/{}", day(start), day(start + length));
            RevenueSchedule::Straight(text.parse().expect("an interval"))
        };
        book.invoice(&day(now), of.into(), n, vec![line(1, 1, amount, schedule)]);
        self.open.insert(n, amount);
        self.owner.insert(n, of);
        self.billed.insert(n, amount);
    }

    fn pay(&mut self, book: &mut Book, now: i32, of: u8, n: u128, amount: i64) {
        let own = |(n, open): &(&u128, &mut i64)| self.owner[*n] == of && **open > 0;
        match self.open.iter_mut().find(own) {
            Some((paid, open)) => {
                let taken = amount.min(*open).max(1);
                *open -= taken;
                self.paid.insert(n, (*paid, taken));
                book.payment(&day(now), of.into(), n, amount.max(taken), &[part(*paid, taken)]);
            }
            None => {
                book.payment(&day(now), of.into(), n, amount.max(1), &[]);
            }
        }
    }

    fn take_back(&mut self, book: &mut Book, now: i32, amount: i64) {
        if amount % 2 == 0 {
            let last = self.paid.iter().rev().find(|(n, _)| !self.reversed.contains(n));
            let Some((n, (on, taken))) = last.map(|(n, paid)| (*n, *paid)) else { return };
            self.reversed.push(n);
            *self.open.entry(on).or_default() += taken;
            let reversal = PaymentReversed {
                payment: payment(n),
                amount: Minor(taken).of(eur()),
                posting_date: date(&day(now)),
                reopened: vec![part(on, taken)],
                credit_withdrawn: Minor::ZERO,
                credit_unapplied: Vec::new(),
                reason: "no funds".parse().expect("a label"),
            };
            book.event(&day(now), self.owner[&on].into(), reversal);
        } else {
            let whole = |(n, open): &(&u128, &i64)| self.billed[*n] == **open && **open > 0;
            let Some(n) = self.open.iter().find(whole).map(|(n, _)| *n) else { return };
            self.void(book, now, n);
        }
    }

    fn void(&mut self, book: &mut Book, now: i32, n: u128) {
        let amount = self.billed[&n];
        self.open.insert(n, 0);
        let before = book.fold::<Revenue>(1_000);
        let through = day(now - 1);
        let body = json!({"invoice": invoice(n), "through": through}).to_string();
        let recognised = minor(&before.get("get", &body)["data"]["recognised"]);
        let lines = vec![LineReversal {
            line: 1,
            net: Minor(amount),
            tax: Minor::ZERO,
            recognised: Minor(recognised),
            unrecognised: Minor(amount - recognised),
            kept: Minor::ZERO,
            amended: None,
        }];
        let void = InvoiceVoided {
            invoice: invoice(n),
            currency: eur(),
            posting_date: date(&day(now)),
            lines,
            receivable: Minor(amount),
            released: Vec::new(),
            credit_withdrawn: Minor::ZERO,
            rebill: false,
            returned: Vec::new(),
            reason: "by mistake".parse().expect("a label"),
        };
        book.event(&day(now), self.owner[&n].into(), void);
    }
}

fn account(trial: &Value, name: &str) -> i64 {
    let rows = trial["accounts"].as_array().expect("accounts");
    rows.iter().find(|row| row["account"] == name).map_or(0, |row| minor(&row["balance"]))
}

/// Nothing where there is no row yet.
fn sum(row: &Value, field: &str) -> i64 {
    if row.is_null() { 0 } else { minor(&row[field]) }
}

fn first(answer: &Value) -> Value {
    answer["data"][0].clone()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_seed: RngSeed::Fixed(20_260_101),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn all_read_models_agree_with_the_journal_on_every_day(
        steps in prop::collection::vec((any::<u8>(), any::<u8>(), 0_u16..5_000, 0_u8..40), 1..60),
    ) {
        let book = write(&steps);
        let balances = book.fold::<Balances>(5);
        let revenue = book.fold::<Revenue>(5);
        let invoices = book.fold::<Invoices>(5);
        for number in [0, 20, 45, 90, 200, 2_000, 3_000] {
            let as_of = json!({"as_of": day(number)}).to_string();
            let trial = first(&balances.get("trial_balance", &as_of));
            if trial.is_null() {
                continue;
            }
            prop_assert_eq!(&trial["debits"], &trial["credits"]);
            let recognised = json!({"to": day(number)}).to_string();
            let recognised = first(&revenue.get("recognized", &recognised));
            prop_assert_eq!(-account(&trial, "revenue"), sum(&recognised, "recognised"));
            let contra = account(&trial, "voids");
            prop_assert_eq!(contra, sum(&recognised, "contra"));
            let ageing = first(&balances.get("ageing", &as_of));
            let total = if ageing.is_null() { 0 } else { minor(&ageing["buckets"]["total"]) };
            prop_assert_eq!(account(&trial, "accounts_receivable"), total);
        }
        let summary = balances.get("summary", "{}")["data"]["currencies"][0].clone();
        let trial = first(&balances.get("trial_balance", r#"{"as_of":"2999-01-01"}"#));
        if !trial.is_null() {
            prop_assert_eq!(account(&trial, "accounts_receivable"), minor(&summary["open"]));
            prop_assert_eq!(-account(&trial, "customer_credit"), minor(&summary["credit"]));
            prop_assert_eq!(account(&trial, "deferred_revenue"), 0, "all is earned or taken back");
        }
        let figures = first(&invoices.get("summary", "{}"));
        if !figures.is_null() {
            prop_assert_eq!(&figures["open"], &summary["open"]);
            prop_assert_eq!(&figures["open_invoices"], &summary["open_invoices"]);
        }
    }

    #[test]
    fn rows_do_not_depend_on_how_batches_are_cut(
        steps in prop::collection::vec((any::<u8>(), any::<u8>(), 0_u16..5_000, 0_u8..40), 1..60),
        batch_of in 1_usize..9,
    ) {
        let book = write(&steps);
        let hash = |folded: crate::book::Folded| content_hash(&folded.store).expect("memory");
        prop_assert_eq!(hash(book.fold::<Invoices>(batch_of)), hash(book.fold::<Invoices>(1_000)));
        prop_assert_eq!(hash(book.fold::<Revenue>(batch_of)), hash(book.fold::<Revenue>(1_000)));
        prop_assert_eq!(hash(book.fold::<Balances>(batch_of)), hash(book.fold::<Balances>(1_000)));
    }
}
