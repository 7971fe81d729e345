//! What a handler's files ask for: the manifest beside the component, and the one
//! inside it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use super::section;
use super::{MAX_SIZE, Manifest};
use crate::directory::{Fingerprint, Found};

/// Why nothing can be asked for.
#[derive(Debug)]
pub(crate) enum AskError {
    /// A file is not what the scan saw any more: look again.
    Changing,
    /// A file says what can't be served.
    Wrong(Wrong),
}

/// What is wrong with which file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", file.display())]
pub(crate) struct Wrong {
    pub(crate) file: PathBuf,
    pub(crate) what: String,
}

/// A manifest, and as what it is written.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) manifest: Manifest,
    pub(crate) text: String,
}

/// The manifest of a handler; none where it has none. Files are looked for below
/// `within` only, where that is given.
pub(crate) fn read(found: &Found, within: Option<&Path>) -> Result<Option<Manifest>, AskError> {
    Ok(read_text(found, within)?.map(|Text { manifest, .. }| manifest))
}

/// The same, with its text.
pub(crate) fn read_text(found: &Found, within: Option<&Path>) -> Result<Option<Text>, AskError> {
    let wrong = |file: &Path, what: String| AskError::Wrong(Wrong { file: file.to_owned(), what });
    let unreadable = |file: &Path, error: &io::Error| {
        wrong(file, format!("can't be read: {error}: check the file and its permissions"))
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
    let inside = inside
        .map(|text| Manifest::parse(&text).map(|manifest| Text { manifest, text }))
        .transpose()
        .map_err(|flaw| wrong(component, format!("the manifest inside it, {flaw}")))?;
    let Some(beside) = &found.manifest else { return Ok(inside) };
    if let Some(why) = &beside.unusable {
        return Err(wrong(&beside.path, why.clone()));
    }
    let text = match open(&beside.path, beside.fingerprint, within) {
        Ok(Some(file)) => read_utf8(file),
        Ok(None) => return Err(AskError::Changing),
        Err(error) => return Err(unreadable(&beside.path, &error)),
    };
    let text = text.map_err(|error| unreadable(&beside.path, &error))?;
    let text = text.map_err(|what| wrong(&beside.path, what.to_owned()))?;
    let beside_it = Manifest::parse(&text).map_err(|flaw| wrong(&beside.path, flaw.to_string()))?;
    if inside.as_ref().is_some_and(|inside| inside.manifest != beside_it) {
        let what = format!(
            "says something else than the manifest inside {}: embed this one (socklet embed), or \
             remove this file",
            component.display()
        );
        return Err(wrong(&beside.path, what));
    }
    Ok(Some(Text { manifest: beside_it, text }))
}

fn read_utf8(file: File) -> io::Result<Result<String, &'static str>> {
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
    // What was a file may be a pipe by now, which must not be waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match within {
        None => {
            let flags = (flags - OFlags::CLOEXEC).bits().cast_signed();
            OpenOptions::new().read(true).custom_flags(flags).open(path)
        }
        Some(root) => open_below(root, path, flags),
    };
    match opened {
        Ok(file) => Ok((Fingerprint::of(&file.metadata()?) == fingerprint).then_some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn open_below(root: &Path, path: &Path, flags: OFlags) -> io::Result<File> {
    let relative = path.strip_prefix(root).map_err(io::Error::other)?;
    // The folder of a name alone has an empty one.
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let root = File::open(root)?;
    match openat2(&root, relative, flags, Mode::empty(), ResolveFlags::BENEATH) {
        Ok(file) => Ok(File::from(file)),
        Err(rustix::io::Errno::XDEV) => Err(io::Error::other(
            "a symlink leads out of the directory, or is absolute, which --untrusted forbids",
        )),
        Err(error) => Err(error.into()),
    }
}
