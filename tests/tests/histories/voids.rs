//! What a void leaves: time that is given up, or to be billed again.

use schemas::Span;
use schemas::event::{InvoiceVoided, LineRef, LineSource};
use schemas::terms::LineKind;

use crate::time_sets::{with, without};
use crate::watch::{Account, Seen};

impl Account {
    /// Time of which something comes back, or is to be billed again, is given up no more.
    pub(crate) fn is_given_up_no_more(&mut self, source: LineSource, time: Span) {
        let LineSource::Cycle { subscription, item, .. } = source else { return };
        let waived = &mut self.item_mut(subscription, item).waived;
        let left = std::mem::take(waived).into_iter();
        *waived = left
            .flat_map(|(cycle, span)| {
                without(&[span], time).into_iter().map(move |span| (cycle, span))
            })
            .collect();
    }

    pub(crate) fn voided(&mut self, voided: &InvoiceVoided) {
        let invoice = voided.invoice;
        let of_invoice = LineRef { invoice, line: 0 }..=LineRef { invoice, line: u32::MAX };
        let lines: Vec<Seen> = self
            .lines
            .range_mut(of_invoice)
            .map(|(_, seen)| {
                seen.voided = true;
                let before = seen.clone();
                seen.live.clear();
                before
            })
            .collect();
        let charged: Vec<(LineSource, Span)> = lines
            .iter()
            .filter(|seen| seen.line.credits.is_none())
            .flat_map(|seen| seen.live.iter().map(|span| (seen.line.source, *span)))
            .collect();
        for seen in lines {
            let LineSource::Cycle { subscription, item, cycle } = seen.line.source else {
                continue;
            };
            // Where all of a credit's time was charged anew, the credited line has it again.
            let same = |source: LineSource| match source {
                LineSource::Cycle { subscription: of, item: number, .. } => {
                    (of, number) == (subscription, item)
                }
                LineSource::Charge(_) | LineSource::Invoice => false,
            };
            let anew = charged.iter().filter(|(source, _)| same(*source)).map(|(_, span)| *span);
            let anew: Vec<Span> = anew.collect();
            if let Some(at) = seen.line.credits {
                let target = self.lines.get_mut(&at).expect("it was issued");
                target.credited += seen.line.net.0;
                target.credited_gross += seen.line.gross.0;
                if let Some(pricing) = &seen.line.pricing {
                    let left = anew.iter().fold(vec![pricing.span], |set, s| without(&set, *s));
                    if voided.rebill || left.is_empty() {
                        target.live = with(&target.live, pricing.span);
                    }
                    if !voided.rebill && target.line.kind != LineKind::MinimumTrueUp {
                        let given_up = (cycle, pricing.span);
                        self.item_mut(subscription, item).waived.push(given_up);
                    }
                }
            } else if voided.rebill {
                for span in seen.live {
                    self.is_given_up_no_more(seen.line.source, span);
                }
            } else if seen.line.kind != LineKind::MinimumTrueUp {
                let given_up = seen.live.into_iter().map(|span| (cycle, span));
                self.item_mut(subscription, item).waived.extend(given_up);
            }
            if !voided.rebill {
                self.subscription_mut(subscription).gave_up = true;
            }
        }
    }
}
