//! `demo`: a sample mailbox of its own, made through the whole pipeline, gone on quit.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::bridge::import::ImportRequest;
use crate::bridge::ledger::Forgetful;
use crate::cli::demo_mail;
use crate::cli::home::{Home, Where};
use crate::cli::output::Output;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::Owner;
use crate::id::base32;
use crate::notice::{Exit, Explain as _, Notice};

/// What the directory of a sample is called, before random letters.
const NAME: &str = "mailtui-demo-";
/// How often the removal of a sample is tried.
const REMOVALS: u32 = 50;
/// The time between two tries.
const BETWEEN: Duration = Duration::from_millis(10);

/// A sample mailbox; dropping it removes it.
#[derive(Debug)]
pub(super) struct Sample {
    home: Home,
    dir: PathBuf,
    /// Says that this sample is in use, for as long as its process lives.
    _owner: Owner,
}

impl Sample {
    /// Makes one in the temporary directory, and removes those of processes that were killed.
    pub(super) fn make() -> Result<Self, Notice> {
        let temporary = std::env::temp_dir();
        sweep(&temporary);
        let mut random = [0; 10];
        SystemClock.random(&mut random);
        let dir = temporary.join(format!("{NAME}{}", base32(&random, 16)));
        let owner = Owner::take(&dir).map_err(|error| error.notice())?;
        let data = dir.join("data");
        let home = Home { dir: data, backend: Where::Embedded, offline: false };
        let sample = Self { home, dir, _owner: owner };
        sample.fill(SystemClock.now())?;
        Ok(sample)
    }

    /// Its data directory.
    pub(super) const fn home(&self) -> &Home {
        &self.home
    }

    fn fill(&self, now: i64) -> Result<(), Notice> {
        let io = |error: std::io::Error| {
            Notice::error("io", error.to_string(), "is there room in the temporary directory?")
        };
        let mail = self.dir.join("mail");
        crate::store::private_dir(&mail).map_err(|error| error.notice())?;
        for (name, bytes) in demo_mail::at(now) {
            let mut file = OpenOptions::new();
            let file = file.write(true).create_new(true).mode(0o600).open(mail.join(name));
            file.and_then(|mut file| file.write_all(&bytes)).map_err(io)?;
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

/// Removes samples whose process was killed: nobody else can.
fn sweep(temporary: &Path) {
    let Ok(entries) = std::fs::read_dir(temporary) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(NAME)
            && entry.metadata().is_ok_and(|found| {
                found.is_dir() && found.uid() == rustix::process::getuid().as_raw()
            });
        // A sample in use is locked; one that is just being made has no lock file yet.
        if ours && entry.path().join("lock").exists() && Owner::take(&entry.path()).is_ok() {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

/// Runs the interface on sample mail, as lines where that is wanted; without a terminal it lists
/// what there is.
pub(super) fn run(home: &Home, output: Output, linear: bool) -> Result<Exit, Notice> {
    let sample = Sample::make()?;
    let linear = super::tui::is_linear(linear);
    if linear || super::tui::has_screen(output) {
        return super::tui::run_sample(home, output, sample, linear);
    }
    super::list::list(sample.home(), output, &super::args::List::inbox(0))
}
