//! What lies in the handlers' directory: which file claims which route.
//!
//! A scan looks at everything anew and remembers nothing, so that it does not
//! matter which changes a watcher has seen, or how a file was replaced: by
//! rename, in place, through a symlink, or through a symlinked folder as
//! Kubernetes does.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::route::{self, BadName};

/// Folders within folders, at most.
const MAX_DEPTH: usize = 16;
/// Folders in one scan, at most: a symlink may lead to a whole disk.
const MAX_FOLDERS: usize = 4096;

/// Changes whenever a file is replaced or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the last change was a write, and not a rename, a moment ago: of a file
    /// that was renamed into its place only the inode has changed that late.
    pub(crate) fn is_being_written(&self) -> bool {
        const MOMENT: Duration = Duration::from_millis(500);
        let (seconds, nanoseconds) = self.modified;
        let modified = u64::try_from(seconds).unwrap_or(0);
        let modified = Duration::new(modified, u32::try_from(nanoseconds).unwrap_or(0));
        let age = (UNIX_EPOCH + modified).elapsed();
        self.modified == self.changed && age.is_ok_and(|age| age < MOMENT)
    }
}

/// A handler's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) fingerprint: Fingerprint,
    /// The manifest beside it.
    pub(crate) manifest: Option<FoundManifest>,
}

/// A manifest's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundManifest {
    pub(crate) path: PathBuf,
    /// Of the symlink itself, where that leads to nothing that can be looked at.
    pub(crate) fingerprint: Fingerprint,
    /// Why it can't be read. It is there all the same: to serve its handler as if it
    /// had none would be to serve it without what it asks for.
    pub(crate) unusable: Option<String>,
}

impl FoundManifest {
    /// What lies there, file or not; nothing where nothing has that name.
    pub(crate) fn at(path: PathBuf) -> io::Result<Option<Self>> {
        let (metadata, unusable) = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => return Ok(Some(Self::file(path, &metadata))),
            Ok(metadata) => (metadata, "is no file: put a file there, or remove it".to_owned()),
            Err(error) => {
                let link = match fs::symlink_metadata(&path) {
                    // It has come just now.
                    Ok(file) if file.is_file() => return Ok(Some(Self::file(path, &file))),
                    Ok(link) => link,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                };
                (link, format!("can't be read: {error}: check where it leads, or remove it"))
            }
        };
        let fingerprint = Fingerprint::of(&metadata);
        Ok(Some(Self { path, fingerprint, unusable: Some(unusable) }))
    }

    fn file(path: PathBuf, metadata: &fs::Metadata) -> Self {
        Self { path, fingerprint: Fingerprint::of(metadata), unusable: None }
    }

    /// A symlink that leads out of the directory, where it must not.
    fn escaping(path: PathBuf, link: &fs::Metadata) -> Self {
        let why = "leads out of the directory, which --untrusted forbids: copy what it leads to";
        Self { path, fingerprint: Fingerprint::of(link), unusable: Some(why.into()) }
    }
}

/// The state of a handler's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    component: Fingerprint,
    manifest: Option<Fingerprint>,
}

impl Found {
    pub(crate) fn version(&self) -> Version {
        let manifest = self.manifest.as_ref().map(|manifest| manifest.fingerprint);
        Version { component: self.fingerprint, manifest }
    }
}

impl Version {
    pub(crate) fn is_being_written(&self) -> bool {
        self.component.is_being_written()
            || self.manifest.is_some_and(|manifest| manifest.is_being_written())
    }
}

/// The outcome of one scan.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The one file that claims a route.
    pub(crate) handlers: BTreeMap<String, Found>,
    /// Routes that several files claim, and so none serves.
    pub(crate) contested: BTreeMap<String, Vec<PathBuf>>,
    /// Files that can't be served, and why.
    pub(crate) unroutable: Vec<(PathBuf, BadName)>,
    /// Manifests without a component beside them, by the route that this would have.
    pub(crate) orphans: BTreeMap<String, PathBuf>,
    /// Symlinks that lead out of the directory, where they must not.
    pub(crate) escaping: Vec<PathBuf>,
    /// Folders that were reached through a symlink.
    pub(crate) linked: Vec<PathBuf>,
    /// Files and folders that could not be read. What is known of them stays.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
}

impl Scan {
    /// Whether the scan may have missed `path`, which then is not removed.
    pub(crate) fn is_blind_to(&self, path: &Path) -> bool {
        self.unreadable.iter().any(|(folder, _)| path.starts_with(folder))
    }
}

/// Scans `root`; with `confined`, symlinks that lead out of it are not followed. An
/// error says that `root` itself can't be read.
pub(crate) fn scan(root: &Path, confined: bool) -> io::Result<Scan> {
    let entries = fs::read_dir(root)?;
    let mut walk = Walk {
        root,
        within: confined.then(|| root.canonicalize()).transpose()?,
        manifests: BTreeMap::new(),
        above: vec![Above { id: id(&fs::metadata(root)?), linked: false }],
        folders: 1,
        claims: BTreeMap::new(),
        scan: Scan::default(),
    };
    walk.entries(root, entries);
    let mut scan = walk.scan;
    for (route, mut files) in walk.claims {
        for file in &mut files {
            file.manifest = walk.manifests.remove(&file.path.with_extension("toml"));
        }
        if files.len() == 1 {
            // The handler's own log tells of a manifest that can't be read.
            let told = files[0].manifest.as_ref().map(|manifest| &manifest.path);
            scan.escaping.retain(|path| Some(path) != told);
            scan.handlers.extend(files.pop().map(|file| (route, file)));
        } else {
            scan.contested.insert(route, files.into_iter().map(|file| file.path).collect());
        }
    }
    // What is no file is no manifest either where no component lies beside it.
    let left = walk.manifests.into_values().filter(|manifest| manifest.unusable.is_none());
    for FoundManifest { path, .. } in left {
        if let Ok(route) = route::of_file(path.strip_prefix(root).unwrap_or(&path)) {
            scan.orphans.insert(route, path);
        }
    }
    Ok(scan)
}

/// A scan under way.
struct Walk<'a> {
    root: &'a Path,
    /// Where symlinks have to stay, if anywhere.
    within: Option<PathBuf>,
    /// Files that may be manifests.
    manifests: BTreeMap<PathBuf, FoundManifest>,
    /// From the root to the folder that is being read.
    above: Vec<Above>,
    folders: usize,
    claims: BTreeMap<String, Vec<Found>>,
    scan: Scan,
}

/// A folder on the way to what is looked at.
struct Above {
    id: (u64, u64),
    /// It was reached through a symlink.
    linked: bool,
}

fn id(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl Walk<'_> {
    fn entries(&mut self, folder: &Path, entries: fs::ReadDir) {
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.unreadable(folder, &error),
            };
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let beside = path.extension().is_some_and(|extension| extension == "toml");
            if linked && !self.may_follow(&path) {
                if beside && let Ok(link) = entry.metadata() {
                    let manifest = FoundManifest::escaping(path.clone(), &link);
                    self.manifests.insert(path.clone(), manifest);
                }
                self.scan.escaping.push(path);
                continue;
            }
            if beside {
                match FoundManifest::at(path.clone()) {
                    Ok(Some(manifest)) => drop(self.manifests.insert(path.clone(), manifest)),
                    Ok(None) => continue,
                    Err(error) => {
                        self.unreadable(&path, &error);
                        continue;
                    }
                }
            }
            // Follows symlinks. A file that is gone by now, or a symlink to nowhere,
            // is no file; of any other error nobody knows what lies behind it.
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {
                    self.folder(&path, Above { id: id(&metadata), linked });
                }
                Ok(metadata) if metadata.is_file() => self.file(path, &metadata),
                Ok(_) => {}
                Err(_) if beside => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.unreadable(&path, &error),
            }
        }
    }

    fn folder(&mut self, path: &Path, this: Above) {
        // A symlink to a folder above it would never end, and links between folders
        // multiply: one of them in a path is enough.
        if self.above.iter().any(|above| above.id == this.id || above.linked && this.linked) {
            return;
        }
        if self.above.len() > MAX_DEPTH {
            let why = format!("lies more than {MAX_DEPTH} folders deep: move it up");
            return self.unreadable(path, &why);
        }
        self.folders += 1;
        if self.folders > MAX_FOLDERS {
            if self.folders == MAX_FOLDERS + 1 {
                let why = format!("holds more than {MAX_FOLDERS} folders: remove some");
                self.unreadable(self.root, &why);
            }
            return;
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(path, &error),
        };
        if this.linked {
            self.scan.linked.push(path.to_owned());
        }
        self.above.push(this);
        self.entries(path, entries);
        self.above.pop();
    }

    /// Whether a symlink stays where it has to. One to nowhere is no file anyway.
    fn may_follow(&self, link: &Path) -> bool {
        let Some(within) = &self.within else { return true };
        link.canonicalize().is_ok_and(|target| target.starts_with(within))
    }

    fn file(&mut self, path: PathBuf, metadata: &fs::Metadata) {
        let fingerprint = Fingerprint::of(metadata);
        let extension = path.extension().unwrap_or_default();
        if extension != "wasm" {
            return;
        }
        let relative = path.strip_prefix(self.root).unwrap_or(&path);
        match route::of_file(relative) {
            Ok(route) => {
                let found = Found { path, fingerprint, manifest: None };
                self.claims.entry(route).or_default().push(found);
            }
            Err(why) => self.scan.unroutable.push((path, why)),
        }
    }

    fn unreadable(&mut self, path: &Path, why: &impl ToString) {
        self.scan.unreadable.push((path.to_owned(), why.to_string()));
    }
}
