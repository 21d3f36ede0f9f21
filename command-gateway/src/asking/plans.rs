//! `plans.migrations`.
//!
//! *Shape.* The customers are walked in the order of their registration, some at a time; a cursor
//! names the customer to go on from, and the subscription of it that was given last.
//! *Limits.* Only so many are walked for one page. A page may then have fewer rows than it could,
//! even none, and say that there is more.

use std::str::FromStr;

use schemas::ids::{CustomerId, PlanId, SubscriptionId};
use schemas::query::PlansMigrations;
use schemas::view::{Page, SubscriptionMigration};
use schemas::wire::Reply;
use schemas::{Problem, Rejection};

use super::{Asked, cursor, needed, page_size};
use crate::copies::{CopyOf, Excerpt};

/// Copies that are asked for at most for a page.
const MOST_COPIES: usize = 25;

pub(super) async fn migrations(
    asked: &Asked<'_>,
    question: PlansMigrations,
) -> Result<Reply, Problem> {
    let plan = needed(question.plan, "/plan")?;
    let limit = page_size(question.limit)?;
    let mut at: Option<Cursor> = cursor(question.after.as_deref())?;
    let mut data: Vec<SubscriptionMigration> = Vec::new();
    let mut copies = 0;
    loop {
        let first = at.map(|at| at.customer);
        let excerpt = asked.copy_of(CopyOf::Plan { plan, first, most: limit + 1 }).await?;
        let (position, time) = (asked.position(&excerpt), excerpt.recorded_at);
        let rest = excerpt.rest.map(|customer| Cursor { customer, after: None });
        let rows = asked.reckoned(excerpt, move |copy| rows_of(copy, plan, at)).await?;
        let rows = rows.map_err(|rejection| Problem::rejection(&rejection, position.clone()))?;
        data.extend(rows.into_iter().filter(|row| is_asked_for(&question, row)));
        copies += 1;
        let next = if data.len() > limit {
            data.truncate(limit);
            data.last().map(Cursor::after)
        } else {
            rest
        };
        if data.len() == limit || next.is_none() || copies == MOST_COPIES {
            let (has_more, next) = (next.is_some(), next.map(|next| next.to_string()));
            return Ok(Reply::json(&Page { data, has_more, next, position, time }));
        }
        at = next;
    }
}

/// Everything that a copy says beyond a cursor.
fn rows_of(
    excerpt: &Excerpt,
    plan: PlanId,
    at: Option<Cursor>,
) -> Result<Vec<SubscriptionMigration>, Rejection> {
    excerpt.ledger.check_plan(plan)?;
    let mut rows = Vec::new();
    for customer in excerpt.ledger.customers() {
        rows.extend(excerpt.ledger.migrations_of(customer, plan, excerpt.now)?);
    }
    let given = |row: &SubscriptionMigration| {
        at.is_some_and(|at| row.customer == at.customer && Some(row.subscription) <= at.after)
    };
    rows.retain(|row| !given(row));
    Ok(rows)
}

fn is_asked_for(question: &PlansMigrations, row: &SubscriptionMigration) -> bool {
    let mut left = row.moved.iter().chain(&row.next).map(|step| step.from_version);
    question.from_version.is_none_or(|version| left.any(|from| from == version))
        && question.standing.is_none_or(|standing| standing == row.standing)
}

/// Where a page goes on.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    customer: CustomerId,
    after: Option<SubscriptionId>,
}

impl Cursor {
    const fn after(row: &SubscriptionMigration) -> Self {
        Self { customer: row.customer, after: Some(row.subscription) }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.after {
            Some(after) => write!(f, "{}.{after}", self.customer),
            None => write!(f, "{}", self.customer),
        }
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (customer, after) = match text.split_once('.') {
            Some((customer, after)) => (customer, Some(after)),
            None => (text, None),
        };
        let after = after.map(str::parse).transpose().map_err(|_| ())?;
        Ok(Self { customer: customer.parse().map_err(|_| ())?, after })
    }
}
