//! A ledger whose commits are kept: folded, held to the laws, and stored as bytes.

use schemas::event::{BillingEvent, SettlementEvent};
use std::collections::BTreeMap;

use ledger_core::laws::Laws;
use ledger_core::snapshot::Loader;
use ledger_core::{Away, Ledger, Stamp, unless_away};
use schemas::command::DraftPart;
use schemas::event::InvoiceFinalized;
use schemas::ids::{CommandId, CustomerId};
use schemas::parts::split_by;
use schemas::time::without_zones;
use schemas::{Command, Commit, CommitView, Event, Origin, Rejection, StreamId, Timestamp};
use uuid::Uuid;

/// A ledger with all that was committed to it.
#[derive(Debug, Default)]
pub struct Kept {
    /// The state.
    pub ledger: Ledger,
    /// What every commit was held to.
    pub laws: Laws,
    /// Each commit's bytes.
    pub log: Vec<Vec<u8>>,
    revisions: BTreeMap<StreamId, u64>,
    /// How often something had to be read back.
    pub read_back: u64,
    decided: u64,
    /// How many decisions were drafted in parts.
    pub drafted: u64,
}

impl Kept {
    /// Decides on a ledger that keeps in memory what can still change, and nothing else.
    ///
    /// # Errors
    /// The rejection.
    pub fn decide(&mut self, command: &Command, stamp: &Stamp) -> Result<Vec<Event>, Rejection> {
        if let StreamId::Customer(customer) = command.stream() {
            self.ledger.archive(customer);
            self.ledger.rest(0);
        }
        let mut ledger = std::mem::take(&mut self.ledger);
        let decided = self.decide_on(&mut ledger, command, stamp);
        self.ledger = ledger;
        if let StreamId::Customer(customer) = command.stream() {
            // Whoever looks at it next sees all of it; the next decision does not.
            self.bring_back(customer);
        }
        decided
    }

    /// Decides on a copy.
    ///
    /// # Errors
    /// The rejection.
    pub fn decide_on(
        &mut self,
        ledger: &mut Ledger,
        command: &Command,
        stamp: &Stamp,
    ) -> Result<Vec<Event>, Rejection> {
        loop {
            match unless_away(|| ledger.decide(command, stamp)) {
                Ok(decided) => return decided,
                Err(away) => self.restore(ledger, &away),
            }
        }
    }

    fn restore(&mut self, ledger: &mut Ledger, away: &Away) {
        self.read_back += 1;
        let at = |position: u64| usize::try_from(position - 1).expect("it is in memory");
        let commits = away.positions().into_iter().map(|position| &self.log[at(position)]);
        let commits = commits.map(|bytes| CommitView::parse(bytes).expect("a commit"));
        ledger.restore(away, commits).expect("what was archived comes back");
    }

    /// Has read back all of a customer.
    pub fn bring_back(&mut self, customer: CustomerId) {
        let mut ledger = std::mem::take(&mut self.ledger);
        while let Some(away) = ledger.all_away(customer) {
            self.restore(&mut ledger, &away);
        }
        self.ledger = ledger;
    }

    /// The first lines in which another ledger differs.
    fn apart(&self, other: &Ledger) -> String {
        let (mine, theirs) = (format!("{:#?}", self.ledger), format!("{other:#?}"));
        let lines = theirs.lines().zip(mine.lines()).enumerate();
        let apart = lines.filter(|(_, (theirs, mine))| theirs != mine).take(5);
        apart.fold(String::new(), |told, (line, (theirs, mine))| {
            format!("{told}\n{line}: {} is {}", theirs.trim(), mine.trim())
        })
    }

    /// Has read back what these events change.
    fn prepare(&mut self, stream: StreamId, events: &[Event]) {
        while let Some(away) = self.ledger.away_for(stream, events.iter()) {
            let mut ledger = std::mem::take(&mut self.ledger);
            self.restore(&mut ledger, &away);
            self.ledger = ledger;
        }
    }

    /// Folds what was decided as the next commit. Every third decision of a customer is drafted in
    /// parts as small as they can be, and every fifth draft is given up before it is complete.
    ///
    /// # Panics
    /// When the commit breaks a law.
    pub fn commit(&mut self, command: &Command, stamp: &Stamp, events: &[Event]) -> Commit {
        let StreamId::Customer(customer) = command.stream() else {
            return self.put(command, stamp, events);
        };
        self.decided += 1;
        let given_up = self.decided.is_multiple_of(5);
        if self.decided.is_multiple_of(3) || given_up {
            self.draft(customer, (command, stamp), events, given_up)
        } else {
            self.put(command, stamp, events)
        }
    }

    /// Drafts a decision in parts, and completes it or gives it up and commits it whole.
    fn draft(
        &mut self,
        customer: CustomerId,
        (command, stamp): (&Command, &Stamp),
        events: &[Event],
        given_up: bool,
    ) -> Commit {
        let mut split = split_by(stamp.command_id, events.to_vec(), 1);
        let mut positions = Vec::new();
        while let Some(part) = split.part(&positions) {
            if given_up && positions.len() == 2 {
                return self.put(command, stamp, events);
            }
            let number = u32::try_from(positions.len()).expect("few parts");
            let draft = DraftPart { customer, of: stamp.command_id, part: number }.into();
            let id = CommandId::new(Uuid::from_u128(u128::MAX - self.log.len() as u128));
            let commit = self.put(&draft, &Stamp { command_id: id, ..*stamp }, &part);
            split.committed(positions.len(), &part);
            positions.push(commit.position);
        }
        if positions.is_empty() {
            return self.put(command, stamp, events);
        }
        self.drafted += 1;
        let last = self.put(command, stamp, &split.last(&positions));
        // Whoever looks at it wants what was decided.
        Commit { events: events.to_vec(), ..last }
    }

    fn put(&mut self, command: &Command, stamp: &Stamp, events: &[Event]) -> Commit {
        let stream = command.stream();
        let revision = self.revisions.entry(stream).or_default();
        *revision += 1;
        let commit = Commit {
            position: self.log.len() as u64 + 1,
            stream,
            revision: *revision,
            command_id: stamp.command_id,
            actor: "player".parse().expect("a name"),
            reason: None,
            recorded_at: stamp.recorded_at,
            effective_at: stamp.effective_at,
            cause: None,
            origin: Origin::default(),
            digest: None,
            command: command.clone(),
            events: events.to_vec(),
        };
        self.prepare(stream, events);
        // Folding asks neither calendar nor zones.
        let folded = without_zones(|| self.ledger.fold(commit.position, stream, stamp, events));
        folded.expect("a decision names what is there");
        assert_eq!(self.ledger.revision(stream), commit.revision);
        if let StreamId::Customer(customer) = stream {
            self.bring_back(customer);
        }
        let broken = self.laws.observe(&commit, events);
        assert!(broken.is_empty(), "{command:?}\n{broken:#?}\n{events:#?}");
        self.log.push(commit.to_bytes());
        commit
    }

    /// The log, folded from its bytes alone, gives the same ledger; so do its pieces.
    ///
    /// # Panics
    /// When it does not.
    pub fn replay(&mut self) {
        // What was archived comes back as if it had never left.
        let customers: Vec<CustomerId> = self.ledger.customers().collect();
        for customer in customers {
            self.bring_back(customer);
        }
        let mut replayed = Ledger::default();
        for bytes in &self.log {
            let commit = CommitView::parse(bytes).expect("a commit");
            without_zones(|| replayed.evolve_commit(&commit)).expect("a history that folds");
        }
        assert!(replayed == self.ledger, "a replay gives another ledger{}", self.apart(&replayed));
        let ledger = &self.ledger;
        let customers = ledger.customers().count();
        let mut loader = Loader::new(&ledger.book_piece(), customers).expect("a book");
        for (place, id) in (0..).zip(ledger.customers()) {
            let piece = ledger.customer_piece(id, Vec::new()).expect("registered");
            loader.put_customer(place, &piece).expect("a customer");
        }
        loader.add_taken(ledger.taken_piece().into_iter());
        loader.add_names(&ledger.names_piece()).expect("names");
        assert!(loader.finish().expect("every customer") == *ledger, "a snapshot differs");
    }
}

/// An instant of a game.
///
/// # Panics
/// When it is beyond all calendars.
pub fn instant(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("a game stays in this century")
}

/// What was decided, without what only a document's place in its series decides, and with
/// invoices made alike by `alike`.
///
/// # Errors
/// The rejection's code, where it was refused.
///
/// # Panics
/// Never: the texts are valid.
pub fn neutral(
    decided: Result<Vec<Event>, Rejection>,
    alike: impl Fn(&mut InvoiceFinalized),
) -> Result<Vec<Event>, String> {
    let neutral = |event| {
        if let Event::Billing(BillingEvent::InvoiceFinalized(mut invoice)) = event {
            (invoice.sequence, invoice.number) = (0, "N".parse().expect("a number"));
            alike(&mut invoice);
            Event::Billing(BillingEvent::InvoiceFinalized(invoice))
        } else if let Event::Settlement(SettlementEvent::CreditNoteIssued(mut note)) = event {
            (note.sequence, note.number) = (0, "N".parse().expect("a number"));
            Event::Settlement(SettlementEvent::CreditNoteIssued(note))
        } else {
            event
        }
    };
    decided
        .map(|events| events.into_iter().map(neutral).collect())
        .map_err(|rejection| rejection.code().to_owned())
}
