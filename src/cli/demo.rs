//! `demo`: a sample mailbox of its own, made through the whole pipeline, gone on quit.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::bridge::import::ImportRequest;
use crate::bridge::ledger::Forgetful;
use crate::cli::home::{Home, Where};
use crate::cli::output::Output;
use crate::clock::{Clock as _, SystemClock};
use crate::id::base32;
use crate::notice::{Exit, Notice};

/// The sample mail: a file a folder, in the order in which it is taken in.
const MAIL: [(&str, &[u8]); 5] = [
    ("Inbox.mbox", include_bytes!("../../assets/demo/Inbox.mbox")),
    ("Team.mbox", include_bytes!("../../assets/demo/Team.mbox")),
    ("Archive.mbox", include_bytes!("../../assets/demo/Archive.mbox")),
    ("Sent.mbox", include_bytes!("../../assets/demo/Sent.mbox")),
    ("Spam.mbox", include_bytes!("../../assets/demo/Spam.mbox")),
];

/// How often the removal of a sample is tried.
const REMOVALS: u32 = 50;
/// The time between two tries.
const BETWEEN: Duration = Duration::from_millis(10);

/// A sample mailbox; dropping it removes it.
#[derive(Debug)]
pub(super) struct Sample {
    home: Home,
    dir: PathBuf,
}

impl Sample {
    /// Makes one in the temporary directory.
    pub(super) fn make() -> Result<Self, Notice> {
        let mut random = [0; 10];
        SystemClock.random(&mut random);
        let dir = std::env::temp_dir().join(format!("mailtui-demo-{}", base32(&random, 16)));
        let data = dir.join("data");
        let home = Home { dir: data, backend: Where::Embedded, offline: false };
        let sample = Self { home, dir };
        sample.fill()?;
        Ok(sample)
    }

    /// Its data directory.
    pub(super) const fn home(&self) -> &Home {
        &self.home
    }

    fn fill(&self) -> Result<(), Notice> {
        let io = |error: std::io::Error| {
            Notice::error("io", error.to_string(), "is there room in the temporary directory?")
        };
        let mail = self.dir.join("mail");
        std::fs::create_dir_all(&mail).map_err(io)?;
        for (name, bytes) in MAIL {
            std::fs::write(mail.join(name), bytes).map_err(io)?;
        }
        let mut session = super::tui::session(&self.home)?;
        let request = ImportRequest { paths: vec![mail], ..ImportRequest::default() };
        let stop = AtomicBool::new(false);
        super::sinks::into(&mut session, &request, &mut Forgetful, &mut |_| (), &stop, true)
            .map_err(|error| error.0)?;
        Ok(())
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        // A store that is just being closed can put a file back while its directory is removed.
        for _ in 0..REMOVALS {
            if std::fs::remove_dir_all(&self.dir).is_ok() || !self.dir.exists() {
                return;
            }
            std::thread::sleep(BETWEEN);
        }
    }
}

/// Runs the interface on sample mail; without a terminal it lists it.
pub(super) fn run(home: &Home, output: Output) -> Result<Exit, Notice> {
    let sample = Sample::make()?;
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return super::tui::run_sample(home, sample);
    }
    super::list::list(sample.home(), output, "inbox", 0, None)
}
