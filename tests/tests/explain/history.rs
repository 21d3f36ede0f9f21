//! Histories that look random: plans of every price model, changes at any time, discounts,
//! pauses, cancellations, payments, refunds and voids. What the ledger refuses is left out.

use std::collections::BTreeMap;
use std::path::Path;

use command_gateway::{CommandRequest, Gateway, GatewayHandle};
use host::Folder;
use schemas::command::OpenBook;
use schemas::ids::{CommandId, InvoiceId, derive};
use schemas::terms::{BookClock, Profile};
use schemas::text::Code;
use schemas::{Command, Timestamp};
use serde_json::{Value, json};
use tests::random::Random;
use uuid::Uuid;

const ZONES: [&str; 4] = ["UTC", "America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland"];
const CURRENCIES: [&str; 3] = ["EUR", "JPY", "KWD"];
/// Plans by number; see [`plans`].
const PLANS: u64 = 8;
const DAY: i64 = 86_400_000_000;
const START: &str = "2024-01-31T09:00:00Z";

/// A book that is being told a history.
struct Teller {
    handle: GatewayHandle,
    random: Random,
    now: Timestamp,
    sent: u64,
    customers: Vec<Customer>,
}

struct Customer {
    id: String,
    currency: &'static str,
    subscriptions: Vec<String>,
    payments: Vec<String>,
    invoices: Vec<InvoiceId>,
    discounts: Vec<String>,
}

/// Makes the book `main` in a data folder and tells it a history of so many steps.
pub(crate) fn play(data: &Path, profile: Profile, policy: Option<(&str, &str)>, seed: u64) {
    let steps = if policy.is_some() { 120 } else { 500 };
    let code = |text: &str| text.parse::<Code>().expect("a word");
    let policies = policy.map(|(policy, rule)| BTreeMap::from([(code(policy), code(rule))]));
    let folder = Folder::at(data);
    let book = "main".parse().expect("a name");
    folder.make(&book).expect("a fresh folder");
    let start: Timestamp = START.parse().expect("an instant");
    let open = OpenBook { book: book.clone(), profile, policies, clock: BookClock::Test(start) };
    let config = folder.gateway(&book).expect("a folder");
    let log = Uuid::from_u128(u128::from(seed));
    let gateway = Gateway::create(&config, log, open).expect("a fresh log");
    let mut teller = Teller {
        handle: gateway.handle(),
        random: Random::new(seed),
        now: start,
        sent: 0,
        customers: Vec::new(),
    };
    teller.open();
    for _ in 0..steps {
        teller.next();
    }
    teller.run_billing();
    drop(gateway);
}

fn id(prefix: &str, number: u64) -> String {
    format!("{prefix}_{:032x}", u128::from(number) | (1 << 100))
}

fn amounts(text: &Value) -> Value {
    let of = |currency: &str| json!({"currency": currency, "rate": text, "minimum": null});
    Value::from(CURRENCIES.map(of).to_vec())
}

fn plan(number: u64, every: &Value, timing: &str, prices: &[Value]) -> Value {
    json!({
        "plan": id("pln", number), "name": format!("Plan {number}"), "product": "suite",
        "every": every, "timing": timing, "prices": prices,
    })
}

fn price(code: &str, rate: &Value) -> Value {
    json!({"price": code, "amounts": amounts(rate)})
}

/// One plan of each kind of price.
fn plans() -> Vec<Value> {
    let month = json!({"count": 1, "unit": "month"});
    let tier = |up_to: Value, unit: &str, flat: &str| json!({"up_to": up_to, "unit": unit, "flat": flat, "percent": "0"});
    let tiers = json!([
        tier(json!("5"), "7", "10"),
        tier(json!("10"), "6.5", "5"),
        tier(Value::Null, "6", "0")
    ]);
    let mut least = price("fee", &json!({"per_unit": "3.333"}));
    for amount in least["amounts"].as_array_mut().expect("a list") {
        amount["minimum"] = json!("50");
    }
    let mut setup = price("setup", &json!({"flat": "25"}));
    setup["recurrence"] = json!("setup");
    let mut yearly = price("support", &json!({"flat": "120.5"}));
    yearly["every"] = json!({"count": 1, "unit": "year"});
    let package = json!({"package": {"price": "9.99", "size": "4", "free_units": "2"}});
    let share = json!({"percentage": {"percent": "1.5", "fixed": "0.3", "free_amount": "1",
        "min": null, "max": null}});
    let sizes = json!([{"up_to": "5", "unit": "0", "flat": "12", "percent": "0"},
        {"up_to": null, "unit": "0", "flat": "40.5", "percent": "0"}]);
    vec![
        plan(1, &month, "in_advance", &[price("fee", &json!({"flat": "29.95"})), setup]),
        plan(2, &month, "in_advance", &[price("fee", &json!({"per_unit": "19.95"}))]),
        plan(3, &month, "in_arrears", &[price("fee", &json!({"graduated": tiers}))]),
        plan(4, &month, "in_advance", &[price("fee", &json!({"volume": tiers})), yearly]),
        plan(
            5,
            &json!({"count": 1, "unit": "year"}),
            "in_advance",
            &[price("fee", &json!({"per_unit": "239.95"}))],
        ),
        plan(6, &month, "in_advance", &[least]),
        plan(7, &json!({"count": 10, "unit": "day"}), "in_advance", &[price("fee", &package)]),
        plan(
            8,
            &month,
            "in_arrears",
            &[price("fee", &share), price("seats", &json!({"capacity": sizes}))],
        ),
    ]
}

impl Teller {
    fn open(&mut self) {
        let series = json!([
            {"code": "INV", "kind": "invoice", "prefix": "INV", "digits": 4},
            {"code": "CN", "kind": "credit_note", "prefix": "CN", "digits": 4},
        ]);
        self.must(
            "entity.define",
            &json!({"entity": id("ent", 1), "name": "Seller", "zone": "UTC",
            "payment_terms_days": 14, "series": series}),
        );
        for plan in plans() {
            self.must("plan.define", &plan);
        }
        for number in 0..12_u64 {
            let currency = CURRENCIES[usize::try_from(number % 3).expect("small")];
            let zone = ZONES[usize::try_from(number % 4).expect("small")];
            let customer = id("cus", number);
            self.must(
                "customer.register",
                &json!({"customer": customer, "entity": id("ent", 1),
                "name": format!("Customer {number}"), "currency": currency, "zone": zone}),
            );
            self.customers.push(Customer {
                id: customer,
                currency,
                subscriptions: Vec::new(),
                payments: Vec::new(),
                invoices: Vec::new(),
                discounts: Vec::new(),
            });
        }
    }

    /// Sends a command; whether it was accepted.
    fn send(&mut self, name: &str, body: &Value, effective: Option<Timestamp>) -> bool {
        self.sent += 1;
        let command_id = CommandId::new(Uuid::from_u128(u128::from(self.sent) | (7 << 96)));
        let command = Command::from_json(name, body.to_string().as_bytes());
        let command = command.unwrap_or_else(|error| panic!("{name} {body}: {error}"));
        let invoice = InvoiceId::new(derive(command_id.uuid(), "invoice"));
        let mut request = CommandRequest::new(command_id, "ada".parse().expect("a name"), command);
        request.effective_at = effective;
        let Ok(receipt) = self.handle.submit_blocking(request) else { return false };
        if receipt.events.contains(&"invoice.finalized")
            && let Some(customer) = body["customer"].as_str()
            && let Some(found) = self.customers.iter_mut().find(|found| found.id == customer)
        {
            found.invoices.push(invoice);
        }
        true
    }

    fn must(&mut self, name: &str, body: &Value) {
        assert!(self.send(name, body, None), "{name} {body}");
    }

    fn fresh(&self, prefix: &str) -> String {
        id(prefix, 1_000 + self.sent)
    }

    /// Some days later, at any time of the day.
    fn later(&mut self) {
        let days = i64::try_from(self.random.below(5)).expect("small");
        let more = i64::try_from(self.random.below(86_400)).expect("small") * 1_000_000;
        let now = Timestamp::from_micros(self.now.micros() + days * DAY + more).expect("in range");
        self.now = now;
        self.must("book.advance_clock", &json!({"to": now.to_string()}));
    }

    fn run_billing(&mut self) {
        let through = self.now.utc_date();
        let run = self.fresh("run");
        if self.send("billing.run", &json!({"run": run, "through": through.to_string()}), None) {
            let run = run.parse().expect("an id");
            let patience = std::time::Duration::from_mins(1);
            self.handle.progress().wait_run(run, patience).expect("the run is known");
        }
    }

    fn next(&mut self) {
        let which = self.random.below(100);
        if which < 25 {
            self.later();
            return;
        }
        if which < 37 {
            self.run_billing();
            return;
        }
        let at = usize::try_from(self.random.below(self.customers.len() as u64)).expect("small");
        let (name, body) = self.command(at, which);
        // Now and then it is entered some days late.
        let back = i64::try_from(self.random.below(4) * self.random.below(6)).expect("small");
        let late = Timestamp::from_micros(self.now.micros() - back * DAY).expect("in range");
        let effective = (back > 0 && name.starts_with("subscription")).then_some(late);
        if self.send(name, &body, effective) {
            self.remember(at, name, &body);
        }
    }

    fn remember(&mut self, at: usize, name: &str, body: &Value) {
        let text = |field: &str| body[field].as_str().expect("a text").to_owned();
        let customer = &mut self.customers[at];
        match name {
            "subscription.create" => customer.subscriptions.push(text("subscription")),
            "payment.record" => customer.payments.push(text("payment")),
            "discount.apply" => customer.discounts.push(text("discount")),
            _ => {}
        }
    }

    fn one_of(&mut self, all: &[String]) -> String {
        if all.is_empty() { id("sub", 0) } else { self.random.one_of(all).clone() }
    }

    fn money(&mut self, currency: &str, most: u64) -> Value {
        json!({"amount": (1 + self.random.below(most)).to_string(), "currency": currency})
    }

    fn command(&mut self, at: usize, which: u64) -> (&'static str, Value) {
        let customer = self.customers[at].id.clone();
        let subscriptions = self.customers[at].subscriptions.clone();
        let subscription = self.one_of(&subscriptions);
        let when = *self.random.one_of(&["now", "now", "now", "cycle_end"]);
        let settle = *self.random.one_of(&["now", "next", "next", "none"]);
        let quantity = (1 + self.random.below(12)).to_string();
        let plan = id("pln", 1 + self.random.below(PLANS));
        match which {
            37..50 => {
                let mut with = json!({});
                if self.random.below(3) == 0 {
                    with["anchor"] = json!({"day": 1 + self.random.below(31)});
                }
                let invoice = *self.random.one_of(&["now", "next"]);
                let subscription = self.fresh("sub");
                (
                    "subscription.create",
                    json!({"customer": customer, "subscription": subscription,
                    "plan": plan, "quantity": quantity, "invoice": invoice, "with": with}),
                )
            }
            50..60 => (
                "subscription.change_quantity",
                json!({"customer": customer,
                "subscription": subscription, "quantity": quantity, "when": when,
                "proration": settle}),
            ),
            60..68 => (
                "subscription.change_plan",
                json!({"customer": customer,
                "subscription": subscription, "plan": plan, "when": when, "proration": settle}),
            ),
            68..72 => (
                "subscription.pause",
                json!({"customer": customer,
                "subscription": subscription, "when": when, "credit": settle}),
            ),
            72..76 => (
                "subscription.resume",
                json!({"customer": customer,
                "subscription": subscription, "when": "now", "proration": settle}),
            ),
            76..79 => {
                let credit = *self.random.one_of(&["prorated", "none", "full"]);
                (
                    "subscription.cancel",
                    json!({"customer": customer,
                    "subscription": subscription, "when": when, "credit": credit}),
                )
            }
            79..85 => self.discount(at, &subscription),
            85..89 => self.charge(at),
            89..92 => ("invoice.now", json!({"customer": customer})),
            92..96 => {
                let amount = self.money(self.customers[at].currency, 90);
                let payment = self.fresh("pay");
                (
                    "payment.record",
                    json!({"customer": customer, "payment": payment, "amount": amount}),
                )
            }
            96..98 => {
                let invoices = self.customers[at].invoices.clone();
                let invoice = invoices.last().map_or_else(|| id("inv", 0), ToString::to_string);
                let rebill = self.random.below(2) == 0;
                (
                    "invoice.void",
                    json!({"customer": customer, "invoice": invoice,
                    "reason": "wrong", "rebill": rebill}),
                )
            }
            _ => {
                let payments = self.customers[at].payments.clone();
                let payment =
                    if payments.is_empty() { id("pay", 0) } else { self.one_of(&payments) };
                let amount = self.money(self.customers[at].currency, 9);
                (
                    "payment.refund",
                    json!({"customer": customer, "payment": payment,
                    "refund": self.fresh("ref"), "amount": amount,
                    "effect": {"credit_note": null}, "reason": "too much"}),
                )
            }
        }
    }

    fn discount(&mut self, at: usize, subscription: &str) -> (&'static str, Value) {
        let customer = self.customers[at].id.clone();
        let discounts = self.customers[at].discounts.clone();
        if !discounts.is_empty() && self.random.below(4) == 0 {
            let discount = self.one_of(&discounts);
            return ("discount.remove", json!({"customer": customer, "discount": discount}));
        }
        let on = match self.random.below(4) {
            0 => json!("customer"),
            1 => json!({"item": {"subscription": subscription, "price": "fee"}}),
            2 => json!({"product": "suite"}),
            _ => json!({"subscription": subscription}),
        };
        let value = if self.random.below(2) == 0 {
            json!({"percent": (5 + self.random.below(40)).to_string()})
        } else {
            json!({"amount": self.money(self.customers[at].currency, 15)})
        };
        let duration = match self.random.below(3) {
            0 => json!("once"),
            1 => json!({"cycles": 3}),
            _ => json!("forever"),
        };
        let discount = self.fresh("dsc");
        (
            "discount.apply",
            json!({"customer": customer, "discount": discount, "on": on,
            "value": value, "duration": duration}),
        )
    }

    fn charge(&mut self, at: usize) -> (&'static str, Value) {
        let (customer, currency) = (self.customers[at].id.clone(), self.customers[at].currency);
        let price = if self.random.below(2) == 0 {
            json!({"total": self.money(currency, 40)})
        } else {
            json!({"per_unit": {"amount": "0.3335", "currency": currency}})
        };
        let invoice = if self.random.below(2) == 0 { json!("next") } else { json!({"now": {}}) };
        let charge = self.fresh("chg");
        let quantity = (1 + self.random.below(9)).to_string();
        (
            "charge.add",
            json!({"customer": customer, "charge": charge, "description": "Work",
            "price": price, "quantity": quantity, "invoice": invoice}),
        )
    }
}
