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

/// Which languages have to have which cases.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tier {
    /// All of them.
    First,
    /// The core. What lies beyond may be unknown.
    Second,
}

struct Language {
    name: &'static str,
    tier: Tier,
    /// Whether a failure that nobody catches costs a room one connection only, and not
    /// its instance.
    survives: bool,
    /// Cases that its toolchain does not let be, and why.
    gaps: &'static [(&'static str, &'static str)],
}

/// A table, and a test for each.
macro_rules! languages {
    ($($name:ident: $tier:ident, survives: $survives:literal, gaps: $gaps:expr;)*) => {
        const LANGUAGES: &[Language] = &[$(Language {
            name: stringify!($name),
            tier: Tier::$tier,
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
    rust: First, survives: false, gaps: &[
        ("print", "wasm32-unknown-unknown has no standard output; wasm32-wasip2 has"),
    ];
    js: First, survives: true, gaps: &[];
    ts: First, survives: true, gaps: &[];
    python: First, survives: true, gaps: &[];
    go: Second, survives: false, gaps: &[];
    c: Second, survives: false, gaps: &[];
    cpp: Second, survives: false, gaps: &[];
    zig: Second, survives: false, gaps: &[];
}

type Run = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = Result<(), Unknown>> + 'a>>;

struct Case {
    /// As the report has it.
    name: &'static str,
    core: bool,
    patience: Duration,
    run: Run,
}

/// A module's cases: its functions, named in words.
macro_rules! cases {
    ($core:literal, $patience:expr, $($run:ident = $name:literal,)*) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case {
            name: $name,
            core: $core,
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
                report.add(full_name, judge(language, case, &stage).await);
            }
        }
    }
    if wanted.is_none() {
        report.save();
    }
    println!("{report}");
    assert!(report.passes(), "{name} does not conform: see the table");
}

async fn judge(language: &Language, case: &Case, stage: &Stage) -> Outcome {
    let run = AssertUnwindSafe((case.run)(stage)).catch_unwind();
    let gap = language.gaps.iter().find(|(name, _)| *name == case.name);
    match (tokio::time::timeout(case.patience, run).await, gap) {
        (Ok(Ok(Ok(()))), _) => Outcome::Passed,
        (_, Some((_, reason))) => Outcome::Gap((*reason).to_owned()),
        (Ok(Ok(Err(Unknown))), None) if !case.core && language.tier == Tier::Second => {
            Outcome::Gap(String::new())
        }
        (Ok(Ok(Err(Unknown))), None) => Outcome::Failed("it does not know that".to_owned()),
        (Ok(Err(panic)), None) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            Outcome::Failed(words.unwrap_or("it panicked").to_owned())
        }
        (Err(_), None) => Outcome::Failed(format!("waited {:?} in vain", case.patience)),
    }
}
