//! What a socket begins with on a listener for proxies.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use super::stage::run;
use crate::proxy_protocol::{NoHeader, read};

/// The longest header that is read.
const LONGEST: usize = 4096;
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes from the start of a socket. They begin with a header, which is read to its end
/// and no further, or they don't; and that is the same however they come.
pub fn proxy_protocol(bytes: &[u8]) {
    let (whole, left) = read_of(bytes, usize::MAX);
    for piece in [1, 7] {
        let (pieces, rest) = read_of(bytes, piece);
        assert_eq!(pieces.is_ok(), whole.is_ok(), "{pieces:?} and {whole:?}");
        if let (Ok(one), Ok(other)) = (&pieces, &whole) {
            assert_eq!((one, rest), (other, left));
        }
    }
    let taken = bytes.len() - left;
    assert!(taken <= LONGEST, "{taken}");
    let header = &bytes[..taken];
    match whole {
        Ok(source) if header.starts_with(V2) => check_binary(header, source),
        Ok(source) => check_line(header, source),
        // What is missing may still come: all that is there is a beginning.
        Err(NoHeader::Socket(error)) => {
            assert_eq!((error.kind(), left), (io::ErrorKind::UnexpectedEof, 0));
        }
        Err(why) => assert!(!why.to_string().contains(char::is_control), "{why}"),
    }
}

fn check_binary(header: &[u8], source: Option<SocketAddr>) {
    let length = u16::from_be_bytes([header[14], header[15]]);
    assert_eq!(header.len(), 16 + usize::from(length));
    assert!(matches!(header[12], 0x20 | 0x21), "version or command {:#x}", header[12]);
    match (header[12], header[13] >> 4) {
        (0x21, 1) => {
            let ip: [u8; 4] = header[16..20].try_into().expect("four bytes");
            let port = u16::from_be_bytes([header[24], header[25]]);
            assert_eq!(source, Some((ip, port).into()));
        }
        (0x21, 2) => {
            let ip: [u8; 16] = header[16..32].try_into().expect("sixteen bytes");
            let port = u16::from_be_bytes([header[48], header[49]]);
            assert_eq!(source, Some((ip, port).into()));
        }
        _ => assert_eq!(source, None),
    }
}

fn check_line(header: &[u8], source: Option<SocketAddr>) {
    assert!(header.len() <= 107 && header.ends_with(b"\r\n"));
    // Whatever follows that is to be ignored (section 2.1).
    if header.starts_with(b"PROXY UNKNOWN") {
        return assert_eq!(source, None);
    }
    let line = std::str::from_utf8(&header[..header.len() - 2]).expect("a line of text");
    assert!(!line.contains("\r\n"), "{line:?}");
    let fields: Vec<_> = line.split(' ').collect();
    match (&fields[..], source) {
        (["PROXY", family, ip, _, port, _], Some(source)) => {
            assert_eq!(*family, if source.is_ipv4() { "TCP4" } else { "TCP6" });
            assert_eq!(
                source,
                SocketAddr::new(ip.parse().expect("an address"), port.parse().expect("a port"))
            );
        }
        _ => panic!("{source:?} of {line:?}"),
    }
}

/// What is read where so many bytes come at a time, and how many are left.
fn read_of(bytes: &[u8], piece: usize) -> (Result<Option<SocketAddr>, NoHeader>, usize) {
    let mut socket = Pieces { left: bytes, piece };
    let read = run(async { read(&mut socket).await });
    (read, socket.left.len())
}

struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.left.len().min(self.piece).min(buffer.remaining());
        let (read, left) = self.left.split_at(length);
        buffer.put_slice(read);
        self.left = left;
        Poll::Ready(Ok(()))
    }
}
