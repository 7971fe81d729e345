//! What has come of a language's cases: a line for each.

use std::fmt;

use super::{Language, stage};

pub(super) enum Outcome {
    Passed,
    /// It is not there, which is allowed, and maybe for this reason.
    Gap(String),
    Failed(String),
}

pub(super) struct Report {
    language: &'static str,
    lines: Vec<(String, Outcome)>,
}

impl Report {
    pub(super) fn of(language: &Language) -> Self {
        Self { language: language.name, lines: Vec::new() }
    }

    pub(super) fn add(&mut self, case: String, outcome: Outcome) {
        self.lines.push((case, outcome));
    }

    pub(super) fn passes(&self) -> bool {
        !self.lines.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }

    /// For `scripts/conformance`: case, outcome and reason, divided by tabs.
    pub(super) fn save(&self) {
        let mut text = String::new();
        for (case, outcome) in &self.lines {
            let (word, why) = outcome.words();
            text += &format!("{case}\t{word}\t{}\n", first_line(why));
        }
        std::fs::write(stage::folder().join(format!("{}.txt", self.language)), text).unwrap();
    }
}

impl Outcome {
    fn words(&self) -> (&str, &str) {
        match self {
            Self::Passed => ("ok", ""),
            Self::Gap(why) => ("gap", why),
            Self::Failed(why) => ("FAILED", why),
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.lines.iter().map(|(case, _)| case.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {}", "", self.language)?;
        for (case, outcome) in &self.lines {
            writeln!(f, "{case:width$}  {}", outcome.words().0)?;
        }
        for (case, outcome) in &self.lines {
            let (word, why) = outcome.words();
            if !why.is_empty() {
                writeln!(f, "{word}, {case}: {why}")?;
            }
        }
        Ok(())
    }
}
