//! Charges, invoices, payments and credit.

use schemas::command::{
    AddCharge, Allocate, AllocationRequest, ApplyCredit, ChargeInvoice, CreditLine, GrantCredit,
    IssueCreditNote, RecordPayment, ReleaseCredit, ReversePayment, RevokeCredit, VoidInvoice,
    WithdrawCharge,
};
use schemas::event::{
    CreditApplied, CreditGranted, CreditNoteIssued, CreditReleased, CreditRevoked,
    InvoiceFinalized, PaymentRecorded, PaymentReversed,
};
use schemas::ids::{
    ChargeId, CreditGrantId, CreditNoteId, CustomerId, InvoiceId, PaymentId, SubscriptionId, derive,
};
use schemas::terms::{GrantKind, LotRef, NoteTarget};
use schemas::{Event, Money, Personal, Rejection, StreamId};

use super::step::{Done, Past, Stays, Step, in_its_place};
use crate::ledger::Ledger;

pub(super) fn charge(
    add: &AddCharge,
    done: &Done<'_>,
    reason: &Personal,
) -> Result<Vec<Step>, Stays> {
    match &add.invoice {
        None | Some(ChargeInvoice::Next) => {
            let (customer, charge) = (add.customer, add.charge);
            Ok(vec![Step::of(WithdrawCharge { customer, charge })])
        }
        Some(ChargeInvoice::Now(_)) => voided(add.customer, false, done, reason),
    }
}

pub(super) fn charged_again(
    withdraw: &WithdrawCharge,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let added = past.asked(|add: &AddCharge| add.charge == withdraw.charge).cloned();
    let added =
        added.ok_or(Stays::because("no command made the charge; add it anew with charge.add"))?;
    let charge = ChargeId::new(in_its_place(done));
    Ok(vec![Step::of(AddCharge { charge, invoice: None, ..added })])
}

/// Voids what a commit issued, the last first.
pub(super) fn voided(
    customer: CustomerId,
    rebill: bool,
    done: &Done<'_>,
    reason: &Personal,
) -> Result<Vec<Step>, Stays> {
    if done.decided::<CreditNoteIssued>().next().is_some() {
        return Err(Stays::because(
            "it issued a credit note, which is a document; charge the amount again with charge.add",
        ));
    }
    let issued = done.decided::<InvoiceFinalized>().rev();
    let steps = issued.map(|issued| {
        let (invoice, reason) = (issued.invoice, reason.clone());
        Step::of(VoidInvoice { customer, invoice, reason, rebill }).apart()
    });
    Ok(steps.collect())
}

pub(super) fn reversed(record: &RecordPayment, reason: &Personal) -> Vec<Step> {
    let (customer, payment, reason) = (record.customer, record.payment, reason.clone());
    vec![Step::of(ReversePayment { customer, payment, reason })]
}

/// The same money again, on the invoices that were opened.
pub(super) fn received_again(
    reverse: &ReversePayment,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    const UNKNOWN: Stays =
        Stays::because("the payment is not known; record it anew with payment.record");
    let reversed = done.decided::<PaymentReversed>().next();
    let reversed = reversed.ok_or(UNKNOWN)?;
    let of_it = |recorded: &PaymentRecorded| recorded.payment == reverse.payment;
    let recorded = past.decided(of_it).cloned();
    let recorded = recorded.ok_or(UNKNOWN)?;
    let currency = reversed.amount.currency();
    let opened = reversed.reopened.iter().chain(&reversed.credit_unapplied);
    let parts = by_invoice(opened.map(|part| (part.invoice, part.amount.of(currency))))?;
    let part = |(invoice, amount)| AllocationRequest { invoice, amount };
    let back = RecordPayment {
        customer: reverse.customer,
        payment: PaymentId::new(in_its_place(done)),
        amount: reversed.amount,
        external_id: None,
        method: recorded.method,
        allocate: Some(Allocate::To(parts.into_iter().map(part).collect())),
    };
    Ok(vec![Step::of(back)])
}

pub(super) fn revoked(
    grant: &GrantCredit,
    done: &Done<'_>,
    reason: &Personal,
) -> Result<Vec<Step>, Stays> {
    match grant.kind {
        Some(GrantKind::Prepayment) => {
            return Err(Stays::because(
                "a prepayment is the customer's money; take it off what it paid with \
                 credit.release, and pay it out with credit.pay_out",
            ));
        }
        None | Some(GrantKind::Goodwill | GrantKind::Promotion) => {}
    }
    let customer = grant.customer;
    let mut steps = taken_off(customer, LotRef::Grant(grant.grant), done.events)?;
    let (grant, reason) = (grant.grant, reason.clone());
    steps.push(Step::of(RevokeCredit { customer, grant, reason }));
    Ok(steps)
}

/// What a step asks for besides, in the state that it made. A lot that it released may pay what
/// else is open at once, and is to be taken off that, too, before the steps behind it. The setup
/// fees of a subscription that is unmade are credited.
///
/// # Errors
/// [`Stays`] when amounts add up to more than can be held.
pub fn also(
    step: &Step,
    became: &[Event],
    behind: &[Step],
    ledger: &Ledger,
) -> Result<Vec<Step>, Stays> {
    if let Some(unmade) = step.unmakes {
        return Ok(fees_credited(unmade, ledger, step.command.stream()));
    }
    let Some(release) = step.command.get::<ReleaseCredit>() else { return Ok(Vec::new()) };
    let needed = |step: &Step| {
        let revoked = step.command.get::<RevokeCredit>().map(|revoke| LotRef::Grant(revoke.grant));
        let applied = step.command.get::<ApplyCredit>().map(|apply| apply.lot);
        revoked.or(applied) == Some(release.lot)
    };
    if behind.iter().any(needed) {
        taken_off(release.customer, release.lot, became)
    } else {
        Ok(Vec::new())
    }
}

/// A note for each invoice that asks for a setup fee of a subscription.
fn fees_credited(unmade: SubscriptionId, ledger: &Ledger, stream: StreamId) -> Vec<Step> {
    let StreamId::Customer(id) = stream else { return Vec::new() };
    let Some(customer) = ledger.customer(id) else { return Vec::new() };
    let (currency, standing) = (customer.profile.currency, customer.invoices());
    let billed = standing.filter(|invoice| !invoice.voided).filter_map(|invoice| {
        let billed = customer.billing.invoice(invoice.id())?;
        let fees = (1_u32..).zip(billed.lines()).filter(|(_, line)| line.is_setup_of(unmade));
        let left = fees.filter(|(_, line)| line.left().is_positive());
        let lines: Vec<CreditLine> =
            left.map(|(line, fee)| CreditLine { line, amount: fee.left().of(currency) }).collect();
        (!lines.is_empty()).then_some((billed.invoice, lines))
    });
    let notes = billed.map(|(invoice, lines)| {
        let note = derive(unmade.uuid(), &format!("setup fees on {invoice}"));
        let (note, to) = (CreditNoteId::new(note), Some(NoteTarget::Credit));
        Step::of(IssueCreditNote { customer: id, note, invoice, lines, to }).apart()
    });
    notes.collect()
}

/// Takes a lot off what these events let it pay, the last first.
pub(super) fn taken_off(
    customer: CustomerId,
    lot: LotRef,
    events: &[Event],
) -> Result<Vec<Step>, Stays> {
    let applied = events.iter().rev().filter_map(|event| event.get::<CreditApplied>());
    let parts = applied.flat_map(|applied| {
        let of_lot = applied.parts.iter().rev().filter(|part| part.lot == lot);
        of_lot.map(|part| (part.invoice, part.amount.of(applied.currency)))
    });
    let steps = by_invoice(parts)?.into_iter().map(|(invoice, amount)| {
        let amount = Some(amount);
        Step::of(ReleaseCredit { customer, lot, invoice, amount }).apart()
    });
    Ok(steps.collect())
}

/// Amounts of the same invoice added up, in the order in which invoices come first.
fn by_invoice(
    parts: impl Iterator<Item = (InvoiceId, Money)>,
) -> Result<Vec<(InvoiceId, Money)>, Stays> {
    let mut sums: Vec<(InvoiceId, Money)> = Vec::new();
    for (invoice, amount) in parts {
        match sums.iter_mut().find(|(found, _)| *found == invoice) {
            Some((_, sum)) => *sum = sum.plus(amount).map_err(Rejection::from)?,
            None => sums.push((invoice, amount)),
        }
    }
    Ok(sums)
}

pub(super) fn applied_again(release: &ReleaseCredit, done: &Done<'_>) -> Result<Vec<Step>, Stays> {
    let (customer, lot) = (release.customer, release.lot);
    let mut steps = taken_off(customer, lot, done.events)?;
    let released = done.decided::<CreditReleased>();
    let parts = released.flat_map(|released| {
        let of_lot = released.parts.iter().filter(|part| part.lot == lot);
        of_lot.map(|part| (released.invoice, part.amount.of(released.currency)))
    });
    steps.extend(by_invoice(parts)?.into_iter().map(|(invoice, amount)| {
        let amount = Some(amount);
        Step::of(ApplyCredit { customer, lot, invoice, amount }).apart()
    }));
    Ok(steps)
}

pub(super) fn granted_again(
    revoke: &RevokeCredit,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    const UNKNOWN: Stays =
        Stays::because("the grant is not known; give credit anew with credit.grant");
    let revoked = done.decided::<CreditRevoked>().next();
    let revoked = revoked.ok_or(UNKNOWN)?;
    let granted = past.decided(|granted: &CreditGranted| granted.grant == revoke.grant).cloned();
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
    Ok(vec![Step::of(back)])
}
