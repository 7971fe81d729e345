//! A request, until it is sent.

use std::time::Duration;

use super::url::Url;
use super::{Error, Response};
use crate::bindings::http::wasi::http::outgoing_handler::handle;
use crate::bindings::http::wasi::http::types::{
    Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use crate::bindings::http::wasi::io::streams::{OutputStream, StreamError};

/// A request that has not been sent. [`get`](super::get) and [`post`](super::post) make
/// the usual ones.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a request does nothing until `send`"]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    timeout: Option<Duration>,
}

impl Request {
    /// A request of any method but CONNECT, such as `"PUT"`.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] where the URL is not one of http or https.
    pub fn new(method: &str, url: &str) -> Result<Self, Error> {
        Url::parse(url)?;
        Ok(Self {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
        })
    }

    /// Adds a header. Whether it can be sent shows in [`send`](Self::send).
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the body. Its length is sent with it.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// How long the other end may take to be connected with, to begin its answer, and
    /// between two pieces of it. It is `http-timeout` at most, which it is by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sends it, and waits for the head of the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// Whatever [`Error`] names, but for [`Error::NotText`].
    pub fn send(self) -> Result<Response, Error> {
        match crate::host::http::answer(&self) {
            Some(answer) => answer,
            None => self.exchange(),
        }
    }

    /// As an upstream is asked by a test.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn asked(&self) -> crate::testing::Asked {
        crate::testing::Asked {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
        }
    }

    fn exchange(self) -> Result<Response, Error> {
        let url = Url::parse(&self.url)?;
        let headers = Fields::new();
        for (name, value) in &self.headers {
            headers.append(name, value).map_err(|_| Error::Header(name.clone()))?;
        }
        if !self.body.is_empty() {
            let length = self.body.len().to_string();
            let name = "content-length";
            headers
                .set(name, &[length.into_bytes()])
                .map_err(|_| Error::Header(name.to_owned()))?;
        }
        let request = OutgoingRequest::new(headers);
        let of_url = |()| Error::Url(self.url.clone());
        let scheme = if url.secure { Scheme::Https } else { Scheme::Http };
        request.set_scheme(Some(&scheme)).map_err(of_url)?;
        request.set_authority(Some(&url.authority)).map_err(of_url)?;
        request.set_path_with_query(Some(&url.path)).map_err(of_url)?;
        let of_method = |()| Error::Method(self.method.clone());
        request.set_method(&method(&self.method)).map_err(of_method)?;
        let outgoing = match self.body.is_empty() {
            true => None,
            false => Some(request.body().map_err(|()| Error::Header("content-length".into()))?),
        };
        let named = |error| match error {
            // The host does not repeat what it was given.
            Error::Url(_) => Error::Url(self.url.clone()),
            Error::Method(_) => Error::Method(self.method.clone()),
            error => error,
        };
        let pending = handle(request, self.options()).map_err(|code| named(Error::from(code)))?;
        if let Some(outgoing) = outgoing {
            // Where this fails, the answer says why.
            let _ = write_body(outgoing, &self.body);
        }
        pending.subscribe().block();
        match pending.get() {
            Some(Ok(Ok(response))) => Ok(Response::new(&response)),
            Some(Ok(Err(code))) => Err(named(Error::from(code))),
            Some(Err(())) | None => Err(Error::Other("the answer is not there".into())),
        }
    }

    fn options(&self) -> Option<RequestOptions> {
        let nanoseconds = u64::try_from(self.timeout?.as_nanos()).unwrap_or(u64::MAX);
        let options = RequestOptions::new();
        // All of them are there; where one is not, the host's own limit holds.
        let _ = options.set_connect_timeout(Some(nanoseconds));
        let _ = options.set_first_byte_timeout(Some(nanoseconds));
        let _ = options.set_between_bytes_timeout(Some(nanoseconds));
        Some(options)
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn write_body(outgoing: OutgoingBody, body: &[u8]) -> Result<(), ()> {
    let stream = outgoing.write()?;
    let written = write_all(&stream, body);
    drop(stream);
    match written {
        Ok(()) => OutgoingBody::finish(outgoing, None).map_err(drop),
        // Dropped unfinished, it is cut off.
        Err(_) => Err(()),
    }
}

fn write_all(stream: &OutputStream, mut body: &[u8]) -> Result<(), StreamError> {
    while !body.is_empty() {
        let room = stream.check_write()?;
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = body.split_at(body.len().min(room.try_into().unwrap_or(usize::MAX)));
        stream.write(now)?;
        body = later;
    }
    stream.flush()
}
