//! The program: arguments → configuration → one door.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mailtui::cli::run(std::env::args_os()))
}
