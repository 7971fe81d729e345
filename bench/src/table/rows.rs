//! The rows of the table: what is measured on whom, and what is asked of it.

use super::Size;
use super::figures::Bound::{self, AtLeast, AtMost};
use super::figures::Goal;
use super::peer::{Peer, Places};
use super::work::Work;
use crate::modes::{broadcast, echo, idle, start, storm};

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// For `--only`.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) work: Work,
    pub(crate) columns: &'static [Column],
    pub(crate) contenders: Vec<Contender>,
    pub(crate) goals: Vec<Goal>,
    /// The column in which socklet is compared with each of the others.
    pub(crate) compared: usize,
    /// What has to be known to read it.
    pub(crate) remarks: &'static [&'static str],
}

/// A column, and with how many digits it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) head: &'static str,
    pub(crate) digits: usize,
    /// Whether the range of the samples is told beside the median.
    pub(crate) ranged: bool,
}

/// A server as it takes part in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) peer: Peer,
    pub(crate) threads: usize,
    /// Bound to one core, and the client to another.
    pub(crate) pinned: bool,
    /// A component in target/guests/bench that is served instead of the embedded echo.
    pub(crate) guest: Option<&'static str>,
}

const fn column(head: &'static str, digits: usize) -> Column {
    Column { head, digits, ranged: true }
}

const fn median(head: &'static str, digits: usize) -> Column {
    Column { head, digits, ranged: false }
}

pub(crate) const RATE: usize = 0;
pub(crate) const P99: usize = 2;
const RATES: &[Column] = &[
    column("messages/s", 0),
    median("p50 µs", 0),
    column("p99 µs", 0),
    median("p99.9 µs", 0),
    median("server's CPU µs each", 2),
];
const CONNECTIONS: &[Column] = &[
    column("connections/s", 0),
    median("p50 µs", 0),
    column("p99 µs", 0),
    median("p99.9 µs", 0),
    median("server's CPU µs each", 1),
];
const DELIVERIES: &[Column] = &[
    column("deliveries/s", 0),
    median("last one, p50 µs", 0),
    column("last one, p99 µs", 0),
    median("server's CPU µs each", 2),
];
const HELD: &[Column] = &[
    column("served", 0),
    column("KiB resident each", 1),
    column("KiB anonymous each", 1),
    column("KiB proportional each", 1),
    column("% of a core at rest", 2),
];
const FULL: &[Column] = &[
    column("served", 0),
    column("refused with 503 and the setting to raise", 0),
    column("neither", 0),
    column("KiB resident each", 1),
];
const SWAPS: &[Column] = &[
    column("worst gap beyond the median, ms", 2),
    column("median between answers, ms", 2),
    column("swaps that took effect", 0),
    column("connections dropped", 0),
];
const STARTS: &[Column] = &[column("cold cache, ms", 0), column("warm cache, ms", 0)];

const SOCKLET: &str = "socklet";

/// All rows, of this size.
pub(crate) fn rows(size: &Size) -> Vec<Row> {
    let plain = Peer::Plain.name();
    let (bun, node, python) = (Peer::Bun.name(), Peer::Node.name(), Peer::Python.name());
    let everybody: Vec<Contender> = Peer::ALL.into_iter().map(Contender::of).collect();
    let beside = |left_out: &[Peer]| -> Vec<Contender> {
        everybody.iter().filter(|one| !left_out.contains(&one.peer)).copied().collect()
    };
    let echo = |connections: usize, payload, depth| {
        let connections = connections.min(size.most_connections);
        echo::Load { connections, payload, depth, seconds: size.seconds, warm_up: size.warm_up }
    };
    let echo_row = |id, load: echo::Load, contenders: &[Contender], goals| Row {
        id,
        title: format!(
            "Echo of {}, {} connections, depth {}",
            bytes(load.payload),
            load.connections,
            load.depth
        ),
        work: Work::Echo(load),
        columns: RATES,
        contenders: contenders.to_vec(),
        goals,
        compared: RATE,
        remarks: &[],
    };
    let goal = |column, versus, bound| Goal { of: SOCKLET, column, versus: Some(versus), bound };
    let alone = |column, bound: Bound| Goal { of: SOCKLET, column, versus: None, bound };
    let against = |of, versus, bound| Goal { of, column: RATE, versus: Some(versus), bound };

    let idle = idle::Load { connections: size.idle, seconds: size.rest };
    let full = idle::Load { connections: size.full, seconds: 0.1 };
    let (clients, storm) = (50.min(size.most_connections), size);
    vec![
        echo_row(
            "echo-1",
            echo(50, 64, 1),
            &everybody,
            vec![
                goal(RATE, plain, AtLeast(0.95)),
                goal(RATE, bun, AtLeast(1.1)),
                goal(P99, plain, AtMost(1.15)),
                goal(P99, bun, AtMost(1.0)),
            ],
        ),
        echo_row(
            "echo-16",
            echo(50, 64, 16),
            &everybody,
            vec![
                goal(RATE, plain, AtLeast(3.0)),
                goal(RATE, bun, AtLeast(0.8)),
                goal(P99, bun, AtMost(1.0)),
            ],
        ),
        echo_row(
            "echo-16k",
            echo(10, 16 * 1024, 4),
            &everybody,
            vec![
                goal(RATE, plain, AtLeast(0.85)),
                goal(RATE, bun, AtLeast(1.4)),
                goal(P99, bun, AtMost(1.0)),
            ],
        ),
        Row {
            id: "storm",
            title: format!("Handshake to `Hello!`, {clients} at a time"),
            work: Work::Storm(storm::Load {
                at_once: clients,
                seconds: storm.seconds,
                warm_up: storm.warm_up,
            }),
            columns: CONNECTIONS,
            contenders: everybody.clone(),
            goals: vec![goal(RATE, plain, AtLeast(0.8)), goal(RATE, bun, AtLeast(0.9))],
            compared: RATE,
            remarks: &["Each connection is closed in order; latency is from connect to greeting."],
        },
        Row {
            title: "Handlers in other languages: echo of 64 B, depth 1".to_owned(),
            ..echo_row(
                "languages",
                echo(50, 64, 1),
                &[
                    Contender::guest("socklet, Python handler", "echo-python"),
                    Contender::of(Peer::Python),
                    Contender::guest("socklet, JavaScript handler", "echo-js"),
                    Contender::of(Peer::Node),
                ],
                vec![
                    against("socklet, Python handler", python, AtLeast(2.0)),
                    against("socklet, JavaScript handler", node, AtLeast(1.0)),
                ],
            )
        },
        threads("threads-1", echo_row("", echo(50, 64, 1), &[], Vec::new())),
        threads("threads-16", echo_row("", echo(50, 64, 16), &[], Vec::new())),
        Row {
            id: "idle",
            title: format!("{} idle connections, a live instance each", count(size.idle)),
            work: Work::Idle(idle),
            columns: HELD,
            contenders: vec![Contender::of(Peer::Socklet), Contender::of(Peer::Plain)],
            goals: vec![
                alone(0, AtLeast(size.idle as f64)),
                alone(1, AtMost(32.0)),
                alone(4, AtMost(1.0)),
            ],
            compared: 1,
            remarks: &[
                "socklet pings a peer that is silent for 25 s; the other never does.",
                "Not yet: parked instances, and those that connections share.",
            ],
        },
        Row {
            id: "full",
            title: format!("{} connections in one process", count(size.full)),
            work: Work::Full(full),
            columns: FULL,
            contenders: vec![Contender::of(Peer::Socklet)],
            goals: vec![alone(2, AtMost(0.0))],
            compared: 0,
            remarks: &["At the system's own `vm.max_map_count`."],
        },
        Row {
            id: "swap",
            title: format!("{} swaps under load, one each half second", size.swaps),
            work: Work::Swap { swaps: size.swaps },
            columns: SWAPS,
            contenders: vec![Contender::of(Peer::Socklet)],
            goals: vec![
                alone(0, AtMost(20.0)),
                alone(2, AtLeast(size.swaps as f64)),
                alone(3, AtMost(0.0)),
            ],
            compared: 0,
            remarks: &["50 connections send every 5 ms; each file is a new one, to be compiled."],
        },
        Row {
            id: "start",
            title: format!("Start with {} handlers", size.handlers),
            work: Work::Start(start::Load { component: None, handlers: size.handlers }),
            columns: STARTS,
            contenders: vec![Contender::of(Peer::Socklet)],
            goals: vec![alone(1, AtMost(300.0))],
            compared: 0,
            remarks: &[],
        },
        Row {
            id: "broadcast",
            title: format!("Broadcast of 64 B to {} subscribers", count(size.subscribers)),
            work: Work::Broadcast(broadcast::Load {
                subscribers: size.subscribers,
                payload: 64,
                seconds: size.seconds,
                warm_up: size.warm_up,
            }),
            columns: DELIVERIES,
            contenders: beside(&[Peer::Socklet, Peer::Batched, Peer::Websocketd]),
            goals: Vec::new(),
            compared: RATE,
            remarks: &["socklet: not yet, it has no topics. websocketd has none either."],
        },
    ]
}

/// An echo on one worker thread and on two, of those that have such.
fn threads(id: &'static str, row: Row) -> Row {
    let of =
        |name, peer, threads| Contender { name, threads, pinned: false, ..Contender::of(peer) };
    let versus = Some("socklet, one thread");
    Row {
        id,
        title: format!("{}: one worker thread and two", row.title),
        contenders: vec![
            of("socklet, one thread", Peer::Socklet, 1),
            of("socklet, two threads", Peer::Socklet, 2),
            of("plain, one thread", Peer::Plain, 1),
            of("plain, two threads", Peer::Plain, 2),
        ],
        goals: vec![Goal { of: "socklet, two threads", column: RATE, versus, bound: AtLeast(1.0) }],
        remarks: &["Nobody is bound to a core here, so the client takes its share of both."],
        ..row
    }
}

impl Contender {
    fn of(peer: Peer) -> Self {
        Self { name: peer.name(), peer, threads: 1, pinned: true, guest: None }
    }

    fn guest(name: &'static str, guest: &'static str) -> Self {
        Self { name, guest: Some(guest), ..Self::of(Peer::Socklet) }
    }

    /// Why it can't take part, if so.
    pub(crate) fn is_missing(&self, places: &Places) -> Option<String> {
        let skipped = |why| Some(format!("skipped: {why}"));
        if self.peer.version(places).is_none() {
            return skipped("not installed, see `scripts/setup bench`");
        }
        if self.lacks_guest(places) {
            return skipped("not built, see `scripts/build-guests`");
        }
        None
    }

    /// Whether its component isn't there: its language's compiler may be missing.
    pub(crate) fn lacks_guest(&self, places: &Places) -> bool {
        self.guest.is_some_and(|guest| !places.guest(guest).exists())
    }
}

fn bytes(count: usize) -> String {
    if count.is_multiple_of(1024) { format!("{} KiB", count / 1024) } else { format!("{count} B") }
}

fn count(number: usize) -> String {
    super::render::number(number as f64, 0)
}
