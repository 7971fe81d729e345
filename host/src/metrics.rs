//! What an operator can count, in the Prometheus text format: long, since each
//! series is described here.
//!
//! Labels are handlers, and words of short fixed lists: never a path, an address
//! or a connection. Each handler has a registry of its own, so that its series
//! end with it. What happens often is counted through handles that are looked up
//! once, and messages by the turn rather than one by one.

use std::collections::BTreeMap;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use serde::Serialize;

use crate::bindings::CloseOrigin;
use crate::closing::Closing;
use crate::failure::Failure;

/// From what a lean guest needs to the usual limit of an event.
const EVENT_SECONDS: [f64; 14] =
    [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];
const HANDSHAKES: [&str; 2] = [
    "socklet_handshakes_total",
    "Requests by the status of their answer; 101 has opened a connection.",
];

/// What belongs to no handler.
pub(crate) struct Metrics {
    registry: Registry,
    /// Requests for paths without a handler, and those that were not understood.
    handshakes: IntCounterVec,
    tasks: IntGauge,
}

/// The series of one handler, over all its generations.
pub(crate) struct HandlerMetrics {
    registry: Registry,
    handshakes: IntCounterVec,
    loads: IntCounterVec,
    failures: IntCounterVec,
    closes: IntCounterVec,
    received: Traffic,
    sent: Traffic,
    writes_refused: IntCounterVec,
    reads_paused: IntCounterVec,
    memory_refused: IntCounterVec,
    pub(crate) connections: IntGauge,
    pub(crate) instances: IntGauge,
    pub(crate) parked: IntGauge,
    pub(crate) generation: IntGauge,
    pub(crate) on_request: Histogram,
    pub(crate) on_ready: Histogram,
    pub(crate) on_message: Histogram,
    pub(crate) on_close: Histogram,
    pub(crate) on_alarm: Histogram,
    pub(crate) suspend: Histogram,
    pub(crate) resume: Histogram,
    migrations: IntCounterVec,
    pub(crate) log_lines_dropped: IntCounter,
    pub(crate) topics: TopicMetrics,
    /// Under way to upstreams.
    pub(crate) http_requests: IntGauge,
    requested: IntCounterVec,
}

/// What is published, by the publisher's handler, and delivered or not, by the
/// subscriber's.
pub(crate) struct TopicMetrics {
    pub(crate) published: IntCounter,
    pub(crate) delivered: IntCounter,
    pub(crate) dropped: IntCounter,
}

/// Messages and their bytes, one way.
struct Traffic {
    messages: IntCounter,
    bytes: IntCounter,
}

/// What an operator is told of a handler in a few numbers, over all its generations.
#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    /// Handshakes that have opened a connection, and all others.
    opened: u64,
    refused: u64,
    loaded: u64,
    load_failures: u64,
    instance_failures: u64,
    messages_in: u64,
    messages_out: u64,
    message_bytes_in: u64,
    message_bytes_out: u64,
    writes_refused: u64,
    log_lines_dropped: u64,
}

/// What a connection has counted since it was last added up.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    messages: u64,
    bytes: u64,
}

/// Adds one to a gauge for as long as it lives.
pub(crate) struct Counted(IntGauge);

impl Metrics {
    pub(crate) fn new() -> Self {
        let new = Series::of("");
        let process = prometheus::process_collector::ProcessCollector::for_self();
        let info = ["socklet_build_info", "Always 1; the version is its label."];
        let info = new.vec(info, &["version"], IntGaugeVec::new);
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let handshakes = new.counters(HANDSHAKES, &["status"]);
        let tasks = [
            "socklet_tasks",
            "Tasks of the host: its own, one a connection, and one a long event.",
        ];
        let tasks = new.gauge(tasks);
        let registry = new.registry;
        // Its names are its own.
        let _ = registry.register(Box::new(process));
        Self { registry, handshakes, tasks }
    }

    /// A request was answered that reached no handler.
    pub(crate) fn answered(&self, status: u16) {
        self.handshakes.with_label_values(&[&status.to_string()]).inc();
    }

    /// All series, these and those of `handlers`: the text format, version 0.0.4.
    pub(crate) fn text<'a>(
        &self,
        handlers: impl Iterator<Item = &'a HandlerMetrics>,
        tasks: usize,
    ) -> String {
        self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        let mut families = BTreeMap::<String, MetricFamily>::new();
        let of_handlers = handlers.flat_map(|handler| handler.registry.gather());
        for mut family in self.registry.gather().into_iter().chain(of_handlers) {
            match families.get_mut(family.name()) {
                Some(known) => known.mut_metric().append(family.mut_metric()),
                None => drop(families.insert(family.name().to_owned(), family)),
            }
        }
        let families: Vec<_> = families.into_values().collect();
        let mut text = Vec::new();
        // Writing to memory can't fail, and what was registered can be encoded.
        let _ = TextEncoder::new().encode(&families, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Makes the series of one registry.
struct Series {
    registry: Registry,
}

impl Series {
    fn of(handler: &str) -> Self {
        let labels = [("handler".to_owned(), handler.to_owned())];
        let labels = (!handler.is_empty()).then(|| labels.into());
        let registry = Registry::new_custom(None, labels);
        Self { registry: registry.expect("a label without a prefix is valid") }
    }

    fn vec<C: Collector + Clone + 'static>(
        &self,
        [name, help]: [&str; 2],
        labels: &[&str],
        new: impl FnOnce(Opts, &[&str]) -> prometheus::Result<C>,
    ) -> C {
        let all = new(Opts::new(name, help), labels).expect("names and labels are constants");
        self.registry.register(Box::new(all.clone())).expect("each name is registered once");
        all
    }

    fn counters(&self, name: [&str; 2], labels: &[&str]) -> IntCounterVec {
        self.vec(name, labels, IntCounterVec::new)
    }

    fn counter(&self, name: [&str; 2]) -> IntCounter {
        self.vec(name, &[], |opts, _| IntCounter::with_opts(opts))
    }

    fn gauge(&self, name: [&str; 2]) -> IntGauge {
        self.vec(name, &[], |opts, _| IntGauge::with_opts(opts))
    }
}

impl HandlerMetrics {
    pub(crate) fn new(handler: &str) -> Self {
        let new = Series::of(handler);
        let events = ["socklet_event_duration_seconds", "Time from an event's start to its end."];
        let events = new.vec(events, &["export"], |opts, labels| {
            let opts = HistogramOpts::from(opts).buckets(EVENT_SECONDS.to_vec());
            HistogramVec::new(opts, labels)
        });
        let export = |name: &str| events.with_label_values(&[name]);
        let messages = new.counters(
            ["socklet_messages_total", "Messages from peers (in) and to peers (out)."],
            &["direction"],
        );
        let bytes = new.counters(
            ["socklet_message_bytes_total", "Bytes of these messages, without frame headers."],
            &["direction"],
        );
        let traffic = |direction: &str| Traffic {
            messages: messages.with_label_values(&[direction]),
            bytes: bytes.with_label_values(&[direction]),
        };
        let migrations = new.counters(
            [
                "socklet_migrations_total",
                "Instances that were to move to a new generation, by what became of them.",
            ],
            &["outcome"],
        );
        let requested = new.counters(
            [
                "socklet_http_requests_total",
                "Requests of guests to upstreams that have ended, by the word for how.",
            ],
            &["outcome"],
        );
        // What has not come about is shown as well.
        for (counters, outcome) in
            [(&migrations, "moved"), (&migrations, "stayed"), (&requested, "answered")]
        {
            counters.with_label_values(&[outcome]);
        }
        Self {
            handshakes: new.counters(HANDSHAKES, &["status"]),
            loads: new.counters(
                [
                    "socklet_loads_total",
                    "Files that were loaded, or refused, because they were new or had changed.",
                ],
                &["outcome"],
            ),
            failures: new.counters(
                [
                    "socklet_instance_failures_total",
                    "Instances that trapped or came to a limit, by the limit's name.",
                ],
                &["cause"],
            ),
            closes: new.counters(
                [
                    "socklet_closes_total",
                    "Connections that have ended, by who ended them and the word for why.",
                ],
                &["origin", "detail"],
            ),
            received: traffic("in"),
            sent: traffic("out"),
            writes_refused: new.counters(
                [
                    "socklet_writes_refused_total",
                    "Writes that got full, by the limit that was reached.",
                ],
                &["limit"],
            ),
            reads_paused: new.counters(
                [
                    "socklet_reads_paused_total",
                    "Times that a connection was not read from for a while, by the limit.",
                ],
                &["limit"],
            ),
            memory_refused: new.counters(
                [
                    "socklet_memory_refused_total",
                    "Times that a guest's memory was not let grow, by the limit.",
                ],
                &["limit"],
            ),
            connections: new.gauge(["socklet_connections", "Open connections."]),
            instances: new.gauge(["socklet_instances", "Live instances."]),
            parked: new.gauge(["socklet_parked", "Parked instances: their states are kept."]),
            generation: new.gauge(["socklet_generation", "Number of the current generation."]),
            on_request: export("on-request"),
            on_ready: export("on-ready"),
            on_message: export("on-message"),
            on_close: export("on-close"),
            on_alarm: export("on-alarm"),
            suspend: export("suspend"),
            resume: export("resume"),
            migrations,
            log_lines_dropped: new.counter([
                "socklet_log_lines_dropped_total",
                "Lines that were logged faster than max-log-rate allows.",
            ]),
            topics: TopicMetrics {
                published: new.counter([
                    "socklet_topic_published_total",
                    "Messages that were published to topics.",
                ]),
                delivered: new.counter([
                    "socklet_topic_delivered_total",
                    "Messages of topics that were queued for a subscriber.",
                ]),
                dropped: new.counter([
                    "socklet_topic_dropped_total",
                    "Messages of topics that a subscriber was too slow for.",
                ]),
            },
            http_requests: new.gauge([
                "socklet_http_requests",
                "Requests of guests to upstreams that are under way.",
            ]),
            requested,
            registry: new.registry,
        }
    }

    /// A request of a guest has ended.
    pub(crate) fn requested(&self, outcome: &str) {
        self.requested.with_label_values(&[outcome]).inc();
    }

    /// A request for the handler was answered.
    pub(crate) fn answered(&self, status: u16) {
        self.handshakes.with_label_values(&[&status.to_string()]).inc();
    }

    /// An instance's connections have moved to a new generation, or stay.
    pub(crate) fn migrated(&self, moved: bool) {
        let outcome = if moved { "moved" } else { "stayed" };
        self.migrations.with_label_values(&[outcome]).inc();
    }

    pub(crate) fn loaded(&self) {
        self.loads.with_label_values(&["loaded"]).inc();
    }

    pub(crate) fn refused(&self) {
        self.loads.with_label_values(&["refused"]).inc();
    }

    pub(crate) fn failed(&self, failure: &Failure) {
        self.failures.with_label_values(&[failure.cause()]).inc();
    }

    pub(crate) fn closed(&self, closing: &Closing) {
        let origin = match closing.origin {
            CloseOrigin::Peer => "peer",
            CloseOrigin::Handler => "handler",
            CloseOrigin::Host => "host",
            CloseOrigin::Network => "network",
        };
        self.closes.with_label_values(&[origin, closing.detail]).inc();
    }

    pub(crate) fn counts(&self) -> Counts {
        let opened = self.handshakes.with_label_values(&["101"]).get();
        Counts {
            opened,
            refused: sum(&self.handshakes).saturating_sub(opened),
            loaded: self.loads.with_label_values(&["loaded"]).get(),
            load_failures: self.loads.with_label_values(&["refused"]).get(),
            instance_failures: sum(&self.failures),
            messages_in: self.received.messages.get(),
            messages_out: self.sent.messages.get(),
            message_bytes_in: self.received.bytes.get(),
            message_bytes_out: self.sent.bytes.get(),
            writes_refused: sum(&self.writes_refused),
            log_lines_dropped: self.log_lines_dropped.get(),
        }
    }

    pub(crate) fn received(&self, tally: &mut Tally) {
        self.received.add(tally);
    }

    pub(crate) fn sent(&self, tally: &mut Tally) {
        self.sent.add(tally);
    }

    pub(crate) fn writes_refused(&self, limit: &str, count: u64) {
        self.writes_refused.with_label_values(&[limit]).inc_by(count);
    }

    pub(crate) fn reading_paused(&self, limit: &str) {
        self.reads_paused.with_label_values(&[limit]).inc();
    }

    pub(crate) fn memory_refused(&self, limit: &str) {
        self.memory_refused.with_label_values(&[limit]).inc();
    }
}

/// All that the counters of these labels have counted.
fn sum(counters: &IntCounterVec) -> u64 {
    let families = counters.collect();
    let all = families.iter().flat_map(|family| family.get_metric());
    // Counted in whole numbers.
    all.map(|counter| counter.get_counter().get_value() as u64).sum()
}

impl Traffic {
    fn add(&self, tally: &mut Tally) {
        let Tally { messages, bytes } = std::mem::take(tally);
        self.messages.inc_by(messages);
        self.bytes.inc_by(bytes);
    }
}

impl Tally {
    pub(crate) fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// All that another one has counted.
    pub(crate) fn take(&mut self, other: &mut Self) {
        let Self { messages, bytes } = std::mem::take(other);
        self.messages += messages;
        self.bytes += bytes;
    }
}

impl Counted {
    pub(crate) fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
