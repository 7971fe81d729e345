//! What an operator's tools have to show: a secret in a file that only this user, or
//! root, can read.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use subtle::ConstantTimeEq as _;

/// Random bytes of a token that is made here.
const BYTES: usize = 32;
/// A shorter one could be guessed.
const SHORTEST: usize = 16;
const LONGEST: usize = 4096;

/// The secret of the admin listener, read once.
pub struct Token {
    file: PathBuf,
    secret: Vec<u8>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It can't be made or read.
    #[error("{}: the admin token can't be {what}: {why}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// `made` or `read`.
        what: &'static str,
        /// Why not.
        why: io::Error,
    },
    /// The file is not fit to keep a secret, or what is in it is none.
    #[error("{}: can't hold the admin token: {why}", file.display())]
    Unfit {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        why: &'static str,
    },
}

impl Token {
    /// Reads the token. Where there is no such file it is made, with 32 random bytes in
    /// hexadecimal, for this user alone.
    ///
    /// # Errors
    ///
    /// See [`TokenError`]. A file that others may read is refused.
    pub fn of_file(file: PathBuf) -> Result<Self, TokenError> {
        let failed = |what| {
            let file = file.clone();
            move |why| TokenError::Io { file, what, why }
        };
        let opened = match open(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(&file).map_err(failed("made"))?;
                open(&file)
            }
            opened => opened,
        };
        let opened = opened.map_err(failed("read"))?;
        match read(opened).map_err(failed("read"))? {
            Ok(secret) => Ok(Self { file, secret }),
            Err(why) => Err(TokenError::Unfit { file, why }),
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether this is it. How long that takes tells nothing of it but its length.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.secret.ct_eq(shown).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("file", &self.file).finish_non_exhaustive()
    }
}

fn open(file: &Path) -> io::Result<File> {
    // A pipe must not be waited for.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(nonblocking).open(file)
}

fn read(file: File) -> io::Result<Result<Vec<u8>, &'static str>> {
    let data = file.metadata()?;
    if !data.is_file() {
        return Ok(Err("it is no regular file"));
    }
    if data.mode() & 0o077 != 0 {
        return Ok(Err("others may read or change it: chmod 600"));
    }
    if ![0, rustix::process::geteuid().as_raw()].contains(&data.uid()) {
        return Ok(Err("it belongs to another user: chown it"));
    }
    let mut secret = Vec::new();
    file.take(LONGEST as u64 + 1).read_to_end(&mut secret)?;
    let secret = secret.trim_ascii();
    // What a header can carry as one word (RFC 6750, section 2.1).
    Ok(match secret.len() {
        ..SHORTEST => Err("it is shorter than 16 characters: remove it to have one made"),
        SHORTEST..=LONGEST if secret.iter().all(u8::is_ascii_graphic) => Ok(secret.to_vec()),
        _ => Err("it is not one word of visible ASCII characters: remove it to have one made"),
    })
}

/// Makes the file whole or not at all. One that has come meanwhile stays.
fn make(file: &Path) -> io::Result<()> {
    let mut secret = [0; BYTES];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Its mode is 600.
    let mut draft = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    for byte in secret {
        write!(draft, "{byte:02x}")?;
    }
    writeln!(draft)?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(file) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn set_mode(file: &Path, mode: u32) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_token_is_made_once_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let made = Token::of_file(file.clone()).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(made.secret.len(), 2 * BYTES);
        assert_eq!(Token::of_file(file.clone()).unwrap().secret, made.secret);
        assert!(made.is(&made.secret) && !made.is(&made.secret[1..]) && !made.is(b""));
        assert!(!format!("{made:?}").contains(std::str::from_utf8(&made.secret).unwrap()));
        let other = Token::of_file(folder.path().join("other")).unwrap();
        assert!(!made.is(&other.secret));
    }

    #[test]
    fn a_file_that_others_can_read_and_one_that_holds_no_secret_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        Token::of_file(file.clone()).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            set_mode(&file, mode);
            let error = Token::of_file(file.clone()).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{mode:o}: {error}");
        }
        set_mode(&file, 0o400);
        assert!(Token::of_file(file.clone()).is_ok());
        set_mode(&file, 0o600);
        let long = "x".repeat(LONGEST + 1);
        for content in ["", "short\n", "two words of a secret", "sécret sécret sécret", &long] {
            std::fs::write(&file, content).unwrap();
            let error = Token::of_file(file.clone()).unwrap_err();
            assert!(matches!(error, TokenError::Unfit { .. }), "{content:.30}: {error}");
        }
        std::fs::write(&file, " 0123456789abcdef\n").unwrap();
        assert!(Token::of_file(file).unwrap().is(b"0123456789abcdef"));
        assert!(Token::of_file(folder.path().to_owned()).is_err());
        assert!(Token::of_file(folder.path().join("no/such/token")).is_err());
    }
}
