//! The `billfold` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    billfold::run(std::env::args_os())
}
