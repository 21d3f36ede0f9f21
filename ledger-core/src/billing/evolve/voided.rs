//! An invoice is voided: what it charged is given up, or to be billed again.
//!
//! # Shape
//!
//! Time that is **given up** is charged no more. What else charges it stays as it is, until an end,
//! a pause or a removal gives some of that back: from then on it is billed like any other.

use schemas::Span;
use schemas::event::{InvoiceVoided, LineRef, LineSource};
use schemas::ids::{InvoiceId, SubscriptionId};

use crate::billing::state::{Billing, Line, LineAt, Pending, Taken};
use crate::shared::{List, Shared};
use crate::spans;
use crate::unmade::Unmade;

impl Billing {
    pub(super) fn fold_void(&mut self, event: &InvoiceVoided) -> Result<(), Unmade> {
        let unknown = || Unmade::named(event.invoice);
        let place = self.invoices.place(event.invoice).ok_or_else(unknown)?;
        let billed = self.invoices.at_mut(place).ok_or_else(unknown)?;
        billed.voided = true;
        let lines = billed.lines.clone();
        for (number, line) in (1_u32..).zip(&lines) {
            let at = LineAt { invoice: place, line: number };
            let is_replaced = !event.rebill && is_replaced(line, &lines);
            self.void_line(event.invoice, at, line, (event.rebill, is_replaced))?;
        }
        Ok(())
    }

    fn void_line(
        &mut self,
        invoice: InvoiceId,
        at: LineAt,
        line: &Line,
        (rebill, is_replaced): (bool, bool),
    ) -> Result<(), Unmade> {
        self.touch(line.source);
        if let LineSource::Cycle { subscription, item, cycle: number } = line.source {
            let cycle = self.cycle_mut(subscription, item, number)?;
            if line.credits.is_none() {
                cycle.lines.retain(|found| *found != at);
                let others = cycle.lines.clone();
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
                    cycle.as_agreed.extend_from_slice(&charged);
                    cycle.again.extend(charged);
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
            Some(credited) => self.void_credit(invoice, line, credited, (rebill, is_replaced)),
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
        cycle.gave_up |= !time.is_empty();
        cycle.waived.extend_from_slice(time);
        let mut later = first + 1;
        while let Ok(cycle) = self.cycle_mut(subscription, item, later) {
            let reaches = |span: &&Span| cycle.start < span.end();
            let reaching: Vec<Span> = time.iter().filter(reaches).copied().collect();
            let is_reached = !reaching.is_empty();
            cycle.waived.extend(reaching);
            if is_reached {
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
            if bill.is_some_and(|bill| bill.waived.iter().any(reaches)) {
                let bill = self.cycle_mut(subscription, item, at)?;
                bill.waived = spans::without(&bill.waived, time);
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
        by: InvoiceId,
        line: &Line,
        credited: LineRef,
        (rebill, is_replaced): (bool, bool),
    ) -> Result<(), Unmade> {
        let source = self.line_mut(credited)?.source;
        self.touch(source);
        let target = self.line_mut(credited)?;
        target.credited_gross.0 += line.gross.0;
        target.credited_net.0 += line.net.0;
        if let Some(index) = target.credited_by.iter().position(|found| *found == by) {
            target.credited_by.remove(index);
        }
        if let (LineSource::Cycle { subscription, item, cycle }, Some(priced), false) =
            (line.source, &line.priced, rebill)
        {
            self.give_up((subscription, item, cycle), &[priced.pricing.span])?;
        }
        let target = self.line_mut(credited)?;
        let charged = !target.live.is_empty();
        let (true, Some(priced)) = (rebill || is_replaced, &line.priced) else {
            // The line stands, and so does its discount.
            let taken = if charged { Vec::new() } else { target.discounts.clone() };
            return taken.into_iter().try_for_each(|taken| self.count_line(taken, 1));
        };
        target.live = spans::with(&target.live, priced.pricing.span);
        target.credited_time -= priced.pricing.time;
        if !charged {
            for taken in target.discounts.clone() {
                self.count_line(taken, 1)?;
            }
        }
        if let (LineSource::Cycle { subscription, item, cycle: number }, true) =
            (line.source, rebill)
        {
            let time = priced.pricing.span;
            let cycle = self.cycle_mut(subscription, item, number)?;
            cycle.credited_again.push(time);
            cycle.as_agreed.push(time);
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
                discount.invoices.remove(&invoice);
            }
        }
        Ok(())
    }
}

/// Whether the invoice of a credit charges all of the credited time again, of the same item.
fn is_replaced(credit: &Line, lines: &[Line]) -> bool {
    let LineSource::Cycle { subscription, item, .. } = credit.source else { return false };
    let (Some(_), Some(priced)) = (credit.credits, &credit.priced) else { return false };
    let same = |line: &&Line| match line.source {
        LineSource::Cycle { subscription: s, item: i, .. } => {
            line.credits.is_none() && (s, i) == (subscription, item)
        }
        LineSource::Charge(_) | LineSource::Invoice => false,
    };
    let charged = lines.iter().filter(same).flat_map(|line| &line.live);
    charged.fold(vec![priced.pricing.span], |set, span| spans::without(&set, *span)).is_empty()
}
