//! What is wrong in a file, so that whoever mends it sees all of it at once.

use std::fmt;

/// So many are told of one file.
const MOST: usize = 20;

/// What is wrong in a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) line: usize,
    /// As it is written in the file, `limits.max-memory`; empty where none can be named.
    pub(crate) key: String,
    pub(crate) what: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{} ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// All that is wrong in a file, in the order of its lines; not more than a few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flaws(Vec<Flaw>);

impl Flaws {
    /// Adds one, unless there are so many already that nobody would read it.
    pub(crate) fn add(&mut self, flaw: Flaw) {
        if self.is_full() {
            return;
        }
        let after = self.0.partition_point(|known| known.line <= flaw.line);
        self.0.insert(after, flaw);
    }

    /// Whether no more are told, so that looking for more is for nothing.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Flaw> {
        self.0.iter()
    }

    /// Whether one is about this key, or about one of the table that this is.
    pub(crate) fn are_in(&self, key: &str) -> bool {
        self.0.iter().any(|flaw| {
            let rest = flaw.key.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Nothing where there are none.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<Flaw> for Flaws {
    fn from(flaw: Flaw) -> Self {
        Self(vec![flaw])
    }
}

impl fmt::Display for Flaws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, flaw) in self.0.iter().enumerate() {
            let between = if at == 0 { "" } else { "\n" };
            write!(f, "{between}{flaw}")?;
        }
        Ok(())
    }
}
