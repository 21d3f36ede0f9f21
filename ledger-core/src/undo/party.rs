//! Sellers, customers and plans: what was there before.

use schemas::command::{
    AnnotateInvoice, DefinePlan, MigratePlan, RetirePlan, UpdateCustomer, UpdateEntity,
    WithdrawMigration,
};
use schemas::event::{PlanMigrationSet, PlanMigrationWithdrawn, PlanVersionDefined};
use schemas::ids::{CustomerId, PlanId};
use schemas::party::Address;
use schemas::terms::CustomerDetail;
use schemas::{Contact, Personal};

use super::step::{Done, Past, Stays, Step};
use crate::seller::decide::says_nothing;

/// What nobody can read cannot be written again.
const ERASED: Stays = Stays::because(
    "its texts cannot be read here; give them anew with customer.update, or register another \
     customer if it was erased",
);

pub(super) fn entity(update: &UpdateEntity, past: &Past<'_>) -> Result<Vec<Step>, Stays> {
    let before = past.ledger.entity_view(update.entity)?;
    if update.address.is_some() && before.address.is_none() {
        return Err(Stays::because(
            "the seller had no address before, and none can be taken away; correct it with \
             entity.update",
        ));
    }
    let default_series = [before.default_series.invoice, before.default_series.credit_note];
    let back = UpdateEntity {
        entity: update.entity,
        name: update.name.as_ref().map(|_| before.name),
        address: before.address.filter(|_| update.address.is_some()),
        payment_terms_days: update.payment_terms_days.map(|_| before.payment_terms_days),
        document_retention_years: update
            .document_retention_years
            .map(|_| before.document_retention_years),
        tax_ids: update.tax_ids.as_ref().map(|_| before.tax_ids),
        add_series: None,
        default_series: update.default_series.as_ref().map(|_| default_series.to_vec()),
    };
    // Where only series were added, they stay, and do no harm.
    Ok(if says_nothing(&back) { Vec::new() } else { vec![Step::of(back)] })
}

pub(super) fn customer(update: &UpdateCustomer, past: &Past<'_>) -> Result<Vec<Step>, Stays> {
    let before = past.ledger.customer_view(update.customer)?;
    if update.external_id.is_some() && before.external_id.is_none() {
        return Err(Stays::because(
            "the customer had no external id before, and none can be taken away; give it another \
             with customer.update",
        ));
    }
    let said = |detail| update.clear.iter().flatten().any(|cleared| *cleared == detail);
    let mut clear = Vec::new();
    let mut gone = |touched: bool, there: bool, detail| {
        if touched && !there {
            clear.push(detail);
        }
        touched && there
    };
    let email = update.email.is_some() || said(CustomerDetail::Email);
    let email = gone(email, before.email.is_some(), CustomerDetail::Email);
    let address = update.address.is_some() || said(CustomerDetail::Address);
    let address = gone(address, before.address.is_some(), CustomerDetail::Address);
    let order = update.purchase_order.is_some() || said(CustomerDetail::PurchaseOrder);
    let order = gone(order, before.purchase_order.is_some(), CustomerDetail::PurchaseOrder);
    let terms = update.payment_terms_days.is_some() || said(CustomerDetail::PaymentTermsDays);
    let terms = gone(terms, before.own_payment_terms, CustomerDetail::PaymentTermsDays);
    let texts = [Some(&before.name), before.email.as_ref()];
    let more = before.address.iter().flat_map(Address::texts);
    let more = more.chain(before.tax_ids.iter().map(|id| &id.value));
    if texts.into_iter().flatten().chain(more).any(|text| text.clear().is_none()) {
        return Err(ERASED);
    }
    let tax_ids = || before.tax_ids.iter().map(|id| id.with(contact)).collect();
    let back = UpdateCustomer {
        customer: update.customer,
        external_id: update.external_id.as_ref().and(before.external_id),
        name: update.name.as_ref().map(|_| contact(&before.name)),
        email: before.email.as_ref().filter(|_| email).map(contact),
        payment_terms_days: terms.then_some(before.payment_terms_days),
        address: before.address.as_ref().filter(|_| address).map(|found| found.with(contact)),
        tax_ids: update.tax_ids.as_ref().map(|_| tax_ids()),
        zone: update.zone.as_ref().map(|_| before.zone),
        purchase_order: before.purchase_order.filter(|_| order),
        clear: (!clear.is_empty()).then_some(clear),
    };
    Ok(vec![Step::of(back)])
}

/// A text that can be read, as a command has it.
fn contact(text: &Personal) -> Contact {
    Contact::Clear(text.clear().unwrap_or_default().to_owned())
}

pub(super) fn annotation(customer: CustomerId, past: &Past<'_>) -> Result<Vec<Step>, Stays> {
    let said = past.ledger.customer_view(customer)?.next_invoice;
    if said.memo.as_ref().is_some_and(|memo| memo.clear().is_none()) {
        return Err(Stays::because(
            "what was said before cannot be read here; say it anew with invoice.annotate, unless \
             the customer was erased",
        ));
    }
    let (memo, purchase_order) = (said.memo, said.purchase_order);
    Ok(vec![Step::of(AnnotateInvoice { customer, memo, purchase_order })])
}

pub(super) fn plan(
    define: &DefinePlan,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let made = done.decided::<PlanVersionDefined>().next();
    let Some(made) = made else { return Ok(Vec::new()) };
    if made.version == 1 {
        return Ok(vec![Step::of(RetirePlan { plan: define.plan })]);
    }
    let of_plan = |event: &PlanVersionDefined| event.plan == define.plan;
    let before = past.decided(of_plan).cloned();
    let before = before.ok_or(Stays::because(
        "the version before is not known; define the next one with plan.define",
    ))?;
    let back = DefinePlan {
        plan: before.plan,
        name: before.name,
        product: before.product,
        every: before.every,
        timing: before.timing,
        trial_days: Some(before.trial_days),
        lead_days: Some(before.lead_days),
        prices: before.prices,
        grants: Some(before.grants).filter(|grants| !grants.is_empty()),
    };
    Ok(vec![Step::of(back)])
}

/// The command that made the migration that stands, if one does.
fn standing(plan: PlanId, from_version: u32, past: &Past<'_>) -> Option<MigratePlan> {
    let last = past.last(|commit| {
        commit.events.iter().rev().find_map(|event| {
            if let Some(set) = event.get::<PlanMigrationSet>() {
                let found = set.plan == plan && set.from_version == from_version;
                return found.then(|| commit.command.get::<MigratePlan>().cloned());
            }
            let gone = event.get::<PlanMigrationWithdrawn>()?;
            (gone.plan == plan && gone.from_version == from_version).then_some(None)
        })
    });
    last.flatten()
}

pub(super) fn migration(migrate: &MigratePlan, past: &Past<'_>) -> Vec<Step> {
    let (plan, from_version) = (migrate.plan, migrate.from_version);
    match standing(plan, from_version, past) {
        Some(before) => vec![Step::of(before)],
        None => vec![Step::of(WithdrawMigration { plan, from_version })],
    }
}

pub(super) fn withdrawn_migration(
    withdraw: &WithdrawMigration,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let before = standing(withdraw.plan, withdraw.from_version, past);
    let before = before
        .ok_or(Stays::because("the migration is not known; make it anew with plan.migrate"))?;
    Ok(vec![Step::of(before)])
}
