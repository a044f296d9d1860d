//! The keyring of the desktop, asked through the program that comes with it: `secret-tool` of
//! libsecret, or `security` of macOS.
//!
//! Invariant: a password goes in by standard input, never as an argument. Without the program, or
//! without a keyring behind it, an error says so within its time; nothing else depends on it.

use std::time::Duration;

use zeroize::Zeroizing;

use super::command::run;
use super::{AccountError, AccountId, Password};

/// How long the keyring may take: it may ask its owner to unlock it.
const WITHIN: Duration = Duration::from_mins(1);
/// The name under which it files what is ours.
const SERVICE: &str = "mailtui";
/// The program, where it is libsecret's.
const SECRET_TOOL: &str = "secret-tool";
/// The program of macOS.
const SECURITY: &str = "/usr/bin/security";

const fn is_macos() -> bool {
    cfg!(target_os = "macos")
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Whether its program is there and a session that it could ask.
pub(super) fn is_there() -> bool {
    if is_macos() {
        return std::path::Path::new(SECURITY).exists();
    }
    let bus = |dir: std::ffi::OsString| std::path::Path::new(&dir).join("bus").exists();
    let session = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
        || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(bus);
    let path = std::env::var_os("PATH").unwrap_or_default();
    session && std::env::split_paths(&path).any(|dir| dir.join(SECRET_TOOL).is_file())
}

fn named(error: AccountError) -> AccountError {
    match error {
        AccountError::Command { what, .. } => AccountError::Keyring(what),
        other => other,
    }
}

/// The password of an account.
pub(super) fn read(id: &AccountId) -> Result<Password, AccountError> {
    let words = if is_macos() {
        argv(&[SECURITY, "find-generic-password", "-s", SERVICE, "-a", id.as_str(), "-w"])
    } else {
        argv(&[SECRET_TOOL, "lookup", "service", SERVICE, "account", id.as_str()])
    };
    let printed = run(&words, None, WITHIN).map_err(named)?;
    Password::first_line(&printed)
        .map_err(|_| AccountError::Keyring("it has no password for this account".to_owned()))
}

/// Keeps the password of an account.
pub(super) fn keep(id: &AccountId, password: &Password) -> Result<(), AccountError> {
    let (words, input) = if is_macos() {
        // Its interactive form takes the command from standard input.
        let quoted = password.expose().replace('\\', "\\\\").replace('"', "\\\"");
        let line =
            format!("add-generic-password -U -s {SERVICE} -a {} -w \"{quoted}\"\n", id.as_str());
        (argv(&[SECURITY, "-i"]), Zeroizing::new(line))
    } else {
        let label = format!("--label=mailtui {id}");
        let words =
            argv(&[SECRET_TOOL, "store", &label, "service", SERVICE, "account", id.as_str()]);
        (words, Zeroizing::new(password.expose().to_owned()))
    };
    run(&words, Some(input.as_bytes()), WITHIN).map(drop).map_err(named)
}

/// Forgets the password of an account.
pub(super) fn forget(id: &AccountId) -> Result<(), AccountError> {
    let words = if is_macos() {
        argv(&[SECURITY, "delete-generic-password", "-s", SERVICE, "-a", id.as_str()])
    } else {
        argv(&[SECRET_TOOL, "clear", "service", SERVICE, "account", id.as_str()])
    };
    run(&words, None, WITHIN).map(drop).map_err(named)
}
