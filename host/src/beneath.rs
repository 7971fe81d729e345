//! Opens what lies below a directory. The kernel sees to it (openat2), at each step of a
//! path and of its symlinks, so nothing can be exchanged between a look and the opening.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// A symlink or a folder that is exchanged meanwhile has the kernel ask for another try.
const TRIES: usize = 4;

/// How far a path and its symlinks may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not out of the directory: `Errno::XDEV` where they do.
    Beneath,
    /// Anywhere; the path starts at the directory where it is relative.
    Anywhere,
}

/// Opens a file or a folder for reading, without waiting for anything that it may be.
pub(crate) fn open(directory: &Path, path: &Path, reach: Reach) -> Result<File, Errno> {
    // What was a file may be a pipe by now, which must not be waited for.
    find(directory, path, reach, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
}

/// Looks at what lies there, without opening it.
pub(crate) fn look(directory: &Path, path: &Path, reach: Reach) -> io::Result<Metadata> {
    find(directory, path, reach, OFlags::PATH)?.metadata()
}

fn find(directory: &Path, path: &Path, reach: Reach, flags: OFlags) -> Result<File, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    let resolve = match reach {
        Reach::Beneath => ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
        Reach::Anywhere => ResolveFlags::empty(),
    };
    // The folder of a name alone is empty.
    let here = |path: &Path| path.as_os_str().is_empty();
    let directory = if here(directory) { Path::new(".") } else { directory };
    let path = if here(path) { Path::new(".") } else { path };
    let of_directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(directory, of_directory, Mode::empty())?;
    retrying(|| rustix::fs::openat2(&directory, path, flags, Mode::empty(), resolve))
        .map(File::from)
}

fn retrying<T>(mut open: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    for _ in 1..TRIES {
        match open() {
            Err(Errno::AGAIN) => {}
            opened => return opened,
        }
    }
    open()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn beneath_no_symlink_leads_out_and_anywhere_it_does() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("root");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(outside.path().join("a"), "outside").unwrap();
        std::fs::write(root.join("a"), "inside").unwrap();
        symlink("../a", root.join("out")).unwrap();
        symlink("a", root.join("in")).unwrap();
        let read = |path: &str, reach| {
            let mut text = String::new();
            open(&root, Path::new(path), reach)?.read_to_string(&mut text).unwrap();
            Ok::<_, Errno>(text)
        };
        for reach in [Reach::Beneath, Reach::Anywhere] {
            assert_eq!(read("in", reach).unwrap(), "inside");
            assert_eq!(read("none", reach).unwrap_err(), Errno::NOENT);
        }
        assert_eq!(read("out", Reach::Beneath).unwrap_err(), Errno::XDEV);
        assert_eq!(read("../a", Reach::Beneath).unwrap_err(), Errno::XDEV);
        assert_eq!(read("out", Reach::Anywhere).unwrap(), "outside");
        assert!(look(&root, Path::new("out"), Reach::Beneath).is_err());
        assert_eq!(look(&root, Path::new("out"), Reach::Anywhere).unwrap().len(), 7);
        let absolute = outside.path().join("a");
        assert_eq!(read(absolute.to_str().unwrap(), Reach::Anywhere).unwrap(), "outside");
    }

    #[test]
    fn a_kernel_that_asks_for_another_try_gets_a_few() {
        let mut asked = 0;
        let after = |tries: usize, asked: &mut usize| {
            *asked = 0;
            retrying(|| {
                *asked += 1;
                if *asked > tries { Ok(()) } else { Err(Errno::AGAIN) }
            })
        };
        assert_eq!(after(0, &mut asked), Ok(()));
        assert_eq!((after(TRIES - 1, &mut asked), asked), (Ok(()), TRIES));
        assert_eq!((after(100, &mut asked), asked), (Err(Errno::AGAIN), TRIES));
    }
}
