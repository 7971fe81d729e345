//! TLS: the same behind it, and certificates that change under a running server.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::{Server, Start, run, within};
use futures_util::{SinkExt as _, StreamExt as _};

pub(crate) type Identity = CertifiedKey<KeyPair>;
type TlsClient = WebSocketStream<TlsStream<TcpStream>>;

pub(crate) fn identity() -> Identity {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

pub(crate) fn write(folder: &Path, identity: &Identity) {
    std::fs::write(folder.join("key.pem"), identity.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), identity.cert.pem()).unwrap();
}

async fn server(folder: &Path, args: &[String]) -> Server {
    let file = |name: &str| folder.join(name).display().to_string();
    let start = Start::embedded()
        .arg(format!("--tls-cert={}", file("cert.pem")))
        .arg(format!("--tls-key={}", file("key.pem")));
    args.iter().fold(start, |start, arg| start.arg(arg)).run().await
}

/// A socket that holds little of what it is sent.
async fn slow_socket(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.connect(address).await.unwrap()
}

/// Connects, trusting one certificate and showing another where there is one.
async fn connect(
    server: &Server,
    trusted: &Identity,
    own: Option<&Identity>,
) -> Result<TlsClient, String> {
    let attempt = async {
        let socket = slow_socket(server.address).await;
        let stream = secure(socket, trusted, own).await?;
        let opened = client_async("ws://localhost/echo", stream).await;
        opened.map(|(client, _)| client).map_err(|error| error.to_string())
    };
    within("a handshake", attempt).await
}

/// TLS over a socket, with these certificates.
pub(crate) async fn secure(
    socket: TcpStream,
    trusted: &Identity,
    own: Option<&Identity>,
) -> Result<TlsStream<TcpStream>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from(own.cert.der().to_vec())];
            let key = own.signing_key.serialize_pem();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, socket).await.map_err(|error| error.to_string())
}

async fn ask(client: &mut TlsClient, text: String) -> Message {
    within("sending", client.send(text.into())).await.unwrap();
    within("an answer", client.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_served_behind_tls_is_the_same() {
    let folder = tempfile::TempDir::new().unwrap();
    let identity = identity();
    write(folder.path(), &identity);
    let server = server(folder.path(), &[]).await;
    assert!(server.stdout().contains(&format!("wss://{}/echo", server.address)));
    let mut client = connect(&server, &identity, None).await.unwrap();
    for size in [0, 5, 100_000, 1 << 20] {
        let text = "x".repeat(size);
        assert_eq!(ask(&mut client, text.clone()).await, Message::from(text));
    }
    client.close(None).await.unwrap();
    let end = within("the end", client.next()).await;
    assert!(matches!(end, Some(Ok(Message::Close(None)))), "{end:?}");
    // A stranger's certificate is not this server's.
    assert!(connect(&server, &self::identity(), None).await.is_err());
}

#[tokio::test]
async fn a_slow_reader_gets_every_message_once_and_in_order() {
    let folder = tempfile::TempDir::new().unwrap();
    let identity = identity();
    write(folder.path(), &identity);
    let server = server(folder.path(), &[]).await;
    let (mut sink, mut stream) = connect(&server, &identity, None).await.unwrap().split();
    let message = |number: u32| Message::from(format!("{number} {}", "x".repeat(20_000)));
    // Far more than the sockets hold.
    let sender = tokio::spawn(async move {
        for number in 0..500 {
            sink.send(message(number)).await.unwrap();
        }
        sink.send(Message::Close(None)).await.unwrap();
    });
    let mut pace = tokio::time::interval(std::time::Duration::from_millis(2));
    for number in 0..500 {
        pace.tick().await;
        let got = within("a message", stream.next()).await.unwrap().unwrap();
        assert!(got == message(number), "{number}: {:.20}", got.to_string());
    }
    let end = within("the end", stream.next()).await;
    assert!(matches!(end, Some(Ok(Message::Close(None)))), "{end:?}");
    sender.await.unwrap();
}

#[tokio::test]
async fn a_certificate_is_replaced_without_a_restart_and_a_broken_one_is_not_taken() {
    let folder = tempfile::TempDir::new().unwrap();
    let (first, second) = (identity(), identity());
    write(folder.path(), &first);
    let server = server(folder.path(), &[]).await;
    let mut old = connect(&server, &first, None).await.unwrap();
    write(folder.path(), &second);
    server.log.message("cert.pem: serves as certificate").await;
    let mut new = connect(&server, &second, None).await.unwrap();
    assert_eq!(ask(&mut new, "new".into()).await, Message::from("new"));
    assert_eq!(ask(&mut old, "old".into()).await, Message::from("old"));
    std::fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
    server.log.message("the old certificate serves on").await;
    connect(&server, &second, None).await.unwrap();
}

#[tokio::test]
async fn clients_show_a_certificate_where_that_is_asked_for() {
    let folder = tempfile::TempDir::new().unwrap();
    let (own, client) = (identity(), identity());
    write(folder.path(), &own);
    let authorities = folder.path().join("clients.pem");
    std::fs::write(&authorities, client.cert.pem()).unwrap();
    let server =
        server(folder.path(), &[format!("--tls-client-ca={}", authorities.display())]).await;
    connect(&server, &own, Some(&client)).await.unwrap();
    assert!(connect(&server, &own, None).await.is_err());
    assert!(connect(&server, &own, Some(&identity())).await.is_err());
}

#[tokio::test]
async fn who_does_not_speak_tls_costs_a_handshake_s_time() {
    let folder = tempfile::TempDir::new().unwrap();
    write(folder.path(), &identity());
    let server = server(folder.path(), &["--handshake-timeout=300ms".into()]).await;
    let mut silent = slow_socket(server.address).await;
    let mut bytes = Vec::new();
    within("the end of the socket", silent.read_to_end(&mut bytes)).await.unwrap();
    assert!(bytes.is_empty(), "{bytes:?}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    write(folder.path(), &identity());
    std::fs::write(file("empty.pem"), "").unwrap();
    std::fs::write(file("other.pem"), identity().signing_key.serialize_pem()).unwrap();
    for (cert, key, named) in [
        ("nothing.pem", "key.pem", "nothing.pem"),
        ("empty.pem", "key.pem", "empty.pem"),
        ("cert.pem", "empty.pem", "empty.pem"),
        ("cert.pem", "other.pem", "other.pem"),
    ] {
        let (cert, key) = (file(cert), file(key));
        let args = ["--listen=127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key];
        let (status, _, stderr) = run(&args).await;
        assert_eq!(status.code(), Some(1), "{named}");
        assert!(stderr.contains(named), "{named}: {stderr}");
    }
}
