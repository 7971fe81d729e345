//! TLS with upstreams: who they are is vouched for by the system's authorities.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Upstreams;
use super::fault::Fault;
use super::hooks::Target;
use super::hosts::Host;

/// Secures a connection. The certificate has to be the target's.
pub(super) async fn secure(
    socket: TcpStream,
    target: &Target,
    upstreams: &Upstreams,
) -> Result<TlsStream<TcpStream>, Fault> {
    let config = upstreams.authorities.get_or_try_init(read_authorities).await?.clone();
    let name = match &target.host {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|error| Fault::Tls(io::Error::other(error)))?,
    };
    TlsConnector::from(config).connect(name, socket).await.map_err(Fault::Tls)
}

/// Those in `SSL_CERT_FILE` and `SSL_CERT_DIR`, or else where the system keeps them.
async fn read_authorities() -> Result<Arc<ClientConfig>, Fault> {
    let read = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
    let found = read.await.map_err(|error| Fault::Authorities(error.to_string()))?;
    let mut authorities = RootCertStore::empty();
    // One that can't be read vouches for nobody.
    authorities.add_parsable_certificates(found.certs);
    if authorities.is_empty() {
        let why = found.errors.first().map_or("there are none".into(), ToString::to_string);
        return Err(Fault::Authorities(why));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::Authorities(error.to_string()))?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
