//! Bytes that a peer sends instead of a handshake, or as one.

use sha1::{Digest as _, Sha1};

use super::frames;
use super::rfc6455::{Answer, Sent, sent_by_server};
use super::stage::{Manner, serve};

/// The host's own bounds.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Bytes from the start of a connection. The answer is one response with a status
/// of the documented ones, whole and with nothing behind it; a 101 answers a valid
/// handshake only, and a valid one always gets it. Then what follows is frames.
pub fn handshake(bytes: &[u8]) {
    for manner in [Manner::Hasty, Manner::Slow] {
        check(bytes, &serve(bytes, manner), manner);
    }
}

fn check(input: &[u8], output: &[u8], manner: Manner) {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(input);
    if output.is_empty() {
        // Either the peer went away in the middle of its request, which is not looked
        // into before its blank line has come; or it is sure to speak HTTP/2, in which
        // this would be no answer.
        let blank = |end: &[u8]| input.windows(end.len()).any(|bytes| bytes == end);
        let unfinished = matches!(parsed, Ok(status) if status.is_partial())
            || !blank(b"\r\n\r\n") && !blank(b"\n\n");
        let gone = manner == Manner::Hasty && unfinished;
        assert!(gone || input.starts_with(b"PRI * HTTP/2.0"), "no answer: {parsed:?}");
        return;
    }
    let request = match parsed {
        Ok(httparse::Status::Complete(length)) => Some((Request(request), length)),
        _ => None,
    };

    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head = response.parse(output).expect("a response");
    let httparse::Status::Complete(head) = head else { panic!("half a response") };
    let body = &output[head..];
    let status = response.code.expect("a whole response has one");
    let header = |name: &str| {
        let mut of_name = response.headers.iter().filter(|is| is.name.eq_ignore_ascii_case(name));
        let value = of_name.next().map(|header| header.value);
        assert!(of_name.next().is_none(), "{name} twice");
        value
    };

    if let (101, Some((request, length))) = (status, &request) {
        assert!(request.is_handshake(), "101 for what is no handshake");
        let key = request.only("sec-websocket-key").expect("a handshake has one");
        assert_eq!(header("sec-websocket-accept"), Some(accept(key).as_bytes()));
        assert!(header("upgrade").is_some_and(|it| it.eq_ignore_ascii_case(b"websocket")));
        assert!(header("connection").is_some_and(|it| it.eq_ignore_ascii_case(b"upgrade")));
        assert_eq!((header("content-length"), header("transfer-encoding")), (None, None));
        check_frames(request, &input[*length..], body, manner, Manner::piece(input));
        return;
    }
    // 429, 500 and 503 have no cause here.
    let too_slow = status == 408 && manner == Manner::Slow;
    assert!(matches!(status, 200 | 400 | 403 | 404 | 426 | 431) || too_slow, "{status}");
    assert!(header("connection").is_some_and(|it| has_token(it, "close")), "{status}: it closes");
    assert_eq!(status == 426, header("upgrade").is_some(), "{status}");
    let length = header("content-length").expect("a length");
    let length: usize = std::str::from_utf8(length).expect("digits").parse().expect("a number");
    let is_head = request.as_ref().is_some_and(|(request, _)| request.0.method == Some("HEAD"));
    assert_eq!(body.len(), if is_head { 0 } else { length });
    let to_be_opened = request.is_some_and(|(request, length)| {
        // Other line breaks may pass.
        let ended = input[..length].ends_with(b"\r\n\r\n");
        ended && length < MAX_HEADER_BYTES && request.is_sure_to_be_opened()
    });
    assert!(!to_be_opened, "{status} for a valid handshake");
}

fn check_frames(
    request: &Request<'_, '_>,
    input: &[u8],
    output: &[u8],
    manner: Manner,
    piece: usize,
) {
    match request.0.path {
        Some("/echo") => frames::check(input, output, manner, piece),
        Some("/goodbye") if manner == Manner::Slow => {
            // Whatever the peer says, the handler's words are the last.
            let (sent, cut) = sent_by_server(output);
            let hello = Sent::Answer(Answer::Text(b"Hello!".to_vec()));
            assert_eq!(sent, [hello, Sent::Close(1000, 1000u16.to_be_bytes().to_vec())]);
            assert!(cut.is_empty());
        }
        _ => drop(sent_by_server(output)),
    }
}

struct Request<'h, 'b>(httparse::Request<'h, 'b>);

impl Request<'_, '_> {
    /// What RFC 6455, section 4.2.1, asks for.
    fn is_handshake(&self) -> bool {
        let key = self.only("sec-websocket-key");
        self.0.method == Some("GET")
            && self.0.version == Some(1)
            && self.all("host").count() == 1
            && self.all("upgrade").any(|value| has_token(value, "websocket"))
            && self.all("connection").any(|value| has_token(value, "upgrade"))
            && self.only("sec-websocket-version") == Some(b"13")
            && key.is_some_and(is_base64_of_16_bytes)
    }

    /// A handshake for a handler that is there, without anything that could make it
    /// another's (an origin) or that could be taken for content.
    fn is_sure_to_be_opened(&self) -> bool {
        self.is_handshake()
            && self.0.path == Some("/echo")
            && ["origin", "content-length", "transfer-encoding"]
                .iter()
                .all(|name| self.all(name).next().is_none())
            && self.0.headers.iter().all(|header| header.value.is_ascii())
            && self.offers_subprotocols_once()
    }

    /// Section 4.1: tokens that are all different.
    fn offers_subprotocols_once(&self) -> bool {
        let values = self.all("sec-websocket-protocol");
        let members = values.flat_map(|value| value.split(|&byte| byte == b','));
        let offers = members.map(<[u8]>::trim_ascii).filter(|offer| !offer.is_empty());
        let mut seen = std::collections::HashSet::new();
        offers.into_iter().all(|offer| offer.iter().all(is_tchar) && seen.insert(offer))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let of_name = self.0.headers.iter().filter(|it| it.name.eq_ignore_ascii_case(name));
        of_name.map(|header| header.value)
    }

    fn only<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }
}

/// Whether a list separated by commas has this token.
fn has_token(value: &[u8], token: &str) -> bool {
    value
        .split(|&byte| byte == b',')
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

fn is_base64_of_16_bytes(key: &[u8]) -> bool {
    let Some(digits) = key.strip_suffix(b"==") else { return false };
    digits.len() == 22 && digits.iter().all(|digit| BASE64.contains(digit))
}

/// RFC 9110, section 5.6.2.
fn is_tchar(byte: &u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Section 4.2.2, step 5, paragraph 4: the hash is 20 bytes, so the last digits
/// stand for two.
fn accept(key: &[u8]) -> String {
    let hash = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let mut text = String::new();
    for three in hash.finalize().chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            text.push(char::from(BASE64[bits >> (18 - 6 * digit) & 63]));
        }
    }
    text + "="
}
