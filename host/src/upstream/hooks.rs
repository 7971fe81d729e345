//! What `wasmtime-wasi-http` asks of its host: to send a request.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::uri::Scheme;
use http::{Method, Request, Response, Uri};
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};

use super::Rules;
use super::exchange::Exchange;
use super::fault::Fault;
use super::hosts::{self, HTTP, HTTPS, Host};
use super::ticket::{Ticket, Told};
use crate::account::Seats;
use crate::guest_log::Speaker;

/// Bytes of the header fields that a guest makes, or gets, with one message.
pub(super) const MAX_FIELDS: usize = 32 * 1024;
/// Bytes of a request's body that wait to be sent, in each of two pieces.
const BODY_PIECE: usize = 64 * 1024;

/// One instance's requests.
pub(crate) struct Upstream {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    speaker: Arc<Speaker>,
    rules: Arc<Rules>,
    requests: Arc<Seats>,
}

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl Upstream {
    pub(crate) fn new(speaker: Arc<Speaker>, rules: Arc<Rules>) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(MAX_FIELDS);
        let requests = Arc::new(Seats::new(rules.max_requests));
        Self { context, hooks: Hooks { speaker, rules, requests } }
    }

    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.context }
    }
}

/// Where a request goes.
pub(super) struct Target {
    pub(super) host: Host,
    /// As the guest wrote it, without brackets.
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) secure: bool,
}

impl Target {
    /// Of a URL whose authority is a host, and maybe a port, and nothing else.
    fn of(uri: &Uri) -> Option<Self> {
        let authority = uri.authority()?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let (host, written) = (authority.host(), authority.as_str());
        let port = match written.strip_prefix(host)?.strip_prefix(':') {
            Some(port) => authority.port_u16().filter(|number| port == number.to_string())?,
            None if written == host => {
                if secure {
                    HTTPS
                } else {
                    HTTP
                }
            }
            None => return None,
        };
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let fits = !name.is_empty() && port > 0;
        fits.then(|| Self { host: Host::new(host), name, port, secure })
    }

    /// What would allow it.
    fn entry(&self) -> String {
        let port = self.port;
        let usual = port == if self.secure { HTTPS } else { HTTP };
        match &self.host {
            Host::Name(name) if usual => name.clone(),
            Host::Name(name) => format!("{name}:{port}"),
            Host::Address(address) => entry_of(*address, port),
        }
    }
}

/// What would allow an address.
pub(super) fn entry_of(address: std::net::IpAddr, port: u16) -> String {
    match [HTTP, HTTPS].contains(&port) {
        true => address.to_string(),
        false => std::net::SocketAddr::new(address, port).to_string(),
    }
}

impl Hooks {
    fn begin(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Exchange, Error> {
        let written = request.uri().authority().map_or("", |authority| authority.as_str());
        let told = Told { speaker: self.speaker.clone(), host: written.into() };
        let checked = Target::of(request.uri()).ok_or(Fault::Uri).and_then(|target| {
            if request.method() == Method::CONNECT {
                return Err(Fault::Method);
            }
            if !hosts::are_for(&self.rules.allowed, &target.host, target.port) {
                return Err(Fault::Host { entry: target.entry() });
            }
            let length = request.headers().get(CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
            if length.is_some_and(|length| length > self.rules.max_request_size as u64) {
                return Err(Fault::RequestSize(self.rules.max_request_size));
            }
            Ok((target, Ticket::take(told.clone(), &self.requests)?))
        });
        let (target, ticket) = checked.map_err(|fault| told.refused(fault))?;
        let rules = self.rules.clone();
        Ok(Exchange { target, request, options: options.unwrap_or_default(), rules, ticket })
    }
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let exchange = self.begin(request, options);
        Box::new(async move {
            let response = exchange?.run().await?;
            // What drives the connection lives as long as the answer's body.
            let done: Box<dyn Future<Output = _> + Send> = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_PIECE
    }

    // `Fault` leaves none of these over; they would be logged without a bound.
    fn p2_error_from_hyper(&mut self, _: &hyper::Error) -> ErrorCode {
        ErrorCode::HttpProtocolError
    }

    fn p2_error_from_connect(&mut self, _: &std::io::Error) -> ErrorCode {
        ErrorCode::DestinationUnavailable
    }

    fn p2_error_from_tls(&mut self, _: &std::io::Error) -> ErrorCode {
        ErrorCode::TlsProtocolError
    }
}

/// The shorter one of the host's limit and what the guest said; and whether it is the
/// host's.
pub(super) fn shorter(limit: Duration, said: Option<Duration>) -> (Duration, bool) {
    match said {
        Some(said) if said < limit => (said, false),
        _ => (limit, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_a_port_and_nothing_else() {
        let target = |text: &str| {
            let target = Target::of(&text.parse().unwrap())?;
            Some((target.name.clone(), target.port, target.secure, target.entry()))
        };
        let is = |name: &str, port, secure, entry: &str| {
            Some((name.to_owned(), port, secure, entry.to_owned()))
        };
        assert_eq!(target("https://A.example/x"), is("A.example", 443, true, "a.example"));
        assert_eq!(target("http://a.example./"), is("a.example.", 80, false, "a.example"));
        assert_eq!(target("http://a:443/"), is("a", 443, false, "a:443"));
        assert_eq!(target("https://10.0.0.1/"), is("10.0.0.1", 443, true, "10.0.0.1"));
        assert_eq!(target("http://[::1]:81/"), is("::1", 81, false, "[::1]:81"));
        for text in [
            "https://user@a/",
            "https://user:secret@a:1/",
            "https://a:0/",
            "https://a:/",
            "https://a:+1/",
            "https://a:099/",
            "/path",
        ] {
            if text.parse::<Uri>().is_ok() {
                assert_eq!(target(text), None, "{text}");
            }
        }
    }
}
