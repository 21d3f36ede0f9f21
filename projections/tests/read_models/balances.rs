//! What customers owe, and the journal's accounts.

use projections::Balances;
use schemas::event::{
    CreditApplied, CreditExpired, CreditGranted, CreditPaidOut, CreditReleased, CreditRevoked,
    CustomerExternalIdChanged, LotPart, LotReturn, PaymentReversed,
};
use schemas::ids::{CreditGrantId, RefundId};
use schemas::terms::{GrantKind, LotRef, LotScope};
use schemas::{Contact, Minor};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::book::{
    Book, Folded, assert_refused, customer, date, eur, invoice, minor, part, payment, point,
};

fn two_customers() -> Book {
    let mut book = Book::opened("2026-01-01");
    book.customer("2026-01-01", 1);
    book.customer("2026-01-01", 2);
    book.invoice("2026-01-10", 1, 1, vec![point(1, 1, 99_00, "2026-01-10")]);
    book.invoice("2026-02-10", 1, 2, vec![point(1, 1, 50_00, "2026-02-10")]);
    book.invoice("2026-02-10", 2, 3, vec![point(1, 1, 70_00, "2026-02-10")]);
    book.payment("2026-02-20", 1, 1, 120_00, &[part(1, 99_00), part(2, 1_00)]);
    book
}

fn grant_id(n: u128) -> CreditGrantId {
    CreditGrantId::new(Uuid::from_u128(n))
}

/// A grant of 5.00.
fn granted(n: u128) -> CreditGranted {
    CreditGranted {
        grant: grant_id(n),
        amount: Minor(5_00).of(eur()),
        kind: GrantKind::Goodwill,
        refundable: false,
        scope: LotScope::Customer,
        priority: 0,
        expires: None,
        posting_date: date("2026-02-21"),
        reason: "sorry".parse().expect("a label"),
    }
}

fn statement(folded: &Folded, n: u128) -> Vec<(String, String, i64, i64)> {
    let body = json!({"customer": customer(n), "limit": 2}).to_string();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let rows = folded.pages("statement", &body).concat();
    rows.iter()
        .map(|row| {
            let (amount, balance) = (minor(&row["amount"]), minor(&row["balance"]));
            (text(&row["posting_date"]), text(&row["kind"]), amount, balance)
        })
        .collect()
}

fn entry(day: &str, kind: &str, amount: i64, balance: i64) -> (String, String, i64, i64) {
    (day.to_owned(), kind.to_owned(), amount, balance)
}

#[test]
fn a_statement_runs_by_posting_date_with_its_balance() {
    let mut book = two_customers();
    book.payment("2026-01-20", 1, 2, 10_00, &[]);
    let folded = book.fold::<Balances>(2);
    let expected = [
        entry("2026-01-10", "invoice", 99_00, 99_00),
        entry("2026-01-20", "payment", -10_00, 89_00),
        entry("2026-02-10", "invoice", 50_00, 139_00),
        entry("2026-02-20", "payment", -120_00, 19_00),
    ];
    assert_eq!(statement(&folded, 1), expected);
    let body = json!({"customer": customer(1), "from": "2026-02-01"}).to_string();
    let later = folded.get("statement", &body);
    assert_eq!(minor(&later["data"][0]["balance"]), 139_00);
}

#[test]
fn a_customer_has_open_invoices_credit_and_what_is_overdue() {
    let folded = two_customers().fold::<Balances>(2);
    let body = json!({"external_id": "c1", "as_of": "2026-03-13"}).to_string();
    let data = folded.get("get", &body)["data"].clone();
    assert_eq!(data["customer"]["open"]["amount"], "49.00");
    assert_eq!(data["customer"]["credit"]["amount"], "20.00");
    assert_eq!(data["customer"]["balance"]["amount"], "29.00");
    assert_eq!((minor(&data["overdue"]), minor(&data["ageing"]["days_1_30"])), (49_00, 49_00));
    assert_eq!(data["open_invoices"][0]["number"], "INV-000002");
    assert_eq!(data["open_invoices"][0]["days_past_due"], 1);
    let on_the_day = json!({"customer": customer(1), "as_of": "2026-03-12"}).to_string();
    assert_eq!(minor(&folded.get("get", &on_the_day)["data"]["overdue"]), 0);
}

#[test]
fn a_reversed_payment_opens_invoices_again_and_takes_its_credit_back() {
    let mut book = two_customers();
    let reversal = PaymentReversed {
        payment: payment(1),
        amount: Minor(120_00).of(eur()),
        posting_date: date("2026-02-25"),
        reopened: vec![part(1, 99_00), part(2, 1_00)],
        credit_withdrawn: Minor(20_00),
        credit_unapplied: Vec::new(),
        reason: "no funds".parse().expect("a label"),
    };
    book.event("2026-02-25", 1, reversal);
    let folded = book.fold::<Balances>(2);
    let data = folded.get("get", r#"{"external_id":"c1"}"#)["data"].clone();
    assert_eq!((minor(&data["customer"]["open"]), minor(&data["customer"]["credit"])), (149_00, 0));
    assert_eq!(data["open_invoices"].as_array().map(Vec::len), Some(2));
    let paid = folded.get("payments", r#"{"external_id":"p1"}"#)["data"][0].clone();
    assert_eq!(paid["reversed"], "no funds");
    assert_eq!(minor(&paid["allocations"][0]["undone"]), 99_00);
    let summary = folded.get("summary", "{}")["data"].clone();
    assert_eq!(summary["customers"], 2);
    assert_eq!(minor(&summary["currencies"][0]["payments"]), 0);
    assert_eq!(summary["currencies"][0]["open_invoices"], 3);
}

#[test]
fn credit_is_listed_lot_by_lot_with_what_it_pays() {
    // given a payment of which 20.00 became credit, and a grant of 5.00 that expires
    let mut book = two_customers();
    let grant = CreditGranted { expires: Some(date("2026-12-31")), ..granted(2) };
    book.event("2026-02-21", 1, grant);
    // when both pay what is open of the second invoice, and 2.00 of the grant come back
    let (currency, posting_date) = (eur(), date("2026-02-22"));
    let (of_payment, of_grant) = (LotRef::Payment(payment(1)), LotRef::Grant(grant_id(2)));
    let pays = |lot, amount| LotPart { lot, invoice: invoice(2), amount: Minor(amount) };
    let parts = vec![pays(of_payment, 12_00), pays(of_grant, 5_00)];
    book.event("2026-02-22", 1, CreditApplied { currency, posting_date, parts });
    let parts = vec![LotReturn { lot: of_grant, amount: Minor(2_00), direct: false }];
    let invoice = invoice(2);
    book.event("2026-02-23", 1, CreditReleased { invoice, currency, posting_date, parts });
    // then
    let folded = book.fold::<Balances>(3);
    let body = json!({"customer": customer(1)}).to_string();
    let lots = folded.get("lots", &body)["data"].clone();
    let of = |lot: &Value| {
        let uses = lot["uses"].as_array().expect("uses").iter();
        let uses: Vec<i64> = uses.map(|part| minor(&part["amount"])).collect();
        (lot["source"].as_str().expect("a word").to_owned(), minor(&lot["left"]), uses)
    };
    let shown: Vec<_> = lots.as_array().expect("lots").iter().map(of).collect();
    assert_eq!(
        shown,
        [
            ("goodwill".to_owned(), 2_00, vec![3_00]),
            ("payment".to_owned(), 8_00, vec![99_00, 1_00, 12_00]),
        ]
    );
    assert_eq!(lots[0]["expires"], "2026-12-31");
    assert_eq!(lots[0]["lot"], json!({"grant": grant_id(2)}));
    // and what is open and the credit say the same
    let data = folded.get("get", &body)["data"].clone();
    assert_eq!(minor(&data["customer"]["open"]), 49_00 - 17_00 + 2_00);
    assert_eq!(minor(&data["customer"]["credit"]), 10_00);
    // and credit that moves is no entry of a statement
    assert_eq!(statement(&folded, 1).len(), 4);
    let unspent = json!({"customer": customer(2), "unspent": true}).to_string();
    assert_eq!(folded.get("lots", &unspent)["data"], json!([]));
}

#[test]
fn credit_ends_revoked_expired_or_in_cash_and_the_statement_says_so() {
    let mut book = two_customers();
    let (posting_date, amount) = (date("2026-03-01"), Minor(5_00).of(eur()));
    let reason = || "by mistake".parse::<schemas::Personal>().expect("a label");
    for n in 2..5 {
        book.event("2026-02-21", 2, granted(n));
    }
    book.event(
        "2026-03-01",
        2,
        CreditRevoked { grant: grant_id(2), amount, posting_date, reason: reason() },
    );
    book.event("2026-03-01", 2, CreditExpired { grant: grant_id(3), amount, posting_date });
    let (refund, lot) = (RefundId::new(Uuid::from_u128(1)), LotRef::Grant(grant_id(4)));
    let paid = CreditPaidOut { refund, lot, amount, posting_date, reason: reason() };
    book.event("2026-03-01", 2, paid);
    let folded = book.fold::<Balances>(2);
    let told = statement(&folded, 2);
    let ended: Vec<_> =
        told[4..].iter().map(|(_, kind, amount, _)| (kind.as_str(), *amount)).collect();
    assert_eq!(
        ended,
        [("credit_revoked", 5_00), ("credit_expired", 5_00), ("credit_paid_out", 5_00)]
    );
    let data = folded.get("get", &json!({"customer": customer(2)}).to_string())["data"].clone();
    assert_eq!((minor(&data["customer"]["credit"]), minor(&data["refunds"])), (0, 5_00));
}

#[test]
fn lists_go_by_what_is_open_and_page_over_changes() {
    let mut book = two_customers();
    book.customer("2026-02-20", 3);
    let folded = book.fold::<Balances>(2);
    let open = |page: &Value| -> Vec<i64> {
        page["data"].as_array().expect("a list").iter().map(|row| minor(&row["open"])).collect()
    };
    let first = folded.get("list", r#"{"limit":1}"#);
    assert_eq!((open(&first), first["has_more"].clone()), (vec![70_00], json!(true)));
    let pages = folded.pages("list", r#"{"limit":1}"#).concat();
    let amounts: Vec<i64> = pages.iter().map(|row| minor(&row["open"])).collect();
    assert_eq!(amounts, [70_00, 49_00, 0]);
    let overdue = r#"{"having":"overdue","as_of":"2026-03-13"}"#;
    assert_eq!(open(&folded.get("list", overdue)), [70_00, 49_00]);
    assert_eq!(open(&folded.get("list", r#"{"having":"credit"}"#)), [49_00]);
    assert_eq!(open(&folded.get("list", r#"{"order":"registered"}"#)), [49_00, 70_00, 0]);
}

#[test]
fn receivables_age_by_days_past_due_as_they_stood_on_the_day() {
    let folded = two_customers().fold::<Balances>(2);
    let buckets = |day: &str| {
        let data = folded.get("ageing", &json!({"as_of": day}).to_string())["data"].clone();
        let names = ["current", "days_1_30", "days_31_60", "days_61_90", "days_over_90", "total"];
        names.map(|name| data[0]["buckets"].get(name).map_or(0, minor))
    };
    // Invoice 1 is due on 02-09, the others on 03-12; the payment came on 02-20.
    assert_eq!(buckets("2026-01-09"), [0; 6]);
    assert_eq!(buckets("2026-02-09"), [99_00, 0, 0, 0, 0, 99_00]);
    assert_eq!(buckets("2026-02-10"), [120_00, 99_00, 0, 0, 0, 219_00]);
    assert_eq!(buckets("2026-02-20"), [119_00, 0, 0, 0, 0, 119_00]);
    assert_eq!(buckets("2026-04-11"), [0, 119_00, 0, 0, 0, 119_00]);
    assert_eq!(buckets("2026-04-12"), [0, 0, 119_00, 0, 0, 119_00]);
    assert_eq!(buckets("2026-05-12"), [0, 0, 0, 119_00, 0, 119_00]);
    assert_eq!(buckets("2026-06-11"), [0, 0, 0, 0, 119_00, 119_00]);
}

#[test]
fn the_trial_balance_balances_and_knows_what_is_earned_by_the_day() {
    let mut book = two_customers();
    book.event("2026-02-21", 2, granted(1));
    let folded = book.fold::<Balances>(2);
    let accounts = |day: &str| {
        let data = folded.get("trial_balance", &json!({"as_of": day}).to_string())["data"].clone();
        let balance = data[0].clone();
        assert_eq!(balance["debits"], balance["credits"]);
        let rows = balance["accounts"].as_array().cloned().unwrap_or_default();
        let row =
            |row: &Value| (row["account"].as_str().map(str::to_owned), minor(&row["balance"]));
        rows.iter().map(row).filter(|row| row.1 != 0).collect::<Vec<_>>()
    };
    let named = |name: &str, balance| (Some(name.to_owned()), balance);
    assert_eq!(
        accounts("2026-01-31"),
        [named("accounts_receivable", 99_00), named("revenue", -99_00)]
    );
    assert_eq!(
        accounts("2026-12-31"),
        [
            named("cash", 120_00),
            named("accounts_receivable", 119_00),
            named("customer_credit", -25_00),
            named("revenue", -219_00),
            named("promotional_credit", 5_00),
        ]
    );
}

#[test]
fn payments_are_found_by_id_and_listed_newest_first() {
    let mut book = two_customers();
    for n in 10..60 {
        book.payment("2026-03-01", 1, n, 1, &[]);
    }
    let folded = book.fold::<Balances>(7);
    let body = json!({"customer": customer(1), "limit": 20}).to_string();
    let pages = folded.pages("payments", &body);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 11]);
    assert_eq!(pages[0][0]["external_id"], "p59");
    assert_eq!(pages[2][10]["external_id"], "p1");
    for n in [1, 10, 37] {
        let by_id = folded.get("payments", &json!({"payment": payment(n)}).to_string());
        let by_external_id = folded.get("payments", &format!(r#"{{"external_id":"p{n}"}}"#));
        assert_eq!(by_id["data"], by_external_id["data"]);
        assert_eq!(by_id["data"][0]["customer"], json!(customer(1)));
    }
}

#[test]
fn a_customer_is_found_by_its_new_external_id_and_name_only() {
    let mut book = two_customers();
    let external_id = "new".parse().expect("an external id");
    book.event("2026-03-01", 1, CustomerExternalIdChanged { external_id });
    let name = Contact::Clear("Other".to_owned());
    book.event("2026-03-01", 1, schemas::event::CustomerRenamed { name });
    let folded = book.fold::<Balances>(7);
    let found = folded.get("get", r#"{"external_id":"new"}"#)["data"]["customer"].clone();
    assert_eq!(
        (found["customer"].clone(), found["name"].clone()),
        (json!(customer(1)), json!("Other"))
    );
    assert_refused(&folded, "get", r#"{"external_id":"c1"}"#, "not_found", None);
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_pointer() {
    let folded = two_customers().fold::<Balances>(9);
    let refused = |name, body: &str, code, pointer| {
        assert_refused(&folded, name, body, code, pointer);
    };
    refused("get", "{}", "malformed", Some(""));
    refused("get", &json!({"customer": customer(9)}).to_string(), "not_found", None);
    refused("list", r#"{"having":"debt"}"#, "malformed", Some("/having"));
    refused("list", r#"{"limit":501}"#, "malformed", Some("/limit"));
    refused("statement", "{}", "malformed", Some(""));
    refused("statement", &json!({"customer": customer(9)}).to_string(), "not_found", None);
    refused("ageing", r#"{"as_of":"today"}"#, "malformed", Some("/as_of"));
    refused("trial_balance", r#"{"currency":1}"#, "malformed", Some("/currency"));
    refused("summary", r#"{"limit":1}"#, "malformed", Some("/limit"));
    refused("payments", "{}", "malformed", Some(""));
    refused("payments", r#"{"external_id":"p9"}"#, "not_found", None);
    refused("payment", "{}", "unknown_subject", None);
}
