//! Manifests inside components: `socklet embed`, and what is served of such a pair.

use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::harness::guests::{ANSWERS_A, ANSWERS_B};
use crate::harness::{Client, Start, run};

/// The component with a manifest inside, by the command.
async fn embedded(component: &[u8], manifest: &str) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let (file, toml) = (folder.path().join("c.wasm"), folder.path().join("m.toml"));
    std::fs::write(&file, component).unwrap();
    std::fs::write(&toml, manifest).unwrap();
    let (file, toml) = (file.to_str().unwrap(), toml.to_str().unwrap());
    let (status, _, stderr) = run(&["embed", file, "--manifest", toml]).await;
    assert!(status.success(), "{stderr}");
    std::fs::read(file).unwrap()
}

#[tokio::test]
async fn a_component_brings_its_manifest_along() {
    let component = embedded(&ANSWERS_A.bytes(), "route = \"/inside\"").await;
    let server = Start::with(&[("x.wasm", &component)]).run().await;
    assert_eq!(server.connect("/inside").await.ask("x").await, "a:x");
    assert_eq!(Client::try_connect(&server.url("/x"), &[]).await.err().unwrap(), 404);
    // The same in other words, beside it, changes nothing; something else is refused.
    server.put("x.toml", b"# Beside it.\nroute = '/inside'");
    server.put("y.wasm", &ANSWERS_A.bytes());
    server.log.message("serves /y").await;
    server.put("x.toml", b"route = \"/beside\"");
    let line = server.log.message("x.toml: says something else than the manifest inside").await;
    assert!(line.message().contains("generation 1 serves on"), "{}", line.message());
    assert_eq!(server.connect("/inside").await.ask("x").await, "a:x");
}

#[tokio::test]
async fn a_component_that_comes_without_the_manifest_of_the_last_one_is_refused() {
    let component = embedded(&ANSWERS_A.bytes(), "[limits]\nmax-message-size = 100").await;
    let server = Start::with(&[("x.wasm", &component)]).run().await;
    server.put("x.wasm", &ANSWERS_B.bytes());
    server.log.message("x.wasm: has no manifest any more").await;
    assert_eq!(server.connect("/x").await.ask("x").await, "a:x");
    server.put("x.wasm", &embedded(&ANSWERS_B.bytes(), "").await);
    server.log.wait("generation 2", |line| line.number("generation") == Some(2)).await;
    assert_eq!(server.connect("/x").await.ask("x").await, "b:x");
}

#[tokio::test]
async fn at_the_start_a_component_whose_manifest_cannot_be_read_is_not_loaded() {
    let component = embedded(&ANSWERS_A.bytes(), "route = \"/inside\"").await;
    let at = component.windows(5).rposition(|bytes| bytes == b"route").unwrap();
    let mut not_utf8 = component.clone();
    not_utf8[at] = 0xff;
    let mut not_toml = component.clone();
    not_toml[at..at + 5].copy_from_slice(b"=====");
    let mut unknown = component.clone();
    unknown[at..at + 5].copy_from_slice(b"rouge");
    let server = Start::with(&[
        ("utf8.wasm", &not_utf8),
        ("toml.wasm", &not_toml),
        ("unknown.wasm", &unknown),
        ("sound.wasm", &ANSWERS_A.bytes()),
    ])
    .run()
    .await;
    for (name, said) in [
        ("utf8", "the manifest inside it is not UTF-8"),
        ("toml", "the manifest inside it, line 1: "),
        ("unknown", "the manifest inside it, line 1: rouge is no key here: did you mean route?"),
    ] {
        server.log.message(&format!("{name}.wasm: {said}")).await;
        let url = server.url(&format!("/{name}"));
        assert_eq!(Client::try_connect(&url, &[]).await.err().unwrap(), 500);
    }
    assert_eq!(server.connect("/sound").await.ask("x").await, "a:x");
}

#[tokio::test]
async fn what_cannot_be_put_together_is_said() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("c.wasm"), ANSWERS_A.bytes()).unwrap();
    std::fs::write(path("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    std::fs::write(path("good.toml"), "").unwrap();
    std::fs::write(path("bad.toml"), "rout = \"hunter2\"").unwrap();
    for (component, manifest, said) in [
        ("c.wasm", "bad.toml", "bad.toml: line 1: rout is no key here: did you mean route?"),
        ("core.wasm", "good.toml", "core.wasm: is not a component"),
        ("none.wasm", "good.toml", "none.wasm: can't be read"),
        ("c.wasm", "none.toml", "none.toml: can't be read"),
    ] {
        let (component, manifest) = (path(component), path(manifest));
        let (status, _, stderr) = run(&["embed", &component, "--manifest", &manifest]).await;
        assert_eq!(status.code(), Some(1));
        assert!(stderr.contains(said) && !stderr.contains("hunter2"), "{stderr}");
    }
    // With -o the component stays as it is.
    let (component, manifest, out) = (path("c.wasm"), path("good.toml"), path("out.wasm"));
    let args = ["embed", &component, "--manifest", &manifest, "-o", &out];
    assert!(run(&args).await.0.success());
    assert_eq!(std::fs::read(&component).unwrap(), ANSWERS_A.bytes());
    assert_ne!(std::fs::read(&out).unwrap(), ANSWERS_A.bytes());
}

#[tokio::test]
async fn check_says_what_serving_would_say() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(folder.path().join("games")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(path(name), bytes).unwrap();
    write("games/good.wasm", &ANSWERS_A.bytes());
    write("games/good.toml", b"route = \"/elsewhere\"\n[secrets]\nKEY = \"PATH\"");
    write("bad.wasm", b"garbage");
    write("wrong.wasm", &ANSWERS_A.bytes());
    write("wrong.toml", b"rout = 1");
    write("twin.wasm", &ANSWERS_A.bytes());
    write("twin.toml", b"route = \"/elsewhere\"");
    let dir = folder.path().to_str().unwrap();
    let check = async |files: &[&str], more: &[&str]| {
        let files: Vec<_> = files.iter().map(|file| path(file)).collect();
        let mut args = vec!["check", "--dir", dir];
        args.extend(more);
        args.extend(files.iter().map(String::as_str));
        let (status, stdout, stderr) = run(&args).await;
        assert_eq!(stderr, "");
        (status.code().unwrap(), stdout)
    };
    let (code, said) = check(&["games/good.wasm"], &[]).await;
    assert_eq!(code, 0, "{said}");
    for part in [
        "good.wasm: would be served at /elsewhere, as games/good",
        "imports socklet:websocket/connection@0.1.0",
        "exports socklet:websocket/handler@0.1.0",
        "with --untrusted it would need a grant for route",
        "would need a grant for secrets.KEY",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (code, said) = check(&["games/good.wasm"], &["--untrusted"]).await;
    assert_eq!(code, 1);
    assert!(said.contains("good.toml: line 1: route is not granted"), "{said}");
    assert!(said.contains("good.toml: line 3: secrets.KEY is not granted"), "{said}");
    let policy = "[[grants]]\nhandlers = [\"games/*\"]\nroutes = [\"/\"]\nsecrets = [\"*\"]";
    write("socklet.toml", policy.as_bytes());
    let config = format!("--config={}", path("socklet.toml"));
    let (code, said) = check(&["games/good.wasm"], &[&config]).await;
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("would need a grant"), "{said}");
    for (files, expected) in [
        (&["bad.wasm"][..], "bad.wasm: is not WebAssembly"),
        (&["wrong.wasm"], "wrong.toml: line 1: rout is no key here: did you mean route?"),
        (&["none.wasm"], "none.wasm: can't be read"),
        (&["games/good.wasm", "twin.wasm"], "twin.wasm: claims the same route as "),
        (&["games/good.wasm", "twin.wasm"], "change the route of one (line 1 of twin.toml)"),
        (&["games/good.wasm", "bad.wasm"], "bad.wasm: is not WebAssembly"),
    ] {
        let (code, said) = check(files, &[]).await;
        assert_eq!(code, 1, "{files:?}");
        assert!(said.contains(expected), "{said}");
    }
    assert!(Path::new(&path("games/good.wasm")).exists());
}

#[tokio::test]
async fn check_takes_no_unusable_manifest_for_none_and_stays_inside() {
    let elsewhere = TempDir::new().unwrap();
    std::fs::write(elsewhere.path().join("out.wasm"), ANSWERS_A.bytes()).unwrap();
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("x.wasm"), ANSWERS_A.bytes()).unwrap();
    symlink("nowhere", path("x.toml")).unwrap();
    symlink(elsewhere.path().join("out.wasm"), path("link.wasm")).unwrap();
    let check = async |args: &[&str]| {
        let (status, stdout, _) = run(args).await;
        (status.success(), stdout)
    };
    let (sound, said) = check(&["check", &path("x.wasm")]).await;
    assert!(!sound && said.contains("x.toml: can't be read"), "{said}");
    let (sound, said) = check(&["check", &path("link.wasm")]).await;
    assert!(sound, "{said}");
    let (sound, said) = check(&["check", "--untrusted", &path("link.wasm")]).await;
    assert!(!sound && said.contains("link.wasm: can't be read: a symlink leads out"), "{said}");
}

#[tokio::test]
async fn the_schema_is_printed() {
    let (status, stdout, _) = run(&["schema"]).await;
    assert!(status.success());
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(schema["properties"]["route"].is_object(), "{stdout}");
}
