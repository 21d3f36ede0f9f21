//! The journal's accounts, as the laws add them up.

use crate::accounting::Account;

/// Debits less credits of every account, in the order of [`Account::ALL`].
pub(super) type Balances = [i128; Account::ALL.len()];

/// Where an account stands in [`Balances`].
pub(super) fn slot(account: Account) -> usize {
    Account::ALL.iter().position(|known| *known == account).expect("every account is listed")
}
