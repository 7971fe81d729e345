//! The columns of each kind of row.

/// A column, and with how many digits it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) head: &'static str,
    pub(crate) digits: usize,
    /// Whether the range of the samples is told beside the median.
    pub(crate) ranged: bool,
}

const fn column(head: &'static str, digits: usize) -> Column {
    Column { head, digits, ranged: true }
}

const fn median(head: &'static str, digits: usize) -> Column {
    Column { head, digits, ranged: false }
}

pub(crate) const RATE: usize = 0;
pub(crate) const P99: usize = 2;
pub(super) const RATES: &[Column] = &[
    column("messages/s", 0),
    median("p50 µs", 0),
    column("p99 µs", 0),
    median("p99.9 µs", 0),
    median("server's CPU µs each", 2),
];
pub(super) const CONNECTIONS: &[Column] = &[
    column("connections/s", 0),
    median("p50 µs", 0),
    column("p99 µs", 0),
    median("p99.9 µs", 0),
    median("server's CPU µs each", 1),
];
pub(super) const DELIVERIES: &[Column] = &[
    column("deliveries/s", 0),
    median("last one, p50 µs", 0),
    column("last one, p99 µs", 0),
    median("server's CPU µs each", 2),
];
pub(super) const HELD: &[Column] = &[
    column("served", 0),
    column("KiB resident each", 1),
    column("KiB anonymous each", 1),
    column("KiB proportional each", 1),
    column("% of a core at rest", 2),
];
pub(super) const PARKED: &[Column] = &[
    column("served", 0),
    column("KiB resident each", 1),
    column("waking, p50 µs", 0),
    median("an answer when awake, p50 µs", 0),
    column("5,000 spoken to at once, ms until the last answer", 0),
];
pub(super) const FULL: &[Column] = &[
    column("served", 0),
    column("refused with 503 and the setting to raise", 0),
    column("neither", 0),
    column("KiB resident each", 1),
];
pub(super) const SWAPS: &[Column] = &[
    column("worst gap beyond the median, ms", 2),
    column("median between answers, ms", 2),
    column("swaps that took effect", 0),
    column("connections dropped", 0),
];
pub(super) const STARTS: &[Column] = &[column("cold cache, ms", 0), column("warm cache, ms", 0)];
