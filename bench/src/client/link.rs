//! One connection of the load generator.

use std::io::{self, ErrorKind, Read as _, Write as _};

use anyhow::{Result, bail};
use mio::net::TcpStream;

use super::frames::{CLOSE, PING, PONG, Parser, Part, frame};
use super::target::{Refusal, read_response};

/// What happens on a connection.
#[derive(Debug)]
pub(crate) enum Happening<'a> {
    /// The 101 has arrived.
    Open,
    /// Bytes of a message.
    Data { opcode: u8, before: usize, bytes: &'a [u8], last: bool },
    /// All that one read brought has been told.
    Read,
    /// The server's close frame, answered already; its code.
    Closing(Option<u16>),
    /// The handshake was refused.
    Refused(Refusal),
    /// The socket has ended.
    Ended,
}

enum State {
    Connecting { request: Vec<u8> },
    Shaking { response: Vec<u8> },
    Open(Parser),
    Ended,
}

pub(crate) struct Link {
    pub(super) stream: TcpStream,
    state: State,
    /// What the socket didn't take.
    unsent: Vec<u8>,
    close_sent: bool,
}

impl Link {
    pub(super) fn new(stream: TcpStream, request: Vec<u8>) -> Self {
        let state = State::Connecting { request };
        Self { stream, state, unsent: Vec::new(), close_sent: false }
    }

    /// Sends these bytes: now, or what is left when the socket takes more.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend(bytes);
            return Ok(());
        }
        let sent = write(&mut self.stream, bytes)?;
        self.unsent.extend(&bytes[sent..]);
        Ok(())
    }

    /// Sends a close frame with code 1000.
    pub(crate) fn close(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.close_sent, true) {
            self.send(&frame(CLOSE, &1000_u16.to_be_bytes()))?;
        }
        Ok(())
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Takes up what the socket is ready for; `ends` if the server sends no more.
    pub(super) fn ready(
        &mut self,
        ends: bool,
        buffer: &mut [u8],
        tell: &mut impl FnMut(&mut Self, Happening<'_>) -> Result<()>,
    ) -> Result<()> {
        if let State::Connecting { request } = &mut self.state {
            if self.stream.peer_addr().is_err() {
                return match self.stream.take_error()? {
                    Some(error) => bail!("can't connect: {error}"),
                    None => Ok(()),
                };
            }
            let request = std::mem::take(request);
            self.state = State::Shaking { response: Vec::new() };
            self.send(&request)?;
        }
        if !self.unsent.is_empty() {
            let sent = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
        }
        loop {
            let count = match self.stream.read(buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
                Err(error) => return Err(error.into()),
            };
            if count == 0 {
                return self.end(tell);
            }
            self.take(&buffer[..count], tell)?;
            // A short read took all there was; what comes later is a new event, but for
            // an end that was a part of this one.
            if count < buffer.len() && !ends {
                return Ok(());
            }
        }
    }

    fn end(&mut self, tell: &mut impl FnMut(&mut Self, Happening<'_>) -> Result<()>) -> Result<()> {
        if let State::Shaking { response } = &self.state {
            let refusal = match read_response(response)? {
                Some(Err(refusal)) => refusal,
                _ => Refusal { status: 0, body: "the socket ended without an answer".into() },
            };
            tell(self, Happening::Refused(refusal))?;
        }
        self.state = State::Ended;
        tell(self, Happening::Ended)
    }

    fn take(
        &mut self,
        mut input: &[u8],
        tell: &mut impl FnMut(&mut Self, Happening<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut response = match &mut self.state {
            State::Shaking { response } => std::mem::take(response),
            _ => return self.parse(input, tell),
        };
        let before = response.len();
        response.extend(input);
        match read_response(&response)? {
            Some(Ok(length)) => {
                self.state = State::Open(Parser::default());
                tell(self, Happening::Open)?;
                input = &input[length - before..];
                if input.is_empty() { Ok(()) } else { self.parse(input, tell) }
            }
            // A refusal ends with its socket, and has its whole body then.
            _ => {
                self.state = State::Shaking { response };
                Ok(())
            }
        }
    }

    fn parse(
        &mut self,
        mut input: &[u8],
        tell: &mut impl FnMut(&mut Self, Happening<'_>) -> Result<()>,
    ) -> Result<()> {
        loop {
            let State::Open(parser) = &mut self.state else { return Ok(()) };
            match parser.next(&mut input)? {
                Some(Part::Data { opcode, before, bytes, last }) => {
                    tell(self, Happening::Data { opcode, before, bytes, last })?;
                }
                Some(Part::Control { opcode: PING, payload }) => {
                    self.send(&frame(PONG, &payload))?;
                }
                Some(Part::Control { opcode: CLOSE, payload }) => {
                    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    self.close()?;
                    tell(self, Happening::Closing(code))?;
                }
                Some(Part::Control { .. }) => {}
                None if input.is_empty() => return tell(self, Happening::Read),
                None => {}
            }
        }
    }
}

/// How many of the bytes the socket takes now.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            // The read that follows says how the socket ended.
            Err(error)
                if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
            {
                return Ok(bytes.len());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}
