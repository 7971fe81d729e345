//! An answer: its head, and a body that may still be coming.

use super::Error;
use crate::bindings::http::wasi::http::types::{IncomingBody, IncomingResponse, http_error_code};
use crate::bindings::http::wasi::io::streams::{InputStream, StreamError};

/// The most that one chunk has.
const CHUNK: u64 = 64 * 1024;

/// An answer whose head has come. Dropped before its end, it closes its connection.
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    /// None once it has ended.
    body: Option<Body>,
}

#[derive(Debug)]
enum Body {
    /// A stream goes before what it is a stream of.
    Coming(InputStream, #[allow(dead_code, reason = "it is kept for as long")] IncomingBody),
    /// By a test.
    #[cfg(not(target_arch = "wasm32"))]
    Told(std::collections::VecDeque<Vec<u8>>),
}

impl Response {
    pub(super) fn new(response: &IncomingResponse) -> Self {
        let body = response.consume().ok();
        let body = body.and_then(|body| Some(Body::Coming(body.stream().ok()?, body)));
        Self { status: response.status(), headers: response.headers().entries(), body }
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn told(
        status: u16,
        headers: Vec<(String, Vec<u8>)>,
        body: std::collections::VecDeque<Vec<u8>>,
    ) -> Self {
        Self { status, headers, body: Some(Body::Told(body)) }
    }

    /// The status, such as 200.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that name, in whatever case it is given, if it is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| str::from_utf8(value).ok())
    }

    /// All headers: names in lower case, and values as they came.
    #[must_use]
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// Waits for the next piece of the body; none at its end. It is never empty, and as
    /// long as what has come by then, up to 64 KiB.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::Timeout`] and [`Error::Connection`]; after one of
    /// these the body has ended.
    pub fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let stream = match &mut self.body {
                None => return Ok(None),
                Some(Body::Coming(stream, _)) => stream,
                #[cfg(not(target_arch = "wasm32"))]
                Some(Body::Told(pieces)) => return Ok(pieces.pop_front()),
            };
            match stream.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => stream.subscribe().block(),
                Ok(chunk) => return Ok(Some(chunk)),
                Err(StreamError::Closed) => self.body = None,
                Err(StreamError::LastOperationFailed(error)) => {
                    let code = http_error_code(&error);
                    let other = || Error::Other(error.to_debug_string());
                    let error = code.map_or_else(other, Error::from);
                    self.body = None;
                    return Err(error);
                }
            }
        }
    }

    /// The pieces of the body as they come, each as [`chunk`](Self::chunk) has it. They
    /// end with the body, or with the first error.
    pub fn chunks(&mut self) -> Chunks<'_> {
        Chunks { response: self }
    }

    /// The lines of the body as they come, without their ends (`\n` or `\r\n`), as
    /// server-sent events have them. What is not UTF-8 is replaced.
    pub fn lines(&mut self) -> Lines<'_> {
        Lines { response: self, buffer: Vec::new(), searched: 0, over: false }
    }

    /// Waits for all of the body that is left.
    ///
    /// # Errors
    ///
    /// Those of [`chunk`](Self::chunk).
    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(mut chunk) = self.chunk()? {
            all.append(&mut chunk);
        }
        Ok(all)
    }

    /// Waits for all of the body that is left, as text.
    ///
    /// # Errors
    ///
    /// Those of [`chunk`](Self::chunk), and [`Error::NotText`].
    pub fn text(self) -> Result<String, Error> {
        String::from_utf8(self.bytes()?).map_err(|_| Error::NotText)
    }
}

/// The pieces of an answer; see [`Response::chunks`].
#[derive(Debug)]
pub struct Chunks<'a> {
    response: &'a mut Response,
}

impl Iterator for Chunks<'_> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.response.chunk().transpose()
    }
}

/// The lines of an answer; see [`Response::lines`].
#[derive(Debug)]
pub struct Lines<'a> {
    response: &'a mut Response,
    buffer: Vec<u8>,
    /// Bytes of it that have no end of a line.
    searched: usize,
    over: bool,
}

impl Iterator for Lines<'_> {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = next_line(&mut self.buffer, &mut self.searched) {
                return Some(Ok(line));
            }
            if self.over {
                return None;
            }
            match self.response.chunk() {
                Ok(Some(mut chunk)) => self.buffer.append(&mut chunk),
                Ok(None) => {
                    self.over = true;
                    let last = std::mem::take(&mut self.buffer);
                    self.searched = 0;
                    return (!last.is_empty()).then(|| Ok(text(&last)));
                }
                Err(error) => {
                    self.over = true;
                    self.buffer.clear();
                    self.searched = 0;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Takes a line that is whole out of the buffer.
fn next_line(buffer: &mut Vec<u8>, searched: &mut usize) -> Option<String> {
    let Some(at) = buffer[*searched..].iter().position(|byte| *byte == b'\n') else {
        *searched = buffer.len();
        return None;
    };
    let end = *searched + at;
    let line = text(&buffer[..end]);
    buffer.drain(..=end);
    *searched = 0;
    Some(line)
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_wherever_they_were_cut() {
        let (mut buffer, mut searched) = (Vec::new(), 0);
        let mut lines = Vec::new();
        for chunk in ["on", "e\ntw", "o\r", "\n\nth", "ree"] {
            buffer.extend_from_slice(chunk.as_bytes());
            while let Some(line) = next_line(&mut buffer, &mut searched) {
                lines.push(line);
            }
        }
        assert_eq!(lines, ["one", "two", ""]);
        assert_eq!((text(&buffer), searched), ("three".to_owned(), 5));
    }
}
