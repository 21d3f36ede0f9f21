//! What is said on stderr: sentences, and the progress of long work.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::table::in_lines;

/// Says a sentence.
pub fn say(sentence: &str) {
    // Nobody listens: nothing to do about it.
    let _gone = io::Write::write_fmt(&mut io::stderr(), format_args!("{}\n", in_lines(sentence)));
}

/// How far long work is, drawn on a terminal only.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Starts at nothing; `length` is where it ends, if that is known.
    pub fn start(what: &'static str, length: Option<u64>) -> Self {
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
        Self(bar)
    }

    /// So much more is done.
    pub fn more(&self, count: u64) {
        self.0.inc(count);
    }

    /// So much is done in all.
    pub fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    /// Takes the drawing away.
    pub fn finish(self) {
        self.0.finish_and_clear();
    }
}
