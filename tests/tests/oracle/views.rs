//! The read models, folded from the commits of a game, against the oracle and the journal.

use projections::store::{MemoryStore, Store, content_hash};
use projections::{
    Answered, Balances, Checkpoint, Fold, Invoices, Projection, QueryError, Revenue, View,
};
use schemas::ids::CustomerId;
use schemas::wire::LogPosition;
use schemas::{CommitView, Currency, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use ledger_core::accounting::Account;

use crate::drive::Game;
use crate::model::Customer;

/// A day behind every schedule.
const AT_LAST: &str = "2999-12-31";

/// Folds the game into every read model and compares.
pub(crate) fn agree(game: &Game) {
    let invoices = Model::fold::<Invoices>(&game.kept.log, 7);
    let revenue = Model::fold::<Revenue>(&game.kept.log, 7);
    let balances = Model::fold::<Balances>(&game.kept.log, 7);
    assert_eq!(invoices.hash(), Model::fold::<Invoices>(&game.kept.log, 1_000).hash());
    assert_eq!(revenue.hash(), Model::fold::<Revenue>(&game.kept.log, 1_000).hash());
    assert_eq!(balances.hash(), Model::fold::<Balances>(&game.kept.log, 1_000).hash());
    for (id, customer) in game.oracle.customers() {
        customer_agrees(&balances, id, customer);
        let known = game.invoices.get(&id).into_iter().flatten();
        for (id, expected) in known.zip(&customer.invoices) {
            let body = json!({"invoice": id, "through": AT_LAST, "line_limit": 500});
            let earned = revenue.get("get", &body);
            let body = json!({"invoice": id, "line_limit": 500});
            let found = invoices.get("get", &body);
            assert_eq!(minor(&found["invoice"]["balance_due"]), expected.open(), "{found}");
            assert_eq!(minor(&found["invoice"]["total"]), expected.total(), "{found}");
            let mut kept = 0;
            let lines = found["lines"].as_array().expect("lines");
            assert_eq!(lines.len(), expected.lines.len());
            for (line, expected) in lines.iter().zip(&expected.lines) {
                assert_eq!(minor(&line["net"]), expected.net(), "{line}");
                kept += expected.net() - expected.noted;
            }
            let kept = if expected.voided { 0 } else { kept };
            let earned_at_last = minor(&earned["recognised"]) - minor(&earned["contra"]);
            assert_eq!((earned_at_last, minor(&earned["deferred"])), (kept, 0), "{earned}");
        }
    }
    books_agree(game, &balances, &invoices, &revenue);
}

fn customer_agrees(balances: &Model, id: CustomerId, customer: &Customer) {
    let found = balances.get("get", &json!({"customer": id}));
    let owed = minor(&found["customer"]["open"]);
    assert_eq!((owed, minor(&found["customer"]["credit"])), (customer.owed(), customer.credit()));
    let open = customer.invoices.iter().filter(|invoice| invoice.open() > 0).count();
    assert_eq!(found["open_invoices"].as_array().map(Vec::len), Some(open), "{found}");
    let statement = balances.get("statement", &json!({"customer": id, "limit": 500}));
    let entries = statement.as_array().expect("entries");
    let balance = entries.last().map_or(0, |entry| minor(&entry["balance"]));
    assert_eq!(balance, customer.owed() - customer.credit(), "{statement}");
}

/// The journal's accounts, and sums that more than one read model keeps.
fn books_agree(game: &Game, balances: &Model, invoices: &Model, revenue: &Model) {
    let trial = balances.get("trial_balance", &json!({"as_of": AT_LAST}));
    let account = |currency: Currency, name: &str| {
        let of = |row: &&Value| row["currency"] == json!(currency);
        let row = trial.as_array().and_then(|rows| rows.iter().find(of));
        let accounts = row.and_then(|row| row["accounts"].as_array());
        let account = accounts.and_then(|rows| rows.iter().find(|row| row["account"] == name));
        account.map_or(0, |account| minor(&account["balance"]))
    };
    for row in trial.as_array().expect("a list") {
        assert_eq!(row["debits"], row["credits"]);
    }
    let mut earned: std::collections::BTreeMap<Currency, i128> = std::collections::BTreeMap::new();
    for (currency, kind, sum) in game.kept.laws.trial_balance() {
        if matches!(kind, Account::DeferredRevenue | Account::Revenue) {
            *earned.entry(currency).or_default() += sum;
        } else {
            assert_eq!(account(currency, kind.name()), sum, "{kind} in {currency}");
        }
    }
    for (currency, sum) in earned {
        assert_eq!(account(currency, Account::DeferredRevenue.name()), 0, "all is earned");
        assert_eq!(account(currency, Account::Revenue.name()), sum);
        let recognised = revenue.get("recognized", &json!({"to": AT_LAST, "currency": currency}));
        let recognised = recognised.get(0).map_or(0, |row| minor(&row["recognised"]));
        assert_eq!(recognised, -sum);
    }
    let summary = balances.get("summary", &json!({}));
    for row in invoices.get("summary", &json!({})).as_array().expect("a list") {
        let same = |other: &&Value| other["currency"] == row["currency"];
        let totals = summary["currencies"].as_array().and_then(|rows| rows.iter().find(same));
        let totals = totals.expect("an invoice has a customer");
        assert_eq!(
            (&row["open"], &row["open_invoices"]),
            (&totals["open"], &totals["open_invoices"])
        );
    }
}

fn minor(amount: &Value) -> i128 {
    amount["amount_minor"].as_i64().unwrap_or_else(|| panic!("{amount} is no amount")).into()
}

type Answer = fn(&View<'_>, &str, &[u8]) -> Result<Answered, QueryError>;

/// A read model in memory.
struct Model {
    store: MemoryStore,
    position: u64,
    time: Option<Timestamp>,
    answer: Answer,
}

impl Model {
    fn fold<P: Projection>(log: &[Vec<u8>], batch_of: usize) -> Self {
        let store = MemoryStore::default();
        let mut fold = Fold::<P>::from(Checkpoint::start([0; 16], P::VERSION));
        let mut time = None;
        for (number, bytes) in log.iter().enumerate() {
            fold.apply(&store, bytes, &[0; 32]).expect("what was decided can be folded");
            if number % batch_of == 0 {
                store.apply(fold.take().0).expect("memory");
            }
            time = Some(CommitView::parse(bytes).expect("a commit").recorded_at);
        }
        store.apply(fold.take().0).expect("memory");
        Self { store, position: log.len() as u64, time, answer: P::answer }
    }

    fn hash(&self) -> projections::store::ContentHash {
        content_hash(&self.store).expect("memory")
    }

    /// The data of an answer.
    fn get(&self, name: &str, body: &Value) -> Value {
        let view = View {
            store: &self.store,
            position: LogPosition { log: Uuid::nil(), position: self.position },
            time: self.time,
            generation: 1,
        };
        let answer = (self.answer)(&view, name, body.to_string().as_bytes());
        let bytes = match answer {
            Ok(Answered::Written(bytes)) => bytes,
            Ok(Answered::ByCommits(_)) => panic!("{name} reads the log: no question of a game"),
            Err(error) => panic!("{name} {body}: {error:?}"),
        };
        let mut answer: Value = serde_json::from_slice(&bytes).expect("an answer is JSON");
        assert_ne!(answer["has_more"], true, "one page holds a game");
        answer["data"].take()
    }
}
