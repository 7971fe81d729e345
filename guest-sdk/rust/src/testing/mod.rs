//! A host of a test's own: handlers and rooms are tried natively, by `cargo test`, with
//! no socket and no component.
//!
//! [`handler`] and [`room`] make one. Peers [`connect`](Host::connect) to it, send and
//! are sent messages, and every event runs to its end before the call that caused it
//! returns:
//!
//! ```
//! use socklet_guest::prelude::*;
//!
//! struct Greeter(String);
//!
//! impl Handler for Greeter {
//!     fn on_ready(_connection: &Connection, request: &Request) -> Self {
//!         Greeter(request.query("name").unwrap_or("you".into()).into_owned())
//!     }
//!
//!     fn on_message(&mut self, connection: &Connection, _message: Message) {
//!         connection.write(format!("Hello {}!", self.0));
//!         connection.close(1000, "");
//!     }
//! }
//!
//! let host = socklet_guest::testing::handler::<Greeter>();
//! let ada = host.connect("/hello?name=Ada");
//! ada.send("Hi!");
//! assert_eq!(ada.texts(), ["Hello Ada!"]);
//! assert_eq!(ada.closed(), Some((1000, String::new())));
//! ```
//!
//! What a host answers it answers as socklet does with its defaults: a message of more
//! than 1 MiB is refused, a peer that [reads nothing](Peer::stop_reading) comes to 1 MiB of
//! messages that wait for it, a close code that must not be sent is refused. In these it
//! differs:
//!
//! - Peers answer a close frame at once: when the event is over that closed a connection,
//!   its `on_close` follows.
//! - Time passes by [`advance`](Host::advance) only, and nothing takes any.
//! - A panic is the test's, and ends it.
//! - Topics that handlers share are granted, and who publishes to them is heard by the
//!   host's own peers.
//! - Statics and thread-locals are not begun anew by a [`swap`](Host::swap).
//!
//! Outside of events, what a handler can do, [`Peer::connection`] can do in a test: it is
//! the host that was made or used last on this thread that answers.

pub(crate) mod calls;
mod events;
mod fake;
mod opening;
mod peer;
#[cfg(feature = "snapshot")]
mod swap;
#[cfg(test)]
mod tests;
mod time;
mod upstream;

use std::rc::Rc;

use log::Level;

use crate::export::{Shared, States};
use crate::{Acceptance, Handler, Message, Rejection, Room};

use self::events::{Gated, Inner, Kind};
pub use self::opening::Opening;
pub use self::peer::Peer;
pub use self::time::SetTimer;
pub use self::upstream::{Answer, Asked};

/// A host of a handler, with a value of it for each connection.
///
/// ```
/// # use socklet_guest::prelude::*;
/// # struct Echo;
/// # impl Handler for Echo {
/// #     fn on_ready(_: &Connection, _: &Request) -> Self { Echo }
/// #     fn on_message(&mut self, connection: &Connection, message: Message) {
/// #         connection.write(message);
/// #     }
/// # }
/// let host = socklet_guest::testing::handler::<Echo>();
/// let peer = host.connect("/echo");
/// peer.send("Hello!");
/// peer.send(vec![0, 255]);
/// assert_eq!(peer.received(), [Message::from("Hello!"), Message::from(vec![0, 255])]);
/// ```
#[must_use]
pub fn handler<H: Handler>() -> Host<States<H>> {
    Host { inner: Inner::fresh() }
}

/// A host of a room, which all connections share.
///
/// ```
/// # use socklet_guest::prelude::*;
/// # struct Chat;
/// # impl Room for Chat {
/// #     type Member = ();
/// #     fn open(_: &Connection, _: &Request) -> Self { Chat }
/// #     fn on_ready(&mut self, _: &mut Members<Self>, _: &Connection, _: &Request) {}
/// #     fn on_message(&mut self, members: &mut Members<Self>, _: &Connection, text: Message) {
/// #         members.broadcast(text);
/// #     }
/// # }
/// let host = socklet_guest::testing::room::<Chat>();
/// let [ada, bob] = ["/chat/blue", "/chat/blue"].map(|path| host.connect(path));
/// ada.send("Hello!");
/// assert_eq!(bob.texts(), ["Hello!"]);
/// ```
#[must_use]
pub fn room<R: Room>() -> Host<Shared<R>> {
    Host { inner: Inner::fresh() }
}

/// A host with one instance. [`handler`] and [`room`] make one, and so say what `E` is:
/// what takes the events.
pub struct Host<E> {
    inner: Rc<Inner<E>>,
}

/// What was published to a topic, by [`publish`](crate::topics::publish) and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The topic.
    pub topic: String,
    /// The message.
    pub message: Message,
    /// The number of the connection that it was not for.
    pub except: Option<u64>,
}

impl<E: Kind> Host<E> {
    /// A peer connects, and the handler's `on_ready` is called. The gate is not asked:
    /// see [`enter`](Self::enter).
    ///
    /// ```
    /// # use socklet_guest::prelude::*;
    /// # struct Quiet;
    /// # impl Handler for Quiet {
    /// #     fn on_ready(_: &Connection, _: &Request) -> Self { Quiet }
    /// # }
    /// use socklet_guest::testing::{self, Opening};
    ///
    /// let host = testing::handler::<Quiet>();
    /// host.connect("/chat/blue?name=Ada");
    /// host.connect(Opening::new("/chat/blue").header("origin", "https://example.com"));
    /// ```
    pub fn connect(&self, opening: impl Into<Opening>) -> Peer<E> {
        let id = self.inner.fake.arrive(opening.into());
        self.inner.open(id);
        Peer::new(self.inner.clone(), id)
    }

    /// The peers that are connected, in the order in which they came.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer<E>> {
        let present = self.inner.fake.present();
        present.into_iter().map(|id| Peer::new(self.inner.clone(), id)).collect()
    }

    /// What was published to topics since this was asked last. Peers that are subscribed
    /// have received it.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        std::mem::take(&mut self.inner.fake.state().published)
    }

    /// What was logged by the `log` crate's macros since this was asked last: nothing
    /// where the test has a logger of its own.
    #[must_use]
    pub fn logged(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.inner.fake.state().logged)
    }

    /// Gives the handler a variable, for [`env::var`](crate::env::var).
    pub fn set_variable(&self, name: &str, value: &str) {
        self.inner.fake.state().variables.push((name.to_owned(), value.to_owned()));
    }

    /// Says what becomes of requests to upstreams. Without it each is refused, as those
    /// are for which the manifest has no `allowed-hosts`.
    ///
    /// ```
    /// # use socklet_guest::prelude::*;
    /// # use socklet_guest::http;
    /// # struct Relay;
    /// # impl Handler for Relay {
    /// #     fn on_ready(_: &Connection, _: &Request) -> Self { Relay }
    /// #     fn on_message(&mut self, connection: &Connection, message: Message) {
    /// #         let text = http::post("https://api.example.com/", message.to_string())
    /// #             .and_then(|request| request.send()?.text());
    /// #         connection.write(text.unwrap_or("no answer".to_owned()));
    /// #     }
    /// # }
    /// use socklet_guest::testing::{self, Answer};
    ///
    /// let host = testing::handler::<Relay>();
    /// host.set_upstream(|asked| match &asked.body[..] {
    ///     b"ping" => Ok(Answer::new(200).piece("pong")),
    ///     _ => Err(http::Error::Timeout),
    /// });
    /// let peer = host.connect("/relay");
    /// peer.send("ping");
    /// peer.send("what?");
    /// assert_eq!(peer.texts(), ["pong", "no answer"]);
    /// ```
    pub fn set_upstream(
        &self,
        upstream: impl Fn(&Asked) -> Result<Answer, crate::http::Error> + 'static,
    ) {
        self.inner.fake.state().upstream = Some(Rc::new(upstream));
    }
}

impl<E: Kind + Gated> Host<E> {
    /// Asks the handler's gate about a handshake, and leaves it at that.
    ///
    /// # Errors
    ///
    /// The gate's rejection.
    ///
    /// ```
    /// # use socklet_guest::prelude::*;
    /// # struct Members;
    /// # impl Gate for Members {
    /// #     fn on_request(_: &Connection, request: &Request) -> Result<Acceptance, Rejection> {
    /// #         match request.query("invitation").as_deref() {
    /// #             Some("xyzzy") => Ok(Acceptance::new()),
    /// #             _ => Err(Rejection::new(403).body("by invitation only")),
    /// #         }
    /// #     }
    /// # }
    /// # impl Handler for Members {
    /// #     fn on_ready(_: &Connection, _: &Request) -> Self { Members }
    /// # }
    /// let host = socklet_guest::testing::handler::<Members>();
    /// assert_eq!(host.ask("/?invitation=xyzzy"), Ok(Acceptance::new()));
    /// assert_eq!(host.ask("/"), Err(Rejection::new(403).body("by invitation only")));
    /// ```
    pub fn ask(&self, opening: impl Into<Opening>) -> Result<Acceptance, Rejection> {
        let id = self.inner.fake.arrive(opening.into());
        let answer = self.inner.ask(id);
        self.inner.fake.leave(id);
        answer
    }

    /// A peer connects whom the gate has let in, with the subprotocol and the attachment
    /// that it has given.
    ///
    /// # Errors
    ///
    /// The gate's rejection.
    pub fn enter(&self, opening: impl Into<Opening>) -> Result<Peer<E>, Rejection> {
        let id = self.inner.fake.arrive(opening.into());
        match self.inner.ask(id) {
            Ok(acceptance) => {
                self.inner.fake.accept(id, acceptance);
                self.inner.open(id);
                Ok(Peer::new(self.inner.clone(), id))
            }
            Err(rejection) => {
                self.inner.fake.leave(id);
                Err(rejection)
            }
        }
    }
}
