//! From the table to what can be checked against: keys loaded, contradictions found.

use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::claims::Expected;
use super::jwks;
use super::key::Key;
use super::table::{Algorithm, KeyEncoding, OneOrMany, Place, Reject, SessionTable};
use super::{Keys, SessionRules};
use crate::beneath::{self, Reach};
use crate::written::is_token;

const MAX_KEY_FILE: u64 = 64 * 1024;
const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Why a table can't be followed: the key of the table, and what is wrong with that. It
/// quotes nothing that is written there, which could be a key by mistake.
#[derive(Debug, thiserror::Error)]
#[error("session.{key} {problem}")]
pub(crate) struct SessionError {
    pub(crate) key: &'static str,
    pub(crate) problem: String,
}

fn wrong<T>(key: &'static str, problem: impl Into<String>) -> Result<T, SessionError> {
    Err(SessionError { key, problem: problem.into() })
}

impl SessionTable {
    /// What no single value shows, for a handler that speaks these subprotocols: all that
    /// is wrong.
    pub(crate) fn check(&self, subprotocols: &[String]) -> Vec<SessionError> {
        let names = |key, names: &Option<OneOrMany<String>>| match names.as_ref() {
            Some(names) if names.as_slice().is_empty() => wrong(key, NOBODY),
            Some(names) if names.as_slice().iter().any(String::is_empty) => wrong(key, NOBODY),
            _ => Ok(()),
        };
        let checks = [
            check_places(&self.from, subprotocols),
            self.check_leeway(),
            self.check_reject(),
            names("issuer", &self.issuer),
            names("audience", &self.audience),
            self.check_algorithms(),
            self.check_sources(),
            self.check_encoding(),
        ];
        checks.into_iter().filter_map(Result::err).collect()
    }

    /// The file that its keys are in, if they are in one.
    pub(crate) fn key_path(&self) -> Option<&Path> {
        self.jwks_file.as_deref().or(self.key_file.as_deref())
    }

    fn check_leeway(&self) -> Result<(), SessionError> {
        match self.leeway > MAX_LEEWAY {
            true => wrong("leeway", "is more than 5m: set clocks right, or write 5m or less"),
            false => Ok(()),
        }
    }

    fn check_reject(&self) -> Result<(), SessionError> {
        match self.reject.is_some() && !self.required {
            true => wrong("reject", "has no meaning where required = false: leave one of them out"),
            false => Ok(()),
        }
    }

    fn check_algorithms(&self) -> Result<(), SessionError> {
        let algorithms = self.algorithm.as_slice();
        if algorithms.is_empty() {
            return wrong("algorithm", "names none: write the one that signs the tokens");
        }
        if (1..algorithms.len()).any(|at| algorithms[..at].contains(&algorithms[at])) {
            return wrong("algorithm", "names one twice: leave one out");
        }
        let one_key = self.key_env.is_some() || self.key_file.is_some();
        if algorithms.len() > 1 && one_key && self.jwks_file.is_none() {
            return wrong("algorithm", "names several, and the key is for one: name that one");
        }
        Ok(())
    }

    fn check_sources(&self) -> Result<(), SessionError> {
        match (&self.key_env, &self.key_file, &self.jwks_file) {
            (None, None, None) => {
                wrong("key-env", "is missing, and so are key-file and jwks-file: set one")
            }
            (Some(_), None, None) | (None, Some(_), None) | (None, None, Some(_)) => Ok(()),
            _ => wrong("key-env", "can't be there with key-file or jwks-file: set one"),
        }
    }

    fn check_encoding(&self) -> Result<(), SessionError> {
        let secret = self.jwks_file.is_none() && self.algorithm.as_slice() == [Algorithm::HS256];
        match self.key_encoding.is_some() && !secret {
            true => wrong("key-encoding", "is for the secret of HS256 alone: leave it out"),
            false => Ok(()),
        }
    }
}

const NOBODY: &str = "names nobody: write a name, or leave it out";

/// Where keys are.
pub(crate) struct Sources<'a> {
    /// The manifest's folder, from which relative paths start.
    pub(crate) folder: &'a Path,
    /// Files have to lie in that folder, symlinks or not.
    pub(crate) confined: bool,
    /// Looks into the host's environment.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
}

/// What keys were made of, as its digest: so that two can be told apart, and no more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Material([u8; 32]);

impl Material {
    fn of(content: &str) -> Self {
        Self(Sha256::digest(content).into())
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material")
    }
}

/// The same tokens are good. What the manifest says does not tell, since files that it
/// names can have other keys by now.
impl PartialEq for SessionRules {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table && self.material == other.material
    }
}

impl SessionRules {
    /// Checks the table and loads its keys, for a handler that speaks these subprotocols.
    /// It blocks on files.
    pub(crate) fn load(
        table: &SessionTable,
        sources: &Sources<'_>,
        subprotocols: &[String],
    ) -> Result<Self, SessionError> {
        if let Some(first) = table.check(subprotocols).into_iter().next() {
            return Err(first);
        }
        let names = |names: &Option<OneOrMany<String>>| {
            names.as_ref().map(|names| names.as_slice().to_vec()).unwrap_or_default()
        };
        let (keys, material) = keys(table, sources)?;
        Ok(Self {
            table: table.clone(),
            material,
            expected: Expected {
                issuers: names(&table.issuer),
                audiences: names(&table.audience),
                leeway: table.leeway,
                require_exp: table.require_exp,
            },
            keys,
            places: table.from.clone(),
            required: table.required,
            reject: table.reject.unwrap_or(Reject::Status),
            outlive: table.outlive,
        })
    }
}

/// The keys, and what they were made of.
fn keys(table: &SessionTable, sources: &Sources<'_>) -> Result<(Keys, Material), SessionError> {
    let algorithms = table.algorithm.as_slice();
    if let Some(path) = &table.jwks_file {
        let content = file("jwks-file", sources, path)?;
        let keys = jwks::read(&content, algorithms).map(Keys::Set);
        return keys
            .map(|keys| (keys, Material::of(&content)))
            .or_else(|why| wrong("jwks-file", format!("names a file that {why}")));
    }
    let (key, content, whence) = match (&table.key_env, &table.key_file) {
        (Some(name), _) => {
            let content = (sources.variable)(name).ok_or_else(|| SessionError {
                key: "key-env",
                problem: "names a variable that is not in the host's environment, or not UTF-8: \
                          set it for the host"
                    .to_owned(),
            })?;
            ("key-env", content, "a variable")
        }
        (None, Some(path)) => ("key-file", file("key-file", sources, path)?, "a file"),
        (None, None) => return wrong("key-env", "is missing"),
    };
    let encoding = table.key_encoding.unwrap_or(KeyEncoding::Base64);
    let read = algorithms.first().map(|algorithm| Key::read(&content, *algorithm, encoding));
    match read {
        Some(Ok(read)) => Ok((Keys::One(read), Material::of(&content))),
        Some(Err(why)) => wrong(key, format!("names {whence} that {why}")),
        None => wrong("algorithm", "names none"),
    }
}

fn file(key: &'static str, sources: &Sources<'_>, path: &Path) -> Result<String, SessionError> {
    let advice = "check the path, and who may read it";
    read(sources, path)
        .or_else(|error| wrong(key, format!("names a file that can't be read: {error}: {advice}")))
}

fn read(sources: &Sources<'_>, path: &Path) -> io::Result<String> {
    let reach = if sources.confined { Reach::Beneath } else { Reach::Anywhere };
    let file = match beneath::open(sources.folder, path, reach) {
        Ok(file) => file,
        Err(Errno::XDEV) => {
            let why = "it lies outside the manifest's folder, which the policy denies";
            return Err(io::Error::other(why));
        }
        Err(error) => return Err(error.into()),
    };
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
