//! Are the books right after the load?

use host::Folder;
use host::audit::{Audit, audit};
use schemas::CommitView;
use schemas::event::Event;
use schemas::event::SettlementEvent;
use serde::Serialize;
use terminal::Progress;

use super::folds::{each_commit, replay};
use super::plan::Script;
use crate::error::WorkError;

/// What the audit of the bench's book found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Books {
    /// Commits in the log.
    pub(super) commits: u64,
    /// Bytes of commits, without blocks.
    pub(super) commit_bytes: u64,
    /// Payments that were acknowledged.
    pub(super) acknowledged: u64,
    /// Payments found in the log.
    pub(super) payments: u64,
    /// Parts of payments on invoices.
    pub(super) allocations: u64,
    /// Minor units that all invoices come to.
    pub(super) invoiced: i128,
    /// Minor units of all payments.
    pub(super) paid: i128,
    /// Minor units that the journal says are owed.
    pub(super) receivable: i128,
    /// Minor units that the journal says customers have as credit.
    pub(super) credit: i128,
    /// The hash of the last block.
    pub(super) head_hash: String,
    /// What is wrong; nothing, if all is well.
    pub(super) findings: Vec<String>,
}

/// Checks the log by its laws, each acknowledged payment, and what is owed by two other ways.
///
/// `acknowledged` has the position of each payment's receipt, by its number.
///
/// # Errors
/// [`WorkError`] of a damaged log.
pub(super) fn check(
    folder: &Folder,
    script: &Script,
    acknowledged: &[u64],
) -> Result<Books, WorkError> {
    let book = Script::book();
    let bar = Progress::start("verify", None);
    let audit = audit(folder, &book, false, &mut |_| bar.more(1))?;
    bar.finish();
    let mut findings = audit.findings.clone();
    let found = payments(folder, script, acknowledged.len())?;
    for (n, (receipt, place)) in acknowledged.iter().zip(&found.places).enumerate() {
        let Place { position, times } = place;
        if (position, *times) != (receipt, 1) {
            findings.push(format!(
                "payment {n} was acknowledged at {receipt}; the log has it {times} times, last at \
                 {position}"
            ));
        }
    }
    let invoiced = script.plan().invoiced();
    let paid = (0..acknowledged.len() as u64).map(|n| i128::from(Script::amount(n).0)).sum();
    let receivable = balance(&audit, "accounts_receivable");
    let credit = -balance(&audit, "customer_credit");
    let mut expect = |what: &str, found: i128, expected: i128| {
        if found != expected {
            findings.push(format!("{what}: {found}, expected {expected}"));
        }
    };
    expect("receivable less credit", receivable - credit, invoiced - paid);
    expect("cash", balance(&audit, "cash"), paid);
    expect("payments in the log", i128::from(found.payments), acknowledged.len() as i128);
    expect("what payments in the log come to", found.paid, paid);
    let (owed, state_credit) = owed_in_state(folder)?;
    expect("what customers owe in the replayed state", owed, receivable);
    expect("credit in the replayed state", state_credit, credit);
    Ok(Books {
        commits: audit.report.commits,
        commit_bytes: audit.report.commit_bytes,
        acknowledged: acknowledged.len() as u64,
        payments: found.payments,
        allocations: found.allocations,
        invoiced,
        paid,
        receivable,
        credit,
        head_hash: audit.head_hash(),
        findings,
    })
}

/// Where a payment is in the log.
#[derive(Debug, Clone, Default)]
struct Place {
    position: u64,
    times: u32,
}

/// Payments in the log.
struct Found {
    /// By number.
    places: Vec<Place>,
    payments: u64,
    allocations: u64,
    paid: i128,
}

fn payments(folder: &Folder, script: &Script, expected: usize) -> Result<Found, WorkError> {
    let places = vec![Place::default(); expected];
    let mut found = Found { places, payments: 0, allocations: 0, paid: 0 };
    each_commit(&folder.log(&Script::book()), |position, bytes| {
        let unreadable = |error| WorkError::Wrong(format!("commit {position}: {error}"));
        let commit = CommitView::parse(bytes).map_err(unreadable)?;
        let Some(n) = script.payment_of(commit.command_id) else { return Ok(()) };
        found.payments += 1;
        if let Some(place) = usize::try_from(n).ok().and_then(|n| found.places.get_mut(n)) {
            *place = Place { position, times: place.times + 1 };
        }
        for record in commit.events() {
            let event = record.and_then(Event::decode).map_err(unreadable)?;
            if let Event::Settlement(SettlementEvent::PaymentRecorded(payment)) = event {
                found.paid += i128::from(payment.amount.minor().0);
                found.allocations += payment.allocations.len() as u64;
            }
        }
        Ok(())
    })?;
    Ok(found)
}

fn balance(audit: &Audit, account: &str) -> i128 {
    audit.balances.iter().filter(|(_, name, _)| *name == account).map(|(_, _, sum)| sum).sum()
}

fn owed_in_state(folder: &Folder) -> Result<(i128, i128), WorkError> {
    let (_, core) = replay(&folder.log(&Script::book()))?;
    let ledger = core.ledger();
    let customers = ledger.customers().filter_map(|id| ledger.customer(id));
    Ok(customers.fold((0, 0), |(owed, credit), customer| {
        (owed + customer.owed(), credit + i128::from(customer.credit().0))
    }))
}
