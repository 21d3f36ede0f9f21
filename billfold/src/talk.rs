//! What is said on stderr: events of the program, and failures.

use std::io::{self, IsTerminal};
use std::panic;

use terminal::{Format, say};
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;

/// Sends events of the program to stderr.
///
/// # Errors
/// [`Failure::Usage`] for a filter that cannot be read.
pub fn start(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::Usage(format!("{filter:?} is no level or filter ({error}); use warn or info"))
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // Who cannot write a line says so on stderr, which panics where that is full, too.
        .log_internal_errors(false)
        .finish();
    // Only the first one counts; a second call happens in tests only.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if !projections::store::expects_panic() {
                usual(about);
            }
        }));
    }
    Ok(())
}

/// Says a sentence in the name of the program.
pub fn tell(sentence: &str) {
    say(&format!("billfold: {sentence}"));
}

/// Reports a failure: a sentence for people, the document for programs.
pub fn report(failure: &Failure, format: Option<Format>) {
    match failure {
        Failure::BrokenPipe => {}
        Failure::Problem(problem) if matches!(format, Some(Format::Json | Format::Jsonl)) => {
            say(&serde_json::to_string(problem).unwrap_or_default());
        }
        Failure::Problem(problem) => {
            tell(&format!("{} ({})", problem.detail, problem.code));
            for error in &problem.errors {
                let place = if error.pointer.is_empty() { "/" } else { &error.pointer };
                say(&format!("  at {place}: {}", error.detail));
            }
        }
        Failure::Io { what, source } => tell(&format!("{what}: {source}")),
        Failure::Usage(_)
        | Failure::Refused(_)
        | Failure::Verification(_)
        | Failure::Unreachable(_)
        | Failure::InUse(_)
        | Failure::Internal(_) => tell(&failure.to_string()),
    }
}
