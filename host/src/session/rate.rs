//! How fast one connection is read from, where that is bounded.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket of tokens, one for each message. It holds those of one second.
pub(super) struct Rate {
    per_second: f64,
    tokens: f64,
    refilled: Instant,
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, tokens: per_second, refilled: Instant::now() }
    }

    pub(super) fn take(&mut self) {
        self.tokens -= 1.0;
    }

    /// When the next message may be read; none where it may be now.
    pub(super) fn wait_until(&mut self, now: Instant) -> Option<Instant> {
        if self.tokens >= 1.0 {
            return None;
        }
        let since = now.saturating_duration_since(self.refilled);
        self.tokens = (self.tokens + since.as_secs_f64() * self.per_second).min(self.per_second);
        self.refilled = now;
        let missing = 1.0 - self.tokens;
        (missing > 0.0).then(|| now + Duration::from_secs_f64(missing / self.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_may_come_at_once_and_the_rest_at_its_pace() {
        let mut rate = Rate::new(10);
        let start = rate.refilled;
        for _ in 0..10 {
            assert_eq!(rate.wait_until(start), None);
            rate.take();
        }
        let next = rate.wait_until(start).unwrap();
        assert_eq!(next - start, Duration::from_millis(100));
        assert_eq!(rate.wait_until(next), None);
        rate.take();
        // Time without messages saves up no more than a second's worth.
        let later = next + Duration::from_secs(100);
        for _ in 0..10 {
            assert_eq!(rate.wait_until(later), None);
            rate.take();
        }
        assert!(rate.wait_until(later).is_some());
    }
}
