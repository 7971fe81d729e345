//! From TOML to a type, or to an error that names a line and a key and quotes nothing
//! else: what is written there may be a secret that was put into the wrong place.

use std::ops::Range;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::flaws::{Flaw, Flaws};

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

    /// Reads all of it that can be read, and says what can't. Keys that `T` doesn't know
    /// are flaws, but those of the root where that is `open`.
    pub(crate) fn read<T>(&self, open: bool) -> (T, Flaws)
    where
        T: Default + DeserializeOwned + JsonSchema,
    {
        let schema = schemars::schema_for!(T).to_value();
        let schema = Schema { all: &schema, here: &schema };
        let mut flaws = Flaws::default();
        let mut unknown = Vec::new();
        self.check_keys(&self.root, schema, &mut Vec::new(), open, &mut |path, flaw| {
            flaws.add(flaw);
            unknown.push(path.to_vec());
            !flaws.is_full()
        });
        let mut left = self.root.clone();
        for path in &unknown {
            take(&mut left, path);
        }
        // A reader stops at the first value that is wrong: what it has complained of is
        // left out, and it reads again.
        let mut taken = unknown;
        while !flaws.is_full() {
            let whole = Spanned::new(0..self.text.len(), left.clone());
            let error = match T::deserialize(Deserializer::from(whole)) {
                Ok(read) => return (read, flaws),
                Err(error) => error,
            };
            let span = error.span().unwrap_or(0..0);
            let mut path = Vec::new();
            locate(&left, &span, &mut path);
            let mut missing = path.clone();
            missing.extend(missing_field(error.message()).map(str::to_owned));
            // What has been left out here is not missing in the file.
            if missing.len() == path.len() || !taken.contains(&missing) {
                let (line, what) = (self.line(&span), said(error.message()));
                flaws.add(Flaw { line, key: written(&path), what });
            }
            match take(&mut left, &path) {
                true => taken.push(path),
                false => break,
            }
        }
        (T::default(), flaws)
    }

    /// What is wrong with a key that can be read.
    pub(crate) fn flaw(&self, path: &[impl AsRef<str>], what: impl Into<String>) -> Flaw {
        Flaw { line: self.line_of(path), key: written(path), what: what.into() }
    }

    /// The line of a key, or of the innermost table on the way to it that is there.
    pub(crate) fn line_of(&self, path: &[impl AsRef<str>]) -> usize {
        let mut table = Some(&self.root);
        let mut line = 1;
        for key in path {
            let entry = table.and_then(|table| table.get_key_value(key.as_ref()));
            let Some((name, value)) = entry else { break };
            line = self.line(&name.span());
            table = value.get_ref().as_table();
        }
        line
    }

    /// Tells of each key that is none, until it is told to stop. False where it was.
    fn check_keys(
        &self,
        table: &DeTable<'_>,
        schema: Schema<'_>,
        path: &mut Vec<String>,
        open: bool,
        tell: &mut dyn FnMut(&[String], Flaw) -> bool,
    ) -> bool {
        let known = schema.properties();
        for (key, value) in table {
            let name = &**key.get_ref();
            path.push(name.to_owned());
            let inner = known.and_then(|known| known.get(name)).or_else(|| schema.of_any_key());
            let go_on = match inner {
                Some(inner) => self.check_value(value.get_ref(), schema.at(inner), path, tell),
                None if open => true,
                None => {
                    let (line, what) = (self.line(&key.span()), schema.unknown(name));
                    tell(path, Flaw { line, key: written(path), what })
                }
            };
            path.pop();
            if !go_on {
                return false;
            }
        }
        true
    }

    fn check_value(
        &self,
        value: &DeValue<'_>,
        schema: Schema<'_>,
        path: &mut Vec<String>,
        tell: &mut dyn FnMut(&[String], Flaw) -> bool,
    ) -> bool {
        match value {
            DeValue::Table(table) if schema.is_table() => {
                self.check_keys(table, schema, path, false, tell)
            }
            DeValue::Array(items) => match schema.items() {
                Some(schema) => {
                    items.iter().all(|item| self.check_value(item.get_ref(), schema, path, tell))
                }
                None => true,
            },
            // Of whatever else is wrong with it, its type will tell.
            _ => true,
        }
    }
}

/// Takes a key out of a table or the tables in it, or the innermost on the way to it that
/// is in a table. False where there is none.
fn take(table: &mut DeTable<'_>, path: &[String]) -> bool {
    let [first, rest @ ..] = path else { return false };
    if !rest.is_empty()
        && let Some(value) = table.get_mut(first.as_str())
        && let DeValue::Table(inner) = value.get_mut()
    {
        return take(inner, rest);
    }
    table.remove(first.as_str()).is_some()
}

/// A path for a message.
pub(super) fn written(path: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = path.iter().map(|name| printable(name.as_ref())).collect();
    names.join(".")
}

/// The field that a table lacks, by what serde says of it.
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
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
            path.push(key.get_ref().to_string());
            let inner = path.len();
            locate_in(value.get_ref(), span, path);
            if path.len() > inner {
                return;
            }
            path.truncate(before);
            continue;
        }
        path.push(key.get_ref().to_string());
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
