//! Runs a program that gives or takes a password.
//!
//! Invariant: it ends: by itself, or after its time. What it prints is bounded, wiped where it is
//! not the answer, and only its standard error may come into an error, one line and cut.

use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{AccountError, MAX_PASSWORD_BYTES};

/// The most that is read of an answer, in bytes: a password and what a program adds in lines below.
const MAX_OUTPUT_BYTES: u64 = 4 * MAX_PASSWORD_BYTES as u64;
/// The most that is read of what it says went wrong, in bytes.
const MAX_ERROR_BYTES: u64 = 4 * 1024;
/// The most of it that is shown, in characters.
const SHOWN_CHARS: usize = 200;
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long its output is waited for when it has ended: a child of its own may hold it open.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);

/// What was read, wiped when it goes.
type Bytes = Zeroizing<Vec<u8>>;

/// Runs `argv`, with `input` on its standard input; returns what it printed.
pub(super) fn run(
    argv: &[String],
    input: Option<&[u8]>,
    within: Duration,
) -> Result<Bytes, AccountError> {
    let [program, args @ ..] = argv else { return Err(AccountError::NoCommand) };
    let wrong = |what: String| AccountError::Command { program: program.clone(), what };
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().map_err(|error| wrong(error.to_string()))?;
    let printed = drain(child.stdout.take(), MAX_OUTPUT_BYTES);
    let said = drain(child.stderr.take(), MAX_ERROR_BYTES);
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        // A password fits into the pipe; a program that does not read it says so by its end.
        let _ = pipe.write_all(input);
    }
    let Some(status) = wait(&mut child, within).map_err(|error| wrong(error.to_string()))? else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(wrong(format!("it did not end in {} s", within.as_secs())));
    };
    let printed = printed.recv_timeout(DRAIN_WITHIN).unwrap_or_default();
    if status.success() {
        return Ok(printed);
    }
    let said = said.recv_timeout(DRAIN_WITHIN).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line: String = crate::safe_text::line(line.trim()).chars().take(SHOWN_CHARS).collect();
    let ended = match status.code() {
        Some(code) => format!("it ended with {code}"),
        None => "it was killed".to_owned(),
    };
    Err(wrong(if line.is_empty() { ended } else { format!("{ended}: {line}") }))
}

fn wait(child: &mut Child, within: Duration) -> std::io::Result<Option<ExitStatus>> {
    let until = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Reads a stream on a thread of its own: the first `most` bytes, and the rest into nothing.
fn drain(stream: Option<impl Read + Send + 'static>, most: u64) -> Receiver<Bytes> {
    let (to, from) = channel();
    if let Some(mut stream) = stream {
        std::thread::spawn(move || {
            // With its whole capacity from the start: growing would leave copies behind.
            let room = usize::try_from(most).unwrap_or_default();
            let mut bytes = Zeroizing::new(Vec::with_capacity(room + 1));
            let _ = stream.by_ref().take(most).read_to_end(&mut bytes);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
            let _ = to.send(bytes);
        });
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, within: Duration) -> Result<Bytes, AccountError> {
        run(&["sh", "-c", script].map(str::to_owned), Some(b"in"), within)
    }

    #[test]
    fn a_program_is_bounded_in_time_and_in_what_it_says() {
        let long = Duration::from_secs(20);
        assert_eq!(*sh("cat", long).unwrap(), b"in");
        let error = sh("sleep 60", Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("did not end"), "{error}");
        let much = sh("yes | head -c 1000000", long).unwrap();
        assert_eq!(much.len() as u64, MAX_OUTPUT_BYTES);
        let error = sh("printf '\\n\\033[2Jno\\n' >&2; exit 1", long).unwrap_err();
        assert!(error.to_string().ends_with("it ended with 1: \u{fffd}[2Jno"), "{error}");
        assert!(matches!(run(&[], None, long), Err(AccountError::NoCommand)));
    }
}
