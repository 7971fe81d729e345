//! The values in manifests: each knows how it is written, and what to say where it
//! isn't.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::claim::Route;
use crate::pattern::Pattern;
use crate::upstream::AllowedHost;
use crate::written;

/// A value that is written as a text, or as a whole number where it is one.
trait Value: Sized {
    /// "must be …"
    const IS: &'static str;
    /// Whether a number will do.
    const NUMBERS: bool = false;

    /// The value. The error says what it must be, and nothing of what it is.
    fn of(text: &str) -> Result<Self, String>;
}

struct Reader<T>(PhantomData<T>);

impl<T: Value> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::IS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::of(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        match T::NUMBERS {
            true => self.visit_str(&number.to_string()),
            false => Err(E::custom(format_args!("must be {}", T::IS))),
        }
    }
}

/// Makes each of them readable and known to the schema.
macro_rules! values {
    ($($type:ty, $name:literal, $schema:tt;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Reader::<Self>(PhantomData))
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

values! {
    Size, "Size", { "type": ["string", "integer"], "minimum": 1 };
    MessageSize, "MessageSize", { "type": ["string", "integer"], "minimum": 1, "maximum": 1_073_741_824 };
    Count, "Count", { "type": "integer", "minimum": 1 };
    Timers, "Timers", { "type": "integer", "minimum": 1, "maximum": 10_000 };
    Rate, "Rate", { "type": "integer", "minimum": 1, "maximum": 4_294_967_295u32 };
    Time, "Time", { "type": "string" };
    TimeOrNone, "TimeOrNone", { "type": "string" };
    Route, "Route", { "type": "string", "pattern": "^/" };
    HostName, "HostName", { "type": "string", "minLength": 1 };
    Origin, "Origin", { "type": "string", "minLength": 1 };
    Subprotocol, "Subprotocol", { "type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" };
    Pattern, "Pattern", { "type": "string", "minLength": 1, "maxLength": 256 };
    AllowedHost, "AllowedHost", { "type": "string", "minLength": 1 };
    Variable, "Variable", { "type": "string", "pattern": "^[^=\\x00]+$" };
    Text, "Text", { "type": "string" };
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) usize);

impl Value for Size {
    const IS: &'static str = written::SIZE;
    const NUMBERS: bool = true;

    fn of(text: &str) -> Result<Self, String> {
        written::size(text).map(Self)
    }
}

/// Bytes that a peer may make the host reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageSize(pub(crate) usize);

impl Value for MessageSize {
    const IS: &'static str = written::MESSAGE_SIZE;
    const NUMBERS: bool = true;

    fn of(text: &str) -> Result<Self, String> {
        written::message_size(text).map(Self)
    }
}

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

impl Value for Count {
    const IS: &'static str = written::POSITIVE;
    const NUMBERS: bool = true;

    fn of(text: &str) -> Result<Self, String> {
        written::positive(text).map(Self)
    }
}

/// How many timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timers(pub(crate) usize);

impl Value for Timers {
    const IS: &'static str = written::TIMERS;
    const NUMBERS: bool = true;

    fn of(text: &str) -> Result<Self, String> {
        written::timers(text).map(Self)
    }
}

/// How many in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) u32);

impl Value for Rate {
    const IS: &'static str = "a whole number from 1 to 4294967295";
    const NUMBERS: bool = true;

    fn of(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| format!("must be {}", Self::IS))
    }
}

/// A time that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Duration);

impl Value for Time {
    const IS: &'static str = written::DURATION;

    fn of(text: &str) -> Result<Self, String> {
        written::duration(text).map(Self)
    }
}

/// A time that passes, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeOrNone(pub(crate) Duration);

impl Value for TimeOrNone {
    const IS: &'static str = written::DURATION_OR_NONE;

    fn of(text: &str) -> Result<Self, String> {
        written::duration_or_none(text).map(Self)
    }
}

impl Value for Route {
    const IS: &'static str = "a path such as /chat, /rooms/{room} or /files/{*path}";

    fn of(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(str::to_owned)
    }
}

/// A name of the server, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostName(pub(crate) String);

impl Value for HostName {
    const IS: &'static str = written::HOST_NAME;

    fn of(text: &str) -> Result<Self, String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        match text.is_empty() || text.len() > 253 || !text.chars().all(is_name) {
            true => Err(format!("must be {}, without a port", Self::IS)),
            false => Ok(Self(text.to_ascii_lowercase())),
        }
    }
}

/// Where a page may come from that connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(pub(crate) String);

impl Value for Origin {
    const IS: &'static str = written::ORIGIN;

    fn of(text: &str) -> Result<Self, String> {
        written::origin(text).map(|origin| Self(origin.to_ascii_lowercase()))
    }
}

/// A token (RFC 9110, section 5.6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subprotocol(pub(crate) String);

impl Value for Subprotocol {
    const IS: &'static str = "a token such as chat.v1 (RFC 9110, section 5.6.2)";

    fn of(text: &str) -> Result<Self, String> {
        match text.len() <= 256 && written::is_token(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("must be {}", Self::IS)),
        }
    }
}

impl Value for Pattern {
    const IS: &'static str = "a pattern such as news/*, of at most 256 bytes";

    fn of(text: &str) -> Result<Self, String> {
        Self::new(text).ok_or_else(|| format!("must be {}", Self::IS))
    }
}

impl Value for AllowedHost {
    const IS: &'static str = "a host such as api.example.com, *.example.com:8443 or 10.0.0.0/8";

    fn of(text: &str) -> Result<Self, String> {
        Self::new(text).ok_or_else(|| format!("must be {}", Self::IS))
    }
}

/// The name of a variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Variable(pub(crate) String);

impl Value for Variable {
    const IS: &'static str = "the name of a variable";

    fn of(text: &str) -> Result<Self, String> {
        match text.is_empty() || text.contains(['=', '\0']) {
            true => Err(format!("must be {}", Self::IS)),
            false => Ok(Self(text.to_owned())),
        }
    }
}

/// What a variable says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Value for Text {
    const IS: &'static str = "a text without NUL";

    fn of(text: &str) -> Result<Self, String> {
        match text.contains('\0') {
            true => Err(format!("must be {}", Self::IS)),
            false => Ok(Self(text.to_owned())),
        }
    }
}
