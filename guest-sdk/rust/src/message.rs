//! Messages: owned as they arrive, borrowed as they are written.

use std::fmt;

/// One whole WebSocket message.
///
/// Displayed, a text message is its text and a binary one its size:
///
/// ```
/// use socklet_guest::Message;
///
/// assert_eq!(Message::from("Hello!").to_string(), "Hello!");
/// assert_eq!(Message::from(vec![0, 1, 2]).to_string(), "<3 bytes>");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A text message, possibly empty.
    Text(String),
    /// A binary message, possibly empty.
    Binary(Vec<u8>),
}

impl Message {
    /// The text of a text message.
    ///
    /// ```
    /// use socklet_guest::Message;
    ///
    /// assert_eq!(Message::from("Hello!").as_text(), Some("Hello!"));
    /// assert_eq!(Message::from(vec![0]).as_text(), None);
    /// ```
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Message::Text(text) => Some(text),
            Message::Binary(_) => None,
        }
    }

    /// The bytes of a binary message.
    ///
    /// ```
    /// use socklet_guest::Message;
    ///
    /// assert_eq!(Message::from(vec![0]).as_binary(), Some(&[0][..]));
    /// assert_eq!(Message::from("Hello!").as_binary(), None);
    /// ```
    #[must_use]
    pub fn as_binary(&self) -> Option<&[u8]> {
        match self {
            Message::Text(_) => None,
            Message::Binary(bytes) => Some(bytes),
        }
    }

    /// The payload of either kind; that of a text message is UTF-8.
    ///
    /// ```
    /// use socklet_guest::Message;
    ///
    /// assert_eq!(Message::from("Hi").as_bytes(), b"Hi");
    /// assert_eq!(Message::from(vec![0]).as_bytes(), [0]);
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Text(text) => formatter.write_str(text),
            Message::Binary(bytes) => write!(formatter, "<{} bytes>", bytes.len()),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message::Text(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Message::Text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Message::Binary(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Message::Binary(bytes)
    }
}

/// A message that belongs to someone else: what is handed to the host.
///
/// The host copies the payload out of the guest's memory, so writing needs no
/// copy of its own.
///
/// ```
/// use socklet_guest::{AsMessage, MessageRef};
///
/// assert_eq!("Hello!".as_message(), MessageRef::Text("Hello!"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageRef<'a> {
    /// A text message, possibly empty.
    Text(&'a str),
    /// A binary message, possibly empty.
    Binary(&'a [u8]),
}

/// What can be written to a connection: strings as text, bytes as binary, and a
/// [`Message`] as the kind it is.
///
/// ```
/// use socklet_guest::Connection;
///
/// fn write_each_kind(connection: &Connection) {
///     connection.write("text");
///     connection.write(format!("connection {}", connection.id()));
///     connection.write(b"binary");
///     connection.write(vec![0, 1, 2]);
/// }
/// ```
pub trait AsMessage {
    /// The message, borrowed.
    fn as_message(&self) -> MessageRef<'_>;
}

impl AsMessage for str {
    fn as_message(&self) -> MessageRef<'_> {
        MessageRef::Text(self)
    }
}

impl AsMessage for String {
    fn as_message(&self) -> MessageRef<'_> {
        MessageRef::Text(self)
    }
}

impl AsMessage for [u8] {
    fn as_message(&self) -> MessageRef<'_> {
        MessageRef::Binary(self)
    }
}

impl<const N: usize> AsMessage for [u8; N] {
    fn as_message(&self) -> MessageRef<'_> {
        MessageRef::Binary(self)
    }
}

impl AsMessage for Vec<u8> {
    fn as_message(&self) -> MessageRef<'_> {
        MessageRef::Binary(self)
    }
}

impl AsMessage for Message {
    fn as_message(&self) -> MessageRef<'_> {
        match self {
            Message::Text(text) => MessageRef::Text(text),
            Message::Binary(bytes) => MessageRef::Binary(bytes),
        }
    }
}

impl<T: AsMessage + ?Sized> AsMessage for &T {
    fn as_message(&self) -> MessageRef<'_> {
        (**self).as_message()
    }
}

#[cfg(test)]
mod tests {
    use super::{AsMessage, Message, MessageRef};

    fn written(message: impl AsMessage) -> Message {
        match message.as_message() {
            MessageRef::Text(text) => text.into(),
            MessageRef::Binary(bytes) => bytes.into(),
        }
    }

    #[test]
    fn strings_are_written_as_text() {
        let text = Message::Text("Hello!".to_owned());
        assert_eq!(written("Hello!"), text);
        assert_eq!(written("Hello!".to_owned()), text);
    }

    #[test]
    fn bytes_are_written_as_binary_even_where_they_are_utf8() {
        let binary = Message::Binary(b"Hello!".to_vec());
        assert_eq!(written(b"Hello!"), binary);
        assert_eq!(written(&b"Hello!"[..]), binary);
        assert_eq!(written(b"Hello!".to_vec()), binary);
    }

    #[test]
    fn a_message_is_written_as_the_kind_it_is() {
        for message in [Message::from("Hello!"), Message::from(vec![0, 255]), Message::from("")] {
            assert_eq!(written(&message), message);
        }
    }

    #[test]
    fn a_binary_message_is_displayed_as_its_size() {
        assert_eq!(Message::Binary(vec![]).to_string(), "<0 bytes>");
        assert_eq!(Message::Binary(b"Hi".to_vec()).to_string(), "<2 bytes>");
    }
}
