//! Billing: what should be billed, minus what was. The rules of profile `billfold@1`.
//!
//! # Shape
//!
//! For every cycle that is due, the segments of the subscription are compared with the live
//! days of the lines already billed for that cycle ([`pieces`]). Days that a line charges at
//! another version or quantity than was in force are credited ([`credit`]); days in force that
//! no line charges are charged. Discounts come off the new charges ([`discount`]), and all of
//! it becomes one invoice ([`invoice`]). Identity is (item, cycle) and the days, never "billed
//! today?": billing again finds nothing to do.
//!
//! # Policy `billfold@1`
//!
//! - Days are civil, in the customer's zone, half-open. A cycle keeps the length it opened with
//!   as its denominator, also when it is cut.
//! - A charge is `unit price x units x days / denominator`, exact, rounded once, half up (away
//!   from zero), to the minor unit.
//! - In advance, a segment is due when its cycle starts; in arrears, when the cycle (or the
//!   subscription) ends. Segments of one cycle are charged apart.
//! - A change within a cycle that was billed in advance waits for the customer's next invoice;
//!   where no cycle is ahead, what is left is due at once. What was scheduled up to the day of a
//!   change has happened before it, billed or not.
//! - A credit is a share of what was billed. With `c` days of a line credited before and `d`
//!   now, of `n` days: `round(x (c + d) / n) - round(x c / n)`, half up, for `x` the gross and
//!   for `x` after each discount. So the parts of a line add up to the line exactly. A credit
//!   never exceeds what credit notes have left of the line.
//! - Discounts: percentages first, then amounts, each in the order of application, each on what
//!   the ones before have left. A percentage is rounded half up on each line. An amount is a
//!   budget: for each cycle (on a subscription) or each invoice (on a customer), shared over the
//!   positive lines in proportion, by largest remainder, the earlier line first on a tie; a
//!   credited share goes back to the cycle's budget. No discount makes a line negative.
//! - Customer credit pays the invoice at finalization. A negative total becomes customer
//!   credit. A total of zero is settled at once.
//! - The invoice is dated today in the seller's zone; it is booked on its own date.

pub(crate) mod charge;
pub(crate) mod credit;
pub(crate) mod discount;
pub(crate) mod draft;
pub(crate) mod invoice;
pub(crate) mod pieces;
pub(crate) mod pricing;
pub(crate) mod proration;
pub(crate) mod run;
pub(crate) mod spans;
