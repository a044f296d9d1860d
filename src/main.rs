//! The program: arguments → configuration → one door.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mailtui::cli::run(std::env::args_os()))
}
