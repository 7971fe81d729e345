//! From the README of each SDK to a handler that runs, on a machine that has only what that
//! README installs; and what is said there of mistakes.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use super::machine::Machine;
use super::{command, edit, finish};
use crate::harness::{Client, Log, binary};

/// What begins so is another's work, or was done before.
const LEFT_OUT: &[&str] = &["socklet ", "apt-get ", "rustup ", "npm install", "python3 -m pip "];

struct Language {
    name: &'static str,
    /// Its SDK's folder.
    sdk: &'static str,
    /// What the README takes for granted. None where the machine is to have everything:
    /// Rust's targets can't be fetched everywhere, and are chosen by `socklet build`.
    given: Option<&'static [&'static str]>,
    /// The file that has the handler.
    source: &'static str,
    /// A change of that after which it is no handler any more, and what is said then. Of
    /// nothing, where all of it is replaced.
    no_handler: (&'static str, &'static str, &'static str),
}

/// The commands of a page, one line each: what stands in its blocks for a shell.
fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::<String>::new();
    let (mut fence, mut after_gap) = (None, true);
    let mut add = |line: &str| {
        let line = line.split(" # ").next().unwrap().trim();
        match commands.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push_str(line);
            }
            _ => commands.push(line.to_owned()),
        }
    };
    for line in page.lines() {
        let trimmed = line.trim();
        match (trimmed.strip_prefix("```"), fence) {
            (Some(language), None) => fence = Some(language),
            (Some(_), Some(_)) => fence = None,
            (None, Some("sh")) => add(line),
            (None, Some(_)) => {}
            // A block that is indented.
            (None, None) if line.starts_with("    ") && after_gap => {
                add(line);
                continue;
            }
            (None, None) => {}
        }
        after_gap = trimmed.is_empty();
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// The section of this name.
fn section<'page>(page: &'page str, title: &str) -> &'page str {
    let (_, rest) = page.split_once(&format!("\n## {title}\n")).expect("such a section");
    rest.split("\n## ").next().unwrap()
}

impl Language {
    /// What the SDK's README has be done, up to serving.
    fn steps(&self) -> Vec<String> {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk").join(self.sdk);
        let page = std::fs::read_to_string(sdk.join("README.md")).unwrap();
        let mut steps = commands(section(&page, "From zero to a handler"));
        let serve = steps.iter().position(|step| step == "socklet serve").unwrap();
        steps.truncate(serve + 1);
        for step in &mut steps {
            // Where one README is for two.
            if step.starts_with("socklet new ") {
                *step = format!("socklet new hello --lang {}", self.name);
            }
        }
        steps
    }

    /// A machine with what is taken for granted, and what the steps install.
    fn machine(&self, steps: &[String]) -> Option<Machine> {
        let Some(given) = self.given else { return Some(Machine::with_everything()) };
        let mut packages: BTreeSet<String> = given.iter().map(|&name| name.to_owned()).collect();
        let installs = |step: &String| step.strip_prefix("apt-get install ").map(str::to_owned);
        // Of two lists the one for C++ is the second.
        let lists: Vec<_> = steps.iter().filter_map(installs).collect();
        let list = if self.name == "cpp" { lists.last() } else { lists.first() };
        packages.extend(list.into_iter().flat_map(|list| list.split(' ')).map(str::to_owned));
        Machine::with(&packages)
    }
}

/// The packages that a page has be installed, and those that the command names where the
/// compiler is missing, are the same.
#[tokio::test]
async fn packages_are_named_alike_wherever_they_are_named() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/c");
    let read = |page: &str| std::fs::read_to_string(sdk.join(page)).unwrap();
    let list = |text: &str| -> BTreeSet<String> {
        text.split_whitespace().filter(|word| !word.starts_with('-')).map(str::to_owned).collect()
    };
    let lists = |page: &str| -> Vec<_> {
        let commands = commands(page).into_iter();
        commands.filter_map(|line| Some(list(line.strip_prefix("apt-get install ")?))).collect()
    };
    let in_readme = lists(&read("README.md"));
    let makefile = read("socklet.mk").replace("\\\n", " ");
    for (lang, templates, in_readme) in
        [("c", "templates", &in_readme[0]), ("cpp", "templates-cpp", &in_readme[1])]
    {
        for template in ["hello", "echo", "chat"] {
            let page = read(&format!("{templates}/{template}/README.md"));
            assert_eq!(lists(&page), std::slice::from_ref(in_readme));
        }
        let variable = if lang == "c" { "INSTALL_C :=" } else { "INSTALL_CXX :=" };
        let line = makefile.lines().find_map(|line| line.strip_prefix(variable)).unwrap();
        let mut in_makefile = list(line.trim_start().strip_prefix("apt-get install").unwrap());
        // Which is there, where that is read.
        in_makefile.insert("make".to_owned());
        assert_eq!(&in_makefile, in_readme, "{lang}");

        let (_folder, project) = super::project(lang, "hello").await;
        let path = TempDir::new().unwrap();
        for program in ["apt-get", "make"] {
            std::os::unix::fs::symlink("/bin/true", path.path().join(program)).unwrap();
        }
        let mut build = command(binary(), &project);
        build.arg("build").env("PATH", path.path());
        let said = finish(build).await.failed(1);
        let (_, line) = said.split_once("apt-get install").expect(&said);
        assert_eq!(&list(line.lines().next().unwrap()), in_readme, "{lang}");
    }
}

async fn try_out(language: &Language) {
    let steps = language.steps();
    let Some(machine) = language.machine(&steps) else {
        assert!(std::env::var_os("CI").is_none(), "this is no Debian");
        println!("skipped: this is no Debian");
        return;
    };
    let not_ours = ["apt-get ", "rustup ", "socklet serve"];
    let steps = steps.iter().filter(|step| !not_ours.iter().any(|other| step.starts_with(other)));
    let steps: Vec<_> = steps.map(|step| &**step).collect();
    finish(machine.shell("", &steps.join("\n"))).await.succeeded();
    let served = serve(&machine).await;
    let mut client = served.connect().await;
    assert_eq!(client.text().await, "Hello!");
    client.send("to the log").await;
    served.log.message("to the log").await;

    let project = machine.home().join("hello");
    edit(&project, "Hello!", "Hello again!");
    let log = served.log.len();
    finish(machine.shell("hello", "socklet build")).await.succeeded();
    served.log.wait_from(log, "a swap", |line| line.message().contains(": serves /")).await;
    assert_eq!(served.connect().await.text().await, "Hello again!");
    // Who was there before stays there.
    client.send("still here").await;
    served.log.message("still here").await;

    // Its own tests, as its own README says.
    let page = std::fs::read_to_string(project.join("README.md")).unwrap();
    let tests = commands(&page).into_iter();
    let mut tests =
        tests.filter(|step| !LEFT_OUT.iter().any(|out| step.starts_with(out))).collect::<Vec<_>>();
    assert!(tests.iter().any(|step| step.contains("test")), "{tests:?}");
    if language.name == "zig" {
        // As that README says for PyPI's package.
        tests = tests.iter().map(|step| step.replace("zig ", "python3 -m ziglang ")).collect();
    }
    edit(&project, "Hello again!", "Hello!");
    finish(machine.shell("hello", &tests.join("\n"))).await.succeeded();

    mistakes(language, &machine).await;
    // None of them has had anybody notice.
    assert_eq!(served.connect().await.text().await, "Hello again!");
}

/// What is wrong is said with its place, and nothing that was there before is touched.
async fn mistakes(language: &Language, machine: &Machine) {
    let project = machine.home().join("hello");
    let source = project.join(language.source);
    let right = std::fs::read_to_string(&source).unwrap();
    let component = std::fs::read(project.join("handlers/hello.wasm")).unwrap();
    let wrong = right.replace("\"Hello!\"", "\"Hello!\" mistake mistake");
    assert_ne!(wrong, right);
    let line = 1 + right.lines().position(|line| line.contains("\"Hello!\"")).unwrap();
    std::fs::write(&source, wrong).unwrap();
    let said = finish(machine.shell("hello", "socklet build")).await.failed(1);
    let file = Path::new(language.source).file_name().unwrap().to_str().unwrap();
    let line_of = |said: &str| {
        let (_, place) = said.split_once(file)?;
        let place = place.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        let end = place.find(|letter: char| !letter.is_ascii_digit())?;
        place[..end].parse::<usize>().ok()
    };
    assert!(said.lines().any(|said| line_of(said) == Some(line)), "{}: {said}", language.name);

    let (old, new, expected) = language.no_handler;
    let wrong = if old.is_empty() { new.to_owned() } else { right.replace(old, new) };
    assert_ne!(wrong, right);
    std::fs::write(&source, wrong).unwrap();
    let said = finish(machine.shell("hello", "socklet build")).await.failed(1);
    assert!(said.contains(expected), "{}: {said}", language.name);
    assert_eq!(std::fs::read(project.join("handlers/hello.wasm")).unwrap(), component);
}

struct Served {
    _child: tokio::process::Child,
    log: Log,
    address: String,
}

impl Served {
    async fn connect(&self) -> Client {
        Client::connect(&format!("ws://{}/hello", self.address)).await
    }
}

async fn serve(machine: &Machine) -> Served {
    let mut shell = machine.shell("hello", "exec socklet serve");
    shell
        .env("SOCKLET_LISTEN", "127.0.0.1:0")
        .env("SOCKLET_LOG_FORMAT", "json")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let log = Log::follow(child.stderr.take().unwrap(), machine.home().join("log"));
    let listening = log.wait("listening", |line| line.message() == "listening").await;
    log.message(": serves /hello").await;
    let address = listening.field("address").unwrap().as_str().unwrap().to_owned();
    Served { _child: child, log, address }
}

macro_rules! languages {
    ($($test:ident: $language:expr;)*) => {
        $(#[tokio::test]
        async fn $test() {
            try_out(&$language).await;
        })*
    };
}

languages! {
    rust: Language {
        name: "rust",
        sdk: "rust",
        given: None,
        source: "src/lib.rs",
        no_handler: ("socklet_guest::export!(Hello);", "", "socklet_guest::export!"),
    };
    javascript: Language {
        name: "js",
        sdk: "js",
        given: Some(&["nodejs", "npm"]),
        source: "handler.js",
        no_handler: ("export default", "export const handler =", "default"),
    };
    typescript: Language {
        name: "ts",
        sdk: "js",
        given: Some(&["nodejs", "npm"]),
        source: "handler.ts",
        no_handler: ("export default", "export const handler =", "default"),
    };
    python: Language {
        name: "python",
        sdk: "python",
        given: Some(&["python3", "python3-venv"]),
        source: "app.py",
        no_handler: ("class Hello(Handler)", "class Hello", "Handler"),
    };
    go: Language {
        name: "go",
        sdk: "go",
        given: Some(&["python3", "python3-pip"]),
        source: "main.go",
        no_handler: ("", "package main\n\nfunc main() {}\n", "say guest.Serve"),
    };
    c: Language {
        name: "c",
        sdk: "c",
        given: Some(&[]),
        source: "hello.c",
        no_handler: ("SOCKLET_EXPORT(.on_ready = on_ready, .on_message = on_message, .on_close = on_close)", "", "SOCKLET_EXPORT"),
    };
    cpp: Language {
        name: "cpp",
        sdk: "c",
        given: Some(&[]),
        source: "hello.cpp",
        no_handler: ("SOCKLET_EXPORT_TYPE(Hello)", "", "SOCKLET_EXPORT_TYPE"),
    };
    zig: Language {
        name: "zig",
        sdk: "zig",
        given: Some(&["python3", "python3-pip"]),
        source: "src/main.zig",
        no_handler: ("pub const Handler", "const Handler", "pub const Handler"),
    };
}
