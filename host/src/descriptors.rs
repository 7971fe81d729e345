//! File descriptors: each connection takes one, and so does each socket whose
//! handshake is under way; a download takes two. A process that runs out of them
//! can't accept, so all are kept below the limit, where one more is a 503.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Left to everything else: the runtime, listeners, the watcher, files that are
/// being loaded, and what the process was started with.
const RESERVED: usize = 128;
/// Handshakes in progress at a time; further sockets wait to be accepted.
const MAX_HANDSHAKES: usize = 4096;
/// There are always as many, so that there is somebody to say 503.
const MIN_HANDSHAKES: usize = 64;

/// Requests of guests to upstreams, each of which takes one as well.
const MAX_REQUESTS: usize = 1024;
const MIN_REQUESTS: usize = 8;

/// Files that are sent at a time.
const MAX_DOWNLOADS: usize = 512;
const MIN_DOWNLOADS: usize = 4;
/// Those of its socket and of its file.
pub(crate) const OF_DOWNLOAD: usize = 2;

/// How many sockets of each kind there may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sockets {
    pub(crate) connections: usize,
    pub(crate) handshakes: usize,
}

/// Raises the process's soft limit to its hard one (the soft one is that low for
/// the sake of programs that use `select`) and returns it.
pub(crate) fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // Where that fails, the limit is what it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let limit = getrlimit(Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// What fits below a limit of `files`.
pub(crate) fn sockets_that_fit(max_connections: usize, files: usize) -> Sockets {
    let free = files.saturating_sub(RESERVED).max(2);
    let connections = max_connections.min(free - MIN_HANDSHAKES.min(free / 2));
    Sockets { connections, handshakes: (free - connections).min(MAX_HANDSHAKES) }
}

/// How many files may be sent at a time, below a limit of `files`.
pub(crate) fn downloads_that_fit(files: usize) -> usize {
    (files / 32).clamp(MIN_DOWNLOADS, MAX_DOWNLOADS)
}

/// How many requests to upstreams may be under way, below a limit of `files`.
pub(crate) fn requests_that_fit(files: usize) -> usize {
    (files / 64).clamp(MIN_REQUESTS, MAX_REQUESTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn that_fit(max_connections: usize, files: usize) -> (usize, usize) {
        let Sockets { connections, handshakes } = sockets_that_fit(max_connections, files);
        (connections, handshakes)
    }

    #[test]
    fn connections_and_handshakes_stay_below_the_limit() {
        assert_eq!(that_fit(16_384, usize::MAX), (16_384, 4096));
        assert_eq!(that_fit(16_384, 20_000), (16_384, 3488));
        assert_eq!(that_fit(19_000, 20_000), (19_000, 872));
        assert_eq!(that_fit(16_384, 1024), (832, 64));
        assert_eq!(that_fit(10, 1024), (10, 886));
        assert_eq!(that_fit(16_384, 100), (1, 1));
    }
}
