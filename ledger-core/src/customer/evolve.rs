//! Folds the events of a customer's stream. No rule lives here: sums are unchecked only where
//! the decision that made the event has checked them.

use std::collections::{BTreeMap, BTreeSet};

use schemas::event::{
    Allocation, BillingEvent, CreditNoteIssued, CustomerEvent, CustomerRegistered, DiscountApplied,
    Event, InvoiceFinalized, InvoiceLine, InvoiceVoided, LineRef, LineSource, PaymentRecorded,
    PaymentRefunded, PaymentReversed, SettlementEvent, SubscriptionCreated, SubscriptionEvent,
};
use schemas::ids::{InvoiceId, PaymentId, QuoteId, SubscriptionId};
use schemas::terms::{DiscountTarget, EndReason, LineKind, Policies};
use schemas::{Minor, Span, Timestamp};

use super::shelves::{Invoices, Payments};
use super::state::{Customer, Discount, Invoice, Line, Payment, Quote, first_earning};
use crate::billing::{proration, spans};
use crate::subscription::item::Cycle;
use crate::subscription::rules::Rules;
use crate::subscription::state::Subscription;

impl Customer {
    pub(crate) fn new(registered: &CustomerRegistered, policies: Policies, at: Timestamp) -> Self {
        Self {
            rules: Rules::new(policies, &registered.zone, at),
            parent: registered.parent,
            quotes: BTreeMap::new(),
            coupons: BTreeSet::new(),
            id: registered.customer,
            entity: registered.entity,
            external_id: registered.external_id.clone(),
            name: registered.name.clone(),
            email: registered.email.clone(),
            currency: registered.currency,
            zone: registered.zone.clone(),
            payment_terms_days: registered.payment_terms_days,
            registered_at: at,
            revision: 0,
            subscriptions: BTreeMap::new(),
            discounts: Vec::new(),
            pending: Vec::new(),
            charges: BTreeMap::new(),
            invoices: Invoices::default(),
            open: BTreeSet::new(),
            payments: Payments::default(),
            credit: Minor::ZERO,
            rebill: false,
            parked: None,
            due: None,
            due_stale: true,
        }
    }

    pub(crate) fn evolve(&mut self, event: &Event) {
        match event {
            Event::Customer(event) => self.evolve_profile(event),
            Event::Subscription(event) => self.evolve_subscriptions(event),
            Event::Billing(BillingEvent::ChargeAdded(charge)) => {
                self.due_stale = true;
                self.pending.push(charge.clone());
            }
            Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => self.finalized(invoice),
            Event::Settlement(event) => self.evolve_settlement(event),
            Event::Book(_) | Event::Seller(_) | Event::Catalog(_) | Event::Process(_) => {
                unreachable!("history is out of order: {event:?} for {}", self.id)
            }
        }
    }

    fn evolve_profile(&mut self, event: &CustomerEvent) {
        match event {
            CustomerEvent::CustomerRenamed(renamed) => self.name = renamed.name.clone(),
            CustomerEvent::CustomerEmailChanged(changed) => {
                self.email = Some(changed.email.clone());
            }
            CustomerEvent::CustomerTermsChanged(changed) => {
                self.payment_terms_days = changed.payment_terms_days;
            }
            CustomerEvent::CustomerExternalIdChanged(changed) => {
                self.external_id = Some(changed.external_id.clone());
            }
            CustomerEvent::CustomerParked(parked) => {
                self.due_stale = true;
                self.parked = Some(parked.detail.clone());
            }
            CustomerEvent::CustomerReleased(_) => {
                self.due_stale = true;
                self.parked = None;
            }
            CustomerEvent::CustomerRegistered(_) => {
                unreachable!("history is out of order: {event:?} for {}", self.id)
            }
        }
    }

    fn evolve_settlement(&mut self, event: &SettlementEvent) {
        match event {
            SettlementEvent::InvoiceVoided(voided) => self.voided(voided),
            SettlementEvent::CreditNoteIssued(note) => self.noted(note),
            SettlementEvent::PaymentRecorded(payment) => self.paid(payment),
            SettlementEvent::PaymentReversed(reversed) => self.reversed(reversed),
            SettlementEvent::PaymentRefunded(refunded) => self.refunded(refunded),
            SettlementEvent::CreditGranted(granted) => {
                self.credit.0 += granted.amount.minor().0;
            }
        }
    }

    fn evolve_subscriptions(&mut self, event: &SubscriptionEvent) {
        match event {
            SubscriptionEvent::SubscriptionCreated(created) => self.subscribe(created),
            SubscriptionEvent::QuoteCreated(created) => {
                let quote = Quote { created: created.clone(), closed: false };
                self.quotes.insert(created.quote, quote);
            }
            SubscriptionEvent::QuoteAccepted(accepted) => self.close_quote(accepted.quote),
            SubscriptionEvent::QuoteVoided(voided) => self.close_quote(voided.quote),
            SubscriptionEvent::DiscountApplied(applied) => self.discounted(applied),
            SubscriptionEvent::DiscountRemoved(removed) => {
                for discount in &mut self.discounts {
                    discount.removed |= discount.applied.discount == removed.discount;
                }
            }
            SubscriptionEvent::SubscriptionCanceled(e) => {
                if e.reason == EndReason::NotPaid {
                    // Its setup fee is not asked for again.
                    self.pending.retain(|charge| charge.subscription != Some(e.subscription));
                }
                self.subscription(e.subscription).evolve(event);
            }
            SubscriptionEvent::CycleOpened(e) => self.subscription(e.subscription).evolve(event),
            SubscriptionEvent::CycleCut(e) => self.subscription(e.subscription).evolve(event),
            SubscriptionEvent::SubscriptionActivated(e) => {
                self.subscription(e.subscription).evolve(event);
            }
            SubscriptionEvent::SubscriptionChanged(e) => {
                self.subscription(e.subscription).evolve(event);
            }
            SubscriptionEvent::RampAgreed(e) => self.subscription(e.subscription).evolve(event),
            SubscriptionEvent::ChangeScheduled(e) => {
                self.subscription(e.subscription).evolve(event);
            }
            SubscriptionEvent::ScheduledChangeWithdrawn(e) => {
                self.subscription(e.subscription).evolve(event);
            }
            SubscriptionEvent::SubscriptionPaused(e) => {
                self.subscription(e.subscription).evolve(event);
            }
            SubscriptionEvent::SubscriptionResumed(e) => {
                self.subscription(e.subscription).evolve(event);
            }
            SubscriptionEvent::CancellationUndone(e) => {
                self.subscription(e.subscription).evolve(event);
            }
            SubscriptionEvent::TermRenewed(e) => self.subscription(e.subscription).evolve(event),
            SubscriptionEvent::RenewalSet(e) => self.subscription(e.subscription).evolve(event),
        }
    }

    fn discounted(&mut self, applied: &DiscountApplied) {
        self.coupons.extend(applied.coupon);
        let first_cycles = self.first_cycles(&applied.on);
        self.discounts.push(Discount {
            applied: applied.clone(),
            removed: false,
            first_cycles,
            by_cycle: BTreeMap::new(),
            invoices: BTreeSet::new(),
        });
    }

    /// The first unbilled cycle of each item that a discount is on.
    fn first_cycles(&self, on: &DiscountTarget) -> BTreeMap<u16, u32> {
        let subscription = match on {
            DiscountTarget::Subscription(id) => self.subscriptions.get(id),
            DiscountTarget::Item(target) => self.subscriptions.get(&target.subscription),
            DiscountTarget::Customer | DiscountTarget::Product(_) => None,
        };
        let items = subscription.map(|found| found.items.as_slice()).unwrap_or_default();
        items.iter().map(|item| (item.number, item.first_unbilled_cycle())).collect()
    }

    fn close_quote(&mut self, id: QuoteId) {
        if let Some(quote) = self.quotes.get_mut(&id) {
            quote.closed = true;
        }
    }

    fn subscribe(&mut self, created: &SubscriptionCreated) {
        self.due_stale = true;
        self.subscriptions.insert(created.subscription, Subscription::new(created));
    }

    fn subscription(&mut self, id: SubscriptionId) -> &mut Subscription {
        self.due_stale = true;
        self.subscriptions.get_mut(&id).expect("history is in order: the subscription was created")
    }

    fn finalized(&mut self, event: &InvoiceFinalized) {
        let ordinal = u32::try_from(self.invoices.len()).expect("an invoice takes over 100 bytes");
        let lines = event.lines.iter().map(|line| new_line(event, line)).collect();
        self.invoices.push(Invoice {
            id: event.invoice,
            ordinal,
            entity: event.entity,
            document_date: event.document_date,
            due_date: event.due_date,
            posting_date: event.posting_date,
            total: event.totals.total,
            lines,
            credit_applied: event.credit_applied,
            credit_generated: event.credit_generated,
            paid: Minor::ZERO,
            credited: Minor::ZERO,
            notes: Vec::new(),
            voided: false,
        });
        for line in &event.lines {
            self.line_added(event.invoice, line);
        }
        self.credit.0 += event.credit_generated.0 - event.credit_applied.0;
        self.rebill = false;
        self.due_stale = true;
        self.refresh_open(event.invoice);
    }

    fn line_added(&mut self, invoice: InvoiceId, line: &InvoiceLine) {
        let at = LineRef { invoice, line: line.line };
        match line.source {
            LineSource::Cycle { subscription, item, cycle } => {
                let start = self.cycle(subscription, item, cycle).map(|cycle| cycle.start);
                if line.credits.is_none()
                    && let Some(cycle) = self.cycle(subscription, item, cycle)
                {
                    cycle.lines.push(at);
                }
                self.discount_used(invoice, line, start);
            }
            LineSource::Charge(id) => {
                if let Some(index) = self.pending.iter().position(|charge| charge.charge == id) {
                    let charge = self.pending.remove(index);
                    self.charges.insert(id, charge);
                }
                self.discount_used(invoice, line, None);
            }
            LineSource::Invoice => {}
        }
        if let (Some(credited), Some(pricing)) = (line.credits, &line.pricing) {
            let time = self.time_of(pricing.span);
            if let Some(target) = self.line_mut(credited) {
                target.live = spans::without(&target.live, pricing.span);
                target.credited_time += time;
                target.credited_gross.0 -= line.gross.0;
                target.credited_net.0 -= line.net.0;
                target.credited_by.push(invoice);
            }
        }
    }

    /// The length of a span in the unit that proration counts.
    fn time_of(&self, span: Span) -> i64 {
        proration::measure(span, &self.rules).expect("the decision that billed it measured it")
    }

    fn cycle(&mut self, subscription: SubscriptionId, item: u16, cycle: u32) -> Option<&mut Cycle> {
        let item = self.subscription(subscription).item_mut(item)?;
        item.cycles.get_mut(usize::try_from(cycle).ok()?)
    }

    /// Notes what a line has of each discount.
    fn discount_used(&mut self, invoice: InvoiceId, line: &InvoiceLine, cycle: Option<Timestamp>) {
        for part in &line.discounts {
            let Some(discount) =
                self.discounts.iter_mut().find(|found| found.applied.discount == part.discount)
            else {
                continue;
            };
            match (&discount.applied.on, cycle) {
                (DiscountTarget::Subscription(_) | DiscountTarget::Item(_), Some(cycle)) => {
                    discount.by_cycle.entry(cycle).or_default().0 += part.amount.0;
                }
                (DiscountTarget::Customer | DiscountTarget::Product(_), _)
                    if line.credits.is_none() =>
                {
                    discount.invoices.insert(invoice);
                }
                (
                    DiscountTarget::Customer
                    | DiscountTarget::Product(_)
                    | DiscountTarget::Subscription(_)
                    | DiscountTarget::Item(_),
                    _,
                ) => {}
            }
        }
    }

    fn voided(&mut self, event: &InvoiceVoided) {
        let Some(invoice) = self.invoices.get_mut(event.invoice) else { return };
        invoice.voided = true;
        let lines = invoice.lines.clone();
        self.credit.0 += event.credit_returned.0 - event.credit_withdrawn.0;
        self.rebill |= event.rebill;
        self.due_stale = true;
        for (number, line) in (1_u32..).zip(&lines) {
            self.line_voided(LineRef { invoice: event.invoice, line: number }, line, event.rebill);
        }
        self.refresh_open(event.invoice);
    }

    fn line_voided(&mut self, at: LineRef, line: &Line, rebill: bool) {
        self.discount_given_back(at.invoice, line);
        match (line.source, line.credits) {
            (LineSource::Cycle { subscription, item, cycle }, None) => {
                if let Some(cycle) = self.cycle(subscription, item, cycle) {
                    cycle.lines.retain(|found| *found != at);
                    if !rebill {
                        cycle.waived.extend_from_slice(&line.live);
                    }
                }
            }
            (LineSource::Cycle { .. }, Some(credited)) => {
                self.credit_voided(at.invoice, line, credited, rebill);
            }
            (LineSource::Charge(id), _) => {
                if let Some(charge) = self.charges.remove(&id)
                    && rebill
                {
                    self.pending.push(charge);
                }
            }
            (LineSource::Invoice, _) => {}
        }
    }

    /// The credited line counts in full again. Its days are live again only if they are to be
    /// looked at again; else the credit is given up.
    fn credit_voided(&mut self, by: InvoiceId, line: &Line, credited: LineRef, rebill: bool) {
        let span = line.priced.as_ref().map(|priced| priced.span);
        let time = span.map_or(0, |span| self.time_of(span));
        let Some(target) = self.line_mut(credited) else { return };
        target.credited_gross.0 += line.gross.0;
        target.credited_net.0 += line.net.0;
        if let Some(index) = target.credited_by.iter().position(|found| *found == by) {
            target.credited_by.remove(index);
        }
        if let (true, Some(span)) = (rebill, span) {
            target.live = spans::with(&target.live, span);
            target.credited_time -= time;
        }
    }

    fn discount_given_back(&mut self, invoice: InvoiceId, line: &Line) {
        let cycle = match line.source {
            LineSource::Cycle { subscription, item, cycle } => {
                self.cycle(subscription, item, cycle).map(|cycle| cycle.start)
            }
            LineSource::Charge(_) | LineSource::Invoice => None,
        };
        for (id, amount) in &line.discounts {
            let Some(discount) =
                self.discounts.iter_mut().find(|found| found.applied.discount == *id)
            else {
                continue;
            };
            match (&discount.applied.on, cycle) {
                (DiscountTarget::Subscription(_) | DiscountTarget::Item(_), Some(cycle)) => {
                    let used = discount.by_cycle.entry(cycle).or_default();
                    used.0 -= amount.0;
                    if used.is_zero() {
                        discount.by_cycle.remove(&cycle);
                    }
                }
                (DiscountTarget::Customer | DiscountTarget::Product(_), _) => {
                    discount.invoices.remove(&invoice);
                }
                (DiscountTarget::Subscription(_) | DiscountTarget::Item(_), None) => {}
            }
        }
    }

    fn noted(&mut self, event: &CreditNoteIssued) {
        let Some(invoice) = self.invoices.get_mut(event.invoice) else { return };
        invoice.credited.0 += event.total.0;
        invoice.notes.push(event.note);
        for reversal in &event.lines {
            let at = LineRef { invoice: event.invoice, line: reversal.line };
            let Some(line) = self.line_mut(at) else { continue };
            line.reversed_net.0 += reversal.net.0;
            let before = event.posting_date.plus_days(-1);
            let recognised = before.map_or(Minor::ZERO, |day| line.earning.recognised_through(day));
            line.earned.0 += recognised.0 - reversal.recognised.0;
            let amended = reversal.amended.map_or((Minor::ZERO, line.earning.schedule), |left| {
                (left.amount, schemas::event::RevenueSchedule::Straight(left.service))
            });
            let currency = line.earning.currency;
            line.earning = first_earning(at, currency, amended.0, amended.1, event.posting_date);
        }
        self.refresh_open(event.invoice);
    }

    fn paid(&mut self, event: &PaymentRecorded) {
        self.payments.push(
            event.payment,
            Payment {
                amount: event.amount.minor(),
                refunded: Minor::ZERO,
                allocations: event.allocations.iter().map(|a| (a.invoice, a.amount)).collect(),
                credit: event.to_credit,
                reversed: false,
            },
        );
        for allocation in &event.allocations {
            self.settle(allocation.invoice, allocation.amount.0);
        }
        self.credit.0 += event.to_credit.0;
    }

    fn reversed(&mut self, event: &PaymentReversed) {
        self.reopen(event.payment, &event.reopened);
        for unapplied in &event.credit_unapplied {
            if let Some(invoice) = self.invoices.get_mut(unapplied.invoice) {
                invoice.credit_applied.0 -= unapplied.amount.0;
            }
            self.credit.0 += unapplied.amount.0;
            self.refresh_open(unapplied.invoice);
        }
        self.credit.0 -= event.credit_withdrawn.0;
        if let Some(payment) = self.payments.get_mut(event.payment) {
            payment.reversed = true;
            payment.credit = Minor::ZERO;
        }
    }

    fn refunded(&mut self, event: &PaymentRefunded) {
        self.reopen(event.payment, &event.reopened);
        self.credit.0 -= event.from_credit.0;
        if let Some(payment) = self.payments.get_mut(event.payment) {
            payment.refunded.0 += event.amount.minor().0;
            payment.credit.0 -= event.from_credit.0;
        }
    }

    fn reopen(&mut self, payment: PaymentId, reopened: &[Allocation]) {
        for part in reopened {
            self.settle(part.invoice, -part.amount.0);
            let Some(payment) = self.payments.get_mut(payment) else { continue };
            let last = payment.allocations.iter_mut().rev().find(|(id, _)| *id == part.invoice);
            if let Some((_, amount)) = last {
                amount.0 -= part.amount.0;
            }
            payment.allocations.retain(|(_, amount)| amount.is_positive());
        }
    }

    fn settle(&mut self, invoice: InvoiceId, amount: i64) {
        if let Some(found) = self.invoices.get_mut(invoice) {
            found.paid.0 += amount;
        }
        self.refresh_open(invoice);
    }

    fn refresh_open(&mut self, id: InvoiceId) {
        let Some(invoice) = self.invoices.get(id) else { return };
        let key = (invoice.due_date, invoice.ordinal);
        if invoice.open().is_positive() {
            self.open.insert(key);
        } else {
            self.open.remove(&key);
        }
    }
}

fn new_line(event: &InvoiceFinalized, line: &InvoiceLine) -> Line {
    let at = LineRef { invoice: event.invoice, line: line.line };
    let charges_time = match line.kind {
        LineKind::Recurring | LineKind::ProrationCharge | LineKind::MinimumTrueUp => true,
        LineKind::OneOff | LineKind::ProrationCredit | LineKind::Rounding => false,
    };
    let span = line.pricing.as_ref().map(|pricing| pricing.span);
    Line {
        kind: line.kind,
        description: line.description.clone(),
        source: line.source,
        service: line.service,
        priced: line.pricing.clone().map(Box::new),
        plan: line.plan.map(|plan| (plan.plan, plan.version)),
        quantity: line.quantity,
        unit_price: line.unit_price,
        gross: line.gross,
        net: line.net,
        tax: Minor(line.taxes.iter().map(|tax| tax.amount.0).sum()),
        discounts: line.discounts.iter().map(|part| (part.discount, part.amount)).collect(),
        credits: line.credits,
        live: span.filter(|_| charges_time).into_iter().collect(),
        credited_time: 0,
        credited_gross: Minor::ZERO,
        credited_net: Minor::ZERO,
        reversed_net: Minor::ZERO,
        credited_by: Vec::new(),
        earned: Minor::ZERO,
        earning: first_earning(at, event.currency, line.net, line.schedule, event.posting_date),
    }
}
