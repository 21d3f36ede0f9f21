//! What messages call things: a file's own aliases, and `i1` for an invoice.

use uuid::Uuid;

use super::Names;

/// The most invoices that a message lists one by one.
const MOST_LISTED: usize = 8;

impl Names {
    /// What there is of the kind that is missed by a refusal such as `unknown_invoice`, for a
    /// message; none for other refusals.
    pub(crate) fn there_is(&self, code: &str) -> Option<String> {
        let of = |id: Uuid| self.alias(id).map(str::to_owned);
        let kind = code.strip_prefix("unknown_")?;
        let mut known: Vec<String> = match kind {
            "customer" => self.customers.iter().filter_map(|(id, _)| of(id.uuid())).collect(),
            "plan" => self.plans.keys().filter_map(|id| of(id.uuid())).collect(),
            "subscription" => self.subs.iter().filter_map(|(id, _)| of(id.uuid())).collect(),
            "quote" => self.quotes.keys().filter_map(|id| of(id.uuid())).collect(),
            "discount" => self.discounts.keys().filter_map(|id| of(id.uuid())).collect(),
            "payment" => self.payments.keys().filter_map(|id| of(id.uuid())).collect(),
            "credit" => {
                let payments = self.payments.keys().filter_map(|id| of(id.uuid()));
                payments.chain(self.grants.keys().filter_map(|id| of(id.uuid()))).collect()
            }
            "invoice" => self.invoice_names(),
            _ => return None,
        };
        if kind != "invoice" {
            known.sort();
        }
        Some(match known.as_slice() {
            [] => format!("there is no {kind} yet"),
            some => format!("there is {}", some.join(", ")),
        })
    }

    /// The names of invoices, with who owes them; those between the first and the last left out
    /// where they are many.
    pub(super) fn invoice_names(&self) -> Vec<String> {
        if self.invoices.len() > MOST_LISTED {
            return vec![format!("i1 to i{}", self.invoices.len())];
        }
        let each = self.invoices.iter().enumerate();
        each.map(|(index, (owes, _))| match self.alias(owes.uuid()) {
            Some(owes) => format!("i{} of {owes}", index + 1),
            None => format!("i{}", index + 1),
        })
        .collect()
    }

    /// What an id was made of.
    pub(crate) fn alias(&self, id: Uuid) -> Option<&str> {
        self.written.get(&id).map(String::as_str)
    }

    /// A message with the file's own aliases in place of ids, and invoices by their names.
    pub(crate) fn told(&self, message: &str) -> String {
        const DIGITS: usize = 32;
        let mut told = String::new();
        let mut rest = message;
        while let Some(at) = rest.find('_') {
            let (before, after) = (&rest[..at], &rest[at + 1..]);
            let digits = after.get(..DIGITS).and_then(|digits| Uuid::try_parse(digits).ok());
            let prefix = before.len().checked_sub(3).and_then(|start| before.get(start..));
            let name = digits.and_then(|id| self.name_of(id));
            if let (Some(prefix), Some(name)) = (prefix, name) {
                told.push_str(&before[..before.len() - prefix.len()]);
                told.push_str(&name);
                rest = &after[DIGITS..];
            } else {
                told.push_str(&rest[..=at]);
                rest = after;
            }
        }
        told + rest
    }

    pub(super) fn name_of(&self, id: Uuid) -> Option<String> {
        let invoice = self.invoices.iter().position(|(_, known)| known.uuid() == id);
        let invoice = invoice.map(|index| format!("i{}", index + 1));
        let alias = || self.alias(id).map(str::to_owned);
        let note = || self.notes.iter().position(|(_, known)| known.uuid() == id);
        let note = || note().map(|index| format!("n{}", index + 1));
        invoice.or_else(alias).or_else(note)
    }
}

#[cfg(test)]
mod tests {
    use schemas::ids::InvoiceId;

    use super::super::tests::names;
    use super::*;

    #[test]
    fn a_message_says_aliases_where_the_ledger_says_ids() {
        let mut names = names();
        let (ada, sub) = (names.customer_id("ada"), names.sub_id("s"));
        let invoice = InvoiceId::new(Uuid::from_u128(7));
        names.invoices.push((ada, invoice));
        let message =
            format!("{sub} of {ada} has no {invoice}, no_thing, and not {}", names.plan_id("p"));
        let told = format!("s of ada has no i1, no_thing, and not {}", names.plan_id("p"));
        assert_eq!(names.told(&message), told);
        assert_eq!(names.told("ü_1"), "ü_1");
    }

    #[test]
    fn a_message_says_which_things_there_are_where_one_is_not() {
        let mut names = names();
        assert_eq!(names.there_is("unknown_invoice").as_deref(), Some("there is no invoice yet"));
        assert_eq!(names.there_is("not_paused"), None);
        let nobodys = names.invoice_id("s");
        assert_eq!(names.told(&format!("{nobodys} is not")), "s is not");
        let ada = names.customer_id("ada");
        for number in 1..=2 {
            names.invoices.push((ada, InvoiceId::new(Uuid::from_u128(number))));
        }
        let two = names.there_is("unknown_invoice");
        assert_eq!(two.as_deref(), Some("there is i1 of ada, i2 of ada"));
    }
}
