//! How values are written, on the command line and in files: durations, sizes,
//! origins, names. Each function says what it takes where it doesn't take something,
//! and never what it was given.

use std::time::Duration;

use bytesize::ByteSize;

/// The longest duration that can be set.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// The largest message that a single peer may make the host reserve.
const LARGEST_MESSAGE: usize = 1 << 30;
const MOST_TIMERS: usize = 10_000;

/// What a [`duration`] is.
pub const DURATION: &str = "a duration such as 500ms, 30s or 1h, more than 0s and at most 365d";
/// What a [`duration_or_none`] is.
pub const DURATION_OR_NONE: &str = "a duration such as 500ms, 30s or 1h, from 0s to 365d";
/// What a [`size`] is.
pub const SIZE: &str = "a size such as 1000, 64KiB or 1MiB, at least 1 byte";
/// What a [`message_size`] is.
pub const MESSAGE_SIZE: &str =
    "a size such as 1000, 64KiB or 1MiB, at least 1 byte and at most 1GiB";
/// What a number of [`timers`] is.
pub const TIMERS: &str = "a whole number from 1 to 10000";
/// What a [`positive`] number is.
pub const POSITIVE: &str = "a whole number, at least 1";
/// What an [`origin`] is.
pub const ORIGIN: &str = "an origin as browsers send it, like https://example.com, or *";
/// What a [`host_name`] is.
pub const HOST_NAME: &str = "a name alone, like chat.example.com";

/// Whether it is a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(may)
}

/// A duration such as `30s` or `1m 30s`, more than nothing and at most a year.
///
/// # Errors
///
/// What a duration is.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| must_be(DURATION))?;
    match duration.is_zero() || duration > YEAR {
        true => Err(must_be(DURATION)),
        false => Ok(duration),
    }
}

/// A duration such as `30s`, or `0s` for none at all, up to a year.
///
/// # Errors
///
/// What such a duration is.
pub fn duration_or_none(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok().filter(|duration| *duration <= YEAR);
    duration.ok_or_else(|| must_be(DURATION_OR_NONE))
}

/// A size such as `64KiB`, at least a byte.
///
/// # Errors
///
/// What a size is.
pub fn size(text: &str) -> Result<usize, String> {
    let size: ByteSize = text.parse().map_err(|_| must_be(SIZE))?;
    match usize::try_from(size.as_u64()) {
        Ok(0) | Err(_) => Err(must_be(SIZE)),
        Ok(size) => Ok(size),
    }
}

/// A size that a single peer may make the host reserve.
///
/// # Errors
///
/// What such a size is.
pub fn message_size(text: &str) -> Result<usize, String> {
    match size(text) {
        Ok(size @ ..=LARGEST_MESSAGE) => Ok(size),
        _ => Err(must_be(MESSAGE_SIZE)),
    }
}

/// A number from 1 on.
///
/// # Errors
///
/// What such a number is.
pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(must_be(POSITIVE)),
        Ok(number) => Ok(number),
    }
}

/// How many timers an instance may have. They are kept in a row, so there are not too
/// many.
///
/// # Errors
///
/// What such a number is.
pub fn timers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=MOST_TIMERS) => Ok(number),
        _ => Err(must_be(TIMERS)),
    }
}

/// An origin as browsers send it: `https://example.com`, or `*`.
///
/// # Errors
///
/// What an origin is.
pub fn origin(text: &str) -> Result<String, String> {
    match text.split_once("://") {
        Some((_, authority)) if !authority.is_empty() && !authority.contains('/') => {
            Ok(text.into())
        }
        None if text == "*" => Ok(text.into()),
        _ => Err(must_be(ORIGIN)),
    }
}

/// A name without a scheme or a path.
///
/// # Errors
///
/// What a name is.
pub fn host_name(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains('/') {
        true => Err(must_be(HOST_NAME)),
        false => Ok(text.into()),
    }
}

fn must_be(what: &str) -> String {
    format!("must be {what}")
}
