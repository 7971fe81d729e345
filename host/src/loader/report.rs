//! What is wrong with the handlers' directory as a whole, told once.

use std::collections::BTreeSet;

use super::Loader;
use crate::directory::Scan;
use crate::guest_log::Printable;

impl Loader {
    pub(super) fn report(&mut self, scan: &Scan) {
        let mut problems = BTreeSet::new();
        for (path, why) in &scan.unroutable {
            problems.insert(format!("{}: can't be a route: {why}: rename it", path.display()));
        }
        for path in &scan.escaping {
            problems.insert(format!(
                "{}: leads out of the directory, which --untrusted forbids: copy what it leads to",
                path.display()
            ));
        }
        for (key, path) in &scan.orphans {
            // One whose component is just being replaced is none.
            if !self.known.contains_key(key) {
                problems.insert(format!(
                    "{}: is no component's manifest: put {} beside it, or remove it",
                    path.display(),
                    path.with_extension("wasm").file_name().unwrap_or_default().display()
                ));
            }
        }
        for (path, error) in &scan.unreadable {
            problems.insert(format!("{}: can't be read: {error}", path.display()));
        }
        for (route, files) in &scan.contested {
            let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            problems.insert(format!(
                "{}: all claim the route {route}, and none is loaded: rename all but one",
                files.join(", ")
            ));
        }
        for problem in problems.difference(&self.said) {
            tracing::warn!("{}", Printable(problem));
        }
        self.said = problems;
    }

    pub(super) fn say_once(&mut self, problem: &str) {
        if self.said.insert(problem.to_owned()) {
            tracing::warn!("{}", Printable(problem));
        }
    }
}
