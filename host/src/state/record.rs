//! What is kept of one handler, as it is written.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::registry::By;

/// Before the digest of what follows. Another form of records gets another number.
const HEADER: &str = "socklet-state 1 ";
/// Two manifests of 64 KiB, however they are escaped, and the rest.
pub(super) const MAX_RECORD: u64 = 1024 * 1024;

/// What is kept of one handler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The path of its file as a route.
    pub(crate) key: String,
    /// What serves, or served last.
    pub(crate) good: Version,
    /// What a rollback would bring back. Its component is kept for that.
    pub(crate) before: Option<Version>,
    pub(crate) rolled_back: Option<RolledBack>,
}

/// A component and a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// The digest of its bytes, in hexadecimal.
    pub(crate) component: String,
    /// As it is written, be it beside the component or inside; none where there is none.
    pub(crate) manifest: Option<String>,
}

/// A rollback that holds until the file changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RolledBack {
    /// What the file holds.
    pub(crate) file: Version,
    /// Why the host did it by itself; none where an operator did.
    pub(crate) why: Option<String>,
}

impl Version {
    pub(crate) fn new(component: &[u8; 32], manifest: Option<&str>) -> Self {
        Self { component: hex(component), manifest: manifest.map(str::to_owned) }
    }
}

impl RolledBack {
    pub(crate) fn by(&self) -> By {
        match &self.why {
            None => By::Operator,
            Some(why) => By::Itself(why.clone()),
        }
    }
}

impl Record {
    /// With a digest of its own, by which it is known to be whole.
    pub(super) fn write(&self) -> serde_json::Result<Vec<u8>> {
        let body = serde_json::to_string(self)?;
        Ok(format!("{HEADER}{}\n{body}", hex_digest(body.as_bytes())).into_bytes())
    }

    /// None where it is damaged, or of a version of socklet that writes it otherwise.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (digest, body) = text.strip_prefix(HEADER)?.split_once('\n')?;
        if digest != hex_digest(body.as_bytes()) {
            return None;
        }
        let record: Self = serde_json::from_str(body).ok()?;
        let sound = record.components().all(is_digest);
        sound.then_some(record)
    }

    /// The digests of the components that belong to it.
    pub(super) fn components(&self) -> impl Iterator<Item = &str> {
        let before = self.before.iter().map(|version| &*version.component);
        std::iter::once(&*self.good.component).chain(before)
    }
}

/// They become names of files.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn hex_digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // A string takes whatever is written.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let version = |byte: u8| Version::new(&[byte; 32], Some("scope = \"path\"\n\0é"));
        let file = version(2);
        let rolled_back = Some(RolledBack { file, why: Some("it failed".into()) });
        Record { key: "/x".into(), good: version(1), before: Some(version(2)), rolled_back }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let record = record();
        assert_eq!(Record::read(&record.write().unwrap()), Some(record));
    }

    #[test]
    fn a_byte_that_has_changed_or_is_missing_is_noticed() {
        let written = record().write().unwrap();
        for at in 0..written.len() {
            let mut damaged = written.clone();
            damaged[at] ^= 1;
            assert_eq!(Record::read(&damaged), None, "at {at}");
            assert_eq!(Record::read(&written[..at]), None, "up to {at}");
        }
    }

    #[test]
    fn a_digest_leads_out_of_no_folder() {
        let mut record = record();
        record.good.component = format!("../{}", "a".repeat(61));
        assert_eq!(Record::read(&record.write().unwrap()), None);
    }

    #[test]
    fn two_manifests_as_large_as_they_may_be_fit() {
        let mut record = record();
        // What is escaped at the greatest length.
        let manifest: Option<String> = Some("\u{1}".repeat(crate::manifest::MAX_SIZE));
        record.good.manifest.clone_from(&manifest);
        record.before.as_mut().unwrap().manifest = manifest;
        assert!((record.write().unwrap().len() as u64) < MAX_RECORD);
    }
}
