//! RFC 6455, judged by the Autobahn suite: it passes the echo example, and fails a
//! server that breaks the protocol.

use std::collections::BTreeMap;
use std::env;
use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::harness::{Start, tools};

/// A bound for a run that hangs: it takes 20 s.
const PATIENCE: Duration = Duration::from_secs(240);

/// The suite's sections; there is no 8 and no 11.
const SECTIONS: [(&str, &str); 11] = [
    ("1", "framing"),
    ("2", "pings and pongs"),
    ("3", "reserved bits"),
    ("4", "opcodes"),
    ("5", "fragmentation"),
    ("6", "UTF-8"),
    ("7", "closing"),
    ("9", "limits and performance"),
    ("10", "automatic fragmentation"),
    ("12", "compression, messages"),
    ("13", "compression, parameters"),
];

/// A case of each group of sections 12 and 13. They have 216 cases, and end alike
/// where compression is not negotiated.
const COMPRESSION: [&str; 12] = [
    "12.1.1", "12.2.1", "12.3.1", "12.4.1", "12.5.1", "13.1.1", "13.2.1", "13.3.1", "13.4.1",
    "13.5.1", "13.6.1", "13.7.1",
];

const VERDICTS: [&str; 4] = ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"];

#[tokio::test]
async fn the_echo_example_passes_the_suite() {
    let Some(suite) = Suite::installed() else { return };
    // Section 9 sends messages of up to 16 MiB.
    let server = Start::embedded().arg("--max-message-size=16MiB").run().await;
    let sections = SECTIONS.iter().filter(|(section, _)| !["12", "13"].contains(section));
    let mut cases: Vec<_> = sections.map(|(section, _)| format!("{section}.*")).collect();
    cases.extend(COMPRESSION.map(str::to_owned));

    let report = suite.judge(&server.url("/echo"), &cases).await;

    let failures = report.failures();
    assert!(failures.is_empty(), "{}\n{}", server.log.text(), failures.join("\n"));
    assert!(report.judged("NON-STRICT").is_empty());
    assert_eq!(report.judged("UNIMPLEMENTED"), COMPRESSION);
    assert!(report.judged("OK").len() >= 298);
    let table = report.table();
    println!("{table}");
    let documented = include_str!("../../docs/reliability.md");
    assert!(documented.contains(&table), "docs/reliability.md has another table than:\n{table}");
}

#[tokio::test]
async fn a_wrong_server_fails_the_suite() {
    let Some(suite) = Suite::installed() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(serve_wrongly(socket));
        }
    });
    let cases = ["1.1.2", "1.2.2", "2.2", "7.3.1", "7.9.1"].map(str::to_owned);

    let report = suite.judge(&url, &cases).await;

    // The suite gives up on 1.1.2 with a code of its own, and ends 2.2 with an empty frame.
    assert_eq!(
        report.failures(),
        [
            "1.1.2: FAILED, closing WRONG CODE",
            "2.2: FAILED, closing UNCLEAN",
            "7.3.1: OK, closing UNCLEAN",
            "7.9.1: FAILED, closing WRONG CODE",
        ]
    );
    assert_eq!(report.judged("OK"), ["1.2.2", "7.3.1"]);
}

/// Echoes binary messages as it should, but changes text and the payload of pings,
/// drops the socket on an empty close frame, and takes any close code.
async fn serve_wrongly(socket: TcpStream) -> io::Result<()> {
    const TEXT: u8 = 1;
    const CLOSE: u8 = 8;
    const PING: u8 = 9;
    const PONG: u8 = 10;
    const FINAL: u8 = 0x80;

    let mut socket = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        socket.read_line(&mut head).await?;
    }
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    socket.write_all(response.as_bytes()).await?;
    loop {
        let (mut opcode, mut payload) = read_frame(&mut socket).await?;
        match opcode {
            CLOSE if payload.is_empty() => return Ok(()),
            TEXT => payload[0] ^= 1,
            PING => (opcode, payload) = (PONG, b"wrong".into()),
            _ => {}
        }
        let len = u8::try_from(payload.len()).unwrap();
        socket.write_all(&[&[FINAL | opcode, len], payload.as_slice()].concat()).await?;
        if opcode == CLOSE {
            return Ok(());
        }
    }
}

/// A frame of up to 125 bytes: its opcode and payload.
async fn read_frame(socket: &mut BufReader<TcpStream>) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    socket.read_exact(&mut head).await?;
    let [first, second, mask @ ..] = head;
    let mut payload = vec![0; usize::from(second & 0x7f)];
    socket.read_exact(&mut payload).await?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok((first & 0x0f, payload))
}

/// The suite as `scripts/setup` installs it.
struct Suite {
    wstest: PathBuf,
}

impl Suite {
    /// None where it is not there, which CI allows only where there is no Python 2.7.
    fn installed() -> Option<Self> {
        let wstest = tools().join("autobahn/bin/wstest");
        if wstest.exists() {
            return Some(Self { wstest });
        }
        let ci = env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!ci || !has_python27(), "{}: not found: run scripts/setup", wstest.display());
        println!("skipped: {}: not found: scripts/setup needs Python 2.7.18", wstest.display());
        None
    }

    /// Runs these cases, as the suite's specification names them.
    async fn judge(&self, url: &str, cases: &[String]) -> Report {
        let folder = TempDir::new().unwrap();
        let specification = json!({
            "servers": [{"agent": "socklet", "url": url}],
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
            "outdir": "report",
        });
        std::fs::write(folder.path().join("spec.json"), specification.to_string()).unwrap();
        let run = Command::new(&self.wstest)
            .args(["-m", "fuzzingclient", "-s", "spec.json"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let Ok(output) = tokio::time::timeout(PATIENCE, run).await else {
            panic!("the suite took longer than {PATIENCE:?}");
        };
        let output = output.unwrap();
        let index =
            std::fs::read(folder.path().join("report/index.json")).unwrap_or_else(|error| {
                let printed = String::from_utf8_lossy(&output.stdout);
                let errors = String::from_utf8_lossy(&output.stderr);
                panic!("no report of the suite: {error}\n{printed}\n{errors}")
            });
        Report::of_index(&index)
    }
}

fn has_python27() -> bool {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/tools.sh");
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", "source \"$0\" && python27"]).arg(tools).status().unwrap().success()
}

/// A case, and how the suite judges what was answered and how it was closed.
struct Case {
    id: String,
    behavior: String,
    closing: String,
}

impl Case {
    fn section(&self) -> &str {
        self.id.split('.').next().unwrap()
    }

    fn passed(&self) -> bool {
        VERDICTS.contains(&&*self.behavior) && ["OK", "INFORMATIONAL"].contains(&&*self.closing)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, closing {}", self.id, self.behavior, self.closing)
    }
}

/// Cases in the suite's order.
struct Report(Vec<Case>);

impl Report {
    /// Reads the `index.json` that the suite writes.
    fn of_index(index: &[u8]) -> Self {
        let agents: BTreeMap<String, BTreeMap<String, Value>> =
            serde_json::from_slice(index).unwrap();
        let cases = agents.into_values().flatten();
        let mut cases: Vec<_> = cases
            .map(|(id, case)| {
                let verdict = |name: &str| case[name].as_str().unwrap().to_owned();
                Case { id, behavior: verdict("behavior"), closing: verdict("behaviorClose") }
            })
            .collect();
        cases.sort_by_cached_key(|case| {
            case.id.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>()
        });
        Self(cases)
    }

    fn failures(&self) -> Vec<String> {
        self.0.iter().filter(|case| !case.passed()).map(Case::to_string).collect()
    }

    /// The cases whose behavior is judged so.
    fn judged(&self, verdict: &str) -> Vec<&str> {
        self.0.iter().filter(|case| case.behavior == verdict).map(|case| &*case.id).collect()
    }

    /// How many cases of each section are judged so, in Markdown.
    fn table(&self) -> String {
        let mut table = String::from(
            "| section | OK | non-strict | informational | unimplemented |\n|---|---|---|---|---|\n",
        );
        for (section, about) in SECTIONS {
            let row = self.counts(|case| case.section() == section);
            writeln!(table, "| {section} {about} | {row} |").unwrap();
        }
        writeln!(table, "| all | {} |", self.counts(|_| true)).unwrap();
        table
    }

    fn counts(&self, of: impl Fn(&Case) -> bool) -> String {
        let counts = VERDICTS.map(|verdict| {
            let judged = self.0.iter().filter(|case| of(case) && case.behavior == verdict);
            judged.count().to_string()
        });
        counts.join(" | ")
    }
}
