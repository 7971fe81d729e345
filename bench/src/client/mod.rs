//! A client that costs little: one thread, readiness by epoll, frames that are built
//! once, and answers of which only headers are read.

mod answers;
mod frames;
mod link;
mod target;

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use mio::{Events, Interest, Poll, Token};

pub(crate) use answers::Answers;
pub(crate) use frames::{TEXT, frame};
pub(crate) use link::{Happening, Link};
pub(crate) use target::{Refusal, Target};

/// Connections, and what they wait for. Each is known by its number.
pub(crate) struct Clients {
    poll: Poll,
    events: Events,
    links: Vec<Option<Link>>,
    buffer: Box<[u8]>,
}

impl Clients {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            links: Vec::new(),
            buffer: vec![0; 64 * 1024].into(),
        })
    }

    /// Begins to open a connection in the place with this number.
    pub(crate) fn open(
        &mut self,
        number: usize,
        target: &Target,
        source: Option<Ipv4Addr>,
    ) -> Result<()> {
        let mut stream = target.connect(source)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(number), interest)?;
        if self.links.len() <= number {
            self.links.resize_with(number + 1, || None);
        }
        self.links[number] = Some(Link::new(stream, target.request()));
        Ok(())
    }

    /// The connection with this number, unless it has ended.
    pub(crate) fn link(&mut self, number: usize) -> Option<&mut Link> {
        self.links.get_mut(number)?.as_mut()
    }

    /// How many connections are open or opening.
    pub(crate) fn count(&self) -> usize {
        self.links.iter().flatten().count()
    }

    /// Waits for at most this long for something to happen, and tells of all that did.
    pub(crate) fn turn(
        &mut self,
        timeout: Duration,
        mut tell: impl FnMut(usize, &mut Link, Happening<'_>) -> Result<()>,
    ) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            let Token(number) = event.token();
            let place = &mut self.links[number];
            let Some(link) = place else { continue };
            let ends = event.is_read_closed();
            link.ready(ends, &mut self.buffer, &mut |link, happening| {
                tell(number, link, happening)
            })
            .with_context(|| format!("connection {number}"))?;
            if link.has_ended() {
                *place = None;
            }
        }
        Ok(())
    }
}
