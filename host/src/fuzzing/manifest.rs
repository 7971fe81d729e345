//! What somebody writes into a manifest, or an operator into `socklet.toml`.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::config::Config;
use crate::manifest::flaws::Flaws;
use crate::manifest::{MAX_SIZE, Manifest};
use crate::policy::{Policy, parse};

/// What values must not be quoted as, wherever one has this in it.
const SECRET: &str = "hunter2";
/// So many flaws are told.
const MOST: usize = 20;
/// A line of the log.
const LONGEST: usize = 1024;

/// Text of a file. Either it is understood, and then as a reader that stops at the first
/// flaw understands it; or a few lines say what is wrong and on which line, and quote
/// nothing but keys.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.len() > MAX_SIZE {
        return;
    }
    let (manifest, flaws) = Manifest::read(text);
    check(text, &flaws);
    let strict = toml::from_str::<Manifest>(text);
    match strict {
        Ok(strict) if flaws.is_empty() => assert!(strict == manifest, "read in two ways"),
        Ok(_) => {}
        Err(error) => assert!(!flaws.is_empty(), "no flaw, but {error}"),
    }
    // What becomes of it, or of what is right of it, where nobody is trusted: so no file
    // is read but below a folder that is not there.
    let config = Config { policy: Policy::default().untrusted(true), ..Config::default() };
    let nowhere = Path::new("/nowhere/at/all");
    if let Err(refusals) = config.policy.settings(&config, "/x", Some(&manifest), nowhere) {
        for refusal in refusals {
            check_line(text, &refusal.to_string());
        }
    }
    match parse(text) {
        Ok(_) => assert!(DeTable::parse(text).is_ok()),
        Err(flaws) => check(text, &flaws),
    }
}

fn check(text: &str, flaws: &Flaws) {
    assert!(flaws.iter().count() <= MOST);
    assert!(flaws.iter().is_sorted_by_key(|flaw| flaw.line));
    for flaw in flaws.iter() {
        assert!((1..=text.matches('\n').count() + 1).contains(&flaw.line), "{flaw}");
        check_line(text, &flaw.to_string());
    }
}

fn check_line(text: &str, line: &str) {
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(line.len() <= LONGEST, "{} bytes: {line}", line.len());
    let in_key = DeTable::parse(text).is_ok_and(|table| has_key(table.get_ref()));
    assert!(in_key || !line.contains(SECRET), "{line}");
}

/// Whether a key has the secret in it, which may be named.
fn has_key(table: &DeTable<'_>) -> bool {
    table.iter().any(|(key, value)| key.get_ref().contains(SECRET) || has_key_in(value.get_ref()))
}

fn has_key_in(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(table) => has_key(table),
        DeValue::Array(items) => items.iter().any(|item| has_key_in(item.get_ref())),
        _ => false,
    }
}
