//! What a manifest gets of what it asks for.

use super::file::parse;
use super::*;

fn policy(text: &str, untrusted: bool) -> Policy {
    let (_, policy) = parse(text).unwrap_or_else(|flaw| panic!("{text}: {flaw}"));
    Policy { untrusted, ..policy }
}

fn ask(policy: &Policy, key: &str, manifest: &str) -> Result<Wanted, String> {
    let mut config = Config { policy: policy.clone(), ..Config::default() };
    policy.lower(&mut config.limits);
    let manifest = Manifest::parse(manifest).unwrap();
    policy.settings(&config, key, Some(&manifest), Path::new("/")).map_err(|refusals| {
        let refusals: Vec<_> = refusals.iter().map(ToString::to_string).collect();
        refusals.join("\n")
    })
}

const ASKING: [(&str, &str); 6] = [
    ("route = \"/elsewhere\"", "route is not granted"),
    ("host = \"chat.example.com\"", "host is not granted"),
    ("[secrets]\nKEY = \"PATH\"", "secrets.KEY is not granted"),
    (
        "[capabilities]\ntopics = { publish = [\"a/*\"] }",
        "capabilities.topics.publish is not granted",
    ),
    (
        "[capabilities]\ntopics = { subscribe = [\"a/*\"] }",
        "capabilities.topics.subscribe is not granted",
    ),
    (
        "[capabilities]\nallowed-hosts = [\"api.example.com\"]",
        "capabilities.allowed-hosts is not granted",
    ),
];

#[test]
fn without_a_policy_a_manifest_is_trusted() {
    let trusting = policy("", false);
    for (manifest, _) in ASKING {
        ask(&trusting, "/chat", manifest).unwrap();
    }
    assert!(trusting.summary().contains("manifests are trusted"));
}

#[test]
fn what_no_grant_names_is_denied() {
    let grants = "[[grants]]\nhandlers = [\"other\"]\nroutes = [\"/\"]\nhosts = [\"*\"]\n\
                  secrets = [\"*\"]\ntopics = { publish = [\"*\"], subscribe = [\"*\"] }\nallowed-hosts = [\"*:*\"]";
    for denying in [policy("", true), policy(grants, false), policy("grants = []", false)] {
        for (manifest, said) in ASKING {
            let why = ask(&denying, "/chat", manifest).unwrap_err();
            assert!(why.contains(said), "{why}");
        }
        // Its own path, and what lies below it, is its own.
        ask(&denying, "/chat", "route = \"/chat/{room}\"").unwrap();
        ask(&denying, "/chat", "[env]\nA = \"b\"").unwrap();
    }
}

#[test]
fn the_directory_s_own_handler_needs_grants_for_what_lies_below_it() {
    let denying = policy("", true);
    ask(&denying, "/", "route = \"/\"").unwrap();
    for route in ["/chat", "/{room}", "/{*path}"] {
        let why = ask(&denying, "/", &format!("route = \"{route}\"")).unwrap_err();
        assert!(why.starts_with("route is not granted"), "{why}");
    }
    let granting = policy("[[grants]]\nhandlers = [\"index\"]\nroutes = [\"/\"]", true);
    ask(&granting, "/", "route = \"/{*path}\"").unwrap();
    ask(&granting, "/index", "route = \"/{*path}\"").unwrap_err();
}

#[test]
fn what_a_grant_names_is_had_by_whom_it_names() {
    let granting = policy(
        "[[grants]]\nhandlers = [\"games/*\"]\nroutes = [\"/elsewhere\"]\n\
         hosts = [\"*.example.com\"]\nsecrets = [\"PAT*\"]\n\
         topics = { publish = [\"a/*\"], subscribe = [\"*\"] }\n\
         allowed-hosts = [\"*.example.com\"]",
        true,
    );
    for (manifest, said) in ASKING {
        ask(&granting, "/games/chess", manifest).unwrap();
        assert!(ask(&granting, "/chat", manifest).unwrap_err().contains(said));
    }
    for (manifest, said) in [
        ("route = \"/elsewhere-else\"", "route"),
        ("route = \"/{any}\"", "route"),
        ("host = \"example.com\"", "host"),
        ("[secrets]\nKEY = \"HOME\"", "secrets.KEY"),
        ("[capabilities]\ntopics = { publish = [\"*\"] }", "capabilities.topics.publish"),
        ("[capabilities]\nallowed-hosts = [\"*\"]", "capabilities.allowed-hosts"),
        ("[capabilities]\nallowed-hosts = [\"10.0.0.1\"]", "capabilities.allowed-hosts"),
    ] {
        let why = ask(&granting, "/games/chess", manifest).unwrap_err();
        assert!(why.starts_with(&format!("{said} is not granted")), "{why}");
    }
}

#[test]
fn what_is_missing_is_what_no_grant_gives() {
    let granting = policy(
        "[[grants]]\nhandlers = [\"chat\"]\nroutes = [\"/elsewhere\"]\nsecrets = [\"A\"]\n\
         topics = { publish = [\"a/*\"] }",
        false,
    );
    let manifest = "route = \"/elsewhere\"\nhost = \"a.example.com\"\n[secrets]\nA = \"A\"\nB = \"B\"\n\
                    [capabilities]\ntopics = { publish = [\"a/b\", \"c/*\", \"d\"], subscribe = [] }";
    let manifest = Manifest::parse(manifest).unwrap();
    assert_eq!(
        granting.missing(&manifest, "/chat"),
        ["host", "secrets.B", "capabilities.topics.publish (c/*, d)"]
    );
    assert_eq!(policy("", false).missing(&manifest, "/chat").len(), 5);
}

#[test]
fn a_ceiling_bounds_what_is_asked_for_and_what_is_not() {
    let bounding = policy("[ceilings]\nmax-memory = \"1MiB\"\nevent-cpu-time = \"100ms\"", false);
    let wanted = ask(&bounding, "/chat", "[limits]\nmax-memory = \"1MiB\"").unwrap();
    assert_eq!(wanted.settings.limits.max_memory, 1 << 20);
    assert_eq!(wanted.settings.limits.event_cpu_time.as_millis(), 100);
    let why = ask(&bounding, "/chat", "[limits]\nmax-memory = \"2MiB\"").unwrap_err();
    assert!(why.contains("limits.max-memory is more than the policy allows"), "{why}");
    // What has no ceiling is bounded by the default where nobody is trusted.
    ask(&bounding, "/chat", "[limits]\nevent-wall-time = \"1h\"").unwrap();
    let bounding = Policy { untrusted: true, ..bounding };
    ask(&bounding, "/chat", "[limits]\nevent-wall-time = \"1h\"").unwrap_err();
    ask(&bounding, "/chat", "[limits]\nevent-wall-time = \"1s\"").unwrap();
    ask(&bounding, "/chat", "linger = \"1h\"").unwrap_err();
    ask(&bounding, "/chat", "[keepalive]\nping-interval = \"1ms\"").unwrap_err();
}

#[test]
fn all_that_can_t_be_had_is_told_at_once_and_once() {
    let bounding = policy("[ceilings]\nmax-memory = \"1MiB\"\nmax-topics = 5", true);
    let why = ask(
        &bounding,
        "/chat",
        "route = \"/elsewhere\"\nlinger = \"1h\"\n\
         [limits]\nmax-memory = \"2MiB\"\nmax-topics = 6\nmax-subscriptions = 65\n\
         [keepalive]\nping-interval = \"51s\"\n\
         [secrets]\nKEY = \"SOCKLET_NO_SUCH_VARIABLE\"\n\
         [capabilities]\ntopics = { publish = [\"shared:a\"] }\n\
         [session]\nalgorithm = \"HS256\"\nkey-env = \"SOCKLET_NO_SUCH_VARIABLE\"\n\
         from = [\"authorization\"]",
    )
    .unwrap_err();
    let mut keys: Vec<_> = why.lines().map(|line| line.split(' ').next().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "capabilities.topics.publish",
            "capabilities.topics.publish",
            "keepalive.ping-interval",
            "limits.max-memory",
            "limits.max-subscriptions",
            "limits.max-topics",
            "linger",
            "route",
            "secrets.KEY",
            "session.key-env",
        ],
        "{why}"
    );
    // Nobody learns so which variables there are.
    assert!(!why.contains("environment"), "{why}");
}

#[test]
fn an_instance_s_memory_has_room_in_the_pool() {
    const GIB: usize = 1 << 30;
    assert_eq!(policy("", false).largest_memory(1), 4 * GIB);
    assert_eq!(policy("", true).largest_memory(1), 1);
    let bounding = policy("[ceilings]\nmax-memory = \"2GiB\"", true);
    assert_eq!(bounding.largest_memory(1), 2 * GIB);
}

#[test]
fn a_ping_that_would_never_be_waited_for_is_refused() {
    let why = ask(&policy("", false), "/chat", "[keepalive]\nping-interval = \"50s\"").unwrap_err();
    assert!(why.contains("keepalive.ping-interval must be shorter"), "{why}");
    ask(
        &policy("", false),
        "/chat",
        "[keepalive]\nping-interval = \"50s\"\npong-timeout = \"51s\"",
    )
    .unwrap();
}

#[test]
fn a_secret_comes_from_the_host_s_environment_and_is_named_by_its_key_where_it_does_not() {
    let trusting = policy("", false);
    let wanted = ask(&trusting, "/chat", "[secrets]\nKEY = \"PATH\"\n[env]\nA = \"b\"").unwrap();
    let path = std::env::var("PATH").unwrap();
    assert_eq!(
        wanted.settings.environment,
        [("A".to_owned(), "b".to_owned()), ("KEY".to_owned(), path)]
    );
    let why = ask(&trusting, "/chat", "[secrets]\nKEY = \"hunter2\"").unwrap_err();
    assert!(why.starts_with("secrets.KEY") && !why.contains("hunter2"), "{why}");
}

#[test]
fn the_policy_in_the_docs_is_one() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policy.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let mut snippets = docs.split("```toml\n").skip(1).peekable();
    assert!(snippets.peek().is_some());
    for snippet in snippets {
        policy(snippet.split("```").next().unwrap(), true);
    }
}

#[test]
fn every_key_of_a_grant_is_documented() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policy.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let schema = schemars::schema_for!(Grant).to_value();
    for key in schema["properties"].as_object().unwrap().keys() {
        assert!(docs.contains(&format!("| `{key}` |")), "{key}");
    }
}
