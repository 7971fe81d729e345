//! A server as a child process, on a free port, ended with its handle.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;

use super::peer::{Peer, Places};

/// How a server is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    pub(crate) peer: Peer,
    pub(crate) threads: usize,
    /// The core that it is bound to.
    pub(crate) core: Option<usize>,
    /// socklet's handlers, instead of those inside it.
    pub(crate) handlers: Option<&'a Path>,
    /// Further flags of socklet.
    pub(crate) flags: &'a [&'a str],
    /// socklet's folder for compiled code.
    pub(crate) cache: &'a Path,
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// The first time an interpreter in a component is compiled takes its time.
const PATIENCE: Duration = Duration::from_secs(120);

impl Server {
    /// Starts it and waits until it serves.
    pub(crate) fn start(start: Start<'_>, places: &Places) -> Result<Self> {
        let port = free_port()?;
        let mut command = start.peer.command(&start, places, port);
        if let Some(core) = start.core {
            let mut pinned = Command::new("taskset");
            pinned
                .args(["-c", &core.to_string()])
                .arg(command.get_program())
                .args(command.get_args());
            for (name, value) in command.get_envs() {
                pinned.env(name, value.unwrap_or_default());
            }
            command = pinned;
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?} can't be started"))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // From here on it is killed whatever happens.
        let mut server = Self { child, address: (Ipv4Addr::LOCALHOST, port).into() };
        let out = lines(stdout.context("no stdout")?);
        let err = lines(stderr.context("no stderr")?);
        server.wait(start.peer, &out, &err).with_context(|| {
            let said: Vec<String> = err.try_iter().collect();
            format!("{} didn't start: {}", start.peer.name(), said.join(" "))
        })?;
        Ok(server)
    }

    /// Waits for its address, and until it is ready.
    fn wait(&mut self, peer: Peer, out: &Receiver<String>, err: &Receiver<String>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        match peer {
            Peer::Socklet => {
                let address = logged(err, deadline, "listening")?;
                let address = address["fields"]["address"].as_str().context("no address")?;
                self.address = address.parse()?;
                logged(err, deadline, "ready")?;
            }
            // It tells no port, so it is given one.
            Peer::Websocketd => {
                while TcpStream::connect(self.address).is_err() {
                    ensure!(self.child.try_wait()?.is_none(), "it ended");
                    ensure!(Instant::now() < deadline, "it doesn't listen");
                    thread::sleep(Duration::from_millis(5));
                }
            }
            _ => {
                let line = next(out, deadline)?;
                let address =
                    line.strip_prefix("ws://").ok_or_else(|| anyhow!("it said {line}"))?;
                self.address = address.parse()?;
            }
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the measurement has noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is written, line by line; read on to the end, so that nobody blocks in writing.
fn lines(source: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

fn next(lines: &Receiver<String>, deadline: Instant) -> Result<String> {
    let left = deadline.saturating_duration_since(Instant::now());
    lines.recv_timeout(left).context("it says nothing, or has ended")
}

/// The line of socklet's log that says this.
fn logged(lines: &Receiver<String>, deadline: Instant, message: &str) -> Result<Value> {
    loop {
        let line = next(lines, deadline).with_context(|| format!("waiting for {message}"))?;
        match serde_json::from_str::<Value>(&line) {
            Ok(line) if line["fields"]["message"] == message => return Ok(line),
            _ => {}
        }
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
