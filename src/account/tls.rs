//! What certificates are trusted.
//!
//! Invariant: those of the system, and of one file that the user named; a server is never believed
//! without one of its name.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::AccountError;

/// The largest file of certificates that is read, in bytes.
const MAX_CA_BYTES: u64 = 1024 * 1024;

/// A client that trusts the system's authorities and those of `ca`.
///
/// # Errors
/// When the file cannot be read, or is no certificates.
pub fn client(ca: Option<&Path>) -> Result<Arc<ClientConfig>, AccountError> {
    let mut roots = RootCertStore::empty();
    // One that cannot be read there is as if it were not; without any, every server is refused.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        add(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| AccountError::Tls(error.to_string()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), AccountError> {
    let wrong = |what: String| AccountError::Tls(format!("{}: {what}", path.display()));
    let meta = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if meta.len() > MAX_CA_BYTES {
        return Err(wrong("the file is too long".to_owned()));
    }
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut count = 0;
    for one in CertificateDer::pem_slice_iter(&pem) {
        let one = one.map_err(|_| wrong("it is not PEM".to_owned()))?;
        roots.add(one).map_err(|error| wrong(error.to_string()))?;
        count += 1;
    }
    if count == 0 {
        return Err(wrong("no certificate (PEM) is in it".to_owned()));
    }
    Ok(())
}
