//! What the program carries with it for new projects: the SDKs, their templates, and the
//! WIT package.

use std::borrow::Cow;

use rust_embed::RustEmbed;

use super::language::Language;
use super::pages::within_project;

#[derive(RustEmbed)]
#[folder = "../guest-sdk/"]
#[exclude = "*/node_modules/*"]
#[exclude = "*/target/*"]
#[exclude = "*/zig-out/*"]
#[exclude = "*/__pycache__/*"]
#[exclude = "*.wasm"]
#[exclude = "*.o"]
// What bindings are generated from, by who works on these.
#[exclude = "c/wasi/*"]
#[exclude = "go/wasi/*"]
#[exclude = "zig/wasi/*"]
struct Sdks;

#[derive(RustEmbed)]
#[folder = "../wit/"]
struct Wit;

#[derive(RustEmbed)]
#[folder = "../docs/"]
#[include = "*.md"]
struct Docs;

/// A file, by its place and with what it holds.
pub(super) type File = (String, Cow<'static, [u8]>);

/// The WIT package's files.
pub(super) fn wit() -> impl Iterator<Item = File> {
    Wit::iter().filter_map(|name| Some((name.to_string(), Wit::get(&name)?.data)))
}

/// The packages of WASI that a client of HTTP needs, each after those that it needs.
pub(super) fn wasi() -> impl Iterator<Item = File> {
    ["deps/io.wit", "deps/clocks.wit", "http.wit"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), Sdks::get(&format!("rust/wasi/{name}"))?.data)))
}

/// An SDK as projects have a copy of it, with its WIT, and the pages that it speaks of.
pub(super) fn sdk(language: Language) -> Vec<File> {
    let (folder, _) = language.folders();
    let prefix = format!("{folder}/");
    let is_part = |place: &str| {
        let first = place.split('/').next().unwrap_or_default();
        let hidden = place.split('/').any(|part| part.starts_with('.'));
        !hidden && !first.starts_with("templates") && !is_ours(first)
    };
    let files = Sdks::iter().filter_map(|name| {
        let place = name.strip_prefix(&prefix).filter(|place| is_part(place))?;
        Some((place.to_owned(), Sdks::get(&name)?.data))
    });
    let docs =
        Docs::iter().filter_map(|name| Some((format!("docs/{name}"), Docs::get(&name)?.data)));
    let wit = wit().map(|(name, data)| (format!("wit/{name}"), data));
    let mut files: Vec<File> = files.chain(docs).chain(wit).collect();
    let there = files.iter().map(|(place, _)| place.clone()).collect();
    for (place, data) in &mut files {
        if place == "README.md" || place.starts_with("docs/") {
            let page = within_project(&String::from_utf8_lossy(data), place, &there);
            *data = page.into_bytes().into();
        }
    }
    files
}

/// What is for the repository only, or comes from elsewhere.
fn is_ours(part: &str) -> bool {
    const OURS: [&str; 7] =
        ["tests", "wit", "build", "dist", "setup", "build-conformance", "generate"];
    OURS.contains(&part) || part.starts_with("conformance")
}

/// The names of a language's templates.
pub(super) fn templates(language: Language) -> Vec<String> {
    let (sdk, templates) = language.folders();
    let prefix = format!("{sdk}/{templates}/");
    let names = Sdks::iter().filter_map(|name| {
        let (template, _) = name.strip_prefix(&prefix)?.split_once('/')?;
        Some(template.to_owned())
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    names
}

/// The files of a template, as they are before a project's name is filled in.
pub(super) fn template(language: Language, name: &str) -> Vec<File> {
    let (sdk, templates) = language.folders();
    let prefix = format!("{sdk}/{templates}/{name}/");
    let files = Sdks::iter().filter_map(|file| {
        let place = file.strip_prefix(&prefix)?.to_owned();
        Some((place, Sdks::get(&file)?.data))
    });
    files.collect()
}
