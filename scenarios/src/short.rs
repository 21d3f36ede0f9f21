//! Forms of their own: verbs that are shorter than the command that they stand for.
//!
//! A row says which keys have another name, which words mean another one, what is said without
//! meaning anything, and what the command gets where nothing is said. What is left is read by the
//! command's own schema.

mod catalog;
mod life;
mod money;

use serde_json::Value;

use crate::draft::Draft;
use crate::trouble::Trouble;

/// Verbs of the format that need commands which billfold does not have yet.
pub(crate) const NOT_YET: [&str; 19] = [
    "tax",
    "fx",
    "meter",
    "usage",
    "amend_usage",
    "withdraw_usage",
    "contract",
    "write_off",
    "unapply",
    "dispute",
    "win",
    "lose",
    "accrue",
    "close",
    "reopen",
    "loss_rates",
    "invoice",
    "report",
    "import",
];

/// A verb with a form of its own.
#[derive(Debug)]
pub(crate) struct Short {
    pub(crate) verb: &'static str,
    pub(crate) command: &'static str,
    /// Keys that must be there.
    needs: &'static [&'static str],
    /// Keys, and the fields of the command that they are.
    keys: &'static [(&'static str, &'static str)],
    /// A key, a word of it, and the word of the command.
    words: &'static [(&'static str, &'static str, &'static str)],
    /// Keys that say what billfold does anyway, with all that they may say.
    only: &'static [(&'static str, &'static [&'static str])],
    /// Keys that were said elsewhere already.
    ignored: &'static [&'static str],
    /// Fields that nothing is said of, and their words.
    usual: &'static [(&'static str, &'static str)],
    /// The customer is who pays, where it has a parent.
    payer: bool,
    /// What no row can say; whether there is a command at all.
    more: fn(&mut Draft<'_>) -> Result<bool, Trouble>,
}

/// A row without any of it.
const PLAIN: Short = Short {
    verb: "",
    command: "",
    needs: &[],
    keys: &[],
    words: &[],
    only: &[],
    ignored: &[],
    usual: &[],
    payer: false,
    more: |_| Ok(true),
};

const OF_SUB: &[(&str, &str)] = &[("sub", "subscription")];
const WHEN_PAID: (&str, &str, &str) = ("when", "paid", "when_paid");

/// Every verb with a form of its own.
pub(crate) const SHORT: [Short; 35] = [
    Short {
        verb: "customer",
        command: "customer.register",
        needs: &["id"],
        keys: &[("payment_terms", "payment_terms_days")],
        more: catalog::customer,
        ..PLAIN
    },
    Short {
        verb: "plan",
        command: "plan.define",
        needs: &["id"],
        keys: &[("id", "plan"), ("bill", "timing"), ("trial", "trial_days"), ("lead", "lead_days")],
        usual: &[("timing", "in_advance")],
        more: catalog::plan,
        ..PLAIN
    },
    Short { verb: "retire", command: "plan.retire", needs: &["plan"], ..PLAIN },
    Short {
        verb: "migrate",
        command: "plan.migrate",
        needs: &["plan", "from", "to", "on"],
        keys: &[("from", "from_version"), ("to", "to_version")],
        more: catalog::migrate,
        ..PLAIN
    },
    Short {
        verb: "withdraw_migration",
        command: "plan.withdraw_migration",
        needs: &["plan", "from"],
        keys: &[("from", "from_version")],
        ..PLAIN
    },
    Short {
        verb: "coupon",
        command: "coupon.define",
        needs: &["id"],
        keys: &[("id", "coupon"), ("for", "duration")],
        usual: &[("duration", "forever")],
        more: catalog::coupon,
        ..PLAIN
    },
    Short {
        verb: "redeem",
        command: "coupon.redeem",
        needs: &["coupon", "customer"],
        payer: true,
        more: money::redeem,
        ..PLAIN
    },
    Short {
        verb: "subscribe",
        command: "subscription.create",
        needs: &["id", "customer", "plan"],
        keys: &[("id", "subscription")],
        more: life::subscribe,
        ..PLAIN
    },
    Short {
        verb: "change",
        command: "subscription.change",
        needs: &["sub"],
        keys: OF_SUB,
        words: &[WHEN_PAID],
        more: life::change,
        ..PLAIN
    },
    Short {
        verb: "cancel",
        command: "subscription.cancel",
        needs: &["sub"],
        keys: OF_SUB,
        words: &[WHEN_PAID],
        ..PLAIN
    },
    Short {
        verb: "uncancel",
        command: "subscription.uncancel",
        needs: &["sub"],
        keys: OF_SUB,
        only: &[("when", &["now"])],
        ..PLAIN
    },
    // `prorated` is credited with the next invoice, so that days that are made up for until then
    // are not credited first and charged again after.
    Short {
        verb: "pause",
        command: "subscription.pause",
        needs: &["sub"],
        keys: OF_SUB,
        words: &[WHEN_PAID, ("credit", "prorated", "next")],
        ..PLAIN
    },
    // What a paused cycle was credited says nothing of how it is charged again.
    Short {
        verb: "resume",
        command: "subscription.resume",
        needs: &["sub"],
        keys: OF_SUB,
        words: &[WHEN_PAID],
        only: &[("credit", &["prorated"])],
        ..PLAIN
    },
    Short {
        verb: "end_trial",
        command: "subscription.end_trial",
        needs: &["sub"],
        keys: OF_SUB,
        ..PLAIN
    },
    Short {
        verb: "withdraw_charge",
        command: "charge.withdraw",
        needs: &["id"],
        keys: &[("id", "charge")],
        ..PLAIN
    },
    Short {
        verb: "withdraw",
        command: "subscription.withdraw_change",
        needs: &["sub", "change"],
        keys: OF_SUB,
        ..PLAIN
    },
    Short {
        verb: "set_renewal",
        command: "subscription.set_renewal",
        needs: &["sub", "renewal"],
        keys: OF_SUB,
        ..PLAIN
    },
    Short {
        verb: "quote",
        command: "quote.create",
        needs: &["id", "customer", "plan", "valid_until"],
        keys: &[("id", "quote")],
        more: life::subscribe,
        ..PLAIN
    },
    Short {
        verb: "accept",
        command: "quote.accept",
        needs: &["quote", "id"],
        keys: &[("id", "subscription")],
        ..PLAIN
    },
    Short { verb: "void_quote", command: "quote.void", needs: &["quote"], ..PLAIN },
    Short {
        verb: "discount",
        command: "discount.apply",
        needs: &["id", "on"],
        keys: &[("id", "discount"), ("for", "duration")],
        usual: &[("duration", "forever")],
        more: money::discount,
        ..PLAIN
    },
    Short {
        verb: "remove_discount",
        command: "discount.remove",
        needs: &["id"],
        keys: &[("id", "discount")],
        ignored: &["on"],
        ..PLAIN
    },
    Short {
        verb: "charge",
        command: "charge.add",
        needs: &["id", "customer"],
        keys: &[("id", "charge")],
        only: &[("schedule", &["by_day", "day"])],
        usual: &[("invoice", "next")],
        payer: true,
        more: money::charge,
        ..PLAIN
    },
    Short { verb: "run", command: "billing.run", needs: &["through"], ..PLAIN },
    Short { verb: "finalize", command: "invoice.now", payer: true, more: money::finalize, ..PLAIN },
    Short { verb: "void", command: "invoice.void", needs: &["invoice"], ..PLAIN },
    Short {
        verb: "grant_credit",
        command: "credit.grant",
        needs: &["customer", "amount"],
        keys: &[("id", "grant")],
        payer: true,
        more: money::grant_credit,
        ..PLAIN
    },
    Short { verb: "apply", command: "credit.apply", needs: &["lot", "invoice"], ..PLAIN },
    Short { verb: "release", command: "credit.release", needs: &["lot", "invoice"], ..PLAIN },
    Short { verb: "revoke", command: "credit.revoke", needs: &["grant"], ..PLAIN },
    Short {
        verb: "pay_out",
        command: "credit.pay_out",
        needs: &["lot"],
        keys: &[("id", "refund")],
        more: money::pay_out,
        ..PLAIN
    },
    Short {
        verb: "pay",
        command: "payment.record",
        needs: &["id", "amount"],
        keys: &[("id", "payment")],
        only: &[("state", &["settled"])],
        payer: true,
        more: money::pay,
        ..PLAIN
    },
    Short {
        verb: "reverse",
        command: "payment.reverse",
        needs: &["payment"],
        usual: &[("reason", "not honoured")],
        ..PLAIN
    },
    Short {
        verb: "refund",
        command: "payment.refund",
        needs: &["payment", "amount"],
        keys: &[("id", "refund")],
        usual: &[("effect", "reopen")],
        ..PLAIN
    },
    Short {
        verb: "credit_note",
        command: "credit_note.issue",
        needs: &["id", "invoice"],
        keys: &[("id", "note")],
        more: money::credit_note,
        ..PLAIN
    },
];

impl Short {
    /// Takes what the form has of its own; whether there is a command at all.
    ///
    /// # Errors
    /// [`Trouble`] for a key that is missing, and for what cannot be read.
    pub(crate) fn read(&self, draft: &mut Draft<'_>) -> Result<bool, Trouble> {
        for key in self.needs {
            if !draft.said.has(key) {
                return Err(draft.said.missing(key));
            }
        }
        for (key, allowed) in self.only {
            draft.said.only(key, allowed)?;
        }
        for key in self.ignored {
            let _said_elsewhere = draft.said.node(key);
        }
        // Ids first: they say whose command it is, and so what amounts are in.
        for (key, field) in self.keys {
            draft.put_alias(key, field)?;
        }
        if self.payer
            && let Some(alias) = draft.said.text("customer")?
        {
            draft.of(draft.names.payer(draft.names.customer_id(alias)));
        }
        if !(self.more)(draft)? {
            return Ok(false);
        }
        for (key, word, meant) in self.words {
            if draft.said.peek(key) == Some(word) {
                let _taken = draft.said.node(key);
                draft.put(key, *meant);
            }
        }
        for (key, field) in self.keys {
            draft.put_as(key, field)?;
        }
        for (field, word) in self.usual {
            if !draft.has(field) && !draft.said.has(field) {
                draft.put(field, Value::from(*word));
            }
        }
        Ok(true)
    }
}
