//! Frames through a session, to an instance of the echo example and back.

use super::rfc6455::{Answer, Ending, Sent, answers_to, sent_by_server};
use super::stage::{MAX_MESSAGE_SIZE, Manner, serve};

const HANDSHAKE: &str = "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Bytes that follow a handshake. Every message and ping before what ends the
/// connection is answered, in order and whole; then that is, as RFC 6455 has it;
/// and all that is sent is well-formed.
pub fn frames(bytes: &[u8]) {
    for manner in [Manner::Hasty, Manner::Slow, Manner::Deaf] {
        let input = [HANDSHAKE.as_bytes(), bytes].concat();
        let output = serve(&input, manner);
        let head = output.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
        check(bytes, &output[head + 4..], manner, Manner::piece(&input));
    }
}

/// Checks what an echo has sent to a peer of this manner that has sent `input`, in
/// pieces of this size where it is slow.
pub(super) fn check(input: &[u8], output: &[u8], manner: Manner, piece: usize) {
    let (expected, ending) = answers_to(input, MAX_MESSAGE_SIZE);
    let (mut sent, cut) = sent_by_server(output);
    // The socket's end drops what has not been sent yet.
    let dropped = manner == Manner::Deaf || manner == Manner::Hasty && ending == Ending::Silence;
    assert!(cut.is_empty() || dropped, "half a frame, with {ending:?}");

    let close = sent.pop_if(|last| matches!(last, Sent::Close(..)));
    let mut pings = 0;
    let mut answers = Vec::new();
    for frame in sent {
        match frame {
            Sent::Answer(answer) => answers.push(answer),
            Sent::Ping(payload) => {
                assert!(payload.is_empty(), "a ping of the host's says nothing");
                pings += 1;
            }
            Sent::Close(..) => unreachable!("it would be the last"),
        }
    }
    check_answers(&answers, &expected, dropped);
    if manner == Manner::Slow && piece == 1 {
        // Each was answered before the next had come.
        assert_eq!(answers, expected);
    }
    match (close, ending, manner) {
        // It gave up a peer that took nothing; with which words depends on how long
        // that has kept it from reading.
        (_, _, Manner::Deaf) => {}
        (close, Ending::Silence, Manner::Hasty) => assert_eq!(close, None),
        (close, Ending::Silence, Manner::Slow) => {
            assert!(matches!(close, Some(Sent::Close(1001, _))), "{close:?} for a silent peer");
            assert_eq!(pings, 1);
        }
        (close, Ending::Close(payload), _) => {
            let Some(Sent::Close(_, echoed)) = close else { panic!("{payload:?} unanswered") };
            assert_eq!(echoed, payload);
        }
        (close, Ending::Violation(code), _) => {
            assert!(matches!(close, Some(Sent::Close(is, _)) if is == code), "{close:?}: {code}");
        }
    }
}

/// Messages come back in their order, and pings in theirs: all of them, or where
/// the rest was `dropped` the first ones.
fn check_answers(answers: &[Answer], expected: &[Answer], dropped: bool) {
    for control in [false, true] {
        let of_kind = |answer: &&Answer| matches!(answer, Answer::Pong(_)) == control;
        let answers: Vec<_> = answers.iter().filter(of_kind).collect();
        let expected: Vec<_> = expected.iter().filter(of_kind).collect();
        if dropped {
            assert!(expected.starts_with(&answers), "{answers:?} for {expected:?}");
        } else {
            assert_eq!(answers, expected);
        }
    }
}
