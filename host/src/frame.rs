//! Frames from the server to the peer, as bytes (RFC 6455, section 5.2), and
//! the rules for close frames (sections 5.5.1 and 7.4).
//!
//! Server frames are never masked, so a frame is a header of 2, 4 or 10 bytes
//! and the payload as it is: the outbound queue holds whole frames ready to send.

use bytes::{BufMut, Bytes};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The longest reason a close frame has room for: 125 bytes less the code.
pub(crate) const MAX_CLOSE_REASON: usize = 123;

/// Bytes before the payload, in frames of a server.
pub(crate) const MAX_HEADER: usize = 10;

/// Appends one unfragmented frame to `buffer`.
pub(crate) fn append(buffer: &mut Vec<u8>, opcode: OpCode, payload: &[u8]) {
    const FINAL: u8 = 0x80;
    buffer.reserve(MAX_HEADER + payload.len());
    append_head(buffer, FINAL | u8::from(opcode), 0, payload.len());
    buffer.put_slice(payload);
}

/// A message that many connections get: framed once.
#[derive(Clone, Debug)]
pub(crate) struct SharedFrame {
    bytes: Bytes,
    payload: usize,
}

impl SharedFrame {
    pub(crate) fn new(text: bool, payload: &[u8]) -> Self {
        let mut bytes = Vec::new();
        append(&mut bytes, data_opcode(text), payload);
        // As long as the frame, which may be kept for long.
        bytes.shrink_to_fit();
        Self { bytes: bytes.into(), payload: payload.len() }
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Bytes of the whole frame.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of the message.
    pub(crate) fn payload(&self) -> usize {
        self.payload
    }
}

/// Appends the first byte of a frame as it is, and its length in the shortest form with
/// the bit of the mask.
fn append_head(buffer: &mut Vec<u8>, first: u8, mask: u8, len: usize) {
    buffer.put_u8(first);
    match len {
        // The casts are guarded by the ranges.
        0..=125 => buffer.put_u8(mask | len as u8),
        126..=0xFFFF => {
            buffer.put_u8(mask | 126);
            buffer.put_u16(len as u16);
        }
        _ => {
            buffer.put_u8(mask | 127);
            buffer.put_u64(len as u64);
        }
    }
}

/// A frame as clients send it, masked (RFC 6455, section 5.3).
#[cfg(any(test, feature = "bench"))]
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: u8 = 0x80;
    const KEY: [u8; 4] = [0x11, 0x82, 0x33, 0xF4];
    let mut frame = Vec::new();
    append_head(&mut frame, first, MASK, payload.len());
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Appends a close frame, without a code where that is 1005 (RFC 6455, section 7.1.5).
/// A reason that is too long is cut at a character.
pub(crate) fn append_close(buffer: &mut Vec<u8>, code: u16, reason: &str) {
    if code == 1005 {
        return append(buffer, OpCode::Control(Control::Close), &[]);
    }
    let reason = &reason[..reason.floor_char_boundary(MAX_CLOSE_REASON)];
    let mut payload = [0; 125];
    payload[..2].copy_from_slice(&code.to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
    append(buffer, OpCode::Control(Control::Close), &payload[..2 + reason.len()]);
}

/// Whether a handler may send `code`: those that RFC 6455, section 7.4, and its
/// registry define for use on the wire, and the private ranges. 1010 is for
/// clients, but section 7.4.1 does not forbid it to a server.
pub(crate) fn may_send_close_code(code: u16) -> bool {
    matches!(code, 1000 | 1001 | 1003 | 1007..=1014 | 3000..=4999)
}

/// The opcode of a data frame that carries text or binary.
pub(crate) fn data_opcode(text: bool) -> OpCode {
    OpCode::Data(if text { Data::Text } else { Data::Binary })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(len: usize) -> Vec<u8> {
        let mut buffer = Vec::new();
        append(&mut buffer, data_opcode(false), &vec![7; len]);
        buffer.truncate(buffer.len() - len);
        buffer
    }

    #[test]
    fn a_length_takes_the_shortest_form() {
        assert_eq!(header_of(0), [0x82, 0]);
        assert_eq!(header_of(125), [0x82, 125]);
        assert_eq!(header_of(126), [0x82, 126, 0, 126]);
        assert_eq!(header_of(0xFFFF), [0x82, 126, 0xFF, 0xFF]);
        assert_eq!(header_of(0x1_0000), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_long_close_reason_is_cut_at_a_character() {
        let mut buffer = Vec::new();
        append_close(&mut buffer, 1011, &"é".repeat(100));
        assert_eq!(buffer[..4], [0x88, 124, 0x03, 0xF3]);
        assert_eq!(std::str::from_utf8(&buffer[4..]).unwrap().chars().count(), 61);
    }

    #[test]
    fn codes_that_must_not_be_sent_are_known() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            assert!(!may_send_close_code(code), "{code}");
        }
        for code in [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999] {
            assert!(may_send_close_code(code), "{code}");
        }
    }
}
