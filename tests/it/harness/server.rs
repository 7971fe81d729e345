//! A server as a child process, on a free port, ended with its handle.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::SystemTime;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::{Client, Log, within};

/// What to start.
pub(crate) struct Start {
    directory: Option<TempDir>,
    args: Vec<String>,
    cache: Option<PathBuf>,
    state: Option<PathBuf>,
    /// Said to a shell before it becomes the server.
    prelude: Option<String>,
    variables: Vec<(String, OsString)>,
    stdin: Stdio,
    listen: bool,
}

/// A running server. It reads its address from its own child's log, so that no
/// other server can be taken for it; it kills the child when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) log: Log,
    files: TempDir,
    directory: Option<TempDir>,
}

impl Start {
    /// A server of these files: path below the directory and content.
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        let directory = TempDir::new().unwrap();
        for (path, bytes) in files {
            write(&directory.path().join(path), bytes);
        }
        Self { directory: Some(directory), ..Self::embedded() }
    }

    /// A server of the embedded examples.
    pub(crate) fn embedded() -> Self {
        Self {
            directory: None,
            args: Vec::new(),
            cache: None,
            state: None,
            prelude: None,
            variables: Vec::new(),
            stdin: Stdio::null(),
            listen: true,
        }
    }

    /// A server of what another one has served from there.
    pub(crate) fn again(directory: TempDir) -> Self {
        Self { directory: Some(directory), ..Self::embedded() }
    }

    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Lets events run for ever.
    pub(crate) fn endless_events(self) -> Self {
        self.arg("--event-cpu-time=1h").arg("--event-wall-time=1h")
    }

    /// Runs this in the shell that becomes the server, such as `ulimit`.
    pub(crate) fn shell(mut self, command: &str) -> Self {
        self.prelude = Some(command.to_owned());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Passes it a file descriptor as systemd does, with this as `LISTEN_PID`.
    pub(crate) fn pass(mut self, socket: OwnedFd, pid: &str) -> Self {
        let exports = format!("export LISTEN_FDS=1 LISTEN_PID={pid}");
        self.prelude = Some(format!("exec 3<&0 0</dev/null && {exports}"));
        self.stdin = socket.into();
        self
    }

    /// Names no address to listen on.
    pub(crate) fn without_listen(mut self) -> Self {
        self.listen = false;
        self
    }

    /// Keeps compiled code in this folder instead of the tests' common one.
    pub(crate) fn cache(mut self, folder: &Path) -> Self {
        self.cache = Some(folder.to_owned());
        self
    }

    /// Keeps what serves in this folder instead of one of its own.
    pub(crate) fn state(mut self, folder: &Path) -> Self {
        self.state = Some(folder.to_owned());
        self
    }

    /// Lets it find a folder for that itself.
    pub(crate) fn without_state(mut self) -> Self {
        self.state = Some(PathBuf::new());
        self
    }

    /// Changes the directory before the server starts.
    pub(crate) fn prepare(self, change: impl FnOnce(&Path)) -> Self {
        change(self.directory.as_ref().unwrap().path());
        self
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn run(self) -> Server {
        let server = self.run_unready().await;
        server.log.wait("ready", |line| line.message() == "ready").await;
        server
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn run_unready(self) -> Server {
        let (mut child, files, directory) = self.spawn();
        let log = Log::follow(child.stderr.take().unwrap(), files.path().join("log"));
        let listening = log.wait("listening", |line| line.message() == "listening").await;
        let address = listening.field("address").unwrap().as_str().unwrap().parse().unwrap();
        Server { child, address, log, files, directory }
    }

    /// Starts what can't serve: its status and stderr.
    pub(crate) async fn fail(self) -> (ExitStatus, String) {
        let (child, _files, _directory) = self.spawn();
        let output = within("the server's end", child.wait_with_output()).await.unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    fn spawn(self) -> (Child, TempDir, Option<TempDir>) {
        let files = TempDir::new().unwrap();
        let mut command = match self.prelude {
            None => Command::new(binary()),
            Some(prelude) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{prelude} && exec \"$0\" \"$@\"")]).arg(binary());
                shell
            }
        };
        command.arg("serve");
        if let Some(directory) = &self.directory {
            command.arg(directory.path());
        }
        if self.listen {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let cache = self.cache.unwrap_or_else(|| std::env::temp_dir().join("socklet-tests-cache"));
        let state = self.state.unwrap_or_else(|| files.path().join("state"));
        let state = (!state.as_os_str().is_empty()).then(|| {
            let mut flag = OsString::from("--state-dir=");
            flag.push(state);
            flag
        });
        let child = command
            .args(["--log-format", "json", "--cache-dir"])
            .arg(cache)
            .args(state)
            .args(self.args)
            .current_dir(files.path())
            .env_remove("RUST_LOG")
            .envs(self.variables)
            .stdin(self.stdin)
            .stdout(std::fs::File::create(files.path().join("stdout")).unwrap())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        (child, files, self.directory)
    }
}

impl Server {
    pub(crate) fn url(&self, route: &str) -> String {
        format!("ws://{}{route}", self.address)
    }

    pub(crate) async fn connect(&self, route: &str) -> Client {
        Client::connect(&self.url(route)).await
    }

    /// Where `--admin` listens.
    pub(crate) async fn admin(&self) -> SocketAddr {
        let line = self.log.message("admin is listening").await;
        line.field("address").unwrap().as_str().unwrap().parse().unwrap()
    }

    /// A path below the handlers' directory.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.directory.as_ref().unwrap().path().join(path)
    }

    /// Puts a file into the handlers' directory by rename, as deploys do.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let target = self.file(path);
        let draft = target.with_extension("draft");
        write(&draft, bytes);
        std::fs::rename(draft, target).unwrap();
    }

    /// The log, as a file of JSON lines.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.files.path().join("log")
    }

    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(self.files.path().join("stdout")).unwrap()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// What the system says of the process.
    pub(crate) fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.pid().to_string()).join(file)
    }

    /// Ends it by a signal. Returns the handlers' directory, for another one.
    pub(crate) async fn end(mut self, signal: Signal) -> TempDir {
        self.signal(signal);
        self.exit().await;
        self.directory.take().unwrap()
    }

    pub(crate) async fn exit(&mut self) -> ExitStatus {
        within("the server's end", self.child.wait()).await.unwrap()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// Runs the binary to its end with these arguments: its status, stdout and stderr.
pub(crate) async fn run(args: &[&str]) -> (ExitStatus, String, String) {
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(binary())
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    within("the command's end", async {
        tokio::try_join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err))
    })
    .await
    .unwrap();
    (within("the command's end", child.wait()).await.unwrap(), out, err)
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The binary beside this test's own, which must be no older than its sources.
pub(crate) fn binary() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.push("socklet");
    let built = std::fs::metadata(&path)
        .and_then(|data| data.modified())
        .unwrap_or_else(|error| panic!("{}: {error}: build it first", path.display()));
    let newest = newest(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src"));
    assert!(newest <= built, "{} is older than its sources: build it first", path.display());
    path
}

fn newest(folder: &Path) -> SystemTime {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let times = entries.map(|entry| {
        if entry.file_type().unwrap().is_dir() {
            newest(&entry.path())
        } else {
            entry.metadata().unwrap().modified().unwrap()
        }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}
