//! An explanation as a tree for people.

use core::fmt;

use client::Node;
use schemas::event::{
    DiscountBasis, InvoiceLine, LinePricing, PlanVersion, RoundingStep, RoundingSubject,
    SegmentFrom,
};
use schemas::fraction::RoundingMode;
use schemas::terms::{LineKind, Policies};
use schemas::view::{
    CreditedLine, EventPlace, InvoiceExplanation, LineExplanation, MadeByRole, SharedDiscount,
};
use schemas::{Currency, Fraction, Minor};

use super::prices::{every, lasting, rate, tier, worth};

/// The answer of `invoices.explain`; none if it is of another release.
pub(super) fn explanation(data: &Node) -> Option<String> {
    let explained: InvoiceExplanation = data.read()?;
    let tree = of(&explained);
    Some(match explained.next_line {
        Some(next) => format!("{tree}\nThere is more: ask with after_line={next}."),
        None => tree.to_string(),
    })
}

/// A sentence, and those that say why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tree {
    says: String,
    because: Vec<Tree>,
}

impl Tree {
    fn leaf(says: impl Into<String>) -> Self {
        Self { says: says.into(), because: Vec::new() }
    }

    fn node(says: impl Into<String>, because: Vec<Self>) -> Self {
        Self { says: says.into(), because }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        for (number, child) in (1..).zip(&self.because) {
            let last = number == self.because.len();
            let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            write!(f, "\n{indent}{branch}{}", child.says)?;
            child.write(f, &format!("{indent}{below}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        self.write(f, "")
    }
}

/// The tree of an invoice.
fn of(invoice: &InvoiceExplanation) -> Tree {
    let currency = invoice.currency;
    let InvoiceExplanation { number, document_date, due_date, totals, .. } = invoice;
    let total = totals.total.of(currency);
    let head = format!("{} of {document_date}, due {due_date}: {total}", number.as_str());
    let mut because = vec![billed_by(invoice), made("issued by", &invoice.issued_by)];
    because.extend(
        invoice.lines.iter().map(|line| Line { currency, invoice, explained: line }.tree()),
    );
    let sums = vec![
        Tree::leaf(format!("gross {}", totals.gross.of(currency))),
        Tree::leaf(format!("discount {}", totals.discount.of(currency))),
        Tree::leaf(format!("net {}", totals.net.of(currency))),
        Tree::leaf(format!("tax {}", totals.tax.of(currency))),
    ];
    because.push(Tree::node(format!("total {total}"), sums));
    Tree::node(head, because)
}

/// The profile, and each policy that is not as it says.
fn billed_by(invoice: &InvoiceExplanation) -> Tree {
    let usual = invoice.profile.policies().words();
    let used = invoice.policies.words();
    let other = used.iter().zip(usual).filter(|(used, usual)| **used != *usual);
    let other = other.map(|((policy, rule), _)| Tree::leaf(format!("{policy}: {rule}")));
    let version = invoice.engine_version;
    let name = invoice.profile.name();
    Tree::node(format!("billed by {name}, arithmetic {version}"), other.collect())
}

fn made(what: &str, event: &EventPlace) -> Tree {
    Tree::leaf(format!("{what} {} {} at {}", event.kind, event.id, event.recorded_at))
}

struct Line<'a> {
    currency: Currency,
    invoice: &'a InvoiceExplanation,
    explained: &'a LineExplanation,
}

impl Line<'_> {
    fn tree(&self) -> Tree {
        let line = &self.explained.line;
        let head = format!(
            "line {}: {} ({}) {}",
            line.line,
            line.description.clear().unwrap_or("(erased)"),
            kind(line.kind),
            self.money(line.net)
        );
        let mut because = Vec::new();
        match &self.explained.credited {
            Some(credited) => because.push(self.credited(credited)),
            None => because.push(self.price()),
        }
        because.extend(self.time());
        because.push(self.amount());
        because.extend(line.discounts.iter().map(|part| self.discount(part)));
        because.push(Tree::leaf(format!("net {}", self.money(line.net))));
        let events = self.explained.events.iter().map(|by| made(role(by.role), &by.event));
        because.push(Tree::node("made by", events.collect()));
        Tree::node(head, because)
    }

    fn money(&self, amount: Minor) -> String {
        amount.of(self.currency).to_string()
    }

    fn price(&self) -> Tree {
        let line = &self.explained.line;
        let Some(pricing) = &line.pricing else {
            let each = line.unit_price.map(|unit| format!(" at {unit}"));
            let quantity = line.quantity;
            return Tree::leaf(format!("{quantity}{}", each.unwrap_or_default()));
        };
        let mut because = vec![Tree::leaf(rate(&pricing.rate))];
        because.extend(line.tiers.iter().map(|part| Tree::leaf(tier(part))));
        let (name, plan) = (pricing.price.as_str(), plan_of(line.plan));
        let (quantity, whole) = (line.quantity, pricing.whole);
        if line.kind == LineKind::MinimumTrueUp {
            let says = if pricing.complement.is_some() {
                format!("a whole cycle costs at least {whole} minor units")
            } else {
                because.extend(self.least(pricing));
                format!("{whole} minor units are missing to the least")
            };
            return Tree::node(format!("price {name}{plan}: {says}"), because);
        }
        if let Some(minimum) = pricing.minimum {
            because.push(Tree::leaf(format!(
                "at least {minimum} for a whole cycle; what is missing has a line of its own"
            )));
        }
        let says = format!("a whole cycle of {quantity} units is {whole} minor units");
        Tree::node(format!("price {name}{plan}: {says}"), because)
    }

    /// The least price, and the price that it goes beyond.
    fn least(&self, pricing: &LinePricing) -> Option<Tree> {
        let minimum = pricing.minimum?;
        let units = Fraction::whole(10_i64.pow(u32::from(self.currency.exponent())));
        let least = Fraction::of(minimum).ok()?.times(units).ok()?;
        let price = least.plus(pricing.whole.negated().ok()?).ok()?;
        let quantity = self.explained.line.quantity;
        Some(Tree::leaf(format!(
            "at least {least} minor units for a whole cycle; {quantity} units are {price}"
        )))
    }

    fn time(&self) -> Option<Tree> {
        let line = &self.explained.line;
        let pricing = line.pricing.as_ref()?;
        let LinePricing { span, full, zone, segment, .. } = &**pricing;
        let rule = self.invoice.policies.proration.word();
        let mut because = vec![
            Tree::leaf(format!("of the cycle {full} of {}", every(pricing.every))),
            Tree::leaf(format!("counted {rule} in {}", zone.as_str())),
            Tree::leaf(match segment {
                None => "as it began".to_owned(),
                Some(SegmentFrom { at, nth: 1 }) => format!("since the change at {at}"),
                Some(SegmentFrom { at, nth }) => format!("since change {nth} at {at}"),
            }),
        ];
        if let Some(rest) = &pricing.complement {
            let others = self.explained.others.iter().map(|other| {
                let (invoice, number) = (other.at.invoice, other.at.line);
                Tree::leaf(format!("{invoice} line {number}: {}", self.money(other.gross)))
            });
            let billed = self.money(rest.billed);
            let says = match line.kind {
                LineKind::MinimumTrueUp => format!("of that, the price asks for {billed}"),
                LineKind::Recurring
                | LineKind::ProrationCredit
                | LineKind::ProrationCharge
                | LineKind::OneOff
                | LineKind::Rounding => {
                    format!("the rest of the cycle: {billed} is billed already")
                }
            };
            because.push(Tree::node(says, others.collect()));
        }
        let part = pricing.part_of_a_cycle(line.ratio);
        Some(Tree::node(format!("time {span}: {part}"), because))
    }

    fn amount(&self) -> Tree {
        let line = &self.explained.line;
        let steps = line.rounding.iter().filter(|step| !is_of_a_discount(step.subject));
        let mut because = vec![Tree::leaf(format!("exactly {} minor units", line.exact))];
        because.extend(steps.map(rounding));
        if self.explained.credited.is_none() && line.pricing.is_some() {
            because.extend(ratio_rule(&self.invoice.policies, line));
        }
        Tree::node(format!("gross {}", self.money(line.gross)), because)
    }

    fn discount(&self, part: &schemas::event::DiscountPart) -> Tree {
        let policies = &self.invoice.policies;
        let (how, rule) = match part.basis {
            DiscountBasis::Percent { percent, of } => (
                format!("{percent} % of {}", self.money(of)),
                format!("discount_stacking: {}", policies.discount_stacking.word()),
            ),
            DiscountBasis::Share { budget, of, among } => (
                format!(
                    "its share of {}: {} of {}",
                    self.money(budget),
                    self.money(of),
                    self.money(among)
                ),
                format!("discount_allocation: {}", policies.discount_allocation.word()),
            ),
            DiscountBasis::Credit { of } => (
                format!("of {} that the credited line had", self.money(of)),
                format!("credit_discount: {}", policies.credit_discount.word()),
            ),
        };
        let mut because = vec![
            Tree::leaf(how),
            Tree::leaf(format!("exactly {} minor units", part.exact)),
            Tree::leaf(rule),
        ];
        let line = &self.explained.line;
        if line.discounts.last() == Some(part) {
            let residue = |step: &&RoundingStep| step.subject == RoundingSubject::DiscountResidue;
            because.extend(line.rounding.iter().filter(residue).map(rounding));
        }
        let shared = self.explained.sharing.iter().find(|found| found.discount == part.discount);
        because.extend(shared.filter(|found| found.shares.len() > 1).map(|s| self.shares(s)));
        let given =
            self.explained.discounts.iter().find(|given| given.applied.discount == part.discount);
        because.extend(given.map(|given| {
            let (value, duration) = (given.applied.value, given.applied.duration);
            Tree::leaf(format!("given as {}, {}", worth(value), lasting(duration)))
        }));
        Tree::node(format!("discount {} {}", part.discount, self.money(part.amount)), because)
    }

    fn shares(&self, shared: &SharedDiscount) -> Tree {
        let lines = shared.shares.iter().map(|share| {
            let (of, amount) = (self.money(share.of), self.money(share.amount));
            Tree::leaf(format!("line {}: {amount} of {of}", share.line))
        });
        Tree::node("shared by", lines.collect())
    }

    /// How much of the time that a credited line bills comes back, where that is not all of it.
    fn share_of_its_time(&self, credited: &InvoiceLine) -> Option<Tree> {
        let back = self.explained.line.pricing.as_ref()?.time;
        let billed = credited.pricing.as_ref()?.time;
        let says = || Tree::leaf(format!("takes back {back}/{billed} of the time that it bills"));
        (back != billed).then(says)
    }

    fn credited(&self, credited: &CreditedLine) -> Tree {
        let line = &credited.line;
        let basis = self.invoice.policies.credit_basis.word();
        let billed = Tree::leaf(format!(
            "billed {} gross, {} net",
            self.money(line.gross),
            self.money(line.net)
        ));
        let mut because = vec![billed, Tree::leaf(format!("credit_basis: {basis}"))];
        because.extend(self.share_of_its_time(line));
        because.extend(credited.before.iter().map(|before| {
            let by = match (before.line, before.credit_note) {
                (Some(at), _) => format!("{} line {}", at.invoice, at.line),
                (None, Some(note)) => note.to_string(),
                (None, None) => String::new(),
            };
            Tree::leaf(format!("{} credited before by {by}", self.money(before.net)))
        }));
        if let Some(terms) = &self.explained.in_force {
            let units = terms.quantity;
            let least = terms.minimum.map(|minimum| format!(", at least {minimum}"));
            let least = least.unwrap_or_default();
            let says = format!("in force: {}, {units} units{least}", rate(&terms.rate));
            because.push(Tree::leaf(says));
        }
        let (number, at) = (credited.number.as_str(), line.line);
        Tree::node(format!("credits line {at} of {number} ({})", credited.invoice), because)
    }
}

fn plan_of(plan: Option<PlanVersion>) -> String {
    plan.map(|plan| format!(" of {} version {}", plan.plan, plan.version)).unwrap_or_default()
}

fn ratio_rule(policies: &Policies, line: &InvoiceLine) -> Option<Tree> {
    let whole = line.ratio == schemas::Fraction::ONE;
    (!whole).then(|| Tree::leaf(format!("ratio: {}", policies.ratio.word())))
}

fn is_of_a_discount(subject: RoundingSubject) -> bool {
    match subject {
        RoundingSubject::Discount | RoundingSubject::DiscountResidue => true,
        RoundingSubject::Ratio
        | RoundingSubject::Rate
        | RoundingSubject::Amount
        | RoundingSubject::Tax
        | RoundingSubject::Residue => false,
    }
}

fn rounding(step: &RoundingStep) -> Tree {
    let what = match step.subject {
        RoundingSubject::Ratio => "part",
        RoundingSubject::Rate => "rate",
        RoundingSubject::Amount => "amount",
        RoundingSubject::Discount => "discount",
        RoundingSubject::Tax => "tax",
        RoundingSubject::Residue => "what the change comes to",
        RoundingSubject::DiscountResidue => "what is left of the change",
    };
    let how = match step.mode {
        RoundingMode::HalfUp => "half up",
        RoundingMode::HalfEven => "half to even",
        RoundingMode::Down => "down",
        RoundingMode::Up => "up",
    };
    let RoundingStep { exact, scale, rounded, .. } = step;
    let places = if *scale == 0 { String::new() } else { format!(" at {scale} decimals") };
    Tree::leaf(format!("{what} rounded {how}{places}: {exact} to {rounded}"))
}

fn kind(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Recurring => "recurring",
        LineKind::OneOff => "one-off",
        LineKind::ProrationCharge => "charge in mid-cycle",
        LineKind::ProrationCredit => "credit",
        LineKind::Rounding => "rounding",
        LineKind::MinimumTrueUp => "missing to the least price",
    }
}

fn role(role: MadeByRole) -> &'static str {
    match role {
        MadeByRole::Price => "price:",
        MadeByRole::Segment => "terms:",
        MadeByRole::Cycle => "cycle:",
        MadeByRole::Charge => "charge:",
        MadeByRole::Discount => "discount:",
        MadeByRole::CreditedInvoice => "credited invoice:",
        MadeByRole::Change => "change:",
        MadeByRole::Invoice => "invoice:",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_branches_and_its_last_ones_are_corners() {
        let tree = Tree::node("a", vec![Tree::node("b", vec![Tree::leaf("c")]), Tree::leaf("d")]);
        assert_eq!(tree.to_string(), "a\n├─ b\n│  └─ c\n└─ d");
    }
}
