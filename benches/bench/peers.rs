//! The start of other programs on the same mail, in the same terminal, in the same run.
//!
//! Invariant: each has made its index or cache before, and is measured by the same condition: the
//! newest subject and a full screen of rows. What is not installed is skipped, and said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::{Times, millis, once, ratio, timed};
use crate::program::{self, BINARY, text};
use crate::stage::{Imported, MESSAGES, Stage};
use crate::terminal::{ROWS, Terminal};

/// Starts of each program, after one that is not counted.
const STARTS: usize = 10;
/// Rows of the screen that need not hold a conversation: bars, rules and hints.
const OTHER_ROWS: usize = 8;

/// A program and how it is started.
struct Peer {
    name: &'static str,
    program: PathBuf,
    args: Vec<String>,
}

/// Our start against that of neomutt and alot.
pub(crate) fn peers(stage: &mut Stage) -> Vec<Value> {
    let imported = stage.imported();
    let home = stage.folder().join("peers");
    std::fs::create_dir_all(&home).expect("room on the disk");
    let newest = text(&program::rows(&imported.data, 1)[0], "subject");
    let sentinel: String = newest.chars().take(12).collect();
    let (mut peers, mut lines) = (vec![ours(&imported.data)], Vec::new());
    for (name, made) in [("neomutt", neomutt(&home, &imported)), ("alot", alot(&home, &imported))] {
        match made {
            Ok(peer) => peers.push(peer),
            Err(why) => lines.push(json!({"bench": format!("peer-{name}"), "skipped": why})),
        }
    }
    let mut times = vec![Vec::new(); peers.len()];
    for round in 0..=STARTS {
        for (peer, times) in peers.iter().zip(&mut times) {
            let took = start(peer, &home, &sentinel);
            if round > 0 {
                times.push(took);
            }
        }
    }
    let times: Vec<Times> = times.into_iter().map(Times::from).collect();
    for (peer, times) in peers.iter().zip(&times) {
        lines.push(times.line(&format!("peer-{}", peer.name), 50, json!({})));
    }
    if let Some(fastest) = times[1..].iter().map(|times| millis(times.at(50))).reduce(f64::min) {
        let ours = millis(times[0].at(50));
        let against = json!({"oursMs": ours, "fastestMs": fastest});
        lines.push(once("peers", ratio(ours, fastest), "ratio", "lower", against));
    }
    lines
}

/// From the start to the byte that completes a full screen with the newest conversation on it.
fn start(peer: &Peer, home: &Path, sentinel: &str) -> Duration {
    let args: Vec<&str> = peer.args.iter().map(String::as_str).collect();
    let mut terminal = Terminal::start(&peer.program, &args, home);
    let full = usize::from(ROWS) - OTHER_ROWS;
    let at = terminal.wait(sentinel, |screen| {
        let text = screen.contents();
        text.contains(sentinel)
            && text.lines().filter(|line| !line.trim().is_empty()).count() > full
    });
    at.duration_since(terminal.started())
}

fn ours(data: &Path) -> Peer {
    let args = vec!["--data-dir".to_owned(), data.display().to_string()];
    Peer { name: "mailtui", program: PathBuf::from(BINARY), args }
}

fn neomutt(home: &Path, imported: &Imported) -> Result<Peer, String> {
    let program = installed("neomutt")?;
    let cache = home.join("headers");
    std::fs::create_dir_all(&cache).map_err(|error| error.to_string())?;
    let rc = home.join("neomuttrc");
    let text = format!(
        "set folder = \"{0}\"\nset spool_file = \"{0}\"\nset mbox_type = Maildir\n\
         set header_cache = \"{1}\"\nset sort = reverse-date\nset mail_check = 0\n",
        imported.mail.display(),
        cache.display(),
    );
    std::fs::write(&rc, text).map_err(|error| error.to_string())?;
    let args = ["-n", "-F", &rc.display().to_string()].map(str::to_owned);
    Ok(Peer { name: "neomutt", program, args: args.into() })
}

fn alot(home: &Path, imported: &Imported) -> Result<Peer, String> {
    let (program, notmuch) = (installed("alot")?, installed("notmuch")?);
    let config = home.join(".notmuch-config");
    let text = format!(
        "[database]\npath={}\n[user]\nname=Ada\nprimary_email=ada@example.org\n\
         [new]\ntags=inbox;unread;\n[maildir]\nsynchronize_flags=false\n",
        imported.mail.display()
    );
    std::fs::write(&config, text).map_err(|error| error.to_string())?;
    let mut new = Command::new(notmuch);
    new.arg("new").env("HOME", home).env("NOTMUCH_CONFIG", &config);
    let (status, took) = timed(|| new.stdout(Stdio::null()).stderr(Stdio::null()).status());
    if !status.is_ok_and(|status| status.success()) {
        return Err("notmuch could not index the mail".to_owned());
    }
    let rate = |took: Duration| (MESSAGES as f64 / took.as_secs_f64()).round();
    let against = json!({"notmuch": rate(took), "ours": rate(imported.took)});
    let times = ratio(took.as_secs_f64(), imported.took.as_secs_f64());
    println!("{}", once("peer-import", times, "times", "higher", against));
    let args = ["-n", &config.display().to_string(), "search", "tag:inbox"].map(str::to_owned);
    Ok(Peer { name: "alot", program, args: args.into() })
}

fn installed(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| format!("{name} is not installed"))
}
