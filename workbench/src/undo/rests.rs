//! What rests on what: two commits that name the same thing.

use std::collections::BTreeSet;

use schemas::feed::FeedEntry;
use schemas::ids::{
    ChargeId, CreditGrantId, CreditNoteId, DiscountId, InvoiceId, PaymentId, PlanId, QuoteId,
    RefundId, SubscriptionId,
};
use serde_json::Value;

/// Prefixes of what a customer has; customers, sellers and coupons are named by everybody.
const THINGS: [&str; 9] = [
    SubscriptionId::PREFIX,
    DiscountId::PREFIX,
    ChargeId::PREFIX,
    InvoiceId::PREFIX,
    CreditNoteId::PREFIX,
    PaymentId::PREFIX,
    RefundId::PREFIX,
    CreditGrantId::PREFIX,
    QuoteId::PREFIX,
];

/// What a commit names.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// What it makes or changes.
    own: BTreeSet<String>,
    /// What it only goes by.
    read: BTreeSet<String>,
}

impl Touched {
    /// Everything that command and events of a commit name.
    pub(super) fn by(entry: &FeedEntry) -> Self {
        let mut touched = Self::default();
        let events = entry.events.iter().map(|event| &event.body);
        for body in events.chain([&entry.command.body]) {
            collect(body, &mut touched);
        }
        let kind = entry.command.kind.as_str();
        match kind {
            "customer.update" | "entity.update" => touched.fields(&entry.command.body),
            "invoice.annotate" => touched.own.extend([NEXT_INVOICE.to_owned()]),
            "plan.define" | "plan.retire" => touched.own.extend(plan(&entry.command.body)),
            "plan.migrate" | "plan.withdraw_migration" => {
                let from = entry.command.body.get("from_version").map(Value::to_string);
                let plan = plan(&entry.command.body);
                let edge = plan.map(|plan| format!("{plan} from {}", from.unwrap_or_default()));
                touched.own.extend(edge);
            }
            _other => {}
        }
        if entry.events.iter().any(|event| event.kind == "invoice.finalized") {
            touched.read.insert(NEXT_INVOICE.to_owned());
        }
        touched
    }

    /// The details of a party that an update gives.
    fn fields(&mut self, body: &Value) {
        let Value::Object(fields) = body else { return };
        let given = fields.iter().filter(|(_, value)| !value.is_null());
        for (name, value) in given {
            if let Value::Array(cleared) = value
                && name == "clear"
            {
                self.own.extend(cleared.iter().filter_map(Value::as_str).map(str::to_owned));
            } else {
                self.own.insert(name.clone());
            }
        }
        self.own.remove("customer");
        self.own.remove("entity");
    }

    /// What both name, if a later commit rests on this one.
    pub(super) fn under(&self, later: &Self) -> Option<&str> {
        let named = |thing: &&String| later.own.contains(*thing) || later.read.contains(*thing);
        self.own.iter().find(named).map(String::as_str)
    }

    /// Plans: customers name them, too.
    pub(super) fn shared(&self) -> impl Iterator<Item = String> {
        let is_plan = |thing: &&String| is_of(thing, PlanId::PREFIX) && !thing.contains(' ');
        self.own.iter().filter(is_plan).cloned()
    }

    /// Whether it names a thing.
    pub(super) fn names(&self, thing: &str) -> bool {
        self.own.contains(thing) || self.read.contains(thing)
    }
}

/// What an annotation is about.
pub(super) const NEXT_INVOICE: &str = "the customer's next invoice";

fn plan(body: &Value) -> Option<String> {
    body.get("plan").and_then(Value::as_str).map(str::to_owned)
}

fn is_of(text: &str, prefix: &str) -> bool {
    text.split_once('_').is_some_and(|(found, rest)| {
        found == prefix
            && rest.len() >= 32
            && rest.as_bytes()[..32].iter().all(u8::is_ascii_hexdigit)
    })
}

fn collect(value: &Value, touched: &mut Touched) {
    match value {
        Value::String(text) if THINGS.iter().any(|prefix| is_of(text, prefix)) => {
            touched.own.insert(text.clone());
        }
        Value::String(text) if is_of(text, PlanId::PREFIX) => {
            touched.read.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, touched)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, touched)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use schemas::feed::FeedRecord;
    use serde_json::json;

    use super::*;

    fn touched(kind: &str, body: Value, event: &str) -> Touched {
        let record = |kind: &str, body| FeedRecord { id: None, kind: kind.to_owned(), body };
        Touched::by(&FeedEntry {
            position: "0:1".to_owned(),
            stream: "book".to_owned(),
            revision: 1,
            command_id: String::new(),
            command: record(kind, body),
            events: vec![record(event, json!({}))],
            recorded_at: "2026-01-01T00:00:00Z".parse().expect("an instant"),
            effective_at: "2026-01-01T00:00:00Z".parse().expect("an instant"),
            actor: "ada".to_owned(),
            reason: Value::Null,
            cause: None,
            batch: None,
            session: None,
            bodies_left_out: false,
        })
    }

    fn id(prefix: &str, digit: char) -> String {
        format!("{prefix}_{}", digit.to_string().repeat(32))
    }

    #[test]
    fn commits_that_name_the_same_thing_rest_on_each_other() {
        let pay = touched("payment.record", json!({"payment": id("pay", '1')}), "x.y");
        let lot = json!({"lot": {"payment": id("pay", '1')}, "invoice": id("inv", '2')});
        let apply = touched("credit.apply", lot, "x.y");
        assert_eq!(pay.under(&apply), Some(id("pay", '1').as_str()));
        let other = touched("payment.record", json!({"payment": id("pay", '3')}), "x.y");
        assert_eq!(pay.under(&other), None);
        let same_customer = json!({"customer": id("cus", '1'), "name": "Ada"});
        let one = touched("customer.update", same_customer.clone(), "x.y");
        let email = json!({"customer": id("cus", '1'), "email": "a@b", "name": null});
        assert_eq!(one.under(&touched("customer.update", email, "x.y")), None);
        assert_eq!(one.under(&touched("customer.update", same_customer, "x.y")), Some("name"));
    }

    #[test]
    fn an_annotation_is_used_up_by_an_invoice_and_a_plan_by_who_buys_it() {
        let said = touched("invoice.annotate", json!({"memo": "m"}), "invoice.annotated");
        let issued = touched("invoice.now", json!({}), "invoice.finalized");
        assert_eq!(said.under(&issued), Some(NEXT_INVOICE));
        assert_eq!(issued.under(&said), None);
        let plan = json!({"plan": id("pln", '1')});
        let define = touched("plan.define", plan.clone(), "plan.version_defined");
        let create = touched("subscription.create", plan, "subscription.created");
        assert_eq!(define.under(&create), Some(id("pln", '1').as_str()));
        assert_eq!(create.under(&define), None);
        assert_eq!(define.shared().collect::<Vec<_>>(), [id("pln", '1')]);
    }
}
