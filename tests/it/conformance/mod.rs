//! docs/conformance.md: a handler means the same whatever it is written in.
//!
//! Each language has a test of its own, which goes through all cases, whatever comes of
//! them, and shows them as a table; `scripts/conformance` puts the tables side by side.

mod core;
mod endings;
mod endurance;
mod gate;
mod messages;
mod report;
mod requests;
mod room;
mod stage;
mod swap;
mod timers;
mod topics;
mod upstreams;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt as _;

use report::{Outcome, Report};
use stage::{Stage, Unknown};

struct Language {
    name: &'static str,
    /// Whether a failure that nobody catches costs a room one connection only, and not
    /// its instance.
    survives: bool,
    /// What the names of cases begin with that it does not know, and why.
    gaps: &'static [(&'static str, &'static str)],
}

/// A table, and a test for each.
macro_rules! languages {
    ($($name:ident: survives: $survives:literal, gaps: $gaps:expr;)*) => {
        const LANGUAGES: &[Language] = &[$(Language {
            name: stringify!($name),
            survives: $survives,
            gaps: $gaps,
        }),*];

        $(#[tokio::test]
        async fn $name() {
            conforms(stringify!($name)).await;
        })*
    };
}

languages! {
    rust: survives: false, gaps: &[
        ("connection: print", "wasm32-unknown-unknown has no standard output; wasm32-wasip2 has"),
    ];
    js: survives: true, gaps: &[];
    ts: survives: true, gaps: &[];
    python: survives: true, gaps: &[];
    go: survives: true, gaps: &[];
    c: survives: false, gaps: &[];
    cpp: survives: false, gaps: &[];
    zig: survives: true, gaps: &[];
}

type Run = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = Result<(), Unknown>> + 'a>>;

struct Case {
    /// As the report has it.
    name: &'static str,
    patience: Duration,
    run: Run,
}

/// A module's cases: its functions, named in words.
macro_rules! cases {
    ($patience:expr, $($run:ident = $name:literal,)*) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case {
            name: $name,
            patience: $patience,
            run: |stage| Box::pin($run(stage)),
        }),*];
    };
}
use cases;

/// How long a case may take. Not a measure of speed: only a bound for what never comes.
const PATIENCE: Duration = Duration::from_secs(30);

const PARTS: &[(&str, &[Case])] = &[
    ("messages", messages::CASES),
    ("connection", core::CASES),
    ("endings", endings::CASES),
    ("topics", topics::CASES),
    ("timers", timers::CASES),
    ("gate", gate::CASES),
    ("swap", swap::CASES),
    ("upstreams", upstreams::CASES),
    ("room", room::CASES),
    ("endurance", endurance::CASES),
];

/// Goes through all cases, or those whose names have what `SOCKLET_CONFORMANCE_CASES` says.
async fn conforms(name: &str) {
    let language = LANGUAGES.iter().find(|language| language.name == name).unwrap();
    let Some(stage) = Stage::of(language) else {
        assert!(
            std::env::var_os("SOCKLET_SKIP_MISSING_TOOLS").is_some(),
            "{}: no such component: run scripts/build-guests (or set SOCKLET_SKIP_MISSING_TOOLS=1)",
            stage::component(name).display()
        );
        println!("skipped: {} is not there", stage::component(name).display());
        return;
    };
    stage.compile().await;
    let wanted = std::env::var("SOCKLET_CONFORMANCE_CASES").ok();
    let mut report = Report::of(language);
    for (part, cases) in PARTS {
        for case in *cases {
            let full_name = format!("{part}: {}", case.name);
            if wanted.as_ref().is_none_or(|wanted| full_name.contains(wanted)) {
                let outcome = judge(language, &full_name, case, &stage).await;
                report.add(full_name, outcome);
            }
        }
    }
    if wanted.is_none() {
        report.save();
    }
    println!("{report}");
    assert!(report.passes(), "{name} does not conform: see the table");
}

async fn judge(language: &Language, name: &str, case: &Case, stage: &Stage) -> Outcome {
    let run = AssertUnwindSafe((case.run)(stage)).catch_unwind();
    let gap = language.gaps.iter().find(|(gap, _)| name.starts_with(gap));
    match (tokio::time::timeout(case.patience, run).await, gap) {
        // A gap that has closed is no gap any more.
        (Ok(Ok(Ok(()))), Some(_)) => Outcome::Failed("it is said to be a gap".to_owned()),
        (Ok(Ok(Ok(()))), None) => Outcome::Passed,
        (Ok(Ok(Err(Unknown))), Some((_, reason))) => Outcome::Gap((*reason).to_owned()),
        (Ok(Ok(Err(Unknown))), None) => Outcome::Failed("it does not know that".to_owned()),
        (Ok(Err(panic)), _) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            Outcome::Failed(words.unwrap_or("it panicked").to_owned())
        }
        (Err(_), _) => Outcome::Failed(format!("waited {:?} in vain", case.patience)),
    }
}
