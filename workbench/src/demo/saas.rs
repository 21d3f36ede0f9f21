//! Plays the seeded business against a book, as any client would.

use client::{Ask, Node, pages, submit, wait_for_run};
use schemas::command::ProcessCommand;
use schemas::command::RunBilling;
use schemas::ids::{CustomerId, InvoiceId};
use schemas::wire::{BatchAnswer, Headers, header};
use schemas::{Command, Date, Money};
use serde_json::{Map, Value, json};
use terminal::Progress;

use super::DemoSettings;
use super::plan::{Bill, Planned, Play};
use crate::error::WorkError;

/// What became of the play.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Played {
    /// Commands that were accepted.
    pub(super) accepted: u64,
    /// Commands that were refused as planned for.
    pub(super) refused: u64,
    /// Billing runs.
    pub(super) runs: u64,
}

/// Plays all weeks.
pub(super) fn play(
    door: &impl Ask,
    settings: &DemoSettings,
    start: Date,
    end: Date,
) -> Result<Played, WorkError> {
    let mut play = Play::new(settings.seed, settings.customers, start, end);
    let mut stage = Stage { door, played: Played::default() };
    stage.submit(play.opening())?;
    let weeks = play.weeks();
    let bar = Progress::start("saas, week by week", Some(weeks.len() as u64));
    for (week, today) in weeks.into_iter().enumerate() {
        let clock = play.clock(today);
        stage.submit(vec![clock])?;
        let business = play.business(week);
        stage.submit(business)?;
        let position = stage.bill(play.billing(today))?;
        let bills = stage.bills(today, &position)?;
        play.learn(today, &bills);
        let settlement = play.settlement(today);
        stage.submit(settlement)?;
        bar.more(1);
    }
    bar.finish();
    Ok(stage.played)
}

struct Stage<'a, D> {
    door: &'a D,
    played: Played,
}

impl<D: Ask> Stage<'_, D> {
    /// Sends commands in order. A refusal that was not planned for ends the play.
    fn submit(&mut self, planned: Vec<Planned>) -> Result<(), WorkError> {
        let (orders, refusals): (Vec<_>, Vec<_>) =
            planned.into_iter().map(|planned| (planned.order, planned.refusals)).unzip();
        let answers = submit(self.door, &orders, |_| ())?;
        for ((order, refusals), answer) in orders.iter().zip(refusals).zip(&answers) {
            match answer {
                BatchAnswer::Accepted(_) => self.played.accepted += 1,
                BatchAnswer::Problem(problem) if refusals.contains(&problem.code.as_str()) => {
                    self.played.refused += 1;
                }
                BatchAnswer::Problem(problem) => {
                    return Err(WorkError::Unplanned(format!(
                        "{} was refused against the plan: {} ({}); it asked {}",
                        order.command.kind().name,
                        problem.detail,
                        problem.code,
                        order.command.to_json()
                    )));
                }
            }
        }
        Ok(())
    }

    /// Starts a billing run and waits until it is done; gives the position it reached.
    fn bill(&mut self, planned: Planned) -> Result<String, WorkError> {
        let Command::Process(ProcessCommand::RunBilling(RunBilling { run, .. })) =
            planned.order.command
        else {
            return Err(WorkError::Unplanned("the play asks for no billing run".to_owned()));
        };
        self.submit(vec![planned])?;
        self.played.runs += 1;
        let status = wait_for_run(self.door, &run.to_string())?;
        let failed = status.get("failed").and_then(Node::integer).unwrap_or(0);
        if failed > 0 {
            return Err(WorkError::Unplanned(format!("{run} could not bill {failed} customers")));
        }
        Ok(status.text_at("position").to_owned())
    }

    /// What was invoiced on a day and is still open, read at the position of the billing run.
    fn bills(&self, today: Date, position: &str) -> Result<Vec<Bill>, WorkError> {
        let headers = Headers::from([(header::AT_LEAST.to_owned(), position.to_owned())]);
        let question = json!({
            "from": today, "to": today, "status": "unpaid", "order": "oldest_first", "limit": 500,
        });
        let question = question.as_object().cloned().unwrap_or_else(Map::<String, Value>::new);
        let mut bills = Vec::new();
        pages(self.door, "invoices", "list", &headers, question, |page| {
            for row in page.items_at("data") {
                bills.push(bill(row)?);
            }
            Ok::<(), WorkError>(())
        })?;
        Ok(bills)
    }
}

fn bill(row: &Node) -> Result<Bill, WorkError> {
    let customer: CustomerId = row.text_at("customer").parse().map_err(unreadable)?;
    let invoice: InvoiceId = row.text_at("invoice").parse().map_err(unreadable)?;
    let due_date: Date = row.text_at("due_date").parse().map_err(unreadable)?;
    let open = serde_json::to_value(row.get("balance_due")).map_err(unreadable)?;
    let open: Money = serde_json::from_value(open).map_err(unreadable)?;
    Ok(Bill { customer, invoice, due_date, open })
}

fn unreadable(error: impl std::fmt::Display) -> WorkError {
    WorkError::Unplanned(format!("an answer cannot be read: {error}"))
}
