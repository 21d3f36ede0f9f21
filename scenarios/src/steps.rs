//! What a step says, with every word of it understood.

pub mod catalog;
pub mod life;
pub mod money;

use schemas::Timestamp;
use schemas::terms::{ChangeTime, Settle};

use super::case::Case;
use super::expect::Expect;
use super::fields::Fields;
use super::trouble::{Place, Trouble};
use super::yaml::{Value, Yaml};

use catalog::{CouponStep, CustomerStep, MigrateStep, PlanStep};
use life::{
    AcceptStep, CancelStep, ChangeStep, PauseStep, QuoteStep, RenewalStep, ResumeStep,
    SubscribeStep, WithdrawStep,
};
use money::{
    ChargeStep, DiscountStep, FinalizeStep, GrantStep, NoteStep, PayStep, RedeemStep, RefundStep,
    VoidStep,
};

/// Verbs of the format that need commands which billfold does not have yet.
pub const NOT_YET: [&str; 19] = [
    "tax",
    "fx",
    "meter",
    "usage",
    "amend_usage",
    "withdraw_usage",
    "contract",
    "write_off",
    "unapply",
    "dispute",
    "win",
    "lose",
    "accrue",
    "close",
    "reopen",
    "loss_rates",
    "invoice",
    "report",
    "import",
];

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// The test clock shows this first.
    pub at: Option<Timestamp>,
    /// The command takes effect then.
    pub effective: Option<Timestamp>,
    /// The command must be refused with this problem code.
    pub reject: Option<String>,
    /// What is done; nothing where only the clock moves.
    pub verb: Option<Verb>,
}

/// What a step does.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is a verb of the format, and its payload says what it holds")]
pub enum Verb {
    Customer(CustomerStep),
    Plan(Box<PlanStep>),
    Retire(String),
    Migrate(MigrateStep),
    Coupon(CouponStep),
    Redeem(RedeemStep),
    Subscribe(Box<SubscribeStep>),
    Change(Box<ChangeStep>),
    Cancel(CancelStep),
    Uncancel(String),
    Pause(PauseStep),
    Resume(ResumeStep),
    Withdraw(WithdrawStep),
    SetRenewal(RenewalStep),
    Quote(Box<QuoteStep>),
    Accept(AcceptStep),
    VoidQuote(String),
    Discount(DiscountStep),
    RemoveDiscount(String),
    Charge(ChargeStep),
    Run(schemas::Date),
    Finalize(FinalizeStep),
    Void(VoidStep),
    GrantCredit(GrantStep),
    Pay(PayStep),
    Reverse(String),
    Refund(RefundStep),
    CreditNote(NoteStep),
    Expect(Box<Expect>),
}

/// What reading a step needs beside it.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The published case, if there is one.
    pub case: Option<&'a Case>,
    /// The zone of the book: where a bare date starts.
    pub zone: &'a schemas::ZoneName,
}

/// The steps that a node of the list stands for: one, or as many as it repeats.
///
/// # Errors
/// [`Trouble`] names what is not supported.
pub fn read(node: &Yaml, number: usize, around: Around<'_>) -> Result<Vec<Step>, Trouble> {
    let mut fields = Fields::of("step", node, Some(number))?;
    let Some(times) = fields.parsed::<u32>("repeat")? else {
        return read_once(node, number, around);
    };
    let mut steps = Vec::new();
    for turn in 1..=times {
        steps.extend(read_once(&node.replaced("{i}", &turn.to_string()), number, around)?);
    }
    Ok(steps)
}

fn read_once(node: &Yaml, number: usize, around: Around<'_>) -> Result<Vec<Step>, Trouble> {
    let mut fields = Fields::of("step", node, Some(number))?;
    let place = fields.place();
    let _repeat = fields.node("repeat");
    let at = instant(&mut fields, "at", around)?;
    let effective = instant(&mut fields, "effective", around)?;
    let reject = fields.text("reject")?.map(str::to_owned);
    let verbs = fields.rest();
    let step = |verb| Step { place, at, effective, reject: reject.clone(), verb };
    let verb = match verbs.as_slice() {
        [] => return Ok(vec![step(None)]),
        [verb] => *verb,
        several => {
            let why = format!("a step has one verb, not {}", several.join(" and "));
            return Err(Trouble::wrong(place, why));
        }
    };
    let Some(body) = fields.node(verb) else {
        return Err(Trouble::wrong(place, format!("`{verb}` has nothing to say")));
    };
    let one = |body| verb_of(verb, body, number, around).map(|verb| step(Some(verb)));
    match &body.value {
        Value::List(items) => items.iter().map(one).collect(),
        Value::Null | Value::Text(_) | Value::Map(_) => Ok(vec![one(body)?]),
    }
}

fn verb_of(verb: &str, body: &Yaml, number: usize, around: Around<'_>) -> Result<Verb, Trouble> {
    let place = Place { step: Some(number), line: body.line };
    let unsupported = || Trouble::unsupported(place, format!("verb `{verb}`"));
    if NOT_YET.contains(&verb) {
        return Err(unsupported());
    }
    let mut f = Fields::of(verb, body, Some(number))?;
    let read = match verb {
        "customer" => Verb::Customer(CustomerStep::read(&mut f)?),
        "plan" => Verb::Plan(Box::new(PlanStep::read(&mut f)?)),
        "retire" => Verb::Retire(f.need("plan")?.to_owned()),
        "migrate" => Verb::Migrate(MigrateStep::read(&mut f)?),
        "coupon" => Verb::Coupon(CouponStep::read(&mut f)?),
        "redeem" => Verb::Redeem(RedeemStep::read(&mut f)?),
        "subscribe" => Verb::Subscribe(Box::new(SubscribeStep::read(&mut f)?)),
        "change" => Verb::Change(Box::new(ChangeStep::read(&mut f)?)),
        "cancel" => Verb::Cancel(CancelStep::read(&mut f)?),
        "uncancel" => Verb::Uncancel(life::uncancel(&mut f)?),
        "pause" => Verb::Pause(PauseStep::read(&mut f)?),
        "resume" => Verb::Resume(ResumeStep::read(&mut f)?),
        "withdraw" => Verb::Withdraw(WithdrawStep::read(&mut f)?),
        "set_renewal" => Verb::SetRenewal(RenewalStep::read(&mut f)?),
        "quote" => Verb::Quote(Box::new(QuoteStep::read(&mut f)?)),
        "accept" => Verb::Accept(AcceptStep::read(&mut f)?),
        "void_quote" => Verb::VoidQuote(f.need("quote")?.to_owned()),
        "discount" => Verb::Discount(DiscountStep::read(&mut f)?),
        "remove_discount" => Verb::RemoveDiscount(money::remove_discount(&mut f)?),
        "charge" => Verb::Charge(ChargeStep::read(&mut f)?),
        "run" => Verb::Run(f.need_parsed("through")?),
        "finalize" => Verb::Finalize(FinalizeStep::read(&mut f)?),
        "void" => Verb::Void(VoidStep::read(&mut f)?),
        "grant_credit" => Verb::GrantCredit(GrantStep::read(&mut f)?),
        "pay" => Verb::Pay(PayStep::read(&mut f)?),
        "reverse" => Verb::Reverse(f.need("payment")?.to_owned()),
        "refund" => Verb::Refund(RefundStep::read(&mut f)?),
        "credit_note" => Verb::CreditNote(NoteStep::read(&mut f)?),
        "expect" => Verb::Expect(Box::new(Expect::read(&mut f, number, around)?)),
        _ => return Err(unsupported()),
    };
    f.done()?;
    Ok(read)
}

/// The verb that a preview asks about, without its clock.
///
/// # Errors
/// [`Trouble`], as [`read`].
pub fn previewed(node: &Yaml, number: usize, around: Around<'_>) -> Result<Verb, Trouble> {
    let place = Place { step: Some(number), line: node.line };
    match node.entries() {
        Some([(verb, body)]) if verb != "expect" => verb_of(verb, body, number, around),
        Some(_) | None => Err(Trouble::wrong(place, "a preview is of one verb")),
    }
}

/// An instant; or a date, which means its start, or a time of day, both in the zone of the book.
fn instant(
    fields: &mut Fields<'_>,
    key: &str,
    around: Around<'_>,
) -> Result<Option<Timestamp>, Trouble> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    let start = |date| around.zone.start_of(date).ok();
    let civil = |time| around.zone.instant_of(time).ok();
    let read = text.parse().ok().or_else(|| text.parse().ok().and_then(start));
    let read = read.or_else(|| text.parse().ok().and_then(civil));
    read.map(Some).ok_or_else(|| {
        fields
            .wrong(key, &format!("{text:?} is no instant; write one such as 2019-04-01T00:00:00Z"))
    })
}

/// When a change takes effect; now if left out.
fn when(fields: &mut Fields<'_>) -> Result<ChangeTime, Trouble> {
    Ok(match fields.text("when")? {
        None | Some("now") => ChangeTime::Now,
        Some("cycle_end") => ChangeTime::CycleEnd,
        Some("paid" | "when_paid") => ChangeTime::WhenPaid,
        Some(date) => match date.parse() {
            Ok(date) => ChangeTime::On(date),
            Err(_) => return Err(fields.unsupported("when", date)),
        },
    })
}

/// How the difference is billed.
const SETTLE: [(&str, Settle); 3] =
    [("none", Settle::None), ("next", Settle::Next), ("now", Settle::Now)];
