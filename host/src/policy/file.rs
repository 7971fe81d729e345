//! `socklet.toml`: the flags of `serve` by their names, and the policy.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::{Policy, Tables};
use crate::manifest::document::Document;
use crate::manifest::flaws::{Flaw, Flaws};
use crate::manifest::limits::LimitTable;
use crate::manifest::{Keepalive, MAX_SIZE};

/// The file that `--config` names.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// What it sets of the command line, in its order.
    pub flags: Vec<Flag>,
    /// What it leaves to manifests.
    pub policy: Policy,
    path: PathBuf,
}

/// A flag that a file sets.
#[derive(Clone, Debug)]
pub struct Flag {
    /// Without dashes.
    pub name: String,
    /// As they would be written on the command line.
    pub values: Vec<String>,
    line: usize,
}

impl ConfigFile {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// A line for each thing that is wrong: it names the file, and the line and the key in it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |what: String| format!("{}: {what}", path.display());
        let bytes =
            std::fs::read(path).map_err(|error| named(format!("can't be read: {error}")))?;
        if bytes.len() > 16 * MAX_SIZE {
            return Err(named("is larger than 1 MiB: that is no configuration".into()));
        }
        let text = String::from_utf8(bytes).map_err(|_| named("is not UTF-8".into()))?;
        let (flags, policy) = parse(&text).map_err(|flaws| {
            let flaws: Vec<_> = flaws.iter().map(|flaw| named(flaw.to_string())).collect();
            flaws.join("\n")
        })?;
        Ok(Self { flags, policy, path: path.to_owned() })
    }

    /// A complaint about one of its flags.
    #[must_use]
    pub fn complain(&self, flag: &Flag, what: &str) -> String {
        format!("{}: line {}: {} {what}", self.path.display(), flag.line, flag.name)
    }
}

pub(crate) fn parse(text: &str) -> Result<(Vec<Flag>, Policy), Flaws> {
    let document = Document::new(text)?;
    let (tables, mut flaws) = document.read::<Tables>(true);
    for grant in tables.grants.iter().flatten() {
        if let Err(what) = grant.check() {
            flaws.add(document.flaw(&["grants"], what));
        }
    }
    let mut flags = Vec::<Flag>::new();
    let mut add = |flags: &mut Vec<Flag>, path: &[&str], value: &DeValue<'_>| {
        let (name, line) = (path.last().copied().unwrap_or_default(), document.line_of(path));
        match values(value) {
            _ if flags.iter().any(|before| before.name == name) => {
                let what = "is in [defaults] and above the tables: remove one of the two";
                flaws.add(Flaw { line, key: name.to_owned(), what: what.into() });
            }
            Some(values) => flags.push(Flag { name: name.to_owned(), values, line }),
            None => {
                let what = "must be a text, a number, true or false, or a list of texts";
                flaws.add(document.flaw(path, what));
            }
        }
    };
    let mut wrong = Vec::new();
    for (name, value) in document.root() {
        let name = &**name.get_ref();
        match (name, value.get_ref()) {
            ("ceilings" | "grants", _) => {}
            ("defaults", DeValue::Table(table)) => {
                for (name, value) in table {
                    let path = ["defaults", name.get_ref()];
                    match is_of_a_handler(name.get_ref()) {
                        true => add(&mut flags, &path, value.get_ref()),
                        false => {
                            let what = "is no key here: there are the keys of [limits] and \
                                        [keepalive] in manifests";
                            wrong.push(document.flaw(&path, what));
                        }
                    }
                }
            }
            ("defaults", _) => wrong.push(document.flaw(&[name], "must be a table of limits")),
            (_, value) if is_table(value) => {
                wrong.push(document.flaw(&[name], unknown_table(name)));
            }
            (_, value) => add(&mut flags, &[name], value),
        }
    }
    wrong.into_iter().for_each(|flaw| flaws.add(flaw));
    flaws.into_result()?;
    Ok((flags, Policy { untrusted: false, tables }))
}

/// Whether a flag is about what a manifest may set.
fn is_of_a_handler(name: &str) -> bool {
    let has = |schema: schemars::Schema| {
        schema.get("properties").is_some_and(|known| known.get(name).is_some())
    };
    has(schemars::schema_for!(LimitTable)) || has(schemars::schema_for!(Keepalive))
}

/// No flag is set by a table, or by several.
fn is_table(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    }
}

fn unknown_table(name: &str) -> String {
    const KNOWN: [&str; 3] = ["ceilings", "defaults", "grants"];
    let near = |known: &&str| strsim::jaro_winkler(known, name);
    let nearest = KNOWN.into_iter().max_by(|one, other| near(one).total_cmp(&near(other)));
    match nearest.filter(|known| near(known) > 0.8) {
        Some(nearest) => format!("is no table here: did you mean {nearest}?"),
        None => format!("is no table here: there are {}", KNOWN.join(", ")),
    }
}

fn values(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(items) => items.iter().map(|item| written(item.get_ref())).collect(),
        single => written(single).map(|value| vec![value]),
    }
}

fn written(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(is) => Some(is.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_as_on_the_command_line() {
        let text = "listen = [\"a\", \"b\"]\nmax-connections = 5\ntest-page = true\n\
                    [defaults]\nmax-memory = \"1MiB\"\n[ceilings]\nmax-memory = \"2MiB\"";
        let (flags, policy) = parse(text).unwrap();
        let flags: Vec<_> =
            flags.iter().map(|flag| (flag.name.as_str(), flag.values.join(","))).collect();
        for (name, values) in [
            ("listen", "a,b"),
            ("max-connections", "5"),
            ("test-page", "true"),
            ("max-memory", "1MiB"),
        ] {
            assert!(flags.contains(&(name, values.to_owned())), "{flags:?}");
        }
        assert_eq!(flags.len(), 4);
        assert!(policy.tables.ceilings.max_memory.is_some());
        assert!(policy.tables.grants.is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, said) in [
            (
                "[ceilings]\nmax-memry = 1",
                "line 2: ceilings.max-memry is no key here: did you mean max-memory?",
            ),
            ("[defaults]\nlisten = \"a\"", "line 2: defaults.listen is no key here"),
            ("max-memory = 1\n[defaults]\nmax-memory = 2", "max-memory is in [defaults] and above"),
            (
                "[[grants]]\nroutes = [\"/{a}\"]\nhandlers = [\"*\"]",
                "grants must have paths without captures",
            ),
            ("[[grants]]\nsecrets = [\"*\"]", "missing field `handlers`"),
            (
                "[[grants]]\nhandlers = [\"*\"]\nsecret = []",
                "line 3: grants.secret is no key here: did you mean secrets?",
            ),
            ("x = 1979-05-27", "x must be a text"),
            ("[[grant]]\nhandlers = [\"*\"]", "grant is no table here: did you mean grants?"),
            ("[ceiling]\nmax-memory = 1", "ceiling is no table here: did you mean ceilings?"),
            ("[x]\ny = 1", "x is no table here: there are ceilings, defaults, grants"),
        ] {
            let flaw = parse(text).unwrap_err().to_string();
            assert!(flaw.contains(said), "{text:?}: {flaw}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let text = "x = 1979-05-27\nmax-memory = 1\n[defaults]\nmax-memory = 2\nlisten = \"a\"\n\
                    [ceilings]\nmax-memry = 1\nmax-topics = 0\n[[grants]]\nroutes = [\"/{a}\"]\n\
                    handlers = [\"*\"]\n[y]";
        let flaws = parse(text).unwrap_err().to_string();
        let lines: Vec<_> = flaws.lines().map(|flaw| flaw.split(':').next().unwrap()).collect();
        let expected = ["line 1", "line 2", "line 5", "line 7", "line 8", "line 9", "line 12"];
        assert_eq!(lines, expected, "{flaws}");
    }
}
