//! What manifests say, right and wrong.

use std::time::Duration;

use super::*;

fn flaw(text: &str) -> String {
    Manifest::parse(text).unwrap_err().to_string()
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let manifest = Manifest::parse(
        r#"
        route = "/rooms/{room}"
        host = "Chat.Example.com"
        scope = "path"
        linger = "1m"
        subprotocols = ["chat.v2", "chat.v1"]
        allow-origins = ["https://App.example.com"]
        swap = "drain"

        [limits]
        max-message-size = "64KiB"
        max-backpressure = 100000
        max-memory = "16MiB"
        max-handler-memory = "1GiB"
        max-handler-queue = "1MiB"
        max-handler-instances = 10
        max-message-rate = 5
        max-subscriptions = 2
        max-topics = 3
        max-log-rate = "1KiB"
        event-cpu-warning = "10ms"
        event-cpu-time = "100ms"
        event-wall-time = "5s"
        max-http-requests = 4
        max-handler-http-requests = 100
        max-http-request-size = "10KiB"
        max-http-response-size = "20MiB"
        http-timeout = "5s"
        http-total-time = "1m"

        [keepalive]
        ping-interval = "10s"
        pong-timeout = "20s"
        idle-timeout = "1h"

        [env]
        GREETING = "hello"

        [secrets]
        API_KEY = "CHAT_API_KEY"

        [capabilities]
        topics = { publish = ["news/*"], subscribe = ["*"] }
        allowed-hosts = ["api.example.com", "10.0.0.0/8:*"]

        [topics]
        overflow = "close"
        "#,
    )
    .unwrap();
    assert_eq!(manifest.route.unwrap().to_string(), "/rooms/{room}");
    assert_eq!(manifest.host.unwrap().0, "chat.example.com");
    assert_eq!(manifest.scope, ScopeKey::Path);
    assert_eq!(manifest.linger, Some(TimeOrNone(Duration::from_secs(60))));
    assert_eq!(manifest.swap, Some(SwapKey::Drain));
    assert_eq!(manifest.subprotocols[0].0, "chat.v2");
    assert_eq!(manifest.allow_origins[0].0, "https://app.example.com");
    let mut limits = crate::config::Limits::default();
    manifest.limits.apply(&mut limits);
    assert_eq!((limits.max_message_size, limits.max_backpressure), (65536, 100_000));
    assert_eq!((limits.max_message_rate, limits.max_handler_instances), (Some(5), 10));
    assert_eq!((limits.max_subscriptions, limits.max_topics), (2, 3));
    assert_eq!(limits.event_wall_time, Duration::from_secs(5));
    assert_eq!(manifest.env["GREETING"].0, "hello");
    assert_eq!(manifest.secrets["API_KEY"].0, "CHAT_API_KEY");
    assert!(manifest.capabilities.topics.publish[0].matches("news/a"));
    let hosts = manifest.capabilities.allowed_hosts;
    assert_eq!(hosts.last().map(|host| host.as_str()), Some("10.0.0.0/8:*"));
    assert_eq!(manifest.topics.overflow, OverflowKey::Close);
}

#[test]
fn an_empty_manifest_says_nothing() {
    assert_eq!(Manifest::parse("").unwrap(), Manifest::default());
}

#[test]
fn a_flaw_names_line_and_key_and_what_to_write() {
    for (text, said) in [
        ("rout = \"/a\"", "line 1: rout is no key here: did you mean route?"),
        (
            "\n\n[limits]\nmax-memry = 1",
            "line 4: limits.max-memry is no key here: did you mean max-memory?",
        ),
        ("max-memory = 1", "line 1: max-memory is no key here: write it in [limits]"),
        (
            "[limits]\nscope = \"path\"",
            "line 2: limits.scope is no key here: write it above the first table",
        ),
        ("[zzz]", "line 1: zzz is no key here: there are "),
        (
            "[capabilities]\ntopics = { publsh = [] }",
            "line 2: capabilities.topics.publsh is no key here: did you mean publish?",
        ),
        ("[limits]\nmax-memory = \"much\"", "line 2: limits.max-memory must be a size such as"),
        ("[limits]\nmax-memory = 0", "line 2: limits.max-memory must be a size"),
        ("[limits]\nmax-memory = -1", "line 2: limits.max-memory must be a size"),
        ("[limits]\nmax-message-size = \"2GiB\"", "at most 1GiB"),
        ("[limits]\nmax-handler-instances = 0", "must be a whole number, at least 1"),
        ("[limits]\nmax-handler-instances = true", "must be a whole number, at least 1"),
        ("[limits]\nmax-message-rate = 4294967296", "must be a whole number from 1 to 4294967295"),
        ("[limits]\nevent-cpu-time = 5", "limits.event-cpu-time must be a duration such as 500ms"),
        ("[limits]\nevent-cpu-time = \"0s\"", "more than 0s and at most 365d"),
        ("[limits]\nevent-cpu-time = \"366d\"", "more than 0s and at most 365d"),
        ("limits = 5", "line 1: limits must be "),
        ("scope = \"room\"", "line 1: scope must be one of `connection`, `path`, `handler`"),
        ("\n[session]\n", "line 2: session missing field `algorithm`"),
        (
            "[session]\nalgoritm = \"HS256\"",
            "line 2: session.algoritm is no key here: did you mean",
        ),
        (
            "[session]\nalgorithm = \"none\"\nfrom = []",
            "line 2: session.algorithm must be one of `HS256`, `RS256`, `ES256`, `EdDSA`",
        ),
        (
            "[session]\nalgorithm = \"HS256\"\nkey-env = \"A\"\nfrom = [\"header\"]",
            "line 4: session.from must be one of `cookie`, `authorization`",
        ),
        (
            "[session]\nalgorithm = \"HS256\"\nkey-env = \"A\"\nfrom = []",
            "line 4: session.from names no place",
        ),
        ("route = \"chat\"", "line 1: route must be a path such as"),
        ("host = \"a:1\"", "line 1: host must be a name alone"),
        ("allow-origins = [\"example.com\"]", "line 1: allow-origins must be an origin"),
        ("subprotocols = [\"a\", \"b c\"]", "line 1: subprotocols must be a token"),
        ("subprotocols = [\"a\", \"a\"]", "line 1: subprotocols must name each one once"),
        ("[env]\nA = 1", "line 2: env.A must be a text"),
        ("[env]\n\"A=B\" = \"\"", "line 1: env must have names of variables as its keys"),
        ("[env]\nA = \"\"\n[secrets]\nA = \"B\"", "line 4: secrets.A is in [env] as well"),
        (
            "linger = \"366d\"",
            "line 1: linger must be a duration such as 500ms, 30s or 1h, from 0s",
        ),
        ("scope = \"path\"\nscope = \"path\"", "line 2: "),
        ("scope = ", "line 1: "),
    ] {
        let flaw = flaw(text);
        assert!(flaw.contains(said), "{text:?}: {flaw}");
    }
}

fn flaws(text: &str) -> Vec<String> {
    let (_, flaws) = Manifest::read(text);
    flaws.iter().map(ToString::to_string).collect()
}

#[test]
fn all_flaws_are_told_in_the_order_of_their_lines() {
    let flaws = flaws(
        r#"scope = "room"
subprotocols = ["a", "a"]
[limits]
max-memry = 1
max-memory = "much"
max-topics = 0
event-cpu-time = 5
[env]
A = 1
B = ""
[secrets]
B = "B"
C = []"#,
    );
    let starts = [
        "line 1: scope must be one of",
        "line 2: subprotocols must name each one once",
        "line 4: limits.max-memry is no key here",
        "line 5: limits.max-memory must be a size",
        "line 6: limits.max-topics must be a whole number",
        "line 7: limits.event-cpu-time must be a duration",
        "line 9: env.A must be a text",
        "line 12: secrets.B is in [env] as well",
        "line 13: secrets.C must be the name of a variable",
    ];
    assert_eq!(flaws.len(), starts.len(), "{flaws:#?}");
    for (flaw, start) in flaws.iter().zip(starts) {
        assert!(flaw.starts_with(start), "{flaw}");
    }
}

#[test]
fn of_a_flaw_nothing_follows_that_is_none() {
    // What is wrong is not missing, and what it might have gone with is not without it.
    for (text, count) in [
        ("[session]\nalgorithm = \"none\"\nfrom = [\"authorization\"]\nkey-env = \"A\"", 1),
        ("[session]\nalgorithm = \"none\"\nfrom = 5\nleeway = 7\nkey-env = \"A\"", 3),
        ("[session]\nalgorithm = \"none\"", 1),
        ("session = { algorithm = 7, frm = [] }\nscope = 1", 3),
        (
            "subprotocols = [\"a b\"]\n[session]\nalgorithm = \"HS256\"\nkey-env = \"A\"\n\
             from = [{ subprotocol = \"b.\" }]",
            1,
        ),
        ("limits = 5\nkeepalive = 5", 2),
        ("[capabilities.topics]\npublish = [\"\", \"\"]\nsubscribe = 1\nx = 2", 3),
    ] {
        let flaws = flaws(text);
        assert_eq!(flaws.len(), count, "{text}\n{flaws:#?}");
    }
    let session = flaws(
        "[session]\nalgorithm = []\nfrom = []\nleeway = \"6m\"\nreject = \"close\"\n\
                         required = false\naudience = []",
    );
    assert_eq!(session.len(), 6, "{session:#?}");
}

#[test]
fn so_many_flaws_are_told_and_no_more() {
    let keys: String = (0..1000).map(|number| format!("wrong-{number} = 1\n")).collect();
    assert_eq!(flaws(&keys).len(), 20);
    let values: String = (0..1000).map(|number| format!("V{number} = 1\n")).collect();
    assert_eq!(flaws(&format!("[env]\n{values}")).len(), 20);
    let both: String = (0..1000).map(|number| format!("V{number} = \"\"\n")).collect();
    assert_eq!(
        flaws(&format!("[env]\n{both}[secrets]\n{}", both.replace("\"\"", "\"a\""))).len(),
        20
    );
}

#[test]
fn no_flaw_quotes_what_is_written_but_a_key() {
    const SECRET: &str = "hunter2";
    for text in [
        "route = \"hunter2\"",
        "scope = \"hunter2\"",
        "swap = \"hunter2\"",
        "linger = \"hunter2\"",
        "linger = [\"hunter2\"]",
        "subprotocols = \"hunter2\"",
        "subprotocols = [\"hunter2 \"]",
        "allow-origins = [\"hunter2\"]",
        "host = \"hunter2/\"",
        "limits = \"hunter2\"",
        "[limits]\nmax-memory = \"hunter2\"",
        "[limits]\nmax-handler-instances = \"hunter2\"",
        "[limits]\nmax-message-rate = \"hunter2, expected hunter2\"",
        "[env]\nA = [\"hunter2\"]",
        "[env]\nA = \"hunter2\\u0000\"",
        "[secrets]\nA = \"hunter2=\"",
        "[capabilities]\ntopics = \"hunter2\"",
        "[capabilities]\ntopics = { publish = [\"hunter2\\n\"] }",
        "env = \"hunter2\"",
        "[env]\nA = hunter2",
        "[env]\nA = \"hunter2",
        "hunter2",
        "[capabilities]\nallowed-hosts = [\"http://hunter2\"]",
        "[topics]\noverflow = \"hunter2\"",
    ] {
        let flaw = flaw(text);
        assert!(!flaw.contains(SECRET), "{text:?}: {flaw}");
    }
}

#[test]
fn a_key_in_a_message_is_short_and_printable() {
    let long = format!("\"{}\\u001b\" = 1", "x".repeat(1000));
    assert!(flaw(&long).len() < 400);
    assert!(!flaw("\"\\u001b[2J\" = 1").contains('\u{1b}'));
}

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manifest.schema.json");
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manifest.md");
const HANDLERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/handlers.md");

#[test]
fn the_schema_in_the_docs_is_that_of_the_types() {
    let kept = std::fs::read_to_string(SCHEMA).unwrap();
    assert!(kept == schema(), "make it anew: socklet schema > docs/manifest.schema.json");
}

/// Every key of the schema, by its path.
fn keys(schema: &serde_json::Value, here: &serde_json::Value, path: &str, all: &mut Vec<String>) {
    if let Some(name) = here.get("$ref").and_then(serde_json::Value::as_str) {
        return keys(schema, schema.pointer(&name[1..]).unwrap(), path, all);
    }
    if let Some(first) = here.pointer("/anyOf/0") {
        return keys(schema, first, path, all);
    }
    let Some(properties) = here.get("properties") else { return };
    for (key, inner) in properties.as_object().unwrap() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        keys(schema, inner, &path, all);
        all.push(path);
    }
}

#[test]
fn every_key_is_documented() {
    let docs = std::fs::read_to_string(DOCS).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let mut all = Vec::new();
    keys(&schema, &schema, "", &mut all);
    assert!(all.contains(&"limits.max-memory".to_owned()), "{all:?}");
    for key in all {
        // A table has a heading or a row of its own.
        let row = format!("| `{key}` |");
        let heading = format!("`[{key}]`");
        assert!(docs.contains(&row) || docs.contains(&heading), "{key} is not in docs/manifest.md");
    }
}

#[test]
fn snippets_in_the_docs_are_manifests() {
    for page in [DOCS, HANDLERS] {
        let page = std::fs::read_to_string(page).unwrap();
        let mut snippets = page.split("```toml\n").skip(1);
        let first = snippets.next().unwrap();
        for snippet in std::iter::once(first).chain(snippets) {
            let snippet = snippet.split("```").next().unwrap();
            if let Err(flaw) = Manifest::parse(snippet) {
                panic!("{flaw}\n{snippet}");
            }
        }
    }
}
