//! From TOML to a type, or to an error that names a line and a key and quotes nothing
//! else: what is written there may be a secret that was put into the wrong place.

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

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

/// A TOML file, read as far as to know where what is.
pub(crate) struct Document<'a> {
    text: &'a str,
    root: DeTable<'a>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(text: &'a str) -> Result<Self, Flaw> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { text, root: root.into_inner() }),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let what = "is not TOML: see https://toml.io".to_owned();
                let what = match error.message() == "duplicate key" {
                    true => "is there twice: remove one".to_owned(),
                    false => format!("this {what}"),
                };
                let key = if what.starts_with("this") { "" } else { "a key" };
                Err(Flaw { line: line(text, at), key: key.into(), what })
            }
        }
    }

    pub(crate) fn root(&self) -> &DeTable<'a> {
        &self.root
    }

    /// The line of a part of it.
    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        line(self.text, span.start)
    }

    /// Reads all of it. Keys that `T` doesn't know are errors, but those of the root
    /// where that is `open`.
    pub(crate) fn read<T: DeserializeOwned + JsonSchema>(&self, open: bool) -> Result<T, Flaw> {
        let schema = schemars::schema_for!(T).to_value();
        let schema = Schema { all: &schema, here: &schema };
        self.check_keys(&self.root, schema, &mut Vec::new(), open)?;
        toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let mut path = Vec::new();
            locate(&self.root, &span, &mut path);
            Flaw { line: self.line(&span), key: path.join("."), what: said(error.message()) }
        })
    }

    /// What is wrong with a key that can be read.
    pub(crate) fn flaw(&self, path: &[&str], what: impl Into<String>) -> Flaw {
        let mut table = Some(&self.root);
        let mut line = 1;
        for key in path {
            let entry = table.and_then(|table| table.get_key_value(*key));
            let Some((name, value)) = entry else { break };
            line = self.line(&name.span());
            table = value.get_ref().as_table();
        }
        Flaw { line, key: path.join("."), what: what.into() }
    }

    fn check_keys(
        &self,
        table: &DeTable<'_>,
        schema: Schema<'_>,
        path: &mut Vec<String>,
        open: bool,
    ) -> Result<(), Flaw> {
        let known = schema.properties();
        for (key, value) in table {
            let name = &**key.get_ref();
            path.push(printable(name));
            let inner = match known.and_then(|known| known.get(name)) {
                Some(inner) => inner,
                None => match schema.of_any_key() {
                    Some(inner) => inner,
                    None if open => {
                        path.pop();
                        continue;
                    }
                    None => {
                        let what = schema.unknown(name);
                        return Err(Flaw {
                            line: self.line(&key.span()),
                            key: path.join("."),
                            what,
                        });
                    }
                },
            };
            self.check_value(value.get_ref(), schema.at(inner), path)?;
            path.pop();
        }
        Ok(())
    }

    fn check_value(
        &self,
        value: &DeValue<'_>,
        schema: Schema<'_>,
        path: &mut Vec<String>,
    ) -> Result<(), Flaw> {
        match value {
            DeValue::Table(table) if schema.is_table() => {
                self.check_keys(table, schema, path, false)
            }
            DeValue::Array(items) => match schema.items() {
                Some(schema) => {
                    items.iter().try_for_each(|item| self.check_value(item.get_ref(), schema, path))
                }
                None => Ok(()),
            },
            // Of whatever else is wrong with it, its type will tell.
            _ => Ok(()),
        }
    }
}

/// A part of a JSON schema, as schemars makes it.
#[derive(Clone, Copy)]
struct Schema<'a> {
    all: &'a Value,
    here: &'a Value,
}

impl<'a> Schema<'a> {
    fn at(self, here: &'a Value) -> Self {
        let mut here = here;
        // What may be left out is one of two; what is used twice is kept elsewhere.
        loop {
            if let Some(either) = here.get("anyOf").and_then(Value::as_array)
                && let Some(first) = either.first()
            {
                here = first;
            } else if let Some(name) = here.get("$ref").and_then(Value::as_str)
                && let Some(found) = self.all.pointer(name.trim_start_matches('#'))
            {
                here = found;
            } else {
                return Self { all: self.all, here };
            }
        }
    }

    fn properties(self) -> Option<&'a serde_json::Map<String, Value>> {
        self.here.get("properties")?.as_object()
    }

    /// What every key of a map has.
    fn of_any_key(self) -> Option<&'a Value> {
        self.here.get("additionalProperties").filter(|value| value.is_object())
    }

    fn is_table(self) -> bool {
        self.properties().is_some() || self.of_any_key().is_some()
    }

    fn items(self) -> Option<Self> {
        Some(self.at(self.here.get("items")?))
    }

    /// What to do with a key that is none.
    fn unknown(self, name: &str) -> String {
        let properties = self.properties();
        let known: Vec<&str> =
            properties.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
        let near = |known: &&&str| strsim::jaro_winkler(known, name) > 0.8;
        let nearest = known.iter().filter(near).max_by(|one, other| {
            strsim::jaro_winkler(one, name).total_cmp(&strsim::jaro_winkler(other, name))
        });
        if let Some(nearest) = nearest {
            return format!("is no key here: did you mean {nearest}?");
        }
        let inner = self.root().properties().into_iter().flatten();
        let mut inner = inner.filter(|(_, inner)| {
            self.at(inner).properties().is_some_and(|known| known.contains_key(name))
        });
        match inner.next() {
            Some((table, _)) => format!("is no key here: write it in [{table}]"),
            None if self.root().properties().is_some_and(|known| known.contains_key(name)) => {
                "is no key here: write it above the first table".to_owned()
            }
            None => format!("is no key here: there are {}", known.join(", ")),
        }
    }

    fn root(self) -> Self {
        self.at(self.all)
    }
}

/// What can be said of what serde says: everything but what it quotes.
fn said(message: &str) -> String {
    // A word of this crate's own.
    if message.starts_with("must ") || message.starts_with("missing field ") {
        return message.to_owned();
    }
    match message.rfind(", expected ") {
        Some(at) => format!("must be {}", &message[at + ", expected ".len()..]),
        None => "has a wrong value".to_owned(),
    }
}

/// The path to the innermost key that a part of the file belongs to.
fn locate(table: &DeTable<'_>, span: &Range<usize>, path: &mut Vec<String>) {
    for (key, value) in table {
        let within = |range: Range<usize>| range.start <= span.start && span.end <= range.end;
        if !within(key.span()) && !within(value.span()) {
            // The parts of a table that has a header lie apart.
            let before = path.len();
            path.push(printable(key.get_ref()));
            let inner = path.len();
            locate_in(value.get_ref(), span, path);
            if path.len() > inner {
                return;
            }
            path.truncate(before);
            continue;
        }
        path.push(printable(key.get_ref()));
        return locate_in(value.get_ref(), span, path);
    }
}

fn locate_in(value: &DeValue<'_>, span: &Range<usize>, path: &mut Vec<String>) {
    match value {
        DeValue::Table(table) => locate(table, span, path),
        DeValue::Array(items) => {
            items.iter().for_each(|item| locate_in(item.get_ref(), span, path));
        }
        _ => {}
    }
}

/// A key for a message: whatever somebody has written there, a short line.
fn printable(key: &str) -> String {
    const LONGEST: usize = 60;
    key[..key.floor_char_boundary(LONGEST)].escape_debug().to_string()
}

fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
