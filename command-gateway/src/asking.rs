//! Questions that are answered from the state that commands are decided on: subscriptions, access,
//! migrations and previews.
//!
//! *Shape.* The engine makes a small copy; everything else happens here, on threads where that
//! may take long. *Limits.* Only so many questions are reckoned at once, the rest is *busy*.

mod parties;
mod plans;
mod preview;
mod subscriptions;
mod trimmed;

use std::str::FromStr;
use std::sync::Arc;

use ledger_core::{Claims, unless_away};
use schemas::ids::CustomerId;
use schemas::problem::Fault;
use schemas::query::{self, DEFAULT_LIMIT, MAX_LIMIT, QUERIES};
use schemas::record::JsonError;
use schemas::text::Actor;
use schemas::view::Answer;
use schemas::wire::{LogPosition, Message, Reply};
use schemas::{CommitView, Problem, Rejection};
use serde::Serialize;

use crate::archive::{Archive, Damaged};
use crate::copies::{CopyOf, Excerpt};
use crate::handle::GatewayHandle;
use crate::outcome::Refusal;
use crate::panics::off_thread;
use crate::request::CommandRequest;

/// Answers one of [`schemas::query::GATEWAY_VIEWS`].
pub(crate) async fn call(
    gateway: &GatewayHandle,
    actor: Actor,
    (view, name): (&str, &str),
    message: &Message,
) -> Result<Reply, Problem> {
    let _place = gateway.asking().enter()?;
    let asked = Asked { gateway, actor };
    let body = &message.body;
    match (view, name) {
        ("subscriptions", "get") => subscriptions::get(&asked, read(body)?).await,
        ("subscriptions", "list") => subscriptions::list(&asked, read(body)?).await,
        ("customers", "access") => subscriptions::access(&asked, read(body)?).await,
        ("customers", "parked") => subscriptions::parked(&asked, read(body)?).await,
        ("plans", "migrations") => plans::migrations(&asked, read(body)?).await,
        ("customers", "get") => parties::customer(&asked, read(body)?).await,
        ("entities", "get") => parties::entity(&asked, read(body)?).await,
        ("entities", "list") => parties::entities(&asked, read(body)?).await,
        ("preview", "command") => preview::command(&asked, read(body)?).await,
        ("preview", "invoice") => preview::invoice(&asked, read(body)?).await,
        ("preview", "run") => preview::run(&asked, read(body)?).await,
        (view, name) => Err(unknown(view, name)),
    }
}

/// One question under way.
struct Asked<'a> {
    gateway: &'a GatewayHandle,
    actor: Actor,
}

impl Asked<'_> {
    /// A copy of a customer's state.
    async fn copy(&self, customer: CustomerId) -> Result<Excerpt, Problem> {
        self.copy_with(Some(customer), Claims::default()).await
    }

    /// A copy on which a command with these claims is decided as by the engine.
    async fn copy_with(
        &self,
        customer: Option<CustomerId>,
        claims: Claims,
    ) -> Result<Excerpt, Problem> {
        self.copy_of(CopyOf::Customer(customer, claims)).await
    }

    /// A copy of whoever is wanted.
    async fn copy_of(&self, of: CopyOf) -> Result<Excerpt, Problem> {
        let refused = |refusal: Refusal| refusal.problem(self.gateway.log());
        self.gateway.copy_of(of).map_err(refused)?.await.map_err(|_| refused(Refusal::Unavailable))
    }

    /// A command as the engine would see it.
    fn sealed(&self, request: CommandRequest) -> Result<CommandRequest, Problem> {
        self.gateway.sealed(request).map_err(|refusal| refusal.problem(self.gateway.log()))
    }

    /// Reckons on a copy, where that may take long.
    async fn reckon<T: Serialize + Send + 'static>(
        &self,
        excerpt: Excerpt,
        answer: impl Fn(&mut Excerpt) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let (position, time) = (self.position(&excerpt), excerpt.recorded_at);
        let data = self.reckoned(excerpt, answer).await?;
        let data = data.map_err(|rejection| Problem::rejection(&rejection, position.clone()))?;
        Ok(Reply::json(&Answer { data, position, time }))
    }

    /// What is reckoned on a copy.
    async fn reckoned<T: Send + 'static>(
        &self,
        excerpt: Excerpt,
        answer: impl Fn(&mut Excerpt) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<Result<T, Rejection>, Problem> {
        let archive = Arc::clone(&self.gateway.0.archive);
        let reckoned = off_thread("the answer", move || reading_back(&archive, excerpt, answer));
        reckoned.await?.map_err(|Damaged(position)| {
            Refusal::LogDamaged { position }.problem(self.gateway.log())
        })
    }

    fn position(&self, excerpt: &Excerpt) -> String {
        LogPosition { log: self.gateway.log(), position: excerpt.position }.to_string()
    }
}

/// Answers from a copy; what of it is only in the log is read back, and then it is answered anew.
fn reading_back<T>(
    archive: &Archive,
    mut excerpt: Excerpt,
    answer: impl Fn(&mut Excerpt) -> T,
) -> Result<T, Damaged> {
    loop {
        // What was tried on it half-way is of no use.
        let mut copy = excerpt.clone();
        let away = match unless_away(|| answer(&mut copy)) {
            Ok(answer) => return Ok(answer),
            Err(away) => away,
        };
        let commits = archive.read(&away)?;
        let first = Damaged(commits.first().map_or(0, |(position, _)| *position));
        let views = commits.iter().map(|(_, bytes)| CommitView::parse(bytes));
        let views = views.collect::<Result<Vec<_>, _>>().map_err(|_| first)?;
        excerpt.ledger.restore(&away, views).map_err(|_| first)?;
    }
}

fn read<T: query::Request>(body: &[u8]) -> Result<T, Problem> {
    query::read(body).map_err(|error| Problem::json(&error))
}

/// How many items a page has.
fn page_size(limit: Option<u32>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("{limit} is out of range; ask for 1 to {MAX_LIMIT}");
        return Err(invalid("/limit", &detail));
    }
    Ok(limit as usize)
}

fn cursor<T: FromStr>(after: Option<&str>) -> Result<Option<T>, Problem> {
    let after = after.map(str::parse).transpose();
    after.map_err(|_| invalid("/after", "this is no cursor; give one that a page carried"))
}

/// A field that the question needs.
fn needed<T>(field: Option<T>, pointer: &str) -> Result<T, Problem> {
    field.ok_or_else(|| invalid(pointer, "this is required"))
}

fn invalid(pointer: &str, detail: &str) -> Problem {
    let (pointer, detail) = (pointer.to_owned(), detail.to_owned());
    Problem::json(&JsonError::Field { pointer, detail })
}

fn unknown(view: &str, name: &str) -> Problem {
    let known: Vec<&str> =
        QUERIES.iter().filter(|kind| kind.view == view).map(|kind| kind.name).collect();
    let name: String = name.chars().take(64).collect();
    let detail = format!("{view} has no query {name:?}; it has {}", known.join(", "));
    Problem::fault(Fault::UnknownSubject, detail)
}
