//! `socklet new`: a project that builds at once.

use std::borrow::Cow;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum as _};

use super::assets::{self, File};
use super::language::Language;
use crate::output::print;

const EXAMPLES: &str = "\
Examples:
  socklet new hello --lang python       a hello in Python, in ./hello
  socklet new chat --lang rust --template chat
  socklet new games/chess               asks for the language

Exit codes: 0 when the project is there; 1 when it can't be made; 2 for a wrong command line.";

/// Stands for the project's name in templates.
const NAME: &str = "{{name}}";
const MAX_NAME: usize = 64;
/// What cargo, Go, npm or Python take for something of their own.
const RESERVED: [&str; 25] = [
    "go",
    "std",
    "core",
    "alloc",
    "test",
    "cmd",
    "main",
    "build",
    "vendor",
    "node-modules",
    "socklet",
    "socklet-guest",
    "self",
    "super",
    "crate",
    "fn",
    "mod",
    "use",
    "type",
    "match",
    "async",
    "import",
    "class",
    "package",
    "app",
];

/// Where the SDK lies in a project. Go takes `vendor` for its own.
fn place_of_sdk(language: Language) -> &'static str {
    if language == Language::Go { "socklet-guest" } else { "vendor/socklet-guest" }
}

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct New {
    /// The project's folder, which is made; its last part is the project's name: small letters,
    /// digits and hyphens
    name: PathBuf,
    /// The language [default: asked for, in a terminal]
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// What it begins as: hello, echo or chat, as far as the language has it
    #[arg(long, default_value = "hello", value_name = "NAME")]
    template: String,
}

impl New {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let name = name_of(&self.name)?;
        ensure!(
            !RESERVED.contains(&name),
            "{name:?} means something else in some language: give the project another name"
        );
        let language = match self.lang {
            Some(language) => language,
            None => ask()?,
        };
        let template = assets::template(language, &self.template);
        if template.is_empty() {
            bail!(
                "there is no template {:?} in {}: there are {}",
                self.template,
                language.title(),
                assets::templates(language).join(", ")
            );
        }
        match std::fs::read_dir(&self.name) {
            Ok(mut entries) => ensure!(
                entries.next().is_none(),
                "{}: is there already, and not empty: give another name",
                self.name.display()
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => bail!("{}: can't be made: {error}", self.name.display()),
        }
        let sdk = assets::sdk(language);
        let folder = place_of_sdk(language);
        let sdk = sdk.into_iter().map(|(place, data)| (format!("{folder}/{place}"), data));
        let filled = template.into_iter().map(|file| fill_in(file, name));
        for (place, data) in filled.chain(sdk) {
            write(&self.name.join(place), &data)?;
        }
        print(&next_steps(&self.name, language))
    }
}

/// The last part of the path, where that can be a project's name in every language.
fn name_of(path: &Path) -> anyhow::Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let sound = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
        && name.len() <= MAX_NAME;
    ensure!(
        sound,
        "{}: its last part can't be a project's name: begin with a small letter, and use small \
         letters, digits and hyphens, at most {MAX_NAME}",
        path.display()
    );
    Ok(name)
}

fn ask() -> anyhow::Result<Language> {
    let all = Language::value_variants();
    let names =
        || all.iter().filter_map(|one| Some(one.to_possible_value()?.get_name().to_owned()));
    let names: Vec<_> = names().collect();
    ensure!(
        std::io::stdin().is_terminal(),
        "say in which language, with --lang {}",
        names.join("|")
    );
    for (number, language) in all.iter().enumerate() {
        println!("  {}  {}", number + 1, language.title());
    }
    let mut lines = std::io::stdin().lock().lines();
    loop {
        print!("In which language? [1-{}] ", all.len());
        std::io::stdout().flush()?;
        let line = lines.next().context("no language was chosen")??;
        let line = line.trim();
        let by_number = line.parse().ok().and_then(|number: usize| all.get(number.checked_sub(1)?));
        if let Some(language) = by_number {
            return Ok(*language);
        }
        if let Ok(language) = Language::from_str(line, true) {
            return Ok(language);
        }
        println!("  a number, or one of {}", names.join(", "));
    }
}

fn fill_in((place, data): File, name: &str) -> File {
    let place = place.replace(NAME, name);
    let place = match place.strip_suffix(".in") {
        Some(place) => place.to_owned(),
        None => place,
    };
    let place = match place.rsplit_once('/') {
        Some((folder, "gitignore")) => format!("{folder}/.gitignore"),
        None if place == "gitignore" => ".gitignore".to_owned(),
        _ => place,
    };
    let data = match std::str::from_utf8(&data) {
        Ok(text) => Cow::Owned(text.replace(NAME, name).into_bytes()),
        Err(_) => data,
    };
    (place, data)
}

fn write(path: &Path, data: &[u8]) -> anyhow::Result<()> {
    let made = match path.parent() {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    };
    let written = made.and_then(|()| std::fs::write(path, data));
    written.with_context(|| format!("{}: can't be written", path.display()))
}

fn next_steps(folder: &Path, language: Language) -> String {
    let prepare = match language {
        Language::Js | Language::Ts => "    npm install\n",
        Language::Python => {
            "    python3 -m venv .venv && .venv/bin/pip install -e vendor/socklet-guest\n"
        }
        _ => "",
    };
    format!(
        "Made {folder}, in {title}. README.md has what to know. To build it, serve it, and have \
         each change taken up:\n\n    cd {folder}\n{prepare}    socklet dev\n",
        folder = folder.display(),
        title = language.title(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_every_language() {
        for name in ["hello", "a", "games/chess-2", "./x"] {
            assert!(name_of(Path::new(name)).is_ok(), "{name}");
        }
        for name in ["", "Hello", "2x", "-x", "a_b", "a b", "..", "/", "é"] {
            assert!(name_of(Path::new(name)).is_err(), "{name}");
        }
        assert!(name_of(Path::new(&"x".repeat(MAX_NAME + 1))).is_err());
    }

    #[test]
    fn a_template_is_filled_in() {
        let data = Cow::Borrowed(b"name = \"{{name}}\"".as_slice());
        let (place, data) = fill_in(("{{name}}.toml".into(), data), "chess");
        assert_eq!((place.as_str(), &*data), ("chess.toml", b"name = \"chess\"".as_slice()));
        let place = |from: &str| fill_in((from.into(), Cow::Borrowed(b"")), "x").0;
        assert_eq!(place("gitignore"), ".gitignore");
        assert_eq!(place("src/gitignore"), "src/.gitignore");
        assert_eq!(place("Cargo.toml.in"), "Cargo.toml");
    }
}
