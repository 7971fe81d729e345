//! RFC 6455 once more, in as few words as it takes: what a peer has said, and
//! whether what a server sends is well-formed. Slow, and nothing of the host's own.

/// What answers one frame or message of the peer's, where the handler echoes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
}

/// How the peer's input ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Without a word, maybe within a frame.
    Silence,
    /// With a close frame of this payload.
    Close(Vec<u8>),
    /// With what has to be answered by this close code. Whatever follows is void.
    Violation(u16),
}

/// Everything that is to be answered of a client's input, and its ending.
pub(super) fn answers_to(mut input: &[u8], max_message_size: usize) -> (Vec<Answer>, Ending) {
    let mut answers = Vec::new();
    let mut message = None;
    loop {
        match next(&mut input, &mut message, max_message_size) {
            Ok(Some(answer)) => answers.push(answer),
            Ok(None) => {}
            Err(ending) => return (answers, ending),
        }
    }
}

/// A message that has begun: whether it is text, and what has come of it.
type Begun = Option<(bool, Vec<u8>)>;

/// Takes one frame. What shows counts before the rest has come; of several mistakes
/// in one frame the first that is checked here has its code.
fn next(input: &mut &[u8], message: &mut Begun, max: usize) -> Result<Option<Answer>, Ending> {
    const PROTOCOL: Ending = Ending::Violation(1002);
    const UTF8: Ending = Ending::Violation(1007);
    const TOO_BIG: Ending = Ending::Violation(1009);

    let [first, second] = *take(input, 2)? else { unreachable!() };
    let (fin, reserved, opcode) = (first & 0x80 != 0, first & 0x70, first & 0x0F);
    let is_control = opcode >= 8;
    let sound = match opcode {
        0 => message.is_some(),
        1 | 2 => message.is_none(),
        8..=10 => fin,
        _ => false,
    };
    let masked = second & 0x80 != 0;
    if reserved != 0 || !masked || !matches!(opcode, 0..=2 | 8..=10) {
        return Err(PROTOCOL);
    }
    let length = match second & 0x7F {
        126 => number(take(input, 2)?),
        127 => number(take(input, 8)?),
        short => u64::from(short),
    };
    if !sound || is_control && length > 125 {
        return Err(PROTOCOL);
    }
    let begun = message.as_ref().map_or(0, |(_, begun)| begun.len());
    let most = if is_control { 125 } else { max - begun };
    let length = usize::try_from(length).ok().filter(|&length| length <= most).ok_or(TOO_BIG)?;
    let mask = take(input, 4)?;
    let came = &input[..length.min(input.len())];
    let payload: Vec<u8> = came.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).collect();
    let here = take(input, length);
    match opcode {
        8 => return Err(here.map_or_else(|silence| silence, |_| close(payload))),
        9 => return here.map(|_| Some(Answer::Pong(payload))),
        10 => return here.map(|_| None),
        _ => {}
    }
    let (text, mut whole) = message.take().unwrap_or((opcode == 1, Vec::new()));
    whole.extend(payload);
    match std::str::from_utf8(&whole) {
        // A character may go on in what has not come.
        Err(error) if text && (fin && here.is_ok() || error.error_len().is_some()) => {
            return Err(UTF8);
        }
        _ => {}
    }
    here?;
    if !fin {
        *message = Some((text, whole));
        return Ok(None);
    }
    Ok(Some(if text { Answer::Text(whole) } else { Answer::Binary(whole) }))
}

/// What a close frame of this payload comes to.
fn close(payload: Vec<u8>) -> Ending {
    match &payload[..] {
        [] => Ending::Close(payload),
        [_] => Ending::Violation(1002),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if std::str::from_utf8(reason).is_err() {
                Ending::Violation(1007)
            } else if is_sendable(code) {
                Ending::Close(payload)
            } else {
                Ending::Violation(1002)
            }
        }
    }
}

/// Codes that may be in a close frame (section 7.4, and the registry it sets up).
fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// One frame of a server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Answer(Answer),
    Ping(Vec<u8>),
    /// The code is 1005 where there is none.
    Close(u16, Vec<u8>),
}

/// The frames that a server has sent, and the beginning of one that it has not
/// finished.
///
/// # Panics
///
/// Where they break a rule.
pub(super) fn sent_by_server(mut output: &[u8]) -> (Vec<Sent>, &[u8]) {
    let mut frames = Vec::new();
    loop {
        let start = output;
        let Ok(frame) = sent(&mut output) else { return (frames, start) };
        let last = frames.last();
        assert!(!matches!(last, Some(Sent::Close(..))), "{frame:?} follows a close frame");
        frames.push(frame);
    }
}

fn sent(output: &mut &[u8]) -> Result<Sent, Ending> {
    let [first, second] = *take(output, 2)? else { unreachable!() };
    assert!(first & 0xF0 == 0x80, "a frame with reserved bits, or in fragments: {first:#x}");
    assert!(second & 0x80 == 0, "a masked frame of a server");
    let (length, least) = match second {
        126 => (number(take(output, 2)?), 126),
        127 => (number(take(output, 8)?), 0x1_0000),
        short => (u64::from(short), 0),
    };
    assert!(length >= least, "{length} in more bytes than it needs");
    let opcode = first & 0x0F;
    assert!(opcode < 8 || length <= 125, "a control frame of {length} bytes");
    let length = usize::try_from(length).expect("a frame that fits into memory");
    let payload = take(output, length)?.to_vec();
    let is_utf8 = |bytes| std::str::from_utf8(bytes).is_ok();
    Ok(match opcode {
        1 => {
            assert!(is_utf8(&payload), "a text message that is no UTF-8");
            Sent::Answer(Answer::Text(payload))
        }
        2 => Sent::Answer(Answer::Binary(payload)),
        8 if payload.is_empty() => Sent::Close(1005, payload),
        8 => {
            let [high, low, reason @ ..] = &payload[..] else { panic!("half a close code") };
            let code = u16::from_be_bytes([*high, *low]);
            assert!(is_sendable(code), "the close code {code}");
            assert!(is_utf8(reason), "a reason that is no UTF-8");
            Sent::Close(code, payload)
        }
        9 => Sent::Ping(payload),
        10 => Sent::Answer(Answer::Pong(payload)),
        _ => panic!("the opcode {opcode}"),
    })
}

/// The next bytes, or silence where they have not come.
fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], Ending> {
    let (taken, rest) = input.split_at_checked(count).ok_or(Ending::Silence)?;
    *input = rest;
    Ok(taken)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
