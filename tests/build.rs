//! Names each guest in `guests/`, so that a test that misspells one, and a guest
//! that no test uses, both fail the build.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=guests/examples");
    let mut names = Vec::new();
    for entry in fs::read_dir("guests/examples")? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == "rs") {
            names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    let mut constants = String::new();
    for name in names {
        let constant = name.to_uppercase();
        // Writing to a string can't fail.
        let _ = writeln!(constants, "pub(crate) const {constant}: Guest = Guest({name:?});");
    }
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&out).join("guests.rs"), constants)
}
