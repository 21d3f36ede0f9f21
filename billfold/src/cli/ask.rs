//! Flags of those who use a book: `submit`, `query`, `explain`.

use std::path::PathBuf;

use clap::Args;
use projections::ViewName;
use schemas::Timestamp;
use schemas::ids::{BatchId, CommandId, SessionId};
use schemas::preview::PreviewToken;
use schemas::query::GATEWAY_VIEWS;

/// Flags of `submit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  billfold submit customer.register customer=$(billfold id customer) entity=$E name=Ada currency=EUR
  billfold submit payment.record --json '{\"customer\": …}'
  billfold submit payment.record customer=$C payment=$P amount=12.34:EUR
  billfold submit batch --file commands.json

key=value: the value is read as JSON where it is an object, a list, true, false or null, as an
amount where it is 12.34:EUR, and else as text. A field inside another is a.b=value.")]
pub struct SubmitArgs {
    /// `<aggregate>.<verb>`, or `batch`.
    pub name: String,
    /// Fields of the command.
    #[arg(value_name = "KEY=VALUE")]
    pub fields: Vec<String>,
    /// Read the body from a file; `-` is stdin.
    #[arg(long, env = "BILLFOLD_SUBMIT_FILE", value_name = "FILE", conflicts_with = "json")]
    pub file: Option<PathBuf>,
    /// The body as JSON.
    #[arg(long, env = "BILLFOLD_SUBMIT_JSON", value_name = "JSON")]
    pub json: Option<String>,
    /// The idempotency key [default: a fresh UUID version 7].
    #[arg(long, env = "BILLFOLD_SUBMIT_ID", value_name = "CMD_ID")]
    pub id: Option<CommandId>,
    /// Decide only at this revision of the stream.
    #[arg(long, env = "BILLFOLD_SUBMIT_EXPECTED_REVISION", value_name = "N")]
    pub expected_revision: Option<u64>,
    /// When it takes effect [default: now].
    #[arg(long, env = "BILLFOLD_SUBMIT_EFFECTIVE_AT", value_name = "INSTANT")]
    pub effective_at: Option<Timestamp>,
    /// Commit what the preview with this token showed, or nothing; its id is the preview's.
    #[arg(long, env = "BILLFOLD_SUBMIT_PREVIEW", value_name = "TOKEN")]
    pub preview: Option<PreviewToken>,
    /// Drop it undecided after this instant.
    #[arg(long, env = "BILLFOLD_SUBMIT_DEADLINE", value_name = "INSTANT")]
    pub deadline: Option<Timestamp>,
    /// Why, in your words; recorded.
    #[arg(long, env = "BILLFOLD_SUBMIT_REASON", value_name = "TEXT")]
    pub reason: Option<String>,
    /// The batch that it belongs to, to be found or taken back as a whole.
    #[arg(long, env = "BILLFOLD_SUBMIT_BATCH", value_name = "BATCH_ID")]
    pub batch: Option<BatchId>,
    /// The session that it belongs to; export the variable once for all that you do.
    #[arg(long, env = "BILLFOLD_SESSION", value_name = "SESSION_ID")]
    pub session: Option<SessionId>,
    /// Print only this field of the answer, such as `position`, for a shell variable.
    #[arg(long, env = "BILLFOLD_SUBMIT_FIELD", value_name = "NAME")]
    pub field: Option<String>,
    /// Do not wait until a billing run is done.
    #[arg(long, env = "BILLFOLD_SUBMIT_NO_WAIT")]
    pub no_wait: bool,
}

/// Flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The invoice's id or number.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub invoice: Option<String>,
    /// Only this line.
    #[arg(value_parser = line)]
    pub line: Option<u32>,
    /// Every invoice of the book, oldest first; as JSON, one a line.
    #[arg(long, env = "BILLFOLD_EXPLAIN_ALL")]
    pub all: bool,
    /// As JSON, whatever `--output` says.
    #[arg(long, env = "BILLFOLD_EXPLAIN_JSON")]
    pub json: bool,
}

fn line(text: &str) -> Result<u32, String> {
    let number = text.parse::<u32>().ok().filter(|line| *line > 0);
    number.ok_or_else(|| "a line is a number, such as 1; leave it out for all lines".to_owned())
}

fn views() -> String {
    let (views, others) = (ViewName::names(), GATEWAY_VIEWS.join(", "));
    format!("Which read model: {views}; or what the gateway answers: {others}")
}

/// Flags of `query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// Which read model, or what the gateway answers.
    #[arg(help = views())]
    pub view: String,
    /// Which question, such as `list` or `get`.
    pub name: String,
    /// Fields of the question.
    #[arg(value_name = "KEY=VALUE")]
    pub fields: Vec<String>,
    /// The question as JSON.
    #[arg(long, env = "BILLFOLD_QUERY_JSON", value_name = "JSON")]
    pub json: Option<String>,
    /// Answer only at this position or later: read your own write.
    #[arg(long, env = "BILLFOLD_QUERY_AT_LEAST", value_name = "POSITION")]
    pub at_least: Option<String>,
    /// Follow cursors to the last page.
    #[arg(long, env = "BILLFOLD_QUERY_ALL")]
    pub all: bool,
}
