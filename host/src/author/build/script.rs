//! JavaScript, TypeScript and Python: builders that their SDKs bring.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::tool::{self, Install};
use super::{Made, check_name, read};

const NODE: Install = Install { apt: "nodejs npm", else_by: "see https://nodejs.org/en/download" };
const PYTHON: Install =
    Install { apt: "python3 python3-venv", else_by: "see https://www.python.org/downloads" };
/// Where its SDK lies in a project.
const VENDORED: &str = "vendor/socklet-guest";

pub(super) fn js(project: &Path) -> Result<Made> {
    tool::need("node", "builds JavaScript", &NODE)?;
    let builder = "node_modules/@socklet/guest/bin/socklet-guest.js";
    let manifest = project.join("package.json");
    let package: serde_json::Value = serde_json::from_slice(&read(&manifest)?)
        .with_context(|| format!("{}: can't be understood", manifest.display()))?;
    let names_it = |kind| package.get(kind).and_then(|of| of.get("@socklet/guest")).is_some();
    let depends = names_it("dependencies") || names_it("devDependencies");
    if !depends {
        bail!(
            "{}: does not depend on @socklet/guest, which builds components: add it with\n\n    \
             npm install --save-dev @socklet/guest\n",
            manifest.display()
        );
    }
    if !project.join(builder).is_file() {
        bail!(
            "the packages that {} names are not installed: install them with\n\n    \
             (cd {} && npm install)\n",
            manifest.display(),
            project.display()
        );
    }
    let name = package.get("name").and_then(|name| name.as_str());
    let name = name.with_context(|| format!("{}: has no name", manifest.display()))?;
    // `@team/chess` is chess.
    let name = name.rsplit('/').next().unwrap_or(name).to_owned();
    tool::announce("JavaScript", "@socklet/guest");
    let mut node = tool::command("node", project);
    node.args([builder, "build", "--output"]);
    build(project, node, name)
}

pub(super) fn python(project: &Path) -> Result<Made> {
    let own = project.join(".venv/bin/python");
    let python = match own.is_file() {
        true => std::path::absolute(&own).context("the working directory is gone")?,
        false => {
            tool::need("python3", "builds Python", &PYTHON)?;
            PathBuf::from("python3")
        }
    };
    let manifest = project.join("pyproject.toml");
    let text = String::from_utf8_lossy(&read(&manifest)?).into_owned();
    let table: toml::Table =
        text.parse().with_context(|| format!("{}: can't be understood", manifest.display()))?;
    let name = table.get("project").and_then(|project| project.get("name")?.as_str());
    let name = name.with_context(|| format!("{}: has no project.name", manifest.display()))?;
    let path = python_path(project)?;
    let python_here = || {
        let mut command = tool::command(&python, project);
        command.envs(path.iter().map(|path| ("PYTHONPATH", path)));
        command
    };
    let mut look = python_here();
    look.args([
        "-c",
        "import importlib.util as at; print(at.find_spec('socklet_guest') is not None)",
    ]);
    if tool::output(look).is_some_and(|found| found == "False") {
        bail!(
            "{}: socklet-guest, which builds components, is not installed: with the folder of the \
             SDK (guest-sdk/python) in place of PATH, install it with\n\n    (cd {} && {}\
             .venv/bin/python -m pip install -e PATH)\n",
            manifest.display(),
            project.display(),
            if own.is_file() { "" } else { "python3 -m venv .venv && " },
        );
    }
    let mut builder = python_here();
    tool::announce("Python", "componentize-py");
    builder.args(["-m", "socklet_guest", "build", "--output"]);
    build(project, builder, name.to_owned())
}

/// The SDK's copy in the project, before what is there already.
fn python_path(project: &Path) -> Result<Option<std::ffi::OsString>> {
    let vendored = project.join(VENDORED);
    if !vendored.is_dir() {
        return Ok(None);
    }
    let before = std::env::var_os("PYTHONPATH").unwrap_or_default();
    let all = std::iter::once(std::path::absolute(vendored)?);
    let all = all.chain(std::env::split_paths(&before).filter(|path| !path.as_os_str().is_empty()));
    Ok(Some(std::env::join_paths(all)?))
}

/// Has it leave the component in the project's `build`.
fn build(project: &Path, mut builder: std::process::Command, name: String) -> Result<Made> {
    check_name(&name)?;
    let relative = format!("build/{name}.wasm");
    let output = project.join(&relative);
    std::fs::create_dir_all(project.join("build"))
        .with_context(|| format!("{}: can't be made", project.join("build").display()))?;
    builder.arg(relative);
    tool::run(builder)?;
    Ok(Made { name, component: read(&output)? })
}
