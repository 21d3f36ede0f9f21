//! What queries have in common: reading requests, amounts, problems, the size of an answer.

use schemas::problem::{Fault, Problem};
use schemas::query::{self, DEFAULT_LIMIT, MAX_LIMIT, QUERIES};
use schemas::record::JsonError;
use schemas::view::Answer;
use schemas::wire::{LogPosition, MAX_BODY_BYTES};
use schemas::{Currency, Date, Minor, Money};
use serde::Serialize;

use crate::projection::{QueryError, View};
use crate::store::StoreError;

/// Reads a request.
pub(crate) fn request<T: query::Request>(body: &[u8]) -> Result<T, QueryError> {
    query::read(body).map_err(|error| Problem::json(&error).into())
}

/// A field of the request that cannot be used.
pub(crate) fn invalid(pointer: &str, detail: impl Into<String>) -> QueryError {
    let field = JsonError::Field { pointer: pointer.to_owned(), detail: detail.into() };
    Problem::json(&field).into()
}

/// Nothing of this name is there.
pub(crate) fn not_found(what: impl std::fmt::Display, view: &View<'_>) -> QueryError {
    let detail = format!("{what} is not in the book at this position; check it, or ask at a later");
    let mut problem = Problem::fault(Fault::NotFound, format!("{detail} one"));
    problem.position = Some(view.position.to_string());
    problem.into()
}

/// No query has this name.
pub(crate) fn unknown_query(view: &str, name: &str) -> QueryError {
    let known: Vec<&str> =
        QUERIES.iter().filter(|kind| kind.view == view).map(|kind| kind.name).collect();
    let name: String = name.chars().take(64).collect();
    let detail = format!("{view} has no query {name:?}; it has {}", known.join(", "));
    Problem::fault(Fault::UnknownSubject, detail).into()
}

/// How many items to give.
pub(crate) fn limit(pointer: &str, asked: Option<u32>, usual: u32) -> Result<usize, QueryError> {
    let asked = asked.unwrap_or(usual);
    if (1..=MAX_LIMIT).contains(&asked) {
        return Ok(asked as usize);
    }
    Err(invalid(pointer, format!("{asked} is out of range; ask for 1 to {MAX_LIMIT}")))
}

/// The limit of a list.
pub(crate) fn list_limit(asked: Option<u32>) -> Result<usize, QueryError> {
    limit("/limit", asked, DEFAULT_LIMIT)
}

/// Both ends of a range of days; the first must not lie behind the last.
pub(crate) fn days(from: Option<Date>, to: Option<Date>) -> Result<(Date, Date), QueryError> {
    let (from, to) = (from.unwrap_or(Date::MIN), to.unwrap_or(Date::MAX));
    if from <= to {
        return Ok((from, to));
    }
    Err(invalid("/from", format!("{from} lies after {to}; swap them")))
}

/// The day that decides unless another is given: that of the last commit, in UTC.
pub(crate) fn today(view: &View<'_>) -> Date {
    view.time.map_or(Date::MIN, schemas::Timestamp::utc_date)
}

/// A sum as an amount.
pub(crate) fn money(sum: i128, currency: Currency) -> Result<Money, QueryError> {
    match i64::try_from(sum) {
        Ok(minor) => Ok(Minor(minor).of(currency)),
        Err(_) => Err(Problem::fault(
            Fault::TooLarge,
            format!(
                "a sum of {sum} minor units of {currency} leaves 64 bits; ask for less at once"
            ),
        )
        .into()),
    }
}

/// The token of another position of the same log.
pub(crate) fn token(view: &View<'_>, position: u64) -> String {
    LogPosition { log: view.position.log, position }.to_string()
}

/// One thing as an answer.
pub(crate) fn answer<T: Serialize>(view: &View<'_>, data: T) -> Result<Vec<u8>, QueryError> {
    Ok(json(&Answer { data, position: view.position.to_string(), time: view.time })?)
}

/// The bytes of an answer, unless they are too many for a message.
pub(crate) fn json(answer: &impl Serialize) -> Result<Vec<u8>, Problem> {
    let bytes = serde_json::to_vec(answer).map_err(|error| {
        Problem::fault(Fault::Internal, format!("the answer has no JSON form: {error}"))
    })?;
    if bytes.len() <= MAX_BODY_BYTES {
        return Ok(bytes);
    }
    let detail = format!(
        "the answer has {} bytes, a message takes {MAX_BODY_BYTES}; ask with a smaller limit",
        bytes.len()
    );
    Err(Problem::fault(Fault::TooLarge, detail))
}

/// A row that another row names must be there.
pub(crate) fn there<T>(row: Option<T>, what: &'static str) -> Result<T, StoreError> {
    row.ok_or(StoreError::Missing { what })
}
