//! What the rows say of a line: what it credits, what it shares, what it is the rest of, and
//! which events it comes from.

use std::collections::BTreeMap;
use std::rc::Rc;

use schemas::event::{DiscountBasis, DiscountPart, EventAt, LineRef, LineSource};
use schemas::ids::{DiscountId, InvoiceId, SubscriptionId};
use schemas::view::{
    CreditBefore, CreditedLine, DiscountBefore, DiscountShare, GivenDiscount, LineExplanation,
    MadeBy, MadeByRole, OtherLine, SharedDiscount,
};
use schemas::{Minor, Problem, Timestamp};

use super::super::super::rows::{BY_ID, DIRECTORY, InvoiceRow, LineRow, SHEETS, TakenBy};
use super::super::documents::invoice_at;
use super::facts::Facts;
use crate::answer::there;
use crate::directory::Needle;
use crate::projection::View;
use crate::store::StoreError;

/// A line, but for what the log says of its events.
pub(super) struct Draft {
    line: LineExplanation,
    subscription: Option<SubscriptionId>,
    made_by: Vec<(MadeByRole, EventAt)>,
    given: Vec<(DiscountId, EventAt)>,
}

impl Draft {
    /// The number of the line.
    pub(super) const fn number(&self) -> u32 {
        self.line.line.line
    }

    /// The events that it names.
    pub(super) fn events(&self) -> impl Iterator<Item = EventAt> {
        let made_by = self.made_by.iter().map(|(_, event)| *event);
        made_by.chain(self.given.iter().map(|(_, event)| *event))
    }

    /// The line, with what the log says.
    ///
    /// # Errors
    /// A [`Problem`] when the log does not have its events.
    pub(super) fn with(self, facts: &Facts) -> Result<LineExplanation, Problem> {
        let about = |role| match role {
            MadeByRole::Segment | MadeByRole::Cycle | MadeByRole::Change => self.subscription,
            MadeByRole::Price
            | MadeByRole::Charge
            | MadeByRole::Discount
            | MadeByRole::CreditedInvoice
            | MadeByRole::Invoice => None,
        };
        let events = self.made_by.iter().map(|(role, event)| {
            Ok(MadeBy { role: *role, subscription: about(*role), event: facts.place(*event)? })
        });
        let discounts = self.given.iter().map(|(discount, event)| facts.given(*discount, *event));
        let discounts: Vec<Option<GivenDiscount>> = discounts.collect::<Result<_, _>>()?;
        let events = events.collect::<Result<_, Problem>>()?;
        let discounts = discounts.into_iter().flatten().collect();
        Ok(LineExplanation { events, discounts, ..self.line })
    }
}

/// An invoice, and where it is.
pub(super) struct Known {
    pub(super) place: u64,
    pub(super) row: InvoiceRow,
}

impl Known {
    /// The line of a number, if it has one.
    pub(super) fn line(&self, view: &View<'_>, number: u32) -> Result<Option<LineRow>, StoreError> {
        self.row.lines.read((view.store, SHEETS, self.place), number)
    }
}

/// The most lines that are shown to share a fixed discount.
const MOST_SHARES: usize = 500;

/// One invoice with others that its lines refer to.
pub(super) struct Lines<'a> {
    view: &'a View<'a>,
    own: Rc<Known>,
    read: BTreeMap<InvoiceId, Rc<Known>>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(view: &'a View<'a>, own: &Rc<Known>) -> Self {
        let read = BTreeMap::from([(own.row.invoice, Rc::clone(own))]);
        Self { view, own: Rc::clone(own), read }
    }

    /// What the rows say of a line of the invoice.
    pub(super) fn draft(&mut self, row: &LineRow) -> Result<Draft, StoreError> {
        let line = &row.line;
        let mut made_by = made_by(row, self.own.row.issued());
        let (mut given, mut credited) = (given(&line.discounts, self.own.row.issued()), None);
        if let Some(at) = line.credits {
            let known = self.invoice(at.invoice)?;
            let (invoice, of) = (&known.row, self.line_of(&known, at)?);
            made_by.push((MadeByRole::CreditedInvoice, invoice.issued()));
            given = self::given(&of.line.discounts, invoice.issued());
            credited = Some(CreditedLine {
                invoice: invoice.invoice,
                number: invoice.number.clone(),
                policies: invoice.policies,
                line: of.line.clone(),
                before: self.before(&of, line.line)?,
            });
        }
        // In the order of the log.
        made_by.sort_by_key(|(role, event)| (*event, *role));
        Ok(Draft {
            line: LineExplanation {
                sharing: self.sharing(row)?,
                others: self.others(row)?,
                in_force: line.pricing.as_ref().and_then(|pricing| pricing.in_force.clone()),
                line: line.clone(),
                credited,
                discounts: Vec::new(),
                events: Vec::new(),
            },
            subscription: match line.source {
                LineSource::Cycle { subscription, .. } => Some(subscription),
                LineSource::Charge(_) | LineSource::Invoice => None,
            },
            made_by,
            given,
        })
    }

    /// An invoice of the same customer.
    fn invoice(&mut self, id: InvoiceId) -> Result<Rc<Known>, StoreError> {
        if let Some(row) = self.read.get(&id) {
            return Ok(Rc::clone(row));
        }
        for place in DIRECTORY.find(self.view.store, Needle::new(BY_ID, id.uuid().as_bytes()))? {
            let row = invoice_at(self.view, place)?;
            if row.invoice == id {
                let known = Rc::new(Known { place, row });
                return Ok(Rc::clone(self.read.entry(id).or_insert(known)));
            }
        }
        Err(StoreError::Missing { what: "an invoice that a line refers to" })
    }

    /// What was credited of a line before a line of this invoice credited it. What was voided
    /// later counted then.
    fn before(&mut self, of: &LineRow, number: u32) -> Result<Vec<CreditBefore>, StoreError> {
        let own = LineRef { invoice: self.own.row.invoice, line: number };
        let issued = self.own.row.issued();
        let own = of.taken.iter().position(|taken| taken.by == TakenBy::Line(own));
        let own = there(own, "a credit on the line that it credits")?;
        let stood =
            of.taken[..own].iter().filter(|taken| taken.voided.is_none_or(|at| issued < at));
        stood.map(|taken| self.taken(taken.by)).collect()
    }

    fn taken(&mut self, by: TakenBy) -> Result<CreditBefore, StoreError> {
        Ok(match by {
            TakenBy::Line(at) => {
                let known = self.invoice(at.invoice)?;
                let line = &self.line_of(&known, at)?.line;
                let discounts = line
                    .discounts
                    .iter()
                    .map(|part| DiscountBefore { discount: part.discount, amount: part.amount });
                CreditBefore {
                    line: Some(at),
                    credit_note: None,
                    span: line.pricing.as_ref().map(|pricing| pricing.span),
                    gross: line.gross,
                    discounts: discounts.collect(),
                    net: line.net,
                }
            }
            TakenBy::Note(note, net) => CreditBefore {
                line: None,
                credit_note: Some(note),
                span: None,
                gross: Minor(-net),
                discounts: Vec::new(),
                net: Minor(-net),
            },
        })
    }

    /// The lines that have billed the part of the cycle that it leaves out.
    fn others(&mut self, row: &LineRow) -> Result<Vec<OtherLine>, StoreError> {
        let pricing = row.line.pricing.as_ref();
        let Some(rest) = pricing.and_then(|pricing| pricing.complement.as_ref()) else {
            return Ok(Vec::new());
        };
        let others = rest.lines.iter().map(|at| {
            let known = self.invoice(at.invoice)?;
            let line = &self.line_of(&known, *at)?.line;
            Ok(OtherLine {
                at: *at,
                span: line.pricing.as_ref().map(|pricing| pricing.span),
                ratio: line.ratio,
                gross: line.gross,
            })
        });
        others.collect()
    }

    /// The lines that share each fixed discount with it: as many as an answer has room for.
    fn sharing(&self, row: &LineRow) -> Result<Vec<SharedDiscount>, StoreError> {
        let mut shared = Vec::new();
        for part in &row.line.discounts {
            let Some(budget) = budget(part) else { continue };
            let (mut shares, mut more) = (Vec::new(), 0);
            let Known { place, row } = &*self.own;
            row.lines.scan((self.view.store, SHEETS, *place), 0, |other| {
                let same = other.line.discounts.iter().filter(|found| {
                    found.discount == part.discount && self::budget(found) == Some(budget)
                });
                for share in same.filter_map(|found| share(&other, found)) {
                    if shares.len() < MOST_SHARES {
                        shares.push(share);
                    } else {
                        more += 1;
                    }
                }
                Ok::<_, StoreError>(true)
            })?;
            shared.push(SharedDiscount { discount: part.discount, shares, more });
        }
        Ok(shared)
    }

    fn line_of(&self, known: &Known, at: LineRef) -> Result<LineRow, StoreError> {
        there(known.line(self.view, at.line)?, "a line that another refers to")
    }
}

/// The events that a line of an invoice comes from.
fn made_by(row: &LineRow, issued: EventAt) -> Vec<(MadeByRole, EventAt)> {
    let origin = row.line.origin.said_by(issued);
    let one = [
        (MadeByRole::Price, origin.price),
        (MadeByRole::Segment, origin.segment),
        (MadeByRole::Cycle, origin.cycle),
        (MadeByRole::Charge, origin.charge),
        (MadeByRole::Change, origin.change),
        (MadeByRole::Invoice, Some(issued)),
    ];
    let one = one.into_iter().filter_map(|(role, event)| Some((role, event?)));
    let discounts = given(&row.line.discounts, issued);
    one.chain(discounts.into_iter().map(|(_, event)| (MadeByRole::Discount, event))).collect()
}

/// The discounts of a line of an invoice, with the events that gave them.
fn given(parts: &[DiscountPart], issued: EventAt) -> Vec<(DiscountId, EventAt)> {
    parts.iter().map(|part| (part.discount, part.given.said_by(issued))).collect()
}

/// What tells the budgets of a fixed discount apart.
fn budget(part: &DiscountPart) -> Option<(Minor, Minor, Option<Timestamp>)> {
    match part.basis {
        DiscountBasis::Share { budget, among, of: _ } => Some((budget, among, part.cycle)),
        DiscountBasis::Percent { .. } | DiscountBasis::Credit { .. } => None,
    }
}

fn share(row: &LineRow, part: &DiscountPart) -> Option<DiscountShare> {
    match part.basis {
        DiscountBasis::Share { of, .. } => {
            Some(DiscountShare { line: row.line.line, of, amount: part.amount })
        }
        DiscountBasis::Percent { .. } | DiscountBasis::Credit { .. } => None,
    }
}
