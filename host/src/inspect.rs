//! What serving a file would say, without serving it.

use std::fmt;
use std::path::{Path, PathBuf};

use wasmtime::component::Component;

use crate::claim::Claim;
use crate::component::{self, LoadError};
use crate::config::Config;
use crate::directory::{Fingerprint, Found, FoundManifest};
use crate::engine::Engine;
use crate::manifest::asked::{self, AskError, Asked, Wrong};
use crate::policy::Wanted;
use crate::registry::name_of;
use crate::route;
use crate::server::ServerError;
use crate::settings::Settings;
use crate::table;
use crate::wasi::World;

/// What would come of one file.
#[derive(Debug)]
pub struct Report {
    file: PathBuf,
    key: String,
    claim: Option<Claim>,
    /// Where that is written, if it is.
    written: Option<String>,
    problems: Vec<String>,
    imports: Vec<String>,
    exports: Vec<String>,
    powers: Vec<String>,
}

/// Looks at each of these files as a server of the directory `root` would, or each at
/// its own directory; and at whether several of them claim the same.
///
/// # Errors
///
/// The engine can't be set up. What is wrong with a file is in its report.
pub async fn check(
    files: &[PathBuf],
    root: Option<&Path>,
    mut config: Config,
) -> Result<Vec<Report>, ServerError> {
    config.policy.lower(&mut config.limits);
    let engine = Engine::new(&config, 1).map_err(ServerError::Engine)?;
    let mut reports = Vec::new();
    for file in files {
        reports.push(check_one(file, root, &config, &engine).await);
    }
    let claims = reports.iter().filter_map(|report| Some((&*report.key, report.claim.as_ref()?)));
    let claims: Vec<_> = claims.collect();
    let conflicts = table::conflicts(&claims).into_iter();
    let conflicts: Vec<_> = conflicts
        .map(|(one, other)| (claims[one].0.to_owned(), claims[other].0.to_owned()))
        .collect();
    for (one, other) in conflicts {
        for (key, other) in [(&one, &other), (&other, &one)] {
            let other = reports.iter().find(|report| report.key == *other);
            let other = other.map(|report| report.file.display().to_string());
            if let Some(report) = reports.iter_mut().find(|report| report.key == *key) {
                let other = other.unwrap_or_default();
                let file = report.file.display();
                let written = report.written.iter().map(|at| format!(" ({at})"));
                let written: String = written.collect();
                report.problems.push(format!(
                    "{file}: claims the same route as {other}, and neither would be loaded: \
                     change the route of one{written}"
                ));
            }
        }
    }
    Ok(reports)
}

impl Report {
    fn complain(&mut self, wrong: &Wrong) {
        let file = wrong.file.display();
        self.problems.extend(wrong.what.iter().map(|what| format!("{file}: {what}")));
    }

    /// What would come of it, and what it would need, without all that it imports and
    /// exports.
    #[must_use]
    pub fn brief(&self) -> String {
        let mut text: String = self.problems.iter().map(|problem| format!("{problem}\n")).collect();
        if let (true, Some(claim)) = (self.is_sound(), &self.claim) {
            let (file, name) = (self.file.display(), name_of(&self.key));
            text += &format!("{file}: would be served at {claim}, as {name}\n");
        }
        let powers = self.powers.iter();
        text.extend(
            powers.map(|power| format!("  with --untrusted it would need a grant for {power}\n")),
        );
        text
    }

    /// Whether it would be served.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.brief())?;
        for (what, names) in [("imports", &self.imports), ("exports", &self.exports)] {
            for name in names {
                writeln!(f, "  {what} {name}")?;
            }
        }
        Ok(())
    }
}

async fn check_one(file: &Path, root: Option<&Path>, config: &Config, engine: &Engine) -> Report {
    let relative = root.and_then(|root| file.strip_prefix(root).ok());
    let relative = relative.or_else(|| file.file_name().map(Path::new)).unwrap_or(file);
    let mut report = Report {
        file: file.to_owned(),
        key: String::new(),
        claim: None,
        written: None,
        problems: Vec::new(),
        imports: Vec::new(),
        exports: Vec::new(),
        powers: Vec::new(),
    };
    let named = |what: &dyn fmt::Display| format!("{}: {what}", file.display());
    match route::of_file(relative) {
        Ok(key) => report.key = key,
        Err(why) => {
            report.problems.push(named(&format_args!("can't be a route: {why}: rename it")));
            return report;
        }
    }
    let found = match find(file) {
        Ok(found) => found,
        Err(error) => {
            report.problems.push(named(&format_args!("can't be read: {error}")));
            return report;
        }
    };
    let beneath = root.filter(|root| file.starts_with(root)).or_else(|| file.parent());
    let within = beneath.filter(|_| config.policy.untrusted);
    let asked = match asked::read(&found, within) {
        Ok(asked) => Some(asked),
        Err(AskError::Wrong(wrong)) => {
            report.complain(&wrong);
            None
        }
        Err(AskError::Changing) => {
            report.problems.push(named(&"is being written to: check it again"));
            return report;
        }
    };
    if let Some(manifest) = asked.as_ref().and_then(|asked| asked.manifest.as_ref()) {
        report.powers = config.policy.missing(manifest, &report.key);
    }
    let files = (&found, asked.as_ref(), within);
    if let Err(why) = try_out(&mut report, files, config, engine).await {
        report.problems.push(why);
    }
    report
}

/// A file, and a manifest beside it.
fn find(file: &Path) -> std::io::Result<Found> {
    let fingerprint = Fingerprint::of(&std::fs::metadata(file)?);
    let manifest = FoundManifest::at(file.with_extension("toml"))?;
    Ok(Found { path: file.to_owned(), fingerprint, manifest })
}

async fn try_out(
    report: &mut Report,
    (found, asked, within): (&Found, Option<&Asked>, Option<&Path>),
    config: &Config,
    engine: &Engine,
) -> Result<(), String> {
    let named = |why: &dyn fmt::Display| format!("{}: {why}", found.path.display());
    // A name alone has an empty one.
    let folder = found.path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let wanted = asked.map(|asked| config.policy.wanted(config, &report.key, asked, folder));
    let wanted = match wanted {
        Some(Ok(wanted)) => wanted,
        other => {
            if let Some(Err(wrong)) = other {
                report.complain(&wrong);
            }
            // One whose manifest is wrong is looked at as if it had none.
            Wanted {
                settings: Settings::new(config),
                claim: Claim::of_path(&report.key),
                written: None,
            }
        }
    };
    let bytes = component::read(found, within).map_err(|why| named(&why))?;
    let bytes = bytes.ok_or_else(|| named(&"is being written to: check it again"))?;
    let digest = component::digest_of(&bytes);
    let prepared = component::prepare(engine, &bytes, &digest).await.map_err(|why| named(&why))?;
    // It has just been compiled.
    if let Ok(component) = engine.compiler().component(&bytes, &digest).await {
        list(report, &component, engine);
    }
    let prepared = prepared.within(World::new(&wanted.settings));
    let tried = component::try_out(&prepared, &name_of(&report.key), &wanted.settings).await;
    match tried {
        // What is wrong with the manifest has been said: it may name hosts.
        Err(LoadError::Http) if !report.problems.is_empty() => {}
        tried => tried.map_err(|why| named(&why))?,
    }
    report.claim = Some(wanted.claim);
    report.written = wanted.written;
    Ok(())
}

fn list(report: &mut Report, component: &Component, engine: &Engine) {
    let of = component.component_type();
    report.imports = of.imports(engine.wasm()).map(|(name, _)| name.to_owned()).collect();
    report.exports = of.exports(engine.wasm()).map(|(name, _)| name.to_owned()).collect();
}
