//! What the test clock shows, by what a file says alone.

use schemas::command::{AdvanceClock, BookCommand, ProcessCommand, RunBilling};
use schemas::{Command, Timestamp, ZoneName};

use crate::steps::Step;
use crate::trouble::Trouble;

/// What the test clock shows, and since which line.
#[derive(Debug, Default)]
pub(crate) struct Clock(Option<(Timestamp, usize)>);

impl Clock {
    /// A step comes at its time.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] when the clock went past it: the step would be played, and what it
    /// expects be compared, at another time than the author wrote.
    pub(crate) fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        let Some(at) = step.at else { return Ok(()) };
        if let Some((now, line)) = self.0.filter(|(now, _)| at < *now) {
            let why = format!(
                "`at` is {at}, and the test clock shows {now} since line {line}; it never goes \
                 back: put this step before that line, or backdate a command with `effective`"
            );
            return Err(Trouble::wrong(step.place, why));
        }
        self.show(at, step);
        Ok(())
    }

    /// A command that was accepted may have moved it: a run to the day through which it bills.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for a day that has no start.
    pub(crate) fn moved(
        &mut self,
        step: &Step,
        command: &Command,
        zone: &ZoneName,
    ) -> Result<(), Trouble> {
        // One that bills ahead leaves it where it is.
        if let Command::Process(ProcessCommand::RunBilling(RunBilling { through, ahead, .. })) =
            command
            && *ahead != Some(true)
        {
            let start = zone.start_of(*through);
            let start = start.map_err(|error| Trouble::wrong(step.place, error.to_string()))?;
            // Who writes that day in UTC means it, though it begins some hours later in the zone.
            self.show(start.min(Timestamp::start_of_utc(*through)), step);
        } else if let Command::Book(BookCommand::AdvanceClock(AdvanceClock { to })) = command {
            self.show(*to, step);
        }
        Ok(())
    }

    fn show(&mut self, at: Timestamp, step: &Step) {
        if self.0.is_none_or(|(now, _)| now < at) {
            self.0 = Some((at, step.place.line));
        }
    }
}
