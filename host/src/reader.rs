//! Frames from the peer (RFC 6455, section 5), read where they lie: what the socket
//! gave is unmasked straight into the message that it becomes.
//!
//! A mistake is found as early as it can be: those of a header before the payload
//! has come, text that is no UTF-8 before its frame has ended.

use crate::messages::Incoming;

/// Memory for a message that is announced and has not come: no more than this.
const MAX_RESERVE: usize = 16 * 1024;
const MAX_HEADER: usize = 14;
/// Section 5.5.
const MAX_CONTROL_PAYLOAD: u64 = 125;

/// What reads the peer's side of one connection.
pub(crate) struct Reader {
    max_message_size: usize,
    /// The first bytes of a header that has not come whole.
    header: ([u8; MAX_HEADER], usize),
    /// The frame whose payload is next.
    frame: Option<Frame>,
    /// The data message that has begun.
    message: Option<Unfinished>,
    /// What has come of a control frame's payload.
    control: Vec<u8>,
}

/// What the peer has said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Message(Incoming),
    Ping(Vec<u8>),
    Pong,
    /// With its code and its reason, where there are such.
    Close(Option<(u16, String)>),
}

/// How the peer has broken the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("the opcode {0} is reserved")]
    Opcode(u8),
    #[error("a reserved bit is set")]
    Reserved,
    #[error("a frame of a client is not masked")]
    Unmasked,
    #[error("a control frame is fragmented")]
    FragmentedControl,
    #[error("a control frame has more than 125 bytes")]
    LongControl,
    #[error("a continuation without a message that has begun")]
    NothingToContinue,
    #[error("a message begins before the last one has ended")]
    NotContinued,
    #[error("a close frame of one byte")]
    HalfACloseCode,
    #[error("a close code that must not be sent")]
    CloseCode,
    #[error("a message is longer than it may be")]
    TooLong,
    #[error("a text is not valid UTF-8")]
    Utf8,
}

#[derive(Clone, Copy)]
struct Frame {
    kind: Kind,
    last: bool,
    /// Bytes of the payload that are still to come.
    left: usize,
    /// Turned so that its first byte is for the next of those.
    key: [u8; 4],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Ping,
    Pong,
    Close,
}

struct Unfinished {
    text: bool,
    bytes: Vec<u8>,
    /// How many of them are known to be UTF-8, where it is text.
    valid: usize,
}

impl Reader {
    /// No message has more than `max_message_size` bytes.
    /// Has messages be no longer than this, from the next frame on.
    pub(crate) fn hold_to(&mut self, max_message_size: usize) {
        self.max_message_size = max_message_size;
    }

    pub(crate) fn new(max_message_size: usize) -> Self {
        Self {
            max_message_size,
            header: ([0; MAX_HEADER], 0),
            frame: None,
            message: None,
            control: Vec::new(),
        }
    }

    /// Takes from the front of `input` what belongs to the next thing said; None
    /// where all of it is taken and that is not complete.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Said>, Violation> {
        loop {
            let Some(frame) = &mut self.frame else {
                self.frame = self.take_header(input)?;
                if self.frame.is_none() {
                    return Ok(None);
                }
                continue;
            };
            let (part, rest) = input.split_at(frame.left.min(input.len()));
            *input = rest;
            let key = frame.key;
            frame.left -= part.len();
            frame.key.rotate_left(part.len() % 4);
            let Frame { kind, last, left, .. } = *frame;
            if left == 0 {
                self.frame = None;
            }
            let said = match kind {
                Kind::Data => self.take_data(part, key, left, last && left == 0)?,
                kind => self.take_control(part, key, kind, left == 0)?,
            };
            if said.is_some() || left > 0 {
                return Ok(said);
            }
        }
    }

    /// Bytes that are held for what is not complete.
    pub(crate) fn unfinished(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.bytes.capacity())
    }

    fn take_header(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, Violation> {
        let (mut begun, held) = self.header;
        if held == 0
            && let Some((frame, length)) = self.parse_header(input)?
        {
            *input = &input[length..];
            return Ok(Some(frame));
        }
        let taken = input.len().min(MAX_HEADER - held);
        begun[held..held + taken].copy_from_slice(&input[..taken]);
        let parsed = match held {
            0 => None,
            _ => self.parse_header(&begun[..held + taken])?,
        };
        let Some((frame, length)) = parsed else {
            self.header = (begun, held + taken);
            *input = &[];
            return Ok(None);
        };
        self.header.1 = 0;
        *input = &input[length - held..];
        Ok(Some(frame))
    }

    /// A frame's header and its length, or None where it has not come whole.
    fn parse_header(&mut self, bytes: &[u8]) -> Result<Option<(Frame, usize)>, Violation> {
        const FIN: u8 = 0x80;
        const RESERVED: u8 = 0x70;
        const MASK: u8 = 0x80;
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let last = first & FIN != 0;
        let kind = match first & 0x0F {
            0..=2 => Kind::Data,
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            reserved => return Err(Violation::Opcode(reserved)),
        };
        if first & RESERVED != 0 {
            return Err(Violation::Reserved);
        }
        if second & MASK == 0 {
            return Err(Violation::Unmasked);
        }
        let (length, rest) = match (second & !MASK, rest) {
            (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
            }
            (126 | 127, _) => return Ok(None),
            (short, rest) => (u64::from(short), rest),
        };
        let held = self.message.as_ref().map(|message| message.bytes.len());
        match (kind, first & 0x0F, held) {
            (Kind::Data, 0, None) => return Err(Violation::NothingToContinue),
            (Kind::Data, 1 | 2, Some(_)) => return Err(Violation::NotContinued),
            (Kind::Data, ..) => {}
            _ if !last => return Err(Violation::FragmentedControl),
            _ if length > MAX_CONTROL_PAYLOAD => return Err(Violation::LongControl),
            _ => {}
        }
        let left = usize::try_from(length).map_err(|_| Violation::TooLong)?;
        if kind == Kind::Data && left > self.max_message_size - held.unwrap_or(0) {
            return Err(Violation::TooLong);
        }
        let [a, b, c, d, payload @ ..] = rest else { return Ok(None) };
        if kind == Kind::Data && held.is_none() {
            let bytes = Vec::with_capacity(left.min(MAX_RESERVE));
            self.message = Some(Unfinished { text: first & 0x0F == 1, bytes, valid: 0 });
        }
        let frame = Frame { kind, last, left, key: [*a, *b, *c, *d] };
        Ok(Some((frame, bytes.len() - payload.len())))
    }

    /// A part of a data frame's payload, of which `left` is still to come. `ended`
    /// says that the message ends with it.
    fn take_data(
        &mut self,
        part: &[u8],
        key: [u8; 4],
        left: usize,
        ended: bool,
    ) -> Result<Option<Said>, Violation> {
        // There is one as long as there is a data frame.
        let Some(message) = &mut self.message else { return Ok(None) };
        append_unmasked(&mut message.bytes, part, key);
        if !ended {
            message.bytes.reserve(left.min(MAX_RESERVE));
            if message.text {
                message.check_text()?;
            }
            return Ok(None);
        }
        let Some(Unfinished { text, bytes, .. }) = self.message.take() else { return Ok(None) };
        let message = match text {
            true => Incoming::Text(String::from_utf8(bytes).map_err(|_| Violation::Utf8)?),
            false => Incoming::Binary(bytes),
        };
        Ok(Some(Said::Message(message)))
    }

    fn take_control(
        &mut self,
        part: &[u8],
        key: [u8; 4],
        kind: Kind,
        ended: bool,
    ) -> Result<Option<Said>, Violation> {
        append_unmasked(&mut self.control, part, key);
        if !ended {
            return Ok(None);
        }
        let payload = std::mem::take(&mut self.control);
        Ok(Some(match kind {
            Kind::Ping => Said::Ping(payload),
            Kind::Close => Said::Close(close(&payload)?),
            Kind::Pong | Kind::Data => Said::Pong,
        }))
    }
}

impl Unfinished {
    /// A character may go on in what is still to come.
    fn check_text(&mut self) -> Result<(), Violation> {
        match std::str::from_utf8(&self.bytes[self.valid..]) {
            Ok(_) => self.valid = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(Violation::Utf8),
        }
        Ok(())
    }
}

/// Section 5.5.1.
fn close(payload: &[u8]) -> Result<Option<(u16, String)>, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Violation::HalfACloseCode),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    let reason = std::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
    // Those of section 7.4 and its registry that are for the wire, and private ones.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode);
    }
    Ok(Some((code, reason.to_owned())))
}

/// Section 5.3. `key` begins with the byte for the first of `masked`.
fn append_unmasked(bytes: &mut Vec<u8>, masked: &[u8], key: [u8; 4]) {
    let start = bytes.len();
    bytes.extend_from_slice(masked);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes[start..].as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::masked as frame;

    /// All that is said in pieces of so many bytes.
    fn read(input: &[u8], piece: usize) -> Result<Vec<Said>, Violation> {
        let mut reader = Reader::new(100_000);
        let mut said = Vec::new();
        for mut piece in input.chunks(piece) {
            while let Some(next) = reader.next(&mut piece)? {
                said.push(next);
            }
            assert!(piece.is_empty());
        }
        Ok(said)
    }

    fn text(text: &str) -> Said {
        Said::Message(Incoming::Text(text.to_owned()))
    }

    #[test]
    fn frames_are_read_whole_wherever_they_are_cut() {
        let long = "ü".repeat(40_000);
        let mut input = frame(0x81, "ab".repeat(70).as_bytes());
        input.extend(frame(0x01, "on\u{20AC}".as_bytes()[..3].as_ref()));
        input.extend(frame(0x89, b"ping"));
        input.extend(frame(0x80, &"on\u{20AC}".as_bytes()[3..]));
        input.extend(frame(0x82, &[0, 255]));
        input.extend(frame(0x8A, b""));
        input.extend(frame(0x81, long.as_bytes()));
        input.extend(frame(0x81, b""));
        input.extend(frame(0x88, b"\x03\xE8bye"));
        let expected = [
            text(&"ab".repeat(70)),
            Said::Ping(b"ping".to_vec()),
            text("on\u{20AC}"),
            Said::Message(Incoming::Binary(vec![0, 255])),
            Said::Pong,
            text(&long),
            text(""),
            Said::Close(Some((1000, "bye".to_owned()))),
        ];
        for piece in [1, 2, 3, 5, 7, 13, 1000, input.len()] {
            assert_eq!(read(&input, piece).as_deref(), Ok(&expected[..]), "{piece} bytes a piece");
        }
    }

    #[test]
    fn a_mistake_is_found_as_soon_as_it_can_be() {
        let mut unmasked = frame(0x81, b"x");
        unmasked[1] = 1;
        let too_long = |announced: u64| {
            let mut frame = vec![0x82, 0x80 | 127];
            frame.extend(announced.to_be_bytes());
            frame
        };
        // Half of the frame, or less, shows it.
        let invalid = [&frame(0x81, &[b'x', 0xFF, b'x', b'x'])[..8], b""].concat();
        let split = [frame(0x01, &[0xE2, 0x82]), frame(0x80, &[0x41])].concat();
        for (input, violation) in [
            (vec![0x83, 0x80], Violation::Opcode(3)),
            (vec![0xC1, 0x80], Violation::Reserved),
            (unmasked, Violation::Unmasked),
            (vec![0x09, 0x80], Violation::FragmentedControl),
            (vec![0x89, 0xFE, 0, 126], Violation::LongControl),
            (vec![0x80, 0x80], Violation::NothingToContinue),
            ([&frame(0x01, b"x")[..], &[0x81, 0x80]].concat(), Violation::NotContinued),
            (frame(0x88, b"\x03"), Violation::HalfACloseCode),
            (frame(0x88, b"\x03\xED"), Violation::CloseCode),
            (too_long(100_001), Violation::TooLong),
            (too_long(u64::MAX), Violation::TooLong),
            (
                [&frame(0x02, &[0; 60_000])[..], &frame(0, &[0; 40_001])[..4]].concat(),
                Violation::TooLong,
            ),
            (invalid, Violation::Utf8),
            (split, Violation::Utf8),
            (frame(0x81, &[0xE2, 0x82]), Violation::Utf8),
            (frame(0x88, b"\x03\xE8\xFF"), Violation::Utf8),
        ] {
            for piece in [1, input.len()] {
                assert_eq!(read(&input, piece), Err(violation), "{input:?}");
            }
        }
    }

    #[test]
    fn nothing_is_held_for_what_is_only_announced() {
        let mut reader = Reader::new(1 << 30);
        let mut input = &[0x82, 0x80 | 127, 0, 0, 0, 0, 0x20, 0, 0, 0, 1, 2, 3, 4, 5][..];
        assert_eq!(reader.next(&mut input), Ok(None));
        assert!((1..=2 * MAX_RESERVE).contains(&reader.unfinished()));
    }
}
