//! The token of a served backend: 256 random bits in a file that only its owner can read.
//!
//! Invariant: compared in constant time; never in a log, never on a command line.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use subtle::ConstantTimeEq as _;

use crate::store::{StoreError, disk};

/// The token's hash, as the backend keeps it in memory.
#[derive(Clone, Debug)]
pub struct Token([u8; 32]);

impl Token {
    /// Whether `offered` is the token.
    #[must_use]
    pub fn matches(&self, offered: &str) -> bool {
        let hash = blake3::hash(offered.trim().as_bytes());
        self.0.ct_eq(hash.as_bytes()).into()
    }
}

/// The token of the backend in `dir`: read from `dir/token`, made there at first.
///
/// # Errors
/// When the file cannot be read or written, or the machine has no randomness.
pub fn token(dir: &Path) -> Result<Token, StoreError> {
    let path = dir.join("token");
    let io = |error| StoreError::Io { path: path.clone(), error };
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => {
            private(&path)?;
            Ok(Token(*blake3::hash(text.trim().as_bytes()).as_bytes()))
        }
        Ok(_) => make(&path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(&path),
        Err(error) => Err(io(error)),
    }
}

fn make(path: &Path) -> Result<Token, StoreError> {
    let io = |error| StoreError::Io { path: path.to_owned(), error };
    let secret = crate::clock::secret().map_err(io)?;
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
    disk::replace(path, format!("{text}\n").as_bytes())?;
    Ok(Token(*blake3::hash(text.as_bytes()).as_bytes()))
}

/// Nobody but its owner reads the file, whoever made it.
fn private(path: &Path) -> Result<(), StoreError> {
    let io = |error| StoreError::Io { path: path.to_owned(), error };
    let mut rights = std::fs::metadata(path).map_err(io)?.permissions();
    if rights.mode() & 0o077 != 0 {
        rights.set_mode(0o600);
        std::fs::set_permissions(path, rights).map_err(io)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_that_others_could_read_is_closed_to_them() {
        for text in ["", "chosen-by-hand"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("token");
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            super::token(dir.path()).unwrap();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{text:?}");
        }
    }

    #[test]
    fn the_token_is_made_once_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let token = super::token(dir.path()).unwrap();
        let path = dir.path().join("token");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(token.matches(&text) && super::token(dir.path()).unwrap().matches(&text));
        assert!(!token.matches("") && !token.matches("wrong"));
    }
}
