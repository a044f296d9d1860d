//! Where a password comes from, and what holds it.
//!
//! Invariant: a [`Password`] is wiped when it goes, and has no text form: not for debugging, not in
//! an error, not as an argument of another program. Whoever sends it to a server asks for it by
//! name. A file that others may read is refused, as a command that does not end is stopped.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use super::{AccountError, AccountId};

mod command;
mod keyring;

/// The longest password or token, in bytes; access tokens have a few KiB.
pub(super) const MAX_PASSWORD_BYTES: usize = 16 * 1024;
/// How long a command may take: somebody may have to type into what it asks.
const COMMAND_WITHIN: Duration = Duration::from_mins(2);

/// A password or an access token.
pub struct Password(SecretString);

impl Password {
    /// Holds `text`, which is moved in and wiped at the end.
    ///
    /// # Errors
    /// When it is empty, too long, or could end a line of a protocol.
    pub fn new(mut text: String) -> Result<Self, AccountError> {
        let fits = !text.is_empty() && text.len() <= MAX_PASSWORD_BYTES;
        if !fits || text.contains(['\0', '\r', '\n']) {
            text.zeroize();
            return Err(AccountError::PasswordForm);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// The first line of `bytes`.
    ///
    /// # Errors
    /// When it is empty, too long or not UTF-8.
    pub fn first_line(bytes: &[u8]) -> Result<Self, AccountError> {
        let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).map_err(|_| AccountError::PasswordForm)?;
        Self::new(text.to_owned())
    }

    /// What it is: to be sent to its server, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Runs a program of the user's with `input` on its standard input; what it prints is let go.
///
/// # Errors
/// When it cannot be started, fails, or does not end within `within`.
pub fn run_command(argv: &[String], input: &[u8], within: Duration) -> Result<(), AccountError> {
    command::run(argv, Some(input), within).map(drop)
}

/// Where a password or token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// The first line that a program prints: program and arguments, never a shell.
    Command(Vec<String>),
    /// The first line of a file that only its owner may read; a relative path begins in the data
    /// directory.
    File(PathBuf),
    /// The keyring of the desktop.
    Keyring,
}

impl Secret {
    /// The file below the data directory in which a password that was typed is kept.
    #[must_use]
    pub fn kept(id: &AccountId) -> Self {
        Self::File(Path::new("secrets").join(id.as_str()))
    }

    /// Reads it. This may wait for a person who is asked by a command or a keyring.
    ///
    /// # Errors
    /// When there is none; the error says why and what to do.
    pub fn read(&self, dir: &Path, id: &AccountId) -> Result<Password, AccountError> {
        match self {
            Self::File(path) => read_file(&dir.join(path)),
            Self::Command(argv) => {
                let output = command::run(argv, None, COMMAND_WITHIN)?;
                Password::first_line(&output).map_err(|_| AccountError::Command {
                    program: argv.first().cloned().unwrap_or_default(),
                    what: "it printed no password in its first line".to_owned(),
                })
            }
            Self::Keyring => keyring::read(id),
        }
    }

    /// Whether a look at the disk says that it can be read. A command is not run, a keyring not
    /// asked.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn look(&self, dir: &Path) -> Result<(), AccountError> {
        match self {
            Self::File(path) => read_file(&dir.join(path)).map(drop),
            Self::Command(_) | Self::Keyring => Ok(()),
        }
    }

    /// Keeps `password` where this one comes from; a command keeps its own.
    ///
    /// # Errors
    /// When it cannot be kept there.
    pub fn keep(
        &self,
        dir: &Path,
        id: &AccountId,
        password: &Password,
    ) -> Result<(), AccountError> {
        match self {
            Self::Command(_) => Ok(()),
            Self::Keyring => keyring::keep(id, password),
            Self::File(path) => {
                let path = dir.join(path);
                if let Some(parent) = path.parent() {
                    crate::store::private_dir(parent)?;
                }
                let mut line = Zeroizing::new(password.expose().as_bytes().to_vec());
                line.push(b'\n');
                Ok(crate::store::disk::replace(&path, &line)?)
            }
        }
    }

    /// Forgets what was kept for an account that goes; what the user wrote himself stays.
    ///
    /// # Errors
    /// When the disk or the keyring refuses.
    pub fn forget(&self, dir: &Path, id: &AccountId) -> Result<(), AccountError> {
        if *self == Self::kept(id) {
            let Self::File(path) = self else { return Ok(()) };
            let path = dir.join(path);
            if !path.exists() {
                return Ok(());
            }
            return Ok(crate::store::disk::remove(&path)?);
        }
        if *self == Self::Keyring { keyring::forget(id) } else { Ok(()) }
    }
}

/// Whether there is a keyring that can be asked.
#[must_use]
pub fn has_keyring() -> bool {
    keyring::is_there()
}

fn read_file(path: &Path) -> Result<Password, AccountError> {
    use std::os::unix::fs::PermissionsExt as _;
    let io = |error| AccountError::PasswordFile { path: path.to_owned(), error };
    let file = std::fs::File::open(path).map_err(io)?;
    let rights = file.metadata().map_err(io)?.permissions().mode() & 0o7777;
    if rights & 0o077 != 0 {
        return Err(AccountError::Exposed { path: path.to_owned(), rights });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD_BYTES + 1));
    file.take(MAX_PASSWORD_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    Password::first_line(&bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn id() -> AccountId {
        AccountId::try_from("ann-example-org").unwrap()
    }

    fn sh(script: &str) -> Secret {
        Secret::Command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    #[test]
    fn a_password_shows_nowhere() {
        let password = Password::new("hush".to_owned()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
        assert_eq!(password.expose(), "hush");
        for wrong in ["", "a\nb", "a\rb", "a\0b", &"x".repeat(MAX_PASSWORD_BYTES + 1)] {
            let error = Password::new(wrong.to_owned()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("xx"));
        }
        assert_eq!(Password::first_line(b" a b \r\nsecond").unwrap().expose(), " a b ");
        assert!(Password::first_line(b"\nsecond").is_err());
        assert!(Password::first_line(b"\xff").is_err());
    }

    #[test]
    fn a_kept_password_is_its_owners_and_goes_with_its_account() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Secret::kept(&id());
        kept.keep(dir.path(), &id(), &Password::new("hush".to_owned()).unwrap()).unwrap();
        let path = dir.path().join("secrets/ann-example-org");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let rights = std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(rights & 0o777, 0o700);
        assert_eq!(kept.read(dir.path(), &id()).unwrap().expose(), "hush");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = kept.read(dir.path(), &id()).unwrap_err();
        assert!(matches!(error, AccountError::Exposed { rights: 0o640, .. }));
        kept.forget(dir.path(), &id()).unwrap();
        assert!(!path.exists());
        kept.forget(dir.path(), &id()).unwrap();
        let own = dir.path().join("own");
        std::fs::write(&own, "x").unwrap();
        Secret::File(own.clone()).forget(dir.path(), &id()).unwrap();
        assert!(own.exists(), "a file of the user's own stays");
    }

    #[test]
    fn a_command_gives_its_first_line_or_says_why_not() {
        let dir = tempfile::tempdir().unwrap();
        let read = |script: &str| sh(script).read(dir.path(), &id());
        assert_eq!(read("printf 'hush\\nlogin: ann\\n'").unwrap().expose(), "hush");
        let said = read("echo 'no such entry' >&2; exit 3").unwrap_err().to_string();
        assert!(said.contains("no such entry") && said.contains('3'), "{said}");
        assert!(read("exit 0").unwrap_err().to_string().contains("no password"));
        let hidden = read("echo hush; exit 1").unwrap_err();
        assert!(!format!("{hidden} {hidden:?}").contains("hush"));
        let none = Secret::Command(vec!["/nowhere/at/all".to_owned()]).read(dir.path(), &id());
        assert!(none.unwrap_err().to_string().contains("/nowhere/at/all"));
    }
}
