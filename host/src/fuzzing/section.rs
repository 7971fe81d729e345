//! A component that may have a manifest inside.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use crate::manifest::embed;
use crate::manifest::section::read;
use crate::manifest::{EmbedError, MAX_SIZE};

const MANIFEST: &str = "route = \"/fuzzed\"";

/// Bytes of a `.wasm` file. Its sections are found, or it is no component; what is read of
/// it is bounded; and a manifest that is put into it is the one that is read then, beside
/// what was there before.
pub fn section(bytes: &[u8]) {
    let mut file = Metered { file: Cursor::new(bytes), read: 0 };
    let found = read(&mut file).expect("memory can be read");
    // Each of the manifests, and a buffer's worth of each section's head.
    assert!(file.read <= 2 * bytes.len() + 64 * 1024, "{} of {}", file.read, bytes.len());
    if let Ok(Some(text)) = &found {
        assert!(text.len() <= MAX_SIZE);
    }
    match embed(bytes, MANIFEST) {
        Ok(made) => {
            let again = read(Cursor::new(&made)).expect("memory can be read");
            assert_eq!(again.ok().flatten().as_deref(), Some(MANIFEST));
            // In place of any that was there, so a second one changes nothing.
            let twice = embed(&made, MANIFEST).expect("what was made is a component");
            assert!(twice == made);
            if found == Ok(None) {
                assert!(made.starts_with(bytes));
            }
        }
        Err(EmbedError::NotAComponent) => assert!(found == Ok(None), "{found:?} of no component"),
        Err(EmbedError::Manifest(why)) => panic!("{why}"),
    }
}

/// Counts what is read of a file.
struct Metered<'a> {
    file: Cursor<&'a [u8]>,
    read: usize,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

impl Seek for Metered<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
