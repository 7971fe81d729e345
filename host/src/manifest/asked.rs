//! What a handler's files ask for: the manifest beside the component, and the one
//! inside it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::document::{Document, written};
use super::flaws::Flaws;
use super::section;
use super::{MAX_SIZE, Manifest};
use crate::beneath::{self, Reach};
use crate::directory::{Fingerprint, Found};

/// What a handler's files ask for, and where that is written.
#[derive(Debug)]
pub(crate) struct Asked {
    /// None where there is none. Of one that has flaws, what is right.
    pub(crate) manifest: Option<Manifest>,
    flaws: Flaws,
    /// The manifest's, or the component's where it is inside.
    file: PathBuf,
    inside: bool,
    text: String,
}

/// Why nothing can be asked for.
#[derive(Debug)]
pub(crate) enum AskError {
    /// A file is not what the scan saw any more: look again.
    Changing,
    /// A file says what can't be served.
    Wrong(Wrong),
}

/// What is wrong with which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) file: PathBuf,
    /// At least one thing; each is shown behind the file's path.
    pub(crate) what: Vec<String>,
}

/// A key of a manifest that can't be had, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) key: Vec<String>,
    pub(crate) what: String,
}

impl Refusal {
    pub(crate) fn new(key: &[&str], what: impl Into<String>) -> Self {
        Self { key: key.iter().map(|&name| name.to_owned()).collect(), what: what.into() }
    }

    /// Whether it is about this key, or one of the table that this is.
    pub(crate) fn is_of(&self, key: &[&str]) -> bool {
        self.key.len() >= key.len() && self.key.iter().zip(key).all(|(one, other)| one == other)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", written(&self.key), self.what)
    }
}

impl Wrong {
    fn new(file: &Path, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), what: vec![what.into()] }
    }

    /// The first thing, and how many there are beside it.
    pub(crate) fn summary(&self) -> String {
        let first = self.what.first().map(String::as_str).unwrap_or_default();
        match self.what.len() {
            0 | 1 => first.to_owned(),
            all => format!("{first} (and {} more: see the log)", all - 1),
        }
    }
}

impl Asked {
    /// Of a manifest's text.
    fn new(file: &Path, inside: bool, text: String) -> Self {
        let (manifest, flaws) = Manifest::read(&text);
        Self { manifest: Some(manifest), flaws, file: file.to_owned(), inside, text }
    }

    /// What is wrong with it as it is written, if anything is.
    pub(crate) fn wrong(&self) -> Option<Wrong> {
        (!self.flaws.is_empty()).then(|| self.refused(&[]))
    }

    /// Where a route or a host is written, `line 3 of chat.toml`, for a message.
    pub(crate) fn claims_at(&self) -> Option<String> {
        let manifest = self.manifest.as_ref()?;
        let key = match (&manifest.route, &manifest.host) {
            (Some(_), _) => "route",
            (None, Some(_)) => "host",
            (None, None) => return None,
        };
        let line = Document::new(&self.text).ok()?.line_of(&[key]);
        let name = self.file.file_name().unwrap_or_default().display();
        Some(match self.inside {
            true => format!("line {line} of the manifest inside it"),
            false => format!("line {line} of {name}"),
        })
    }

    /// That, and what it can't have.
    pub(crate) fn refused(&self, refusals: &[Refusal]) -> Wrong {
        let prefix = if self.inside { "the manifest inside it, " } else { "" };
        let mut flaws = self.flaws.clone();
        // It has been read as one already.
        if let Ok(document) = Document::new(&self.text) {
            for Refusal { key, what } in refusals {
                flaws.add(document.flaw(key, what));
            }
        }
        let what = flaws.iter().map(|flaw| format!("{prefix}{flaw}")).collect();
        Wrong { file: self.file.clone(), what }
    }
}

/// What the files of a handler ask for. They are looked for below `within` only, where
/// that is given.
pub(crate) fn read(found: &Found, within: Option<&Path>) -> Result<Asked, AskError> {
    let wrong = |file: &Path, what: String| AskError::Wrong(Wrong::new(file, what));
    let unreadable = |file: &Path, error: &io::Error| match error.kind() {
        // Something on its way is being exchanged again and again.
        io::ErrorKind::WouldBlock => AskError::Changing,
        _ => wrong(file, format!("can't be read: {error}: check the file and its permissions")),
    };
    let component = &found.path;
    let inside = match open(component, found.fingerprint, within) {
        Ok(Some(file)) => section::read(file).map_err(|error| unreadable(component, &error))?,
        Ok(None) => return Err(AskError::Changing),
        Err(error) => return Err(unreadable(component, &error)),
    };
    let inside = inside.map_err(|why| {
        wrong(component, format!("the manifest inside it {why}: embed it again (socklet embed)"))
    })?;
    let inside = inside.map(|text| Asked::new(component, true, text));
    let Some(beside) = &found.manifest else {
        return Ok(inside.unwrap_or_else(|| Asked {
            manifest: None,
            flaws: Flaws::default(),
            file: component.clone(),
            inside: true,
            text: String::new(),
        }));
    };
    if let Some(wrong) = inside.as_ref().and_then(Asked::wrong) {
        return Err(AskError::Wrong(wrong));
    }
    if let Some(why) = &beside.unusable {
        return Err(wrong(&beside.path, why.clone()));
    }
    let text = match open(&beside.path, beside.fingerprint, within) {
        Ok(Some(file)) => read_text(file),
        Ok(None) => return Err(AskError::Changing),
        Err(error) => return Err(unreadable(&beside.path, &error)),
    };
    let text = text.map_err(|error| unreadable(&beside.path, &error))?;
    let text = text.map_err(|what| wrong(&beside.path, what.to_owned()))?;
    let beside_it = Asked::new(&beside.path, false, text);
    if beside_it.flaws.is_empty()
        && inside.is_some_and(|inside| inside.manifest != beside_it.manifest)
    {
        let what = format!(
            "says something else than the manifest inside {}: embed this one (socklet embed), or \
             remove this file",
            component.display()
        );
        return Err(wrong(&beside.path, what));
    }
    Ok(beside_it)
}

fn read_text(file: File) -> io::Result<Result<String, &'static str>> {
    let mut bytes = Vec::new();
    file.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_SIZE {
        return Ok(Err("is larger than 64 KiB: a manifest is a few lines"));
    }
    Ok(String::from_utf8(bytes).map_err(|_| "is not UTF-8: write it as UTF-8"))
}

/// Opens a file, or nothing where it is not what the scan saw any more. With `within`,
/// no symlink leads out of that directory, whenever it was put there.
pub(crate) fn open(
    path: &Path,
    fingerprint: Fingerprint,
    within: Option<&Path>,
) -> io::Result<Option<File>> {
    let opened = match within {
        None => {
            // What was a file may be a pipe by now, which must not be waited for.
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            OpenOptions::new().read(true).custom_flags(flags).open(path)
        }
        Some(root) => open_beneath(root, path),
    };
    match opened {
        Ok(file) => Ok((Fingerprint::of(&file.metadata()?) == fingerprint).then_some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn open_beneath(root: &Path, path: &Path) -> io::Result<File> {
    let relative = path.strip_prefix(root).map_err(io::Error::other)?;
    beneath::open(root, relative, Reach::Beneath).map_err(|error| match error {
        Errno::XDEV => io::Error::other(
            "a symlink leads out of the directory, or is absolute, which --untrusted forbids",
        ),
        error => error.into(),
    })
}
