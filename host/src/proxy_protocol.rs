//! The header of the PROXY protocol, version 1 or 2, in which a proxy says whom a
//! socket speaks for before the socket's own first byte.

use std::io;
use std::net::SocketAddr;

use ppp::{v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The shortest header of version 1, `PROXY UNKNOWN` and the end of the line.
const SHORTEST_LINE: usize = 15;
/// The longest one (section 2.1 of the specification).
const LONGEST_LINE: usize = 107;
/// What a header of version 2 is in any case; its last two bytes say how much follows.
const FIXED: usize = 16;
/// Addresses take up to 216 bytes. What may follow them is certificates' names and
/// the like, of which a proxy sends a few hundred.
const LONGEST: usize = 4096;

/// Why a socket does not begin with a header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoHeader {
    #[error("its first bytes are no header's")]
    Foreign,
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    #[error("{0}")]
    Socket(#[from] io::Error),
    #[error("version 1 has {0:?}")]
    Line(v1::BinaryParseError),
    #[error("version 2 has {0:?}")]
    Binary(v2::ParseError),
}

/// Reads the header and not a byte more. None where it names no address: the proxy
/// speaks for itself, or for a client that is not one of TCP.
pub(crate) async fn read(
    socket: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, NoHeader> {
    let mut header = Vec::with_capacity(SHORTEST_LINE);
    loop {
        let missing = missing(&header)?;
        if missing == 0 {
            return parse(&header);
        }
        // As much as has come, so that what is no header is seen at once.
        let read = (&mut *socket).take(missing as u64).read_buf(&mut header).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// How many bytes are to come in any case; 0 when the header is complete.
fn missing(header: &[u8]) -> Result<usize, NoHeader> {
    if begins_like(header, v1::PROTOCOL_PREFIX.as_bytes()) {
        return match header {
            _ if header.len() < SHORTEST_LINE => Ok(SHORTEST_LINE - header.len()),
            [.., b'\r', b'\n'] => Ok(0),
            _ if header.len() >= LONGEST_LINE => Err(NoHeader::TooLong(LONGEST_LINE)),
            [.., b'\r'] => Ok(1),
            _ => Ok(2.min(LONGEST_LINE - header.len())),
        };
    }
    if !begins_like(header, v2::PROTOCOL_PREFIX) {
        return Err(NoHeader::Foreign);
    }
    let Some([.., high, low]) = header.first_chunk::<FIXED>() else {
        return Ok(FIXED - header.len());
    };
    let length = FIXED + usize::from(u16::from_be_bytes([*high, *low]));
    if length > LONGEST {
        return Err(NoHeader::TooLong(LONGEST));
    }
    Ok(length.saturating_sub(header.len()))
}

fn begins_like(header: &[u8], prefix: &[u8]) -> bool {
    header.iter().zip(prefix).all(|(byte, expected)| byte == expected)
}

fn parse(header: &[u8]) -> Result<Option<SocketAddr>, NoHeader> {
    if header.starts_with(v2::PROTOCOL_PREFIX) {
        return parse_binary(header);
    }
    let header = v1::Header::try_from(header).map_err(NoHeader::Line)?;
    Ok(match header.addresses {
        v1::Addresses::Tcp4(ip) => Some((ip.source_address, ip.source_port).into()),
        v1::Addresses::Tcp6(ip) => Some((ip.source_address, ip.source_port).into()),
        v1::Addresses::Unknown => None,
    })
}

fn parse_binary(header: &[u8]) -> Result<Option<SocketAddr>, NoHeader> {
    /// Version 2, command LOCAL.
    const LOCAL: u8 = 0x20;
    if header.get(v2::PROTOCOL_PREFIX.len()) == Some(&LOCAL) {
        // Whatever follows is to be ignored, the family included (section 2.2).
        return Ok(None);
    }
    let header = v2::Header::try_from(header).map_err(NoHeader::Binary)?;
    Ok(match header.addresses {
        v2::Addresses::IPv4(ip) => Some((ip.source_address, ip.source_port).into()),
        v2::Addresses::IPv6(ip) => Some((ip.source_address, ip.source_port).into()),
        v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of these bytes, and how many of them are left.
    async fn read_of(mut bytes: &[u8]) -> (Result<Option<String>, NoHeader>, usize) {
        let read = read(&mut bytes).await;
        (read.map(|address| address.map(|address| address.to_string())), bytes.len())
    }

    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [v2::PROTOCOL_PREFIX, &[command, family], &length, rest].concat()
    }

    const V4: [u8; 12] = [203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80];

    #[tokio::test]
    async fn the_source_is_read_and_nothing_behind_the_header() {
        let mut v6 = [0; 36];
        v6[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
        (v6[15], v6[33]) = (7, 80);
        for (header, source) in [
            (&b"PROXY TCP4 203.0.113.7 10.0.0.1 4660 80\r\n"[..], Some("203.0.113.7:4660")),
            (b"PROXY TCP6 2001:db8::7 ::1 80 80\r\n", Some("[2001:db8::7]:80")),
            (b"PROXY UNKNOWN\r\n", None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
            (&binary(0x21, 0x11, &V4), Some("203.0.113.7:4660")),
            (&binary(0x21, 0x11, &[&V4[..], &[4, 0, 1, 0]].concat()), Some("203.0.113.7:4660")),
            (&binary(0x21, 0x21, &v6), Some("[2001:db8::7]:80")),
            (&binary(0x20, 0x11, &V4), None),
            (&binary(0x20, 0x11, &[]), None),
            (&binary(0x20, 0, &[]), None),
            (&binary(0x21, 0, &[1, 2, 3]), None),
            (&binary(0x21, 0x31, &[b'/'; 216]), None),
        ] {
            let bytes = [header, b"\r\nGET / HTTP/1.1\r\n"].concat();
            let (read, left) = read_of(&bytes).await;
            assert_eq!(read.unwrap().as_deref(), source, "{}", header.escape_ascii());
            assert_eq!(left, bytes.len() - header.len(), "{}", header.escape_ascii());
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let long = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 100]].concat();
        for bytes in [
            &b""[..],
            b"G",
            b"GET /echo HTTP/1.1\r\n\r\n",
            b"PROXY TCP4 203.0.113.7",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4660\r\n",
            b"PROXY TCP4 2001:db8::7 10.0.0.1 4660 80\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4660 65536\r\n",
            b"PROXY TCP5 203.0.113.7 10.0.0.1 4660 80\r\n",
            b"PROXYTCP4 203.0.113.7 10.0.0.1 4660 80\r\n",
            b"PROXY UNKNOWN\xff\xfe\r\n",
            &long,
            &binary(0x21, 0x11, &V4)[..20],
            &binary(0x21, 0x11, &V4[..8]),
            &binary(0x21, 0x31, &[0; 215]),
            &binary(0x22, 0x11, &V4),
            &binary(0x31, 0x11, &V4),
            &binary(0x21, 0x41, &V4),
            &binary(0x21, 0x13, &V4),
            &binary(0x21, 0x11, &[0; 4081]),
        ] {
            let (read, _) = read_of(bytes).await;
            assert!(read.is_err(), "{}: {read:?}", bytes.escape_ascii());
        }
    }

    #[tokio::test]
    async fn no_bytes_make_it_panic() {
        // A header that is cut or changed anywhere is read or refused.
        for header in [
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4660 80\r\n".to_vec(),
            binary(0x21, 0x11, &V4),
            binary(0x21, 0x21, &[0; 40]),
            binary(0x21, 0x31, &[0; 216]),
        ] {
            for at in 0..header.len() {
                let _ = read_of(&header[..at]).await;
                for byte in 0..=u8::MAX {
                    let mut changed = header.clone();
                    changed[at] = byte;
                    let _ = read_of(&changed).await;
                }
            }
        }
    }
}
