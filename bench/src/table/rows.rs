//! The rows of the table: what is measured on whom, and what is asked of it.

use super::Size;
use super::columns::{
    CONNECTIONS, Column, DELIVERIES, FULL, HELD, P99, PARKED, RATE, RATES, STARTS, SWAPS,
};
use super::contender::Contender;
use super::figures::Bound::{self, AtLeast, AtMost};
use super::figures::Goal;
use super::peer::Peer;
use super::render::number;
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

/// All rows, of this size.
pub(super) fn rows(size: &Size) -> Vec<Row> {
    let (plain, bun) = (Peer::Plain.name(), Peer::Bun.name());
    let (small, pipelined) = (load(size, 50, 64, 1), load(size, 50, 64, 16));
    let echo_1 = vec![
        goal(RATE, plain, AtLeast(0.95)),
        goal(RATE, bun, AtLeast(1.1)),
        goal(P99, plain, AtMost(1.15)),
        goal(P99, bun, AtMost(1.0)),
    ];
    let echo_16 = vec![
        goal(RATE, plain, AtLeast(3.0)),
        goal(RATE, bun, AtLeast(0.8)),
        goal(P99, bun, AtMost(1.0)),
    ];
    let echo_16k = vec![
        goal(RATE, plain, AtLeast(0.85)),
        goal(RATE, bun, AtLeast(1.4)),
        goal(P99, bun, AtMost(1.0)),
    ];
    vec![
        echo("echo-1", small.clone(), echo_1),
        echo("echo-16", pipelined.clone(), echo_16),
        echo("echo-16k", load(size, 10, 16 * 1024, 4), echo_16k),
        storm(size),
        languages(echo("languages", small.clone(), Vec::new())),
        threads(echo("threads-1", small, Vec::new())),
        threads(echo("threads-16", pipelined, Vec::new())),
        idle(size),
        idle_shared(size),
        idle_parked(size),
        full(size),
        swap(size),
        start(size),
        broadcast(size),
    ]
}

/// Of socklet, against another.
fn goal(column: usize, versus: &'static str, bound: Bound) -> Goal {
    Goal { of: Peer::Socklet.name(), column, versus: Some(versus), bound }
}

/// Of socklet, whatever others do.
fn alone(column: usize, bound: Bound) -> Goal {
    Goal { of: Peer::Socklet.name(), column, versus: None, bound }
}

fn everybody() -> Vec<Contender> {
    Peer::ALL.into_iter().map(Contender::of).collect()
}

fn load(size: &Size, connections: usize, payload: usize, depth: usize) -> echo::Load {
    let connections = connections.min(size.most_connections);
    echo::Load { connections, payload, depth, seconds: size.seconds, warm_up: size.warm_up }
}

fn echo(id: &'static str, load: echo::Load, goals: Vec<Goal>) -> Row {
    let payload = match load.payload {
        bytes if bytes.is_multiple_of(1024) => format!("{} KiB", bytes / 1024),
        bytes => format!("{bytes} B"),
    };
    let (connections, depth) = (load.connections, load.depth);
    Row {
        id,
        title: format!("Echo of {payload}, {connections} connections, depth {depth}"),
        work: Work::Echo(load),
        columns: RATES,
        contenders: everybody(),
        goals,
        compared: RATE,
        remarks: &[],
    }
}

fn storm(size: &Size) -> Row {
    let Size { seconds, warm_up, most_connections: at_once, .. } = *size;
    Row {
        id: "storm",
        title: format!("Handshake to `Hello!`, {at_once} at a time"),
        work: Work::Storm(storm::Load { at_once, seconds, warm_up }),
        columns: CONNECTIONS,
        contenders: everybody(),
        goals: vec![
            goal(RATE, Peer::Plain.name(), AtLeast(0.8)),
            goal(RATE, Peer::Bun.name(), AtLeast(0.9)),
        ],
        compared: RATE,
        remarks: &["Each connection is closed in order; latency is from connect to greeting."],
    }
}

/// An echo by handlers in other languages, each beside the server that its author might
/// have written instead.
fn languages(row: Row) -> Row {
    let python = Contender::guest("socklet, Python handler", "echo-python");
    let javascript = Contender::guest("socklet, JavaScript handler", "echo-js");
    let against = |of: Contender, peer: Peer, bound| {
        let versus = Some(peer.name());
        Goal { of: of.name, column: RATE, versus, bound: AtLeast(bound) }
    };
    Row {
        title: format!("Handlers in other languages: {}", row.title),
        goals: vec![against(python, Peer::Python, 2.0), against(javascript, Peer::Node, 1.0)],
        contenders: vec![
            python,
            Contender::of(Peer::Python),
            javascript,
            Contender::of(Peer::Node),
        ],
        ..row
    }
}

/// An echo on one worker thread and on two, of those that have such.
fn threads(row: Row) -> Row {
    let of =
        |name, peer, threads| Contender { name, threads, pinned: false, ..Contender::of(peer) };
    let versus = Some("socklet, one thread");
    Row {
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

/// What only socklet does.
fn own(id: &'static str, title: String, work: Work, columns: &'static [Column]) -> Row {
    let contenders = vec![Contender::of(Peer::Socklet)];
    Row { id, title, work, columns, contenders, goals: Vec::new(), compared: 0, remarks: &[] }
}

fn idle(size: &Size) -> Row {
    let connections = size.idle;
    let title = format!("{} idle connections, a live instance each", number(connections as f64, 0));
    let work = Work::Idle(idle::Load { connections, seconds: size.rest });
    Row {
        contenders: vec![Contender::of(Peer::Socklet), Contender::of(Peer::Plain)],
        goals: vec![
            alone(0, AtLeast(connections as f64)),
            alone(1, AtMost(32.0)),
            alone(4, AtMost(1.0)),
        ],
        compared: 1,
        remarks: &["socklet pings a peer that is silent for 25 s; the other never does."],
        ..own("idle", title, work, HELD)
    }
}

/// As many as a process may have descriptors for.
fn idle_shared(size: &Size) -> Row {
    let connections = size.full;
    let title = format!("{} idle connections, one instance", number(connections as f64, 0));
    let work = Work::Idle(idle::Load { connections, seconds: size.rest });
    let shared = Contender {
        manifest: Some("scope = \"handler\"\n"),
        flags: &["--max-connections=20000"],
        ..Contender::of(Peer::Socklet)
    };
    Row {
        contenders: vec![shared],
        goals: vec![alone(0, AtLeast(connections as f64)), alone(1, AtMost(10.0))],
        compared: 1,
        ..own("idle-shared", title, work, HELD)
    }
}

/// Each has an instance, of which no more than some are there at a time.
fn idle_parked(size: &Size) -> Row {
    let connections = size.full;
    let title =
        format!("{} idle connections, their instances parked", number(connections as f64, 0));
    let work = Work::Parked(idle::Load { connections, seconds: 0.1 });
    let parked = Contender {
        manifest: Some("park-after = \"1s\"\n"),
        flags: &["--max-connections=20000", "--max-instances=250"],
        ..Contender::guest(Peer::Socklet.name(), "keeps")
    };
    Row {
        contenders: vec![parked],
        goals: vec![
            alone(0, AtLeast(connections as f64)),
            alone(1, AtMost(10.0)),
            alone(2, AtMost(200.0)),
        ],
        compared: 1,
        remarks: &[
            "Waking is what a first answer takes beyond the next one: a fresh instance, and its \
             state. There are 250 instances at a time, of which the connections make use in turn.",
        ],
        ..own("idle-parked", title, work, PARKED)
    }
}

fn full(size: &Size) -> Row {
    let title = format!("{} connections in one process", number(size.full as f64, 0));
    let work = Work::Full(idle::Load { connections: size.full, seconds: 0.1 });
    Row {
        goals: vec![alone(2, AtMost(0.0))],
        remarks: &["At the system's own `vm.max_map_count`."],
        ..own("full", title, work, FULL)
    }
}

fn swap(size: &Size) -> Row {
    let title = format!("{} swaps under load, one each half second", size.swaps);
    Row {
        goals: vec![
            alone(0, AtMost(20.0)),
            alone(2, AtLeast(size.swaps as f64)),
            alone(3, AtMost(0.0)),
        ],
        remarks: &["50 connections send every 5 ms; each file is a new one, to be compiled."],
        ..own("swap", title, Work::Swap { swaps: size.swaps }, SWAPS)
    }
}

fn start(size: &Size) -> Row {
    let title = format!("Start with {} handlers", size.handlers);
    let work = Work::Start(start::Load { component: None, handlers: size.handlers });
    Row { goals: vec![alone(1, AtMost(300.0))], ..own("start", title, work, STARTS) }
}

fn broadcast(size: &Size) -> Row {
    let Size { seconds, warm_up, subscribers, .. } = *size;
    let title = format!("Broadcast of 64 B to {} subscribers", number(subscribers as f64, 0));
    let work = Work::Broadcast(broadcast::Load { subscribers, payload: 64, seconds, warm_up });
    // So many instances do not fit into the system's own `vm.max_map_count`.
    let socklet = Contender {
        manifest: Some("scope = \"handler\"\n"),
        ..Contender::guest(Peer::Socklet.name(), "broadcast")
    };
    let peers = [Peer::Plain, Peer::Bun, Peer::Node, Peer::Deno, Peer::Python];
    let contenders = [socklet].into_iter().chain(peers.into_iter().map(Contender::of)).collect();
    Row {
        contenders,
        goals: vec![goal(RATE, Peer::Bun.name(), AtLeast(1.0))],
        remarks: &[
            "socklet: by a topic, in a handler with one instance for all. websocketd has neither.",
        ],
        ..own("broadcast", title, work, DELIVERIES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Options;

    #[test]
    fn every_goal_is_about_those_who_take_part_and_a_column_that_is_there() {
        for row in rows(&Options::brief().size()) {
            let takes_part = |name| row.contenders.iter().any(|contender| contender.name == name);
            for goal in &row.goals {
                assert!(takes_part(goal.of), "{}: {}", row.id, goal.of);
                assert!(goal.versus.is_none_or(takes_part), "{}: {:?}", row.id, goal.versus);
                assert!(goal.column < row.columns.len(), "{}: {}", row.id, goal.column);
            }
            assert!(row.compared < row.columns.len(), "{}", row.id);
        }
    }
}
