//! TLS for the clients' listeners (RFC 8446), from files that may change while the
//! server runs: who connects later gets the new certificate, and open connections
//! stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::directory::Fingerprint;

/// How often the files are looked at. Certificates are renewed weeks before they end.
const LOOK: Duration = Duration::from_secs(1);

/// Where TLS is configured.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and those above it, in PEM, the server's own first.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
    /// Authorities, in PEM: clients need a certificate of one of them. `None` asks
    /// clients for nothing.
    pub client_authorities: Option<PathBuf>,
}

/// Why TLS can't be had from the files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or is not what it should be.
    #[error("{}: {why}: it has to hold {what} in PEM", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was expected in it.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The files can be read, but do not belong together or can't be used.
    #[error("{} and {}: {why}", files.certificate.display(), files.key.display())]
    Unusable {
        /// The files.
        files: Box<TlsFiles>,
        /// What is wrong.
        why: rustls::Error,
    },
}

pub(crate) struct Tls {
    files: TlsFiles,
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    pub(crate) fn new(files: TlsFiles) -> Result<Self, TlsError> {
        let config = ArcSwap::from_pointee(load(&files)?);
        Ok(Self { files, config })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.config.load_full().into()
    }

    /// Takes up changes of the files, for ever. What can't be used changes nothing
    /// but the log, and is tried again when the files change.
    pub(crate) async fn follow(&self) {
        let mut known = self.fingerprints();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.fingerprints();
            if now == known {
                continue;
            }
            known = now;
            match load(&self.files) {
                Ok(config) => {
                    self.config.store(Arc::new(config));
                    tracing::info!("{}: serves as certificate", self.files.certificate.display());
                }
                Err(error) => tracing::error!("{error} (the old certificate serves on)"),
            }
        }
    }

    fn fingerprints(&self) -> Vec<Option<Fingerprint>> {
        let TlsFiles { certificate, key, client_authorities } = &self.files;
        let files = [Some(certificate), Some(key), client_authorities.as_ref()];
        let data = files.into_iter().flatten().map(|file| fs::metadata(file).ok());
        data.map(|data| data.as_ref().map(Fingerprint::of)).collect()
    }
}

fn load(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let unusable = |why| TlsError::Unusable { files: Box::new(files.clone()), why };
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| wrong(&files.key, "a private key", error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let config = match &files.client_authorities {
        None => config.with_no_client_auth(),
        Some(file) => {
            let mut authorities = RootCertStore::empty();
            for authority in certificates(file)? {
                authorities.add(authority).map_err(unusable)?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider)
                    .build()
                    .map_err(|error| wrong(file, "certificates of authorities", error))?;
            config.with_client_cert_verifier(verifier)
        }
    };
    let mut config = config.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |error| wrong(file, "certificates", error);
    let all = CertificateDer::pem_file_iter(file).map_err(wrong)?;
    all.collect::<Result<_, _>>().map_err(wrong)
}

fn wrong(path: &Path, what: &'static str, error: impl std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_owned(), what, why: error.to_string() }
}
