//! An invoice is voided: what it charged is given up, or to be billed again.
//!
//! # Shape
//!
//! Time that is **given up** is charged no more. What else charges it stays as it is, until an end,
//! a pause or a removal gives some of that back: from then on it is billed like any other.

use schemas::Span;
use schemas::event::{EventAt, InvoiceLinesVoided, InvoiceVoided, LineRef, LineSource};
use schemas::ids::{InvoiceId, SubscriptionId};

use super::document::Undone;
use crate::billing::state::{Billing, Line, LineAt, Pending, Taken};
use crate::shared::{List, Shared};
use crate::spans;
use crate::unmade::Unmade;

impl Billing {
    pub(super) fn fold_void(&mut self, event: &InvoiceVoided, made: EventAt) -> Result<(), Unmade> {
        let place = self.invoices.place(event.invoice);
        let place = place.ok_or_else(|| Unmade::named(event.invoice))?;
        self.billed_mut(event.invoice, made)?.voided = true;
        let returned = |number| event.rebill || event.returned.contains(&number);
        for number in event.lines.iter().map(|reversal| reversal.line) {
            let at = LineAt { invoice: place, line: number };
            self.void_line((event.invoice, made), at, (event.rebill, returned(number)))?;
        }
        Ok(())
    }

    /// Lines of an invoice that is not void yet are, as if it were: whoever folds them decides on
    /// nothing until it is.
    pub(super) fn void_lines(
        &mut self,
        event: &InvoiceLinesVoided,
        made: EventAt,
    ) -> Result<(), Unmade> {
        let place = self.invoices.place(event.invoice);
        let place = place.ok_or_else(|| Unmade::named(event.invoice))?;
        self.billed_mut(event.invoice, made)?;
        let returned = |number| event.rebill || event.returned.contains(&number);
        for number in event.lines.iter().map(|reversal| reversal.line) {
            let at = LineAt { invoice: place, line: number };
            self.void_line((event.invoice, made), at, (event.rebill, returned(number)))?;
        }
        Ok(())
    }

    fn void_line(
        &mut self,
        (invoice, made): (InvoiceId, EventAt),
        at: LineAt,
        (rebill, returned): (bool, bool),
    ) -> Result<(), Unmade> {
        let unknown = || Unmade::of(format!("line {} of", at.line), invoice);
        let billed = self.invoices.shelf.if_here(at.invoice);
        let line = &billed.and_then(|billed| billed.row(at.line)).ok_or_else(unknown)?;
        self.touch(line.source);
        if let LineSource::Cycle { subscription, item, cycle: number } = line.source {
            let cycle = self.cycle_mut(subscription, item, number)?;
            if line.credits.is_none() {
                cycle.remove_line(at);
                let others = cycle.lines().to_vec();
                // A line of nothing may have stayed where another one charges by now.
                let charged = others
                    .iter()
                    .map(|other| self.line(*other))
                    .filter(|other| !other.gross.is_zero())
                    .fold(line.live.clone(), |set, other| {
                        other.live.iter().fold(set, |set, s| spans::without(&set, *s))
                    });
                if rebill {
                    for time in &line.live {
                        self.give_up_no_more((subscription, item, number), *time)?;
                    }
                    let cycle = self.cycle_mut(subscription, item, number)?;
                    if !charged.is_empty() {
                        let voided = cycle.is_voided();
                        voided.as_agreed.extend_from_slice(&charged);
                        voided.again.extend(charged);
                    }
                } else {
                    self.give_up((subscription, item, number), &charged)?;
                }
            }
        }
        for taken in &line.discounts {
            self.give_discount_back(invoice, line, *taken)?;
        }
        if let Some(charge) = line.charge.as_ref().filter(|_| rebill) {
            let mut charge = Pending::clone(charge);
            charge.again = true;
            Shared::make_mut(&mut self.pending).push(Shared::new(charge));
        }
        match line.credits {
            Some(credited) => self.void_credit((invoice, made), line, credited, (rebill, returned)),
            None => Ok(()),
        }
    }

    /// Time of a cycle is billed no more, nor of those that a change has laid in its place since.
    fn give_up(
        &mut self,
        (subscription, item, first): (SubscriptionId, u16, u32),
        time: &[Span],
    ) -> Result<(), Unmade> {
        let cycle = self.cycle_mut(subscription, item, first)?;
        if !time.is_empty() {
            let voided = cycle.is_voided();
            voided.gave_up = true;
            voided.waived.extend_from_slice(time);
        }
        let mut later = first + 1;
        while let Ok(cycle) = self.cycle_mut(subscription, item, later) {
            let reaches = |span: &&Span| cycle.start < span.end();
            let reaching: Vec<Span> = time.iter().filter(reaches).copied().collect();
            if !reaching.is_empty() {
                cycle.is_voided().waived.extend(reaching);
                self.touch(LineSource::Cycle { subscription, item, cycle: later });
            }
            later += 1;
        }
        Ok(())
    }

    /// Something that stood in time that was given up comes back: from then on it is billed like
    /// any other.
    pub(super) fn give_up_no_more(
        &mut self,
        (subscription, item, credited): (SubscriptionId, u16, u32),
        time: Span,
    ) -> Result<(), Unmade> {
        let reaches = |span: &Span| span.overlap(time).is_some();
        let mut number = self.item(subscription, item).map_or(0, List::len);
        while let Some(at) = number.checked_sub(1) {
            number = at;
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let bill = self.cycle(subscription, item, at);
            if bill.is_some_and(|bill| bill.voided().waived.iter().any(reaches)) {
                let bill = self.cycle_mut(subscription, item, at)?;
                let voided = bill.is_voided();
                voided.waived = spans::without(&voided.waived, time);
                self.touch(LineSource::Cycle { subscription, item, cycle: at });
            } else if at <= credited {
                break;
            }
        }
        Ok(())
    }

    /// The credited line counts in full again. Its days are looked at again, or else are given up:
    /// where the invoice charged something in their place, the line charges them as before.
    fn void_credit(
        &mut self,
        (by, made): (InvoiceId, EventAt),
        line: &Line,
        credited: LineRef,
        (rebill, returned): (bool, bool),
    ) -> Result<(), Unmade> {
        let priced = line.priced.as_ref().map(|priced| (priced.pricing.span, priced.pricing.time));
        if let (LineSource::Cycle { subscription, item, cycle }, Some((span, _)), false) =
            (line.source, priced, rebill)
        {
            self.give_up((subscription, item, cycle), &[span])?;
        }
        let (span, time) = priced.map_or((None, 0), |(span, time)| (Some(span), time));
        let returned = returned && span.is_some();
        let undone = Undone { by, gross: line.gross, net: line.net, span, time, returned };
        let target = self.line_mut(credited, made)?;
        let charged = !target.live.is_empty();
        target.undo_credit(&undone);
        let (source, discounts) = (target.source, target.discounts.clone());
        self.touch(source);
        if !charged {
            // The line stands, and so does its discount.
            discounts.into_iter().try_for_each(|taken| self.count_line(taken, 1))?;
        }
        if let (LineSource::Cycle { subscription, item, cycle: number }, Some(time), true) =
            (line.source, span, rebill)
        {
            let cycle = self.cycle_mut(subscription, item, number)?;
            let voided = cycle.is_voided();
            voided.credited_again.push(time);
            voided.as_agreed.push(time);
        }
        Ok(())
    }

    fn give_discount_back(
        &mut self,
        invoice: InvoiceId,
        line: &Line,
        taken: Taken,
    ) -> Result<(), Unmade> {
        let counts = line.credits.is_none() && !line.live.is_empty();
        let discount = self.discount_mut(taken.discount)?;
        match taken.cycle {
            Some(cycle) => discount.change(cycle, |used| {
                used.amount.0 -= taken.amount.0;
                used.lines = used.lines.saturating_sub(u32::from(counts));
            }),
            None => {
                discount.invoices.remove(invoice);
            }
        }
        Ok(())
    }
}
