//! `balances.ageing`, `balances.trial_balance`, `balances.summary`: sums over the whole book.

use std::collections::BTreeMap;

use ledger_core::accounting::Account;
use schemas::query::{BalancesAgeing, BalancesSummary, BalancesTrialBalance};
use schemas::view::{self, AccountBalance, Ageing, AgeingBuckets, CurrencyBalances, TrialBalance};
use schemas::{Currency, Date};

use super::super::rows::{AGEING, AccountCode, BOOK, JOURNAL, MONTHS};
use crate::answer::{answer, money, request, today};
use crate::month::Month;
use crate::projection::{QueryError, View};
use crate::store::{Direction, StoreError};

/// Sums by days past due.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Buckets {
    current: i128,
    days_1_30: i128,
    days_31_60: i128,
    days_61_90: i128,
    days_over_90: i128,
}

impl Buckets {
    pub(super) fn add(&mut self, as_of: Date, due_date: Date, amount: i128) {
        let bucket = match as_of.days_since(due_date) {
            ..=0 => &mut self.current,
            1..=30 => &mut self.days_1_30,
            31..=60 => &mut self.days_31_60,
            61..=90 => &mut self.days_61_90,
            91.. => &mut self.days_over_90,
        };
        *bucket += amount;
    }

    pub(super) fn overdue(&self) -> i128 {
        self.days_1_30 + self.days_31_60 + self.days_61_90 + self.days_over_90
    }

    pub(super) fn amounts(&self, currency: Currency) -> Result<AgeingBuckets, QueryError> {
        Ok(AgeingBuckets {
            current: money(self.current, currency)?,
            days_1_30: money(self.days_1_30, currency)?,
            days_31_60: money(self.days_31_60, currency)?,
            days_61_90: money(self.days_61_90, currency)?,
            days_over_90: money(self.days_over_90, currency)?,
            total: money(self.current + self.overdue(), currency)?,
        })
    }
}

fn wanted(asked: Option<Currency>, currency: Currency) -> bool {
    asked.is_none_or(|asked| asked == currency)
}

pub(super) fn ageing(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: BalancesAgeing = request(body)?;
    let as_of = asked.as_of.unwrap_or_else(|| today(view));
    let end = asked.as_of.and_then(|as_of| as_of.plus_days(1).ok());
    let mut by_currency: BTreeMap<Currency, Buckets> = BTreeMap::new();
    AGEING.scan(view.store, (Date::MIN, end), Direction::Forward, |day| {
        for (currency, due_date, amount) in day.changes {
            if wanted(asked.currency, currency) {
                by_currency.entry(currency).or_default().add(as_of, due_date, amount);
            }
        }
        true
    })?;
    let rows = by_currency.into_iter().map(|(currency, buckets)| {
        Ok(Ageing { currency, as_of, buckets: buckets.amounts(currency)? })
    });
    let rows: Result<Vec<Ageing>, QueryError> = rows.collect();
    answer(view, rows?)
}

/// Debits and credits of accounts.
type Accounts = BTreeMap<(Currency, AccountCode), (i128, i128)>;

pub(super) fn trial_balance(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: BalancesTrialBalance = request(body)?;
    let as_of = match asked.as_of {
        Some(as_of) => as_of,
        None => latest(view)?,
    };
    let mut accounts = Accounts::new();
    let end = as_of.plus_days(1).ok();
    JOURNAL.scan(view.store, (Date::MIN, end), Direction::Forward, |day| {
        for row in day.accounts.iter().filter(|row| wanted(asked.currency, row.currency)) {
            let account = accounts.entry((row.currency, row.account)).or_default();
            account.0 += row.debits;
            account.1 += row.credits;
        }
        true
    })?;
    for (currency, recognised) in recognised(view, as_of)? {
        if wanted(asked.currency, currency) {
            book(&mut accounts, currency, AccountCode::DeferredRevenue, recognised);
            book(&mut accounts, currency, AccountCode::Revenue, -recognised);
        }
    }
    let mut currencies: Vec<Currency> = accounts.keys().map(|(currency, _)| *currency).collect();
    currencies.dedup();
    let rows = currencies.into_iter().map(|currency| trial_of(currency, as_of, &accounts));
    let rows: Result<Vec<TrialBalance>, QueryError> = rows.collect();
    answer(view, rows?)
}

/// Books a debit, or a credit if it is negative.
fn book(accounts: &mut Accounts, currency: Currency, account: AccountCode, amount: i128) {
    if amount != 0 {
        let account = accounts.entry((currency, account)).or_default();
        account.0 += amount.max(0);
        account.1 += (-amount).max(0);
    }
}

/// What is recognised through `as_of`, by currency.
fn recognised(view: &View<'_>, as_of: Date) -> Result<BTreeMap<Currency, i128>, StoreError> {
    let mut sums = BTreeMap::new();
    let Some(first) = Currency::all().next() else { return Ok(sums) };
    let start = (first, Month::of(Date::MIN));
    MONTHS.scan(view.store, (start, None), Direction::Forward, |row| {
        let days = row.recognised.iter().enumerate();
        let through =
            days.filter(|(index, _)| row.month.day(*index).is_some_and(|day| day <= as_of));
        let sum: i128 = through.map(|(_, amount)| *amount).sum();
        *sums.entry(row.currency).or_default() += sum;
        true
    })?;
    Ok(sums)
}

fn trial_of(
    currency: Currency,
    as_of: Date,
    accounts: &Accounts,
) -> Result<TrialBalance, QueryError> {
    let of = |sum| money(sum, currency);
    let (mut debits, mut credits, mut rows) = (0, 0, Vec::new());
    for account in Account::all() {
        let sums = accounts.get(&(currency, AccountCode::of(*account)));
        let Some((debit, credit)) = sums else { continue };
        debits += debit;
        credits += credit;
        rows.push(AccountBalance {
            account: account.name().to_owned(),
            debits: of(*debit)?,
            credits: of(*credit)?,
            balance: of(debit - credit)?,
        });
    }
    Ok(TrialBalance { currency, as_of, accounts: rows, debits: of(debits)?, credits: of(credits)? })
}

/// The day up to which is reckoned unless another is given: that of the last commit, or the
/// latest posting date where a seller's zone is a day ahead.
fn latest(view: &View<'_>) -> Result<Date, StoreError> {
    let latest = BOOK.read(view.store, ())?.and_then(|book| book.latest);
    Ok(latest.map_or(today(view), |latest| latest.max(today(view))))
}

pub(super) fn summary(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: BalancesSummary = request(body)?;
    let book = BOOK.read(view.store, ())?.unwrap_or_default();
    let totals = book.totals.iter().filter(|totals| wanted(asked.currency, totals.currency));
    let currencies = totals.map(|totals| {
        let of = |sum| money(sum, totals.currency);
        Ok(CurrencyBalances {
            currency: totals.currency,
            customers: totals.customers,
            open: of(totals.open)?,
            open_invoices: totals.open_invoices,
            credit: of(totals.credit)?,
            payments: of(totals.received - totals.reversed)?,
            payment_count: totals.payment_count,
            reversed: of(totals.reversed)?,
            refunds: of(totals.refunds)?,
        })
    });
    let currencies: Result<Vec<CurrencyBalances>, QueryError> = currencies.collect();
    answer(view, view::BalancesSummary { customers: book.customers, currencies: currencies? })
}
