//! What is said on stderr: events of the program, progress of long work, failures.

use std::io::{self, IsTerminal};
use std::panic;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::EnvFilter;

use crate::cli::Format;
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

/// Says a sentence.
pub fn say(sentence: &str) {
    // Nobody listens: nothing to do about it.
    let _gone = std::io::Write::write_fmt(&mut io::stderr(), format_args!("{sentence}\n"));
}

/// Reports a failure: a sentence for people, the document for programs.
pub fn report(failure: &Failure, format: Option<Format>) {
    match failure {
        Failure::BrokenPipe => {}
        Failure::Problem(problem) if matches!(format, Some(Format::Json | Format::Jsonl)) => {
            say(&serde_json::to_string(problem).unwrap_or_default());
        }
        Failure::Problem(problem) => {
            say(&format!("billfold: {} ({})", problem.detail, problem.code));
            for error in &problem.errors {
                let place = if error.pointer.is_empty() { "/" } else { &error.pointer };
                say(&format!("  at {place}: {}", error.detail));
            }
        }
        Failure::Io { what, source } => say(&format!("billfold: {what}: {source}")),
        Failure::Usage(_)
        | Failure::Refused(_)
        | Failure::Verification(_)
        | Failure::Unreachable(_)
        | Failure::InUse(_)
        | Failure::Internal(_) => say(&format!("billfold: {failure}")),
    }
}

/// Progress of long work, on a terminal only.
pub fn progress(what: &'static str, length: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::new(length.unwrap_or(0));
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let template = if length.is_some() {
        "{prefix:24} {wide_bar} {human_pos}/{human_len} {per_sec}"
    } else {
        "{prefix:24} {spinner} {human_pos} {per_sec}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
