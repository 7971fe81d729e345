//! The files of the state directory: which they are, and how they are written.
//!
//! Below it there is a folder for each handlers' directory, and in that, for each
//! handler, a record and the components that the record names. A file gets its name by a
//! rename once it is on the disk, components before the record that names them; so what
//! is found after a crash is whole, and old or new. Hosts that share the directory take
//! turns by a lock. Digests find out what was damaged all the same.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{FlockOperation, flock};

use super::record::{MAX_RECORD, Record, hex_digest};
use crate::compiler::own_folder;

const LOCK: &str = "lock";
const RECORD: &str = ".record";
const COMPONENT: &str = ".component";
const DRAFT: &str = "draft-";
/// Names the handlers' directory, for whoever looks.
const OF: &str = "of";
/// Digits of the digests that folders and files are named by.
const DIGITS: usize = 32;
/// Another host has the lock for no longer than it takes to write a component or two.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the state of one handlers' directory is kept.
#[derive(Debug)]
pub(super) struct Folder {
    /// The state directory, which all share.
    all: PathBuf,
    own: PathBuf,
    /// Bytes in all.
    max: u64,
}

/// A component's bytes, by their digest.
pub(super) type Component = (String, Vec<u8>);

impl Folder {
    /// That of the handlers in `root`. Both folders are made, for their owner alone, where
    /// they are not there.
    pub(super) fn open(all: &Path, root: &Path, max: u64) -> io::Result<Self> {
        own_folder(all)?;
        let all = all.canonicalize()?;
        let root = root.canonicalize()?;
        let name = hex_digest(root.as_os_str().as_bytes());
        let own = all.join(&name[..DIGITS]);
        own_folder(&own)?;
        let folder = Self { all, own, max };
        if !folder.own.join(OF).exists() {
            let _turn = folder.lock(FlockOperation::NonBlockingLockExclusive)?;
            folder.put(OF, root.as_os_str().as_bytes())?;
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.own
    }

    /// All records, by their keys; and the files that are damaged. Those that are there
    /// are not the first to go.
    pub(super) fn records(&self) -> io::Result<(BTreeMap<String, Record>, Vec<PathBuf>)> {
        self.check()?;
        let _turn = self.lock_to_read();
        let (mut records, mut damaged) = (BTreeMap::new(), Vec::new());
        for entry in fs::read_dir(&self.own)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !name.ends_with(RECORD) {
                continue;
            }
            let mut bytes = Vec::new();
            let read = File::open(&path)
                .and_then(|file| file.take(MAX_RECORD).read_to_end(&mut bytes).map(drop));
            match read.ok().and_then(|()| Record::read(&bytes)) {
                Some(record) if name == file_of(&record.key) + RECORD => {
                    // Where that fails it goes earlier some day.
                    let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
                    records.insert(record.key.clone(), record);
                }
                _ => damaged.push(path),
            }
        }
        Ok((records, damaged))
    }

    /// A component that was kept; none where it is damaged or not there.
    pub(super) fn component(&self, key: &str, digest: &str) -> io::Result<Option<Vec<u8>>> {
        self.check()?;
        let _turn = self.lock_to_read();
        let bytes = match fs::read(self.path_of(key, digest)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok((hex_digest(&bytes) == digest).then_some(bytes))
    }

    /// Whether a component is kept, whole.
    pub(super) fn has(&self, key: &str, digest: &str, bytes: &[u8]) -> bool {
        fs::read(self.path_of(key, digest)).is_ok_and(|kept| kept == bytes)
    }

    /// Keeps a record, and the components that it names and that are given; of the
    /// handler nothing else stays.
    pub(super) fn write(&self, record: &Record, components: &[Component]) -> io::Result<()> {
        self.check()?;
        let _turn = self.lock(FlockOperation::NonBlockingLockExclusive)?;
        let named: Vec<_> =
            record.components().map(|digest| name_of(&record.key, digest)).collect();
        for (digest, bytes) in components {
            let name = name_of(&record.key, digest);
            if named.contains(&name) {
                self.put(&name, bytes)?;
            }
        }
        let own = file_of(&record.key);
        self.put(&format!("{own}{RECORD}"), &record.write()?)?;
        self.remove(|name| {
            name.starts_with(&own)
                && name.ends_with(COMPONENT)
                && !named.iter().any(|it| it == name)
        })
    }

    pub(super) fn forget(&self, key: &str) -> io::Result<()> {
        self.check()?;
        let _turn = self.lock(FlockOperation::NonBlockingLockExclusive)?;
        let own = file_of(key);
        // The record first: without it the components are nothing.
        self.remove(|name| name == format!("{own}{RECORD}"))?;
        self.remove(|name| name.starts_with(&own))
    }

    /// Removes the handlers whose records were not used for longest, of whatever directory,
    /// until no more is kept than may be; and what crashed hosts have left unfinished.
    pub(super) fn tidy(&self) -> io::Result<()> {
        self.check()?;
        let _turn = self.lock(FlockOperation::NonBlockingLockExclusive)?;
        // Nobody else writes a draft now.
        self.remove(|name| name.starts_with(DRAFT))?;
        let mut handlers = BTreeMap::<PathBuf, (Option<SystemTime>, u64)>::new();
        for folder in fs::read_dir(&self.all)?.flatten() {
            if folder.file_name().len() != DIGITS {
                continue;
            }
            for entry in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let ours = name.ends_with(RECORD) || name.ends_with(COMPONENT);
                let Some(own) = name.get(..DIGITS).filter(|_| ours) else { continue };
                let Ok(data) = entry.metadata() else { continue };
                let (used, size) = handlers.entry(folder.path().join(own)).or_default();
                *size += data.len();
                if name.ends_with(RECORD) {
                    *used = data.modified().ok();
                }
            }
        }
        let mut total: u64 = handlers.values().map(|(_, size)| size).sum();
        let mut handlers: Vec<_> = handlers.into_iter().collect();
        handlers.sort_by_key(|(_, (used, _))| *used);
        let place = |handler: &Path| {
            let folder = handler.parent().unwrap_or(&self.all).to_owned();
            (folder, handler.file_name().unwrap_or_default().to_string_lossy().into_owned())
        };
        // What a rollback would bring back goes before anything that serves.
        for (handler, (_, size)) in &mut handlers {
            if total <= self.max {
                break;
            }
            let (folder, own) = place(handler);
            let freed = remove_spare(&folder, &own)?;
            *size -= freed;
            total -= freed;
        }
        for (handler, (_, size)) in handlers {
            if total <= self.max {
                break;
            }
            let (folder, own) = place(&handler);
            let folder = &folder;
            remove(folder, |name| name.starts_with(&own) && name.ends_with(RECORD))?;
            remove(folder, |name| name.starts_with(&own))?;
            total -= size;
        }
        Ok(())
    }

    /// They may have been removed meanwhile, or made others'.
    fn check(&self) -> io::Result<()> {
        own_folder(&self.all)?;
        own_folder(&self.own)
    }

    fn lock(&self, how: FlockOperation) -> io::Result<File> {
        let path = self.all.join(LOCK);
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(path)?;
        let begun = Instant::now();
        loop {
            match flock(&file, how) {
                Ok(()) => return Ok(file),
                Err(rustix::io::Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let why = format!("another host holds its lock for longer than {PATIENCE:?}");
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What can't be locked, as what can't be written to, is read without.
    fn lock_to_read(&self) -> Option<File> {
        self.lock(FlockOperation::NonBlockingLockShared).ok()
    }

    /// Writes a file as a whole.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // In the same folder, so that it can be renamed; made with mode 0600.
        let mut draft = tempfile::NamedTempFile::with_prefix_in(DRAFT, &self.own)?;
        draft.write_all(bytes)?;
        draft.as_file().sync_all()?;
        draft.persist(self.own.join(name)).map_err(|error| error.error)?;
        File::open(&self.own)?.sync_all()
    }

    fn remove(&self, which: impl Fn(&str) -> bool) -> io::Result<()> {
        remove(&self.own, which)
    }

    fn path_of(&self, key: &str, digest: &str) -> PathBuf {
        self.own.join(name_of(key, digest))
    }
}

/// Removes the components of a handler that do not serve, and says how many bytes they were.
fn remove_spare(folder: &Path, own: &str) -> io::Result<u64> {
    let record = fs::read(folder.join(format!("{own}{RECORD}"))).ok();
    let Some(record) = record.and_then(|bytes| Record::read(&bytes)) else { return Ok(0) };
    let good = name_of(&record.key, &record.good.component);
    let is_spare = |name: &str| name.starts_with(own) && name.ends_with(COMPONENT) && *name != good;
    let mut freed = 0;
    for entry in fs::read_dir(folder)?.flatten() {
        if is_spare(&entry.file_name().to_string_lossy()) {
            freed += entry.metadata().map_or(0, |data| data.len());
        }
    }
    remove(folder, is_spare)?;
    Ok(freed)
}

fn remove(folder: &Path, which: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if which(&entry.file_name().to_string_lossy()) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// What the names of all files of a handler begin with. A key may hold slashes, and be
/// longer than a name.
fn file_of(key: &str) -> String {
    let mut name = hex_digest(key.as_bytes());
    name.truncate(DIGITS);
    name
}

fn name_of(key: &str, digest: &str) -> String {
    format!("{}-{digest}{COMPONENT}", file_of(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Version;

    struct Kept {
        folder: Folder,
        _files: tempfile::TempDir,
    }

    fn kept(max: u64) -> Kept {
        let files = tempfile::tempdir().unwrap();
        let folder = Folder::open(&files.path().join("state"), files.path(), max).unwrap();
        Kept { folder, _files: files }
    }

    fn version(bytes: &[u8]) -> (Version, Component) {
        let digest = hex_digest(bytes);
        (Version { component: digest.clone(), manifest: None }, (digest, bytes.to_vec()))
    }

    fn record(key: &str, good: Version, before: Option<Version>) -> Record {
        Record { key: key.into(), good, before, rolled_back: None }
    }

    fn keys(folder: &Folder) -> Vec<String> {
        folder.records().unwrap().0.into_keys().collect()
    }

    #[test]
    fn a_component_stays_for_as_long_as_a_record_names_it() {
        let Kept { folder, _files } = kept(1 << 20);
        let ((one, of_one), (two, of_two), (three, of_three)) =
            (version(b"one"), version(b"two"), version(b"three"));
        folder.write(&record("/x", one.clone(), None), &[of_one]).unwrap();
        folder.write(&record("/x", two.clone(), Some(one.clone())), &[of_two]).unwrap();
        for (version, bytes) in [(&one, &b"one"[..]), (&two, b"two")] {
            assert!(folder.has("/x", &version.component, bytes));
            let kept = folder.component("/x", &version.component).unwrap();
            assert_eq!(kept.as_deref(), Some(bytes));
        }
        folder.write(&record("/x", three.clone(), Some(two)), &[of_three]).unwrap();
        assert_eq!(folder.component("/x", &one.component).unwrap(), None);
        // Another handler's is another file.
        assert_eq!(folder.component("/y", &three.component).unwrap(), None);
        folder.forget("/x").unwrap();
        assert!(keys(&folder).is_empty());
        assert_eq!(folder.component("/x", &three.component).unwrap(), None);
    }

    #[test]
    fn what_was_used_least_goes_where_there_is_too_much_and_drafts_always_do() {
        let Kept { folder, _files } = kept(3000);
        for key in ["/a", "/b", "/c"] {
            let (good, component) = version(&[key.as_bytes(), &[0; 1000]].concat());
            folder.write(&record(key, good, None), &[component]).unwrap();
            let time = SystemTime::now() - Duration::from_secs(if key == "/b" { 50 } else { 10 });
            let path = folder.own.join(file_of(key) + RECORD);
            File::open(path).unwrap().set_modified(time).unwrap();
        }
        fs::write(folder.own.join("draft-1"), "half").unwrap();
        folder.tidy().unwrap();
        assert_eq!(keys(&folder), ["/a", "/c"]);
        let names = fs::read_dir(&folder.own).unwrap().count();
        // Two records, two components, and the name of the directory.
        assert_eq!(names, 5);
    }

    #[test]
    fn what_a_rollback_would_bring_back_goes_before_what_serves() {
        let Kept { folder, _files } = kept(3000);
        let (one, of_one) = version(&[1; 1000]);
        let (two, of_two) = version(&[2; 1000]);
        let (other, of_other) = version(&[3; 1000]);
        folder.write(&record("/x", two.clone(), Some(one.clone())), &[of_one, of_two]).unwrap();
        folder.write(&record("/y", other.clone(), None), &[of_other]).unwrap();
        folder.tidy().unwrap();
        assert_eq!(folder.component("/x", &one.component).unwrap(), None);
        for (key, version) in [("/x", two), ("/y", other)] {
            assert!(folder.component(key, &version.component).unwrap().is_some(), "{key}");
        }
    }

    #[test]
    fn what_is_damaged_is_not_taken_for_what_was_kept() {
        let Kept { folder, _files } = kept(1 << 20);
        let (good, component) = version(b"good");
        folder.write(&record("/x", good.clone(), None), &[component]).unwrap();
        fs::write(folder.path_of("/x", &good.component), b"evil").unwrap();
        assert!(!folder.has("/x", &good.component, b"good"));
        assert_eq!(folder.component("/x", &good.component).unwrap(), None);
        // A record under another one's name, neither.
        let path = folder.own.join(file_of("/x") + RECORD);
        fs::copy(&path, folder.own.join(file_of("/y") + RECORD)).unwrap();
        let (records, damaged) = folder.records().unwrap();
        assert_eq!((records.len(), damaged.len()), (1, 1));
    }

    #[test]
    fn hosts_that_share_it_take_turns() {
        let Kept { folder, _files } = kept(1 << 20);
        let (good, component) = version(b"good");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let record = record("/x", good.clone(), None);
                        folder.write(&record, std::slice::from_ref(&component)).unwrap();
                        assert!(folder.component("/x", &good.component).unwrap().is_some());
                        folder.tidy().unwrap();
                    }
                });
            }
        });
        assert_eq!(keys(&folder), ["/x"]);
    }
}
