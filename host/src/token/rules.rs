//! From the table to what can be checked against: keys loaded, contradictions found.

use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use super::claims::Expected;
use super::jwks;
use super::key::Key;
use super::table::{Algorithm, KeyEncoding, OneOrMany, Place, Reject, SessionTable};
use super::{Keys, SessionRules};

const MAX_KEY_FILE: u64 = 64 * 1024;
const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Why a table can't be followed: the key of the table, and what is wrong with that. It
/// quotes neither a key that verifies nor what could be one by mistake.
#[derive(Debug, thiserror::Error)]
#[error("session.{key} {problem}")]
pub(crate) struct SessionError {
    pub(crate) key: &'static str,
    pub(crate) problem: String,
}

fn wrong<T>(key: &'static str, problem: impl Into<String>) -> Result<T, SessionError> {
    Err(SessionError { key, problem: problem.into() })
}

impl SessionRules {
    /// Checks the table and loads its keys. Relative files lie in `folder`, where the
    /// manifest is; `variable` looks into the host's environment; `subprotocols` are
    /// those that the handler speaks. It blocks on files.
    pub(crate) fn load(
        table: &SessionTable,
        folder: &Path,
        variable: impl Fn(&str) -> Option<String>,
        subprotocols: &[String],
    ) -> Result<Self, SessionError> {
        check_places(&table.from, subprotocols)?;
        if table.leeway > MAX_LEEWAY {
            return wrong("leeway", "is more than 5m: set clocks right, or write 5m or less");
        }
        if table.reject.is_some() && !table.required {
            return wrong("reject", "has no meaning where required = false: leave one of them out");
        }
        let names = |key, names: &Option<OneOrMany<String>>| {
            let Some(names) = names else { return Ok(Vec::new()) };
            let names = names.as_slice().to_vec();
            match names.is_empty() || names.iter().any(String::is_empty) {
                true => wrong(key, "names nobody: write a name, or leave it out"),
                false => Ok(names),
            }
        };
        Ok(Self {
            expected: Expected {
                issuers: names("issuer", &table.issuer)?,
                audiences: names("audience", &table.audience)?,
                leeway: table.leeway,
                require_exp: table.require_exp,
            },
            keys: keys(table, folder, variable)?,
            places: table.from.clone(),
            required: table.required,
            reject: table.reject.unwrap_or(Reject::Status),
            outlive: table.outlive,
        })
    }
}

fn keys(
    table: &SessionTable,
    folder: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Keys, SessionError> {
    let algorithms = table.algorithm.as_slice();
    if algorithms.is_empty() {
        return wrong("algorithm", "names none: write the one that signs the tokens");
    }
    if (1..algorithms.len()).any(|at| algorithms[..at].contains(&algorithms[at])) {
        return wrong("algorithm", "names one twice: leave one out");
    }
    let encoding = table.key_encoding;
    let encoded = encoding.is_none() || algorithms == [Algorithm::HS256];
    if !encoded || encoding.is_some() && table.jwks_file.is_some() {
        return wrong("key-encoding", "is for the secret of HS256 alone: leave it out");
    }
    let encoding = encoding.unwrap_or(KeyEncoding::Base64);
    let single = |key, content: &str, whence: &str| {
        let &[algorithm] = algorithms else {
            return wrong("algorithm", "names several, and this key is for one: name that one");
        };
        let read = Key::read(content, algorithm, encoding);
        read.map(Keys::One).or_else(|why| wrong(key, format!("names {whence}, which {why}")))
    };
    match (&table.key_env, &table.key_file, &table.jwks_file) {
        (Some(name), None, None) => {
            let whence = of_variable(name);
            let Some(content) = variable(name) else {
                return wrong(
                    "key-env",
                    format!("names {whence}, which is not set: set it where the host starts"),
                );
            };
            single("key-env", &content, &whence)
        }
        (None, Some(path), None) => {
            let (content, whence) = file("key-file", folder, path)?;
            single("key-file", &content, &whence)
        }
        (None, None, Some(path)) => {
            let (content, whence) = file("jwks-file", folder, path)?;
            let keys = jwks::read(&content, algorithms);
            keys.map(Keys::Set)
                .or_else(|why| wrong("jwks-file", format!("names {whence}, which {why}")))
        }
        (None, None, None) => {
            wrong("key-env", "is missing, and so are key-file and jwks-file: set one of them")
        }
        _ => wrong("key-env", "is not alone: only one of key-env, key-file and jwks-file can be"),
    }
}

/// A variable as a message names it. What is written there by mistake could be the key
/// itself, which is hardly ever all in capitals.
fn of_variable(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    match name.bytes().all(plain) && name.len() <= 64 {
        true => format!("the variable {name}"),
        false => "a variable".to_owned(),
    }
}

/// A file's content, and how a message names it.
fn file(key: &'static str, folder: &Path, path: &Path) -> Result<(String, String), SessionError> {
    let written = path.to_string_lossy();
    if written.contains("-----BEGIN") || written.starts_with('{') {
        return wrong(key, "holds a key itself: write it into a file, and name that here");
    }
    let path: PathBuf = folder.join(path);
    let whence = format!("{:?}", path.display().to_string());
    match read(&path) {
        Ok(content) => Ok((content, whence)),
        Err(error) => {
            let advice = "check the path, and who may read it";
            wrong(key, format!("names {whence}, which can't be read: {error}: {advice}"))
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    // A pipe must not be waited for.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_KEY_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_KEY_FILE {
        return Err(io::Error::other("it is larger than 64 KiB"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is no text"))
}

fn check_places(places: &[Place], subprotocols: &[String]) -> Result<(), SessionError> {
    if places.is_empty() {
        return wrong(
            "from",
            "names no place: write where tokens are, such as [\"authorization\"]",
        );
    }
    for (at, place) in places.iter().enumerate() {
        if places[..at].contains(place) {
            return wrong("from", "names a place twice: leave one out");
        }
        match place {
            Place::Cookie(name) if !is_token(name) => {
                return wrong("from", "must name a cookie by letters, digits and !#$%&'*+-.^_`|~");
            }
            Place::Query(name) if name.is_empty() => {
                return wrong("from", "must name the parameter of the query");
            }
            Place::Subprotocol(prefix) => check_prefix(prefix, subprotocols)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_prefix(prefix: &str, subprotocols: &[String]) -> Result<(), SessionError> {
    if !is_token(prefix) {
        return wrong(
            "from",
            "must have a prefix of letters, digits and !#$%&'*+-.^_`|~ for a subprotocol, such as \
             \"bearer.\"",
        );
    }
    if subprotocols.is_empty() {
        return wrong(
            "from",
            "names a subprotocol, and the handler speaks none: set subprotocols, since a browser \
             gives up where none of those that it offers is agreed to",
        );
    }
    if subprotocols.iter().any(|spoken| spoken.starts_with(prefix)) {
        return wrong(
            "from",
            "has a prefix that one of the handler's subprotocols has: take another",
        );
    }
    Ok(())
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(may)
}
