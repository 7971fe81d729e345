//! The little of RFC 6455 that a cheap client needs.

use anyhow::{Result, bail};

/// Every frame has this key, so that a frame can be built once and sent often. It
/// isn't zero: the server has to unmask as it does for any client.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A whole, masked frame.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    let length = payload.len();
    if length < 126 {
        frame.push(0x80 | u8::try_from(length).unwrap_or(0));
    } else if let Ok(length) = u16::try_from(length) {
        frame.push(0x80 | 126);
        frame.extend(length.to_be_bytes());
    } else {
        frame.push(0x80 | 127);
        frame.extend((length as u64).to_be_bytes());
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A part of what the server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Bytes of a message, with how many came before them; perhaps its last.
    Data { opcode: u8, before: usize, bytes: &'a [u8], last: bool },
    /// A whole control frame.
    Control { opcode: u8, payload: Vec<u8> },
}

/// Takes a server's frames apart, however they are cut into reads. Only headers are
/// looked at.
#[derive(Default)]
pub(crate) struct Parser {
    /// What has arrived of a header.
    header: [u8; 10],
    have: usize,
    /// What is missing of the frame whose header is complete.
    missing: Option<usize>,
    /// Of the current message: its opcode and the bytes that have arrived.
    opcode: u8,
    before: usize,
    control: Vec<u8>,
}

impl Parser {
    /// The next part, and the input behind it; `None` when more input is needed.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Part<'a>>> {
        let missing = match self.missing {
            Some(missing) => missing,
            None => match self.read_header(input)? {
                Some(missing) => missing,
                None => return Ok(None),
            },
        };
        self.missing = Some(missing);
        if input.is_empty() && missing > 0 {
            return Ok(None);
        }
        let (bytes, rest) = input.split_at(missing.min(input.len()));
        *input = rest;
        let missing = missing - bytes.len();
        self.missing = (missing > 0).then_some(missing);
        let (last_frame, opcode) = (self.header[0] & 0x80 != 0, self.header[0] & 0x0f);
        if opcode >= CLOSE {
            self.control.extend(bytes);
            if missing > 0 {
                return Ok(None);
            }
            return Ok(Some(Part::Control { opcode, payload: std::mem::take(&mut self.control) }));
        }
        let part = Part::Data {
            opcode: self.opcode,
            before: self.before,
            bytes,
            last: last_frame && missing == 0,
        };
        self.before += bytes.len();
        Ok(Some(part))
    }

    /// Reads a header to its end and says how long its payload is.
    fn read_header(&mut self, input: &mut &[u8]) -> Result<Option<usize>> {
        loop {
            let length = match self.header[1] & 0x7f {
                _ if self.have < 2 => 2,
                126 => 4,
                127 => 10,
                _ => 2,
            };
            if self.have == length && self.have >= 2 {
                break;
            }
            let Some((byte, rest)) = input.split_first() else { return Ok(None) };
            self.header[self.have] = *byte;
            self.have += 1;
            *input = rest;
        }
        let [first, second, long @ ..] = self.header;
        self.have = 0;
        if first & 0x70 != 0 || second & 0x80 != 0 {
            bail!("a frame with reserved bits, or masked: {first:#04x} {second:#04x}");
        }
        match first & 0x0f {
            0 => {}
            1 | 2 => (self.opcode, self.before) = (first & 0x0f, 0),
            CLOSE | PING | PONG if first & 0x80 != 0 && second < 126 => {}
            _ => bail!("a frame of no known kind: {first:#04x} {second:#04x}"),
        }
        let length = match second {
            126 => u64::from(u16::from_be_bytes([long[0], long[1]])),
            127 => u64::from_be_bytes(long),
            short => u64::from(short),
        };
        Ok(Some(usize::try_from(length)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages and control frames in `input`, read in pieces of this size.
    fn read(input: &[u8], size: usize) -> Result<Vec<(u8, Vec<u8>)>> {
        let (mut parser, mut found, mut message) = (Parser::default(), Vec::new(), Vec::new());
        for mut piece in input.chunks(size) {
            while let Some(part) = parser.next(&mut piece)? {
                match part {
                    Part::Control { opcode, payload } => found.push((opcode, payload)),
                    Part::Data { opcode, before, bytes, last } => {
                        assert_eq!(before, message.len());
                        message.extend(bytes);
                        if last {
                            found.push((opcode, std::mem::take(&mut message)));
                        }
                    }
                }
            }
        }
        assert!(message.is_empty(), "a message without an end");
        Ok(found)
    }

    fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..126 => frame.push(length as u8),
            length @ 126..65536 => {
                frame.push(126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(payload);
        frame
    }

    #[test]
    fn frames_are_found_however_the_reads_are_cut() {
        let (small, middle, large) = (b"small".to_vec(), vec![b'm'; 300], vec![b'l'; 70_000]);
        let mut input = unmasked(0x81, &small);
        input.extend(unmasked(0x82, &middle));
        input.extend(unmasked(0x81, b""));
        input.extend(unmasked(0x89, b"ping"));
        input.extend(unmasked(0x81, &large));
        let expected =
            [(1, small), (2, middle), (1, Vec::new()), (9, b"ping".to_vec()), (1, large)];
        for size in [1, 2, 3, 7, 64, 4096, input.len()] {
            assert_eq!(read(&input, size).unwrap(), expected, "in reads of {size}");
        }
    }

    #[test]
    fn a_message_in_fragments_is_one_message_also_around_a_ping() {
        let mut input = unmasked(0x01, b"one ");
        input.extend(unmasked(0x89, b"?"));
        input.extend(unmasked(0x80, b"message"));
        for size in [1, 5, input.len()] {
            let expected = [(9, b"?".to_vec()), (1, b"one message".to_vec())];
            assert_eq!(read(&input, size).unwrap(), expected);
        }
    }

    #[test]
    fn what_no_server_may_send_is_an_error() {
        for input in [&[0xc1, 0][..], &[0x81, 0x80, 1, 2, 3, 4], &[0x83, 0], &[0x09, 0]] {
            assert!(read(input, 64).is_err(), "{input:x?}");
        }
    }

    #[test]
    fn a_client_frame_is_masked_and_says_its_length() {
        for (length, header) in [(5, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let payload = vec![b'p'; length];
            let built = frame(TEXT, &payload);
            assert_eq!(built.len(), header + 4 + length);
            assert_eq!(built[0], 0x81);
            assert_ne!(built[1] & 0x80, 0, "the mask bit");
            let (mask, masked) = built[header..].split_at(4);
            assert_ne!(mask, [0; 4]);
            let clear: Vec<u8> =
                masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            assert_eq!(clear, payload);
        }
    }
}
