//! `socklet dev`: a server that follows the sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Parser as _};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use rustix::process::Signal;

use super::build::{self, tool};
use super::language::Language;
use crate::cli::{Serve, ServeAlone};
use crate::output::complain;

const EXAMPLES: &str = "\
Examples:
  socklet dev                            the project in this folder, on 127.0.0.1:9000
  socklet dev games/chess --listen 127.0.0.1:8080
  socklet dev -- --log debug --max-memory 32MiB

Each change is built and swapped in: connections move where both versions can hand their state
on, and come back by themselves (1012) where not. What can't be built is said, and the version
before serves on.

Exit codes: 0 after SIGTERM or SIGINT; 1 when it can't serve, or there is no project; 2 for a wrong
command line.";

/// Where it is served from, in the project.
const SERVED: &str = "build/socklet-dev";
/// Folders that hold no sources; so does any whose name begins with a dot.
const IGNORED: [&str; 9] = [
    "target",
    "build",
    "dist",
    "handlers",
    "node_modules",
    "__pycache__",
    "zig-out",
    "vendor",
    "venv",
];
/// More folders are not watched: whatever this is, it is no project.
const MAX_FOLDERS: usize = 2_000;
/// Files that are written together are built together.
const TOGETHER: Duration = Duration::from_millis(100);
/// But something that never stops writing does not keep others from being built.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Dev {
    /// The project's folder
    #[arg(default_value = ".", value_name = "PATH")]
    project: PathBuf,
    /// What it is written in [default: by the project's files]
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    listen: String,
    /// Flags of `socklet serve`
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

impl Dev {
    /// Builds it once, sees to it that this is done again whenever it changes, and tells
    /// what is to be served.
    pub(crate) fn start(&self) -> Result<Box<Serve>> {
        let language = Language::of(&self.project, self.lang)?;
        let served = self.project.join(SERVED);
        std::fs::create_dir_all(&served)
            .with_context(|| format!("{}: can't be made", served.display()))?;
        let mut serve = vec!["serve".into(), served.clone().into_os_string()];
        serve.extend(["--listen".into(), self.listen.clone().into(), "--no-state".into()]);
        serve.extend(self.flags.iter().map(Into::into));
        let mut serve = ServeAlone::parse_from(serve).serve;
        serve.development = true;
        let project = Project { folder: self.project.clone(), language, served };
        let mut follower = Follower::new(project)?;
        follower.build();
        std::thread::Builder::new()
            .name("socklet-dev".into())
            .spawn(move || follower.follow())
            .context("can't follow the sources")?;
        Ok(serve)
    }
}

struct Project {
    folder: PathBuf,
    language: Language,
    served: PathBuf,
}

impl Project {
    fn build(&self) -> Result<()> {
        let made = build::make(&self.folder, self.language)?;
        let component = format!("{}.wasm", made.name);
        // It may have had another name, and a manifest.
        for entry in std::fs::read_dir(&self.served)?.flatten() {
            let is_manifest = entry.file_name() == *format!("{}.toml", made.name);
            let manifest_is_there = self.folder.join(entry.file_name()).is_file();
            if entry.file_name() != *component && !(is_manifest && manifest_is_there) {
                std::fs::remove_file(entry.path())?;
            }
        }
        build::put(&self.folder, &made, &self.served.join(component))
    }
}

/// What the files looked like: when each was written, and how long it is.
type Look = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

struct Follower {
    project: Arc<Project>,
    watcher: RecommendedWatcher,
    /// Something has changed, or a build has ended.
    changes: Receiver<()>,
    tell: SyncSender<()>,
    /// At the beginning of the last build.
    built: Look,
    /// For how long a build is let alone, whatever changes: a tool may write sources itself.
    /// Twice as long after each that was stopped, since some have something in their project
    /// that never rests.
    alone: Duration,
    /// Something can't be watched, which was said.
    has_warned: bool,
}

impl Follower {
    fn new(project: Project) -> Result<Self> {
        let (tell, changes) = sync_channel(1);
        let of_watcher = tell.clone();
        let watcher = notify::recommended_watcher(move |_| {
            // That something has changed is known where one is waiting already.
            let _ = of_watcher.try_send(());
        });
        let watcher = watcher.context("the sources can't be watched")?;
        let (project, built) = (Arc::new(project), Look::new());
        Ok(Self { project, watcher, changes, tell, built, alone: PATIENCE, has_warned: false })
    }

    fn build(&mut self) {
        self.built = self.look();
        let started = Instant::now();
        let (project, tell) = (self.project.clone(), self.tell.clone());
        let (report, reported) = channel();
        std::thread::spawn(move || {
            // Whoever began it waits for it.
            let _ = report.send(project.build());
            let _ = tell.try_send(());
        });
        let Some(built) = self.wait(&reported, started) else {
            eprintln!("socklet: a source has changed meanwhile: that build is stopped");
            self.alone = self.alone.saturating_mul(2);
            // It is begun anew, also where the change has been taken back.
            self.built.clear();
            return;
        };
        self.alone = PATIENCE;
        match built {
            Ok(()) => eprintln!("socklet: built in {:.1} s", started.elapsed().as_secs_f64()),
            Err(error) => {
                complain(&error);
                eprintln!("socklet: not built: what was there before serves on");
            }
        }
    }

    /// What has come of a build; None where a source has changed and it was stopped.
    fn wait(&mut self, reported: &Receiver<Result<()>>, started: Instant) -> Option<Result<()>> {
        let mut look = None;
        let mut stopped_at = None;
        loop {
            let has_changed = self.changes.recv_timeout(TOGETHER).is_ok();
            match reported.try_recv() {
                Ok(Err(_)) if stopped_at.is_some() => return None,
                Ok(built) => return Some(built),
                Err(TryRecvError::Disconnected) => return Some(Err(anyhow!("the build panicked"))),
                Err(TryRecvError::Empty) => {}
            }
            if started.elapsed() < self.alone {
                continue;
            }
            match &look {
                None => look = Some(self.look()),
                Some(look) if has_changed && stopped_at.is_none() && tool::runs_apart() => {
                    stopped_at = (self.look() != *look).then(Instant::now);
                }
                Some(_) => {}
            }
            // With the first signal it can remove what is half done.
            if let Some(at) = stopped_at {
                tool::stop(if at.elapsed() < PATIENCE { Signal::TERM } else { Signal::KILL });
            }
        }
    }

    fn follow(mut self) {
        tool::run_apart();
        loop {
            // A build writes files of its own, and reading is told of as well.
            while self.look() != self.built {
                self.build();
            }
            // This end tells as well, so there is always somebody who may.
            let _ = self.changes.recv();
            let since = Instant::now();
            while since.elapsed() < PATIENCE && self.changes.recv_timeout(TOGETHER).is_ok() {}
        }
    }

    /// Looks at all sources, and has their folders watched.
    fn look(&mut self) -> Look {
        let mut look = Look::new();
        let mut folders = vec![self.project.folder.clone()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            seen += 1;
            if seen > MAX_FOLDERS {
                eprintln!("socklet: more than {MAX_FOLDERS} folders: some of them are not watched");
                break;
            }
            let watched = self.watcher.watch(&folder, RecursiveMode::NonRecursive);
            if let Err(error) = watched
                && folder.is_dir()
                && !std::mem::replace(&mut self.has_warned, true)
            {
                eprintln!(
                    "socklet: {error}: its changes are not seen: raise the limit (sysctl \
                     fs.inotify.max_user_watches), or save a file elsewhere in the project"
                );
            }
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if is_ignored(&path) {
                    continue;
                }
                // Not followed where it is a link: that may lead in a circle.
                match entry.metadata() {
                    Ok(of) if of.is_dir() => folders.push(path),
                    Ok(of) => _ = look.insert(path, (of.modified().ok(), of.len())),
                    Err(_) => {}
                }
            }
        }
        look
    }
}

fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~') || IGNORED.contains(&&*name)
}
