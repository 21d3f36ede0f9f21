//! Which price of another plan takes the place of which.
//!
//! Prices with the same id first, then what the command maps, then the only recurring price of
//! one plan to the only one of the other. A map cannot say otherwise than an id. A price of the old
//! plan that is left has to be mapped: nothing ends that nobody named, but what a migration has
//! begun since a scheduled change was told. Add-ons take the new plan's price of their id, or end.

use crate::mistakes::{Mistake, makes};
use schemas::Rejection;
use schemas::command::PriceMapping;
use schemas::event::PlanVersionDefined;
use schemas::ids::SubscriptionId;
use schemas::terms::{PriceDefinition, Recurrence};
use schemas::text::Code;

/// An item as the mapping sees it.
#[derive(Debug, Clone)]
pub(super) struct Old<'a> {
    pub(super) item: u16,
    pub(super) price: &'a Code,
    pub(super) add_on: bool,
    /// What the price was called before migrations, the last first: a map may call it so.
    pub(super) called: Vec<&'a Code>,
    /// It came since the change was told: where that plan has no such price, it ends.
    pub(super) since: bool,
}

impl Old<'_> {
    /// Whether a map means it: by its id, or by one that it had and that no other has now.
    fn is(&self, price: &Code, all: &[Self]) -> bool {
        let had = self.called.contains(&price) && !all.iter().any(|other| other.price == price);
        self.price == price || had
    }
}

/// Whether a map that names a price means one of the items.
pub(super) fn is_there(old: &[Old<'_>], price: &Code) -> bool {
    old.iter().any(|item| item.is(price, old))
}

/// What becomes of the items, and which prices of the new plan begin.
#[derive(Debug)]
pub(super) struct Mapped<'a> {
    /// The price that each item gets; none if it ends.
    pub(super) items: Vec<(u16, Option<&'a PriceDefinition>)>,
    pub(super) started: Vec<&'a PriceDefinition>,
}

/// Maps the items of a subscription to the prices of a plan version. A change that was `scheduled`
/// means them by the ids that they had.
///
/// # Errors
/// [`Rejection::InvalidMap`] for a map that names what is not there; [`Rejection::UnmappedPrice`].
pub(super) fn map<'a>(
    subscription: SubscriptionId,
    (old, scheduled): (&[Old<'_>], bool),
    version: &'a PlanVersionDefined,
    told: &[PriceMapping],
) -> Result<Mapped<'a>, Rejection> {
    check(old, version, told)?;
    let of_plan = old.iter().filter(|item| !item.add_on && !item.since).count();
    let recurring = || of_kind(version, Recurrence::Recurring);
    let alone = of_plan == 1 && recurring().count() == 1;
    let only = recurring().next().filter(|_| alone);
    let mut items = Vec::with_capacity(old.len());
    // What was scheduled means prices by the ids that they had, unless another one has that now.
    let is_free = |price: &&&Code| scheduled && !old.iter().any(|other| other.price == **price);
    for item in old {
        let kind = if item.add_on { Recurrence::AddOn } else { Recurrence::Recurring };
        let named = |price: &Code| of_kind(version, kind).find(|found| found.price == *price);
        let called =
            |item: &Old<'_>| item.called.iter().filter(is_free).find_map(|price| named(price));
        // Where one was called so when it was told, another that came since is not meant.
        let meant = |other: &Old<'_>| !other.since && other.price == item.price;
        let by_id =
            |item: &Old<'_>| named(item.price).filter(|_| !(item.since && old.iter().any(meant)));
        let at = items.len();
        let found = match told.iter().find(|told| item.is(&told.from, old)) {
            _ if makes(Mistake::MapsByPosition) && !item.add_on => recurring().nth(at),
            Some(told) => told.to.as_ref().and_then(named),
            None => {
                match by_id(item)
                    .or_else(|| called(item))
                    .or(only.filter(|_| !item.add_on && !item.since))
                {
                    None if !item.add_on && !item.since => {
                        let choices: Vec<String> =
                            recurring().map(|price| price.price.to_string()).collect();
                        return Err(Rejection::UnmappedPrice {
                            subscription,
                            price: item.price.clone(),
                            plan: version.plan,
                            choices: choices.join(", "),
                        });
                    }
                    found => found,
                }
            }
        };
        items.push((item.item, found));
    }
    let taken = |price: &Code| {
        items.iter().any(|(_, found)| found.is_some_and(|found| found.price == *price))
    };
    let started = recurring().filter(|price| !taken(&price.price)).collect();
    Ok(Mapped { items, started })
}

fn of_kind(
    version: &PlanVersionDefined,
    kind: Recurrence,
) -> impl Iterator<Item = &PriceDefinition> {
    let prices = version.prices.iter();
    prices.filter(move |price| price.recurrence.unwrap_or(Recurrence::Recurring) == kind)
}

/// A map names prices that are there, each once.
fn check(
    old: &[Old<'_>],
    version: &PlanVersionDefined,
    told: &[PriceMapping],
) -> Result<(), Rejection> {
    let wrong = |price: &Code, why| Err(Rejection::InvalidMap { price: price.clone(), why });
    for (index, one) in told.iter().enumerate() {
        let Some(item) = old.iter().find(|item| item.is(&one.from, old)) else {
            return wrong(&one.from, "the subscription has no such price");
        };
        if told[..index].iter().any(|other| other.from == one.from) {
            return wrong(&one.from, "it is mapped twice");
        }
        let kind = if item.add_on { Recurrence::AddOn } else { Recurrence::Recurring };
        let same = of_kind(version, kind).any(|price| price.price == one.from);
        if same && one.to.as_ref() != Some(&one.from) {
            return wrong(&one.from, "the new plan has a price of this id, which takes its place");
        }
        let Some(to) = &one.to else { continue };
        if !of_kind(version, kind).any(|price| price.price == *to) {
            return wrong(to, "the new plan has no such price of the same kind");
        }
        let by_id = |item: &Old<'_>| {
            *item.price == *to && !told.iter().any(|other| item.is(&other.from, old))
        };
        let twice = told[..index].iter().any(|other| other.to.as_ref() == Some(to));
        if twice || old.iter().any(|item| by_id(item) && !item.is(&one.from, old)) {
            return wrong(to, "two prices would become this one");
        }
    }
    Ok(())
}
