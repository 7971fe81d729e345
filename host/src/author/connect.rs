//! `socklet connect`: a small client, to try out a handler by hand.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderName, HeaderValue};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use socklet::Printable;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

const HELP: &str = "\
Each line that is typed, or piped in, is sent as a text message. A line that begins with / is a
command; // begins a text with one slash:
  /binary FILE          send a file as one binary message
  /ping [TEXT]          send a ping, of at most 125 bytes
  /close [CODE [WHY]]   begin to close, with 1000 where no code is given
  /help                 show this

Examples:
  socklet connect ws://127.0.0.1:9000/chat
  socklet connect wss://example.com/feed --header @token.txt
  echo hello | socklet connect ws://127.0.0.1:9000/echo --wait 1s

Exit codes: 0 when the connection was closed with 1000, 1001 or no code; 1 when it could not be
opened, or ended in another way; 2 for a wrong command line.";

/// How long the opening handshake may take, and the closing one.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that are shown of the page that came with a refusal.
const SHOWN_OF_BODY: usize = 500;
/// Bytes of a binary message that are shown.
const SHOWN: usize = 64;
const PROMPT_COLOR: Style = AnsiColor::Cyan.on_default();
const INFO: Style = Style::new().dimmed();

#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(crate) struct Connect {
    /// ws://HOST[:PORT]/PATH, or wss:// with TLS
    url: String,
    /// Header field of the opening request, as NAME: VALUE, or @FILE for a file of such lines,
    /// as what is secret does not belong on a command line; may be given more than once
    #[arg(short = 'H', long, value_name = "FIELD", value_parser = fields)]
    header: Vec<Fields>,
    /// Subprotocol to offer; may be given more than once, the preferred one first
    #[arg(short, long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// Origin to come from, as a browser says it
    #[arg(short, long, value_name = "ORIGIN")]
    origin: Option<HeaderValue>,
    /// How long to listen after the end of what is piped in, before the connection is closed
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

#[derive(Clone, Debug)]
struct Fields(Vec<(HeaderName, HeaderValue)>);

fn fields(written: &str) -> Result<Fields, String> {
    let Some(file) = written.strip_prefix('@') else { return Ok(Fields(vec![header(written)?])) };
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(Fields(lines.map(header).collect::<Result<_, _>>()?))
}

fn header(field: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = field.split_once(':').ok_or("write it as NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} can't be a field's name"))?;
    let value = value.trim().parse().map_err(|_| "this can't be a field's value".to_owned())?;
    Ok((name, value))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Socket = tokio_tungstenite::WebSocketStream<Box<dyn Stream>>;

/// What a line asks for.
#[derive(Debug, PartialEq)]
enum Line {
    Send(Message),
    Binary(PathBuf),
    Help,
    Wrong(String),
}

impl Connect {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let done = runtime.block_on(self.talk());
        // A line that is being typed is not waited for.
        runtime.shutdown_background();
        done
    }

    async fn talk(&self) -> Result<ExitCode> {
        let opened = timeout(PATIENCE, self.open()).await;
        let socket =
            opened.with_context(|| format!("{}: no answer within {PATIENCE:?}", self.url))??;
        let (mut sink, mut stream) = socket.split();
        // What the peer has no room for does not keep its own messages from being read.
        let (send, mut to_send) = mpsc::channel(1);
        let sends = tokio::spawn(async move {
            while let Some(message) = to_send.recv().await {
                // The other half tells why.
                if sink.send(message).await.is_err() {
                    return;
                }
            }
        });
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let (mut reads, mut closing) = (true, false);
        let mut waiting = None;
        // There is no deadline before the connection is to end.
        let mut deadline = Instant::now() + Duration::from_hours(24 * 365);
        loop {
            tokio::select! {
                came = stream.next() => match came {
                    Some(Ok(Message::Close(frame))) => {
                        // The answer leaves before the stream ends.
                        let ends = async { while stream.next().await.is_some() {} };
                        let _ = timeout(PATIENCE, ends).await;
                        sends.abort();
                        return Ok(closed(frame.as_ref()));
                    }
                    Some(Ok(message)) => show(&message),
                    Some(Err(error)) => bail!("{}: ended without a close frame: {error}", self.url),
                    None => bail!("{}: ended without a close frame", self.url),
                },
                permit = send.reserve(), if waiting.is_some() => {
                    let (Ok(permit), Some(message)) = (permit, waiting.take()) else { continue };
                    if matches!(message, Message::Close(_)) {
                        (reads, closing) = (false, true);
                        deadline = Instant::now() + PATIENCE;
                    }
                    permit.send(message);
                }
                line = lines.next_line(), if reads && waiting.is_none() => match line? {
                    Some(line) => waiting = obey(&line),
                    None => {
                        reads = false;
                        deadline = Instant::now() + self.wait;
                    }
                },
                () = sleep_until(deadline) => {
                    if closing {
                        bail!("{}: has not answered the close frame", self.url);
                    }
                    let frame = CloseFrame { code: 1000.into(), reason: "".into() };
                    waiting = Some(Message::Close(Some(frame)));
                    deadline = Instant::now() + PATIENCE;
                    closing = true;
                }
            }
        }
    }

    fn request(&self) -> Result<Request> {
        let url = match self.url.contains("://") {
            true => self.url.clone(),
            false => format!("ws://{}", self.url),
        };
        let request = url.as_str().into_client_request();
        let mut request = request.with_context(|| format!("{}: is no WebSocket URL", self.url))?;
        let headers = request.headers_mut();
        if !self.subprotocol.is_empty() {
            let offered = self.subprotocol.join(", ");
            let offered = offered.parse().context("--subprotocol can't be a header field")?;
            headers.insert("sec-websocket-protocol", offered);
        }
        if let Some(origin) = &self.origin {
            headers.insert("origin", origin.clone());
        }
        for (name, value) in self.header.iter().flat_map(|fields| &fields.0) {
            headers.append(name, value.clone());
        }
        Ok(request)
    }

    async fn open(&self) -> Result<Socket> {
        let request = self.request()?;
        let secure = match request.uri().scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => bail!("{}: is no WebSocket URL: begin with ws:// or wss://", self.url),
        };
        let host = request.uri().host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = request.uri().port_u16().unwrap_or(if secure { 443 } else { 80 });
        let socket = TcpStream::connect((host.as_str(), port)).await;
        let socket = socket.with_context(|| format!("{}: can't connect", self.url))?;
        socket.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match secure {
            false => Box::new(socket),
            true => {
                let name = ServerName::try_from(host).context("this host has no name for TLS")?;
                let connected = tls()?.connect(name, socket).await;
                Box::new(connected.with_context(|| format!("{}: no TLS", self.url))?)
            }
        };
        match client_async(request, stream).await {
            Ok((socket, response)) => {
                let agreed = response.headers().get("sec-websocket-protocol");
                let agreed = agreed.and_then(|agreed| agreed.to_str().ok());
                let agreed = agreed.map(|agreed| format!(", subprotocol {agreed}"));
                inform(&format!("open{}", agreed.unwrap_or_default()));
                Ok(socket)
            }
            Err(Error::Http(response)) => {
                let status = response.status();
                let body = response.body().as_deref().unwrap_or_default();
                let body = String::from_utf8_lossy(&body[..body.len().min(SHOWN_OF_BODY)]);
                bail!("{}: refused with {status}: {}", self.url, Printable(body.trim()))
            }
            Err(error) => Err(error).with_context(|| format!("{}: no WebSocket", self.url)),
        }
    }
}

fn tls() -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    // One that can't be read makes a certificate unknown, which is said then.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What a line has sent, if anything.
fn obey(line: &str) -> Option<Message> {
    match understand(line) {
        Line::Send(message) => return Some(message),
        Line::Binary(file) => match std::fs::read(&file) {
            Ok(bytes) => return Some(Message::Binary(bytes.into())),
            Err(error) => inform(&format!("{}: {error}", file.display())),
        },
        Line::Help => HELP.lines().take_while(|line| !line.is_empty()).for_each(inform),
        Line::Wrong(why) => inform(&why),
    }
    None
}

fn understand(line: &str) -> Line {
    if let Some(text) = line.strip_prefix("//") {
        return Line::Send(Message::text(format!("/{text}")));
    }
    let Some(command) = line.strip_prefix('/') else { return Line::Send(Message::text(line)) };
    let (command, rest) = command.split_once(' ').unwrap_or((command, ""));
    match command {
        "binary" if !rest.is_empty() => Line::Binary(rest.into()),
        "ping" if rest.len() <= 125 => Line::Send(Message::Ping(rest.to_owned().into())),
        "ping" => Line::Wrong("a ping carries at most 125 bytes".into()),
        "close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = if code.is_empty() { "1000" } else { code };
            match code.parse::<u16>() {
                Ok(code) if code >= 1000 && reason.len() <= 123 => {
                    let frame = CloseFrame { code: code.into(), reason: reason.into() };
                    Line::Send(Message::Close(Some(frame)))
                }
                _ => Line::Wrong(
                    "/close CODE REASON: from 1000 to 65535, and up to 123 bytes".into(),
                ),
            }
        }
        "help" => Line::Help,
        _ => Line::Wrong(format!("no such command: /{command}; see /help, and // for a slash")),
    }
}

/// To a terminal nothing that it would obey; to a pipe what came.
fn show(message: &Message) {
    match message {
        Message::Text(text) if std::io::stdout().is_terminal() => {
            let text = Printable(text);
            anstream::println!("{PROMPT_COLOR}<{PROMPT_COLOR:#} {text}");
        }
        // Whoever closed the pipe does not want to read it.
        Message::Text(text) => _ = writeln!(std::io::stdout(), "< {text}"),
        Message::Binary(bytes) => {
            let shown: Vec<_> =
                bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
            let more = if bytes.len() > SHOWN { " …" } else { "" };
            let (count, shown) = (bytes.len(), shown.join(" "));
            let _ = writeln!(
                anstream::stdout(),
                "{PROMPT_COLOR}<{PROMPT_COLOR:#} {INFO}{count} bytes:{INFO:#} {shown}{more}"
            );
        }
        Message::Pong(bytes) => inform(&format!("pong {}", String::from_utf8_lossy(bytes))),
        Message::Ping(_) | Message::Close(_) | Message::Frame(_) => {}
    }
}

fn closed(frame: Option<&CloseFrame>) -> ExitCode {
    let Some(frame) = frame else {
        inform("closed, without a code");
        return ExitCode::SUCCESS;
    };
    let code = u16::from(frame.code);
    let why = if frame.reason.is_empty() { String::new() } else { format!(": {}", frame.reason) };
    inform(&format!("closed with {code}{why}"));
    if matches!(code, 1000 | 1001) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is no message, to stderr, so that messages alone can be piped on.
fn inform(text: &str) {
    anstream::eprintln!("{INFO}{}{INFO:#}", Printable(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_and_commands() {
        let text = |text: &str| Line::Send(Message::text(text));
        assert_eq!(understand("hello"), text("hello"));
        assert_eq!(understand(""), text(""));
        assert_eq!(understand("//path"), text("/path"));
        assert_eq!(understand("/binary a b"), Line::Binary("a b".into()));
        assert_eq!(understand("/ping"), Line::Send(Message::Ping("".into())));
        let close = |code: u16, reason: &str| {
            let frame = CloseFrame { code: code.into(), reason: reason.into() };
            Line::Send(Message::Close(Some(frame)))
        };
        assert_eq!(understand("/close"), close(1000, ""));
        assert_eq!(understand("/close 4000 all done"), close(4000, "all done"));
        for wrong in ["/close x", "/close 7", "/binary", "/nothing", &format!("/ping {:126}", "")] {
            assert!(matches!(understand(wrong), Line::Wrong(_)), "{wrong}");
        }
    }
}
