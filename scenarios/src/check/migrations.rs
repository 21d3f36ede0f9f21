//! What the migrations of its plan are to a subscription.

use schemas::ids::{CustomerId, SubscriptionId};
use schemas::query::MAX_LIMIT;
use schemas::view::SubscriptionMigration;
use serde_json::json;

use super::life::word;
use crate::run::{Runner, Stopped};
use crate::value::{DayZone, Got};

impl Runner<'_> {
    /// `migration`, `migrates_on` or `obstacle`, of the plan that it has.
    pub(super) fn migration(
        &mut self,
        id: SubscriptionId,
        payer: CustomerId,
        key: &str,
        days: &DayZone,
    ) -> Result<Got, Stopped> {
        let sub = match self.subscription(id, payer)? {
            Ok(sub) => sub,
            Err(code) => return Ok(Got::Word(code)),
        };
        let Some(terms) = sub.items.iter().find_map(|item| item.terms.as_ref()) else {
            return Ok(Got::Nothing);
        };
        let body = json!({"plan": terms.plan, "limit": MAX_LIMIT});
        let rows: Vec<SubscriptionMigration> = match self.ask("plans", "migrations", &body)? {
            Ok(rows) => rows,
            Err(code) => return Ok(Got::Word(code)),
        };
        let Some(row) = rows.into_iter().find(|row| row.subscription == id) else {
            return Ok(Got::Nothing);
        };
        Ok(match key {
            "migration" => Got::Word(word(&row.standing)),
            "obstacle" => row.obstacle.map_or(Got::Nothing, |why| Got::Word(word(&why))),
            _ => {
                let at = row.next.and_then(|next| next.at);
                at.map_or(Got::Nothing, |at| Got::Instant(at, days.clone()))
            }
        })
    }
}
