//! Plays a scenario against a fresh book.
//!
//! # Shape
//!
//! A [`Runner`] opens a book in a temporary folder, with the gateway and the read models of any
//! other book, on a test clock. Each step becomes a command that goes through the front door;
//! expectations look at the read models, at the gateway's answers and at the log.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use client::{Ask, AskError, Node, Order, submit, wait_for_run};
use host::{Commits, Folder, Host, HostDoor, HostError, Role};
use schemas::command::{
    AdvanceClock, BookCommand, CustomerCommand, DefineEntity, ProcessCommand, RunBilling,
    SellerCommand,
};
use schemas::ids::BillingRunId;
use schemas::terms::{SeriesDefinition, SeriesKind};
use schemas::text::{Actor, BookName, Code};
use schemas::wire::{BatchAnswer, Endpoint, Headers};
use schemas::{Command, Date, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::file::Scenario;
use crate::names::Names;
use crate::report::{Difference, Outcome};
use crate::seen::Seen;
use crate::steps::{Act, Step};
use crate::trouble::{Place, Trouble};
use crate::verbs::Verb;

/// How long read models may take to catch up.
const PATIENCE: Duration = Duration::from_mins(2);

/// Why a scenario came to no end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// It says something that cannot be.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// Its book cannot be made or read.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The book gives no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// There is no folder for its book.
    #[error("{} cannot be made", path.display())]
    Scratch {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The read models do not come to the end of the log.
    #[error("the read models fell behind")]
    FellBehind,
    /// A command was sent and nothing came of it.
    #[error("a command without an answer")]
    Unanswered,
}

/// A book and what happened to it.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) host: &'a Host,
    pub(super) book: BookName,
    pub(super) actor: Actor,
    pub(super) names: Names,
    pub(super) seen: Seen,
    pub(super) outcome: Outcome,
    commits: Commits,
    /// What the test clock shows.
    pub(super) now: Timestamp,
    /// Commands that were sent.
    sent: u32,
    /// The last date that was billed through.
    pub(super) through: Option<Date>,
}

/// Plays a scenario in a folder of its own, which is empty.
///
/// # Errors
/// [`Stopped`] when it cannot be played to its end.
pub fn play(scenario: &Scenario, folder: &Folder) -> Result<Outcome, Stopped> {
    let host = Host::new(folder.clone(), Role::everything())?;
    let played = Runner::open(scenario, &host, folder).and_then(Runner::play);
    host.close();
    played
}

impl<'a> Runner<'a> {
    fn open(scenario: &'a Scenario, host: &'a Host, folder: &Folder) -> Result<Self, Stopped> {
        let book: BookName = "scenario".parse().expect("written here as a book's name");
        let names = scenario.names();
        host.create_open(names.derived("log", ""), scenario.opening(book.clone()))?;
        let commits = Commits::of(folder, &book)?;
        let mut runner = Self {
            scenario,
            host,
            actor: "scenario".parse().expect("written here as an actor"),
            names,
            seen: Seen::default(),
            outcome: Outcome::default(),
            commits,
            now: scenario.start,
            sent: 0,
            through: None,
            book,
        };
        let seller = Command::Seller(SellerCommand::DefineEntity(runner.seller()));
        runner.must(seller)?;
        Ok(runner)
    }

    fn play(mut self) -> Result<Outcome, Stopped> {
        for step in &self.scenario.steps {
            self.step(step)?;
        }
        Ok(self.outcome)
    }

    fn step(&mut self, step: &Step) -> Result<(), Stopped> {
        if let Some(at) = step.at {
            self.advance(at)?;
        }
        match &step.act {
            Act::Wait => Ok(()),
            Act::Expect(expect) => self.check(step.place, expect),
            Act::Ask(verb) => self.act(step, verb),
        }
    }

    /// Moves the test clock forward.
    fn advance(&mut self, to: Timestamp) -> Result<(), Stopped> {
        if to > self.now {
            self.must(Command::Book(BookCommand::AdvanceClock(AdvanceClock { to })))?;
            self.now = to;
        }
        Ok(())
    }

    fn act(&mut self, step: &Step, verb: &Verb) -> Result<(), Stopped> {
        self.names.unnamed += 1;
        let Some(made) = verb.command(&self.names)? else { return Ok(()) };
        if let (Command::Process(ProcessCommand::RunBilling(billing)), None) = (&made, &step.reject)
            && billing.ahead != Some(true)
        {
            self.advance_to(billing.through, step.place)?;
        }
        // Nothing can take effect before its customer is there.
        let registers = matches!(made, Command::Customer(CustomerCommand::RegisterCustomer(_)));
        let earliest = self.scenario.earliest().filter(|earliest| *earliest < self.now);
        let backdated = earliest.filter(|_| registers);
        let answer = self.submit(made.clone(), step.effective.or(backdated))?;
        let accepted = matches!(answer, BatchAnswer::Accepted(_));
        self.refusal(step, &answer);
        if accepted {
            if let Command::Book(BookCommand::AdvanceClock(AdvanceClock { to })) = &made {
                self.now = *to;
            }
            if let Command::Process(ProcessCommand::RunBilling(billing)) = &made {
                self.worked_off(step.place, billing.run)?;
                self.through = Some(billing.through);
            }
            self.names.learn(&made);
        }
        self.look()
    }

    /// The clock shows the date, at the latest, on which all through that date is billed. A run
    /// that bills ahead leaves it where it is.
    fn advance_to(&mut self, through: Date, place: Place) -> Result<(), Stopped> {
        let start = self.scenario.zone.start_of(through);
        let start = start.map_err(|error| Trouble::wrong(place, error.to_string()))?;
        self.advance(start)
    }

    /// What was to be refused and was not, or the other way round.
    fn refusal(&mut self, step: &Step, answer: &BatchAnswer) {
        let (got, why) = match answer {
            BatchAnswer::Accepted(_) => (None, String::new()),
            BatchAnswer::Problem(problem) => {
                let there_is = self.names.there_is(&problem.code);
                let there_is = there_is.map_or_else(String::new, |known| format!("; {known}"));
                let why = self.names.told(&problem.detail) + &there_is;
                (Some(problem.code.clone()), why)
            }
        };
        let differs = (step.reject != got).then(|| Difference {
            want: step.reject.clone().or_else(|| Some("accepted".to_owned())),
            got: got.clone().or_else(|| Some("accepted".to_owned())),
            explain: why,
            ..Difference::at(&self.scenario.id, step.place, "reject")
        });
        if differs.is_some() || step.reject.is_some() {
            self.outcome.compare(differs);
        }
    }

    /// Waits for a billing run.
    pub(super) fn worked_off(&mut self, place: Place, run: BillingRunId) -> Result<(), Stopped> {
        let status = wait_for_run(&self.door(), &run.to_string())?;
        let failed = status.get("failed").and_then(Node::integer).unwrap_or(0);
        if failed > 0 {
            self.outcome.compare(Some(Difference {
                want: Some("0".to_owned()),
                got: Some(failed.to_string()),
                explain: "customers that the run could not bill".to_owned(),
                ..Difference::at(&self.scenario.id, place, "run.failed")
            }));
        }
        Ok(())
    }

    /// Reads what was committed, and names new invoices and notes.
    pub(super) fn look(&mut self) -> Result<(), Stopped> {
        self.seen.look(&mut self.commits)?;
        for (customer, invoice) in &self.seen.invoices[self.names.invoices.len()..] {
            self.names.invoices.push((*customer, invoice.invoice));
        }
        for (customer, note) in &self.seen.notes[self.names.notes.len()..] {
            self.names.notes.push((*customer, note.note));
        }
        Ok(())
    }

    /// Sends a command that nothing can speak against.
    fn must(&mut self, command: Command) -> Result<(), Stopped> {
        match self.submit(command, None)? {
            BatchAnswer::Accepted(_) => Ok(()),
            BatchAnswer::Problem(problem) => Err(AskError::from(problem).into()),
        }
    }

    /// Sends a command and gives the answer to it.
    pub(super) fn submit(
        &mut self,
        command: Command,
        effective_at: Option<Timestamp>,
    ) -> Result<BatchAnswer, Stopped> {
        self.sent += 1;
        let id = self.names.command_id(self.sent);
        let order = Order { id, line: None, effective_at, command };
        let answers = submit(&self.door(), &[order], |_| ())?;
        answers.into_iter().next().ok_or(Stopped::Unanswered)
    }

    /// Another run through the last date that was billed through.
    pub(super) fn run_again(&mut self, place: Place) -> Result<(), Stopped> {
        self.names.unnamed += 1;
        let Some(through) = self.through else { return Ok(()) };
        let run = self.names.next_run_id();
        self.must(Command::Process(ProcessCommand::RunBilling(RunBilling {
            run,
            through,
            ahead: None,
        })))?;
        self.worked_off(place, run)?;
        self.look()
    }

    pub(super) fn door(&self) -> HostDoor<'a> {
        self.host.door(&self.book, &self.actor)
    }

    /// The answer to a query, at the end of the log.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        view: &str,
        name: &str,
        body: &Value,
    ) -> Result<Result<T, String>, Stopped> {
        if !self.host.catch_up(&self.book, PATIENCE) {
            return Err(Stopped::FellBehind);
        }
        let endpoint = Endpoint::Query { view: view.to_owned(), name: name.to_owned() };
        let asked = self.door().ask(endpoint, Headers::new(), body.to_string().into_bytes());
        let bytes = match asked {
            Ok(bytes) => bytes,
            Err(AskError::Problem(problem)) => return Ok(Err(problem.code)),
            Err(other) => return Err(other.into()),
        };
        let read: schemas::view::Answer<T> = serde_json::from_slice(&bytes)
            .map_err(|source| AskError::Unreadable { what: format!("{view}.{name}"), source })?;
        Ok(Ok(read.data))
    }

    fn seller(&self) -> DefineEntity {
        let code = |text: &str| text.parse::<Code>().expect("written here as a code");
        let series = |name: &str, kind, prefix: &str| SeriesDefinition {
            code: code(name),
            kind,
            prefix: code(prefix),
            digits: 6,
        };
        DefineEntity {
            entity: self.names.seller_id(),
            name: "Scenario".parse().expect("written here as a label"),
            zone: self.scenario.zone.clone(),
            payment_terms_days: self.scenario.payment_terms,
            series: vec![
                series("inv", SeriesKind::Invoice, "INV"),
                series("cn", SeriesKind::CreditNote, "CN"),
            ],
            document_retention_years: None,
            address: None,
            tax_ids: None,
        }
    }
}
