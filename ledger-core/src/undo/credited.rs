//! Charges, invoices, payments and credit.

use schemas::command::{
    AddCharge, Allocate, AllocationRequest, ApplyCredit, ChargeInvoice, GrantCredit, RecordPayment,
    ReleaseCredit, ReversePayment, RevokeCredit, VoidInvoice, WithdrawCharge,
};
use schemas::event::{
    CreditApplied, CreditGranted, CreditNoteIssued, CreditReleased, CreditRevoked,
    InvoiceFinalized, PaymentRecorded, PaymentReversed,
};
use schemas::ids::{ChargeId, CreditGrantId, CustomerId, InvoiceId, PaymentId};
use schemas::terms::{GrantKind, LotRef};
use schemas::{Currency, Event, Minor, Personal};

use super::{Done, Past, Stays, Step, in_its_place};

pub(super) fn charge(
    add: &AddCharge,
    done: &Done<'_>,
    reason: &Personal,
) -> Result<Vec<Step>, Stays> {
    match &add.invoice {
        None | Some(ChargeInvoice::Next) => {
            let (customer, charge) = (add.customer, add.charge);
            Ok(vec![Step::now(WithdrawCharge { customer, charge })])
        }
        Some(ChargeInvoice::Now(_)) => voided(add.customer, false, done, reason),
    }
}

pub(super) fn charged_again(
    withdraw: &WithdrawCharge,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let added = past.last(|commit| {
        let add = commit.command.get::<AddCharge>()?;
        (add.charge == withdraw.charge).then(|| add.clone())
    });
    let added = added.ok_or(Stays::because("no command made the charge; add it anew"))?;
    let charge = ChargeId::new(in_its_place(done));
    Ok(vec![Step::now(AddCharge { charge, invoice: None, ..added })])
}

/// Voids what a commit issued, the last first.
pub(super) fn voided(
    customer: CustomerId,
    rebill: bool,
    done: &Done<'_>,
    reason: &Personal,
) -> Result<Vec<Step>, Stays> {
    if done.events.iter().any(|event| event.get::<CreditNoteIssued>().is_some()) {
        return Err(Stays::because(
            "it issued a credit note, which is a document; charge the amount again with charge.add",
        ));
    }
    let issued = done.events.iter().rev().filter_map(|event| event.get::<InvoiceFinalized>());
    let steps = issued.map(|issued| {
        let (invoice, reason) = (issued.invoice, reason.clone());
        Step::now(VoidInvoice { customer, invoice, reason, rebill }).about(invoice)
    });
    Ok(steps.collect())
}

pub(super) fn reversed(record: &RecordPayment, reason: &Personal) -> Vec<Step> {
    let (customer, payment, reason) = (record.customer, record.payment, reason.clone());
    vec![Step::now(ReversePayment { customer, payment, reason })]
}

/// The same money again, on the invoices that were opened.
pub(super) fn received_again(
    reverse: &ReversePayment,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    const UNKNOWN: Stays = Stays::because("the payment is not known; record it anew");
    let reversed = done.events.iter().find_map(|event| event.get::<PaymentReversed>());
    let reversed = reversed.ok_or(UNKNOWN)?;
    let recorded = past.last(|commit| {
        let recorded = commit.events.iter().filter_map(|event| event.get::<PaymentRecorded>());
        recorded.clone().find(|recorded| recorded.payment == reverse.payment).cloned()
    });
    let recorded = recorded.ok_or(UNKNOWN)?;
    let currency = reversed.amount.currency();
    let mut parts: Vec<(InvoiceId, Minor)> = Vec::new();
    for opened in reversed.reopened.iter().chain(&reversed.credit_unapplied) {
        match parts.iter_mut().find(|(invoice, _)| *invoice == opened.invoice) {
            Some((_, amount)) => {
                *amount = amount.plus(opened.amount).map_err(schemas::Rejection::from)?;
            }
            None => parts.push((opened.invoice, opened.amount)),
        }
    }
    let part = |(invoice, amount): (_, Minor)| {
        let amount = amount.of(currency);
        AllocationRequest { invoice, amount }
    };
    let back = RecordPayment {
        customer: reverse.customer,
        payment: PaymentId::new(in_its_place(done)),
        amount: reversed.amount,
        external_id: None,
        method: recorded.method,
        allocate: Some(Allocate::To(parts.into_iter().map(part).collect())),
    };
    Ok(vec![Step::now(back)])
}

pub(super) fn revoked(
    grant: &GrantCredit,
    done: &Done<'_>,
    reason: &Personal,
) -> Result<Vec<Step>, Stays> {
    match grant.kind {
        Some(GrantKind::Prepayment) => {
            return Err(Stays::because(
                "a prepayment is the customer's money; pay it out with credit.pay_out",
            ));
        }
        None | Some(GrantKind::Goodwill | GrantKind::Promotion) => {}
    }
    let customer = grant.customer;
    let mut steps = released(customer, LotRef::Grant(grant.grant), done);
    let (grant, reason) = (grant.grant, reason.clone());
    steps.push(Step::now(RevokeCredit { customer, grant, reason }));
    Ok(steps)
}

/// Takes a lot off what a commit let it pay.
pub(super) fn released(customer: CustomerId, lot: LotRef, done: &Done<'_>) -> Vec<Step> {
    taken_off(customer, lot, done.events)
}

/// Takes a lot off what these events let it pay, the last first. What is released of a lot may pay
/// what else is open at once: then it is to be taken off that, too.
pub fn taken_off(customer: CustomerId, lot: LotRef, events: &[Event]) -> Vec<Step> {
    let applied = events.iter().rev().filter_map(|event| event.get::<CreditApplied>());
    let parts = applied.flat_map(|applied| {
        let of_lot = applied.parts.iter().rev().filter(|part| part.lot == lot);
        of_lot.map(|part| (part.invoice, part.amount, applied.currency))
    });
    parts.map(|(invoice, amount, currency)| off(customer, lot, invoice, amount, currency)).collect()
}

fn off(
    customer: CustomerId,
    lot: LotRef,
    invoice: InvoiceId,
    amount: Minor,
    currency: Currency,
) -> Step {
    let amount = Some(amount.of(currency));
    Step::now(ReleaseCredit { customer, lot, invoice, amount }).about(invoice)
}

pub(super) fn applied_again(release: &ReleaseCredit, done: &Done<'_>) -> Vec<Step> {
    let (customer, lot) = (release.customer, release.lot);
    let mut steps = released(customer, lot, done);
    for released in done.events.iter().filter_map(|event| event.get::<CreditReleased>()) {
        let invoice = released.invoice;
        for part in released.parts.iter().filter(|part| part.lot == lot) {
            let amount = Some(part.amount.of(released.currency));
            let back = Step::now(ApplyCredit { customer, lot, invoice, amount });
            steps.push(back.about(steps.len()));
        }
    }
    steps
}

pub(super) fn granted_again(
    revoke: &RevokeCredit,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    const UNKNOWN: Stays = Stays::because("the grant is not known; grant credit anew");
    let revoked = done.events.iter().find_map(|event| event.get::<CreditRevoked>());
    let revoked = revoked.ok_or(UNKNOWN)?;
    let granted = past.last(|commit| {
        let granted = commit.events.iter().filter_map(|event| event.get::<CreditGranted>());
        granted.clone().find(|granted| granted.grant == revoke.grant).cloned()
    });
    let granted = granted.ok_or(UNKNOWN)?;
    let back = GrantCredit {
        customer: revoke.customer,
        grant: CreditGrantId::new(in_its_place(done)),
        amount: revoked.amount,
        kind: Some(granted.kind),
        expires: granted.expires,
        scope: Some(granted.scope),
        priority: Some(granted.priority),
        refundable: Some(granted.refundable),
        reason: granted.reason,
    };
    Ok(vec![Step::now(back)])
}
