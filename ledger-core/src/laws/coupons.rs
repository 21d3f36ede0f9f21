//! The laws of coupons: each is redeemed as often, as long and for as much as it says.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Date;
use schemas::event::{CouponDefined, DiscountApplied};
use schemas::ids::{CouponId, CustomerId};
use schemas::terms::{DiscountDuration, DiscountValue};

use super::findings::Findings;
use super::law::Law;

/// A coupon and how often it was redeemed.
#[derive(Debug)]
struct Coupon {
    value: DiscountValue,
    duration: DiscountDuration,
    most: Option<u32>,
    from: Option<Date>,
    through: Option<Date>,
    redeemed: u32,
}

/// Every coupon, and who redeemed it.
#[derive(Debug, Default)]
pub(super) struct Coupons {
    coupons: BTreeMap<CouponId, Coupon>,
    redeemed: BTreeSet<(CouponId, CustomerId)>,
}

impl Coupons {
    pub(super) fn define(&mut self, defined: &CouponDefined) {
        let coupon = Coupon {
            value: defined.value,
            duration: defined.duration,
            most: defined.max_redemptions,
            from: defined.from,
            through: defined.through,
            redeemed: 0,
        };
        self.coupons.insert(defined.coupon, coupon);
    }

    /// A discount was given on a day of UTC, perhaps for a coupon.
    pub(super) fn give(
        &mut self,
        customer: CustomerId,
        applied: &DiscountApplied,
        today: Date,
        findings: &mut Findings,
    ) {
        let Some(id) = applied.coupon else { return };
        let Some(coupon) = self.coupons.get_mut(&id) else {
            findings.check(Law::References, false, || format!("{id} was never defined"));
            return;
        };
        coupon.redeemed = coupon.redeemed.saturating_add(1);
        let redeemed = coupon.redeemed;
        findings.check(Law::Coupons, coupon.most.is_none_or(|most| redeemed <= most), || {
            format!("{id} is redeemed {redeemed} times, and at most {:?} are allowed", coupon.most)
        });
        findings.check(Law::Coupons, self.redeemed.insert((id, customer)), || {
            format!("{customer} redeems {id} a second time")
        });
        let begun = coupon.from.is_none_or(|from| from <= today);
        let runs = coupon.through.is_none_or(|through| today <= through);
        findings.check(Law::Coupons, begun && runs, || {
            let days = (coupon.from, coupon.through);
            format!("{id} is redeemed on {today}, and can be on these days only: {days:?}")
        });
        let same = (coupon.value, coupon.duration) == (applied.value, applied.duration);
        findings.check(Law::Coupons, same, || {
            format!("{id} is worth {:?}, and {} takes {:?}", coupon.value, applied.discount, {
                applied.value
            })
        });
    }
}
