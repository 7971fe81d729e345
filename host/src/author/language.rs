//! The languages in which projects are made and built.

use std::path::Path;

use anyhow::bail;
use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    #[value(alias = "javascript")]
    Js,
    #[value(alias = "typescript")]
    Ts,
    Python,
    Go,
    C,
    #[value(name = "cpp", alias = "c++")]
    Cpp,
    Zig,
}

impl Language {
    /// What people call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Ts => "TypeScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Zig => "Zig",
        }
    }

    /// The folder of its SDK, and in that the one of its templates.
    pub(super) fn folders(self) -> (&'static str, &'static str) {
        match self {
            Self::Rust => ("rust", "templates"),
            Self::Js => ("js", "templates"),
            Self::Ts => ("js", "templates-ts"),
            Self::Python => ("python", "templates"),
            Self::Go => ("go", "templates"),
            Self::C => ("c", "templates"),
            Self::Cpp => ("c", "templates-cpp"),
            Self::Zig => ("zig", "templates"),
        }
    }

    /// What is missing where a component exports no handler.
    pub(super) fn how_to_export(self) -> &'static str {
        match self {
            Self::Rust => "say socklet_guest::export!(…) of the type that is one",
            Self::Js | Self::Ts => "export it by default, as a class or an object",
            Self::Python => "write a class that extends Handler or Room",
            Self::Go => "say guest.Serve of the type that is one, in an init function",
            Self::C => "say SOCKLET_EXPORT(…) of its functions",
            Self::Cpp => "say SOCKLET_EXPORT_TYPE(…) of the type that is one",
            Self::Zig => "declare it in the root file, as a pub const Handler",
        }
    }

    /// What a project is written in: as it is said, or by the file that its own tools go by.
    pub(super) fn of(project: &Path, said: Option<Self>) -> anyhow::Result<Self> {
        if let Some(said) = said {
            return Ok(said);
        }
        if !project.is_dir() {
            bail!("{}: there is no such folder: give the project's", project.display());
        }
        let has = |file: &str| project.join(file).is_file();
        let marked = |mark: &str| {
            let makefile = std::fs::read_to_string(project.join("Makefile")).unwrap_or_default();
            makefile.lines().any(|line| line.trim() == mark)
        };
        let all = [
            (has("Cargo.toml"), Self::Rust),
            (has("tsconfig.json") && has("package.json"), Self::Ts),
            (has("package.json") && !has("tsconfig.json"), Self::Js),
            (has("pyproject.toml"), Self::Python),
            (has("go.mod"), Self::Go),
            (has("build.zig"), Self::Zig),
            (marked("# socklet: c"), Self::C),
            (marked("# socklet: c++"), Self::Cpp),
        ];
        let found: Vec<_> =
            all.iter().filter(|(is, _)| *is).map(|(_, language)| *language).collect();
        match found[..] {
            [language] => Ok(language),
            [] => bail!(
                "{}: no project: there is no Cargo.toml, package.json, pyproject.toml, go.mod, \
                 build.zig, nor a Makefile with the line `# socklet: c` or `# socklet: c++`: give \
                 the project's folder, or make one with socklet new",
                project.display()
            ),
            _ => {
                let names: Vec<_> = found.iter().map(|language| language.title()).collect();
                bail!(
                    "{}: may be a project in {}: say which with --lang",
                    project.display(),
                    names.join(" or in ")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_known_by_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let of = || Language::of(folder.path(), None).map_err(|error| error.to_string());
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert!(of().unwrap_err().contains("no project"));
        // One that is for something else.
        put("Makefile", "all:\n\tcargo build\n");
        assert!(of().unwrap_err().contains("no project"));
        put("Makefile", "# socklet: c++\nall:\n");
        assert_eq!(of(), Ok(Language::Cpp));
        put("package.json", "{}");
        assert!(of().unwrap_err().contains("JavaScript or in C++"));
        put("Makefile", "all:\n");
        assert_eq!(of(), Ok(Language::Js));
        put("tsconfig.json", "{}");
        assert_eq!(of(), Ok(Language::Ts));
    }
}
