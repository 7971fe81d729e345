//! The commands that look at files, and serve nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use socklet::config::Config;
use socklet::inspect;
use socklet::manifest::embed;

use super::limits::{LimitFlags, TimeoutFlags};
use super::policy::PolicyFlags;
use crate::output::print;
use crate::replace::replace;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  socklet check handlers/*.wasm --config /etc/socklet.toml

Exit codes: 0 when all of them would be served; 1 when one would not.")]
pub(crate) struct Check {
    /// Components, with their manifests beside them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The handlers' directory, where names and routes begin [default: each file's own]
    #[arg(long, env = "SOCKLET_DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) policy: PolicyFlags,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    timeouts: TimeoutFlags,
}

impl Check {
    /// Prints a report on each file. Fails where one of them would not be served.
    pub(crate) async fn run(&self) -> anyhow::Result<ExitCode> {
        let mut config = Config {
            policy: self.policy.policy(),
            compiler: Some("/proc/self/exe".into()),
            // Each is tried out alone.
            max_instances: Some(1),
            ..Config::default()
        };
        self.limits.apply(&mut config);
        self.timeouts.apply(&mut config.timeouts);
        config.max_instances = Some(1);
        let reports = inspect::check(&self.files, self.dir.as_deref(), config).await?;
        let sound = reports.iter().all(inspect::Report::is_sound);
        let text: String = reports.iter().map(ToString::to_string).collect();
        print(&text)?;
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  socklet embed chat.wasm --manifest chat.toml")]
pub(crate) struct Embed {
    /// The component
    file: PathBuf,
    /// The manifest that is put into it
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Where the component is written to [default: back to where it is]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Embed {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let component = std::fs::read(&self.file)
            .with_context(|| format!("{}: can't be read", self.file.display()))?;
        let manifest = std::fs::read_to_string(&self.manifest)
            .with_context(|| format!("{}: can't be read", self.manifest.display()))?;
        let made = match embed(&component, &manifest) {
            Ok(made) => made,
            Err(socklet::manifest::EmbedError::Manifest(why)) => {
                let named = |why| format!("{}: {why}", self.manifest.display());
                let complaints: Vec<_> = why.lines().map(named).collect();
                bail!("{}", complaints.join("\n"))
            }
            Err(why) => bail!("{}: {why}", self.file.display()),
        };
        let output = self.output.as_deref().unwrap_or(&self.file);
        replace(output, &made).with_context(|| format!("{}: can't be written", output.display()))
    }
}
