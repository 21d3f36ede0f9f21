//! What can be asked of balances.

mod accounts;
mod customers;
mod lots;
mod payments;
mod statement;

use crate::answer::unknown_query;
use crate::projection::{QueryError, View};

pub(super) fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    match name {
        "get" => customers::get(view, body),
        "list" => customers::list(view, body),
        "statement" => statement::statement(view, body),
        "ageing" => accounts::ageing(view, body),
        "trial_balance" => accounts::trial_balance(view, body),
        "summary" => accounts::summary(view, body),
        "payments" => payments::payments(view, body),
        "lots" => lots::lots(view, body),
        other => Err(unknown_query("balances", other)),
    }
}
