//! The templates beyond the first, of each language: they can be built and tested, and do
//! what they are there for.

use std::path::Path;

use super::{command, finish, project, socklet};
use crate::harness::{Server, Start};

/// Installs what the project names.
async fn prepare(project: &Path, lang: &str) {
    if matches!(lang, "js" | "ts") {
        let mut npm = command("npm", project);
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefer-offline"]);
        finish(npm).await.succeeded();
    }
}

/// Runs the project's own tests.
async fn test(project: &Path, lang: &str) {
    let (program, args): (&str, &[&str]) = match lang {
        "rust" => ("cargo", &["test", "--quiet"]),
        "js" | "ts" => ("npm", &["test", "--silent"]),
        "python" => ("python3", &["-m", "pytest", "-q"]),
        "go" => ("go", &["test", "./..."]),
        "zig" => ("python3", &["-m", "ziglang", "build", "test"]),
        _ => ("make", &["--silent", "test"]),
    };
    let mut tests = command(program, project);
    tests.args(args).env("PYTHONPATH", project.join("vendor/socklet-guest"));
    finish(tests).await.succeeded();
}

async fn build(project: &Path) -> Vec<(String, Vec<u8>)> {
    let said = socklet(project, &["build"]).await.succeeded();
    assert!(said.contains("would be served at"), "{said}");
    let made = std::fs::read_dir(project.join("handlers")).unwrap();
    let made = made.map(|entry| entry.unwrap().path());
    let made = made.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read(path).unwrap())
    });
    made.collect()
}

async fn serve(files: &[(String, Vec<u8>)]) -> Server {
    let files: Vec<_> = files.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
    Start::with(&files).run().await
}

async fn echo(lang: &str) {
    let (_folder, project) = project(lang, "echo").await;
    prepare(&project, lang).await;
    test(&project, lang).await;
    let server = serve(&build(&project).await).await;
    let mut client = server.connect("/trial").await;
    assert_eq!(client.ask("é\u{0}𝄞").await, "é\u{0}𝄞");
    let bytes: Vec<u8> = (0..=255).collect();
    client.send(bytes.clone()).await;
    assert_eq!(client.next().await.unwrap().unwrap().into_data(), bytes);
}

async fn chat(lang: &str) {
    let (_folder, project) = project(lang, "chat").await;
    prepare(&project, lang).await;
    test(&project, lang).await;
    let files = build(&project).await;
    let (_, manifest) = files.iter().find(|(name, _)| name == "trial.toml").unwrap();
    let mut manifest: toml::Table = String::from_utf8_lossy(manifest).parse().unwrap();
    let route = manifest["route"].as_str().unwrap().replace("{room}", "lobby");
    let server = serve(&files).await;
    let mut one = server.connect(&route).await;
    let mut other = server.connect(&route).await;
    one.send("is anybody here?").await;
    while !other.text().await.contains("is anybody here?") {}
    // The next version knows what was said, and nobody has noticed.
    let log = server.log.len();
    manifest.insert("linger".into(), "10s".into());
    server.put("trial.toml", manifest.to_string().as_bytes());
    server.log.wait_from(log, "a swap", |line| line.message().contains(": serves /")).await;
    other.send("yes, me").await;
    while !one.text().await.contains("yes, me") {}
    let mut late = server.connect(&route).await;
    while !late.text().await.contains("is anybody here?") {}
    assert!(!server.log.text().contains("could not move"));
}

#[tokio::test]
async fn rust() {
    echo("rust").await;
    chat("rust").await;
}

#[tokio::test]
async fn javascript() {
    echo("js").await;
    chat("js").await;
}

#[tokio::test]
async fn typescript() {
    echo("ts").await;
    chat("ts").await;
}

#[tokio::test]
async fn python() {
    echo("python").await;
    chat("python").await;
}

#[tokio::test]
async fn go() {
    echo("go").await;
    chat("go").await;
}

#[tokio::test]
async fn c() {
    echo("c").await;
    chat("c").await;
}

#[tokio::test]
async fn cpp() {
    echo("cpp").await;
    chat("cpp").await;
}

#[tokio::test]
async fn zig() {
    echo("zig").await;
    chat("zig").await;
}
