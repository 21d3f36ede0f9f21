//! What a step says: when, what is asked or expected, and whether it must be refused.

use schemas::problem::Fault;
use schemas::{Rejection, Timestamp, ZoneName};

use crate::case::Case;
use crate::expect::{Expect, SUBJECTS};
use crate::fields::Fields;
use crate::near::near;
use crate::shape::instant;
use crate::trouble::{Place, Trouble};
use crate::verbs::Verb;
use crate::yaml::{Value, Yaml};

/// The verb that asks nothing of the ledger.
const EXPECT: &str = "expect";

/// The most times that a step is repeated.
const MOST_TIMES: u32 = 100_000;

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
    /// What is done.
    pub act: Act,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Only the clock moves.
    Wait,
    /// Something is asked of the ledger.
    Ask(Verb),
    /// Something is looked at.
    Expect(Box<Expect>),
}

/// What reading a step needs beside it.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The published case, if there is one.
    pub case: Option<&'a Case>,
    /// The zone of the book: where a bare date starts.
    pub zone: &'a ZoneName,
}

/// The steps that a node of the list stands for: one, or as many as it repeats.
///
/// # Errors
/// [`Trouble`] names what is not supported.
pub fn read(node: &Yaml, number: usize, around: Around<'_>) -> Result<Vec<Step>, Trouble> {
    let mut fields = Fields::of("step", node, Some(number))?;
    let Some(times) = fields.whole("repeat", 1..=MOST_TIMES)? else {
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
    let at = time(&mut fields, "at", around)?;
    let effective = time(&mut fields, "effective", around)?;
    let reject = reject(&mut fields)?;
    let step = |place, act| Step { place, at, effective, reject: reject.clone(), act };
    let verb = match fields.rest().as_slice() {
        [] => return Ok(vec![step(place, Act::Wait)]),
        [verb] => *verb,
        several => {
            let why = format!("a step has one verb, not {}", several.join(" and "));
            return Err(Trouble::wrong(place, why));
        }
    };
    // What no command has would be passed over in silence.
    if let Some(key) = ["effective", "reject"].into_iter().find(|key| fields.has(key))
        && verb == EXPECT
    {
        let why = "an expectation is no command; leave it out, `at` says as of when it is compared";
        return Err(fields.wrong(key, &why));
    }
    let Some(body) = fields.node(verb) else {
        return Err(Trouble::wrong(place, format!("`{verb}` has nothing to say")));
    };
    let one = |body: &Yaml, line| {
        let act = act(verb, body, number, around)?;
        Ok(step(Place { line, ..place }, act))
    };
    match &body.value {
        Value::List(items) => items.iter().map(|item| one(item, item.line)).collect(),
        Value::Null | Value::Text(_) | Value::Map(_) => Ok(vec![one(body, place.line)?]),
    }
}

fn act(verb: &str, body: &Yaml, number: usize, around: Around<'_>) -> Result<Act, Trouble> {
    if verb != EXPECT {
        return Verb::read(verb, body, Some(number)).map(Act::Ask);
    }
    if body.entries().is_none() {
        let place = Place { step: Some(number), line: body.line };
        let subjects = SUBJECTS.join(", ");
        let why = format!("`expect` is {}; write a mapping with one of {subjects}", body.told());
        return Err(Trouble::wrong(place, why));
    }
    let mut f = Fields::of(verb, body, Some(number))?;
    let expect = Expect::read(&mut f, number, around.case)?;
    f.done().map(|()| Act::Expect(Box::new(expect)))
}

/// The code of a problem: a rejection of the ledger's, or a fault.
fn reject(fields: &mut Fields<'_>) -> Result<Option<String>, Trouble> {
    let Some(code) = fields.text("reject")? else { return Ok(None) };
    let rejections = Rejection::CODES.iter().map(|(code, _)| *code);
    let codes: Vec<&str> = rejections.chain(Fault::ALL.iter().map(|it| it.code())).collect();
    if codes.contains(&code) {
        return Ok(Some(code.to_owned()));
    }
    let near = match near(code, codes).as_slice() {
        [] => String::new(),
        some => format!("write {}, or another: ", some.join(", ")),
    };
    let why = format!("{code:?} is no code of a problem; {near}docs/integrate.md lists all");
    Err(fields.wrong("reject", &why))
}

/// An instant; or a date, which means its start, or a time of day, both in the zone of the book.
fn time(
    fields: &mut Fields<'_>,
    key: &str,
    around: Around<'_>,
) -> Result<Option<Timestamp>, Trouble> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    instant(text, around.zone).map(Some).ok_or_else(|| {
        let why = format!("{text:?} is no instant; write one such as 2019-04-01T00:00:00Z");
        fields.wrong(key, &why)
    })
}
