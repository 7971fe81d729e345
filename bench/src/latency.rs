//! Latencies in microseconds.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Recorded in nanoseconds, to three digits.
pub(crate) struct Latencies(Histogram<u64>);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        // A minute is more than anything here lasts.
        let most = Duration::from_secs(60).as_nanos() as u64;
        Self(Histogram::new_with_bounds(1, most, 3).expect("bounds that a histogram can have"))
    }

    pub(crate) fn record(&mut self, latency: Duration, count: u64) {
        self.0.saturating_record_n(latency.as_nanos() as u64, count);
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn median(&self) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(0.5))
    }

    pub(crate) fn largest(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        Percentiles { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_microseconds_and_weighted() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_micros(100), 980);
        latencies.record(Duration::from_micros(500), 15);
        latencies.record(Duration::from_millis(2), 5);
        let Percentiles { p50, p99, p999 } = latencies.percentiles();
        for (found, expected) in [(p50, 100.0), (p99, 500.0), (p999, 2000.0)] {
            assert!((found / expected - 1.0).abs() < 0.002, "{found} instead of {expected}");
        }
        assert_eq!(latencies.count(), 1000);
    }
}
