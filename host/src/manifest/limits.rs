//! The table `[limits]` of a manifest, and `[ceilings]` of a policy: each limit of one
//! handler, by the name of its flag.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{Count, MessageSize, Rate, Size, Time, Timers};
use crate::config::Limits;

/// A value as a limit has it.
trait Limit<T> {
    fn limit(self) -> T;
}

macro_rules! limit {
    ($($written:ty => $type:ty;)*) => {$(
        impl Limit<$type> for $written {
            fn limit(self) -> $type {
                self.0
            }
        }
    )*};
}

limit! {
    Size => usize;
    MessageSize => usize;
    Count => usize;
    Timers => usize;
    Time => Duration;
}

impl Limit<Option<u32>> for Rate {
    fn limit(self) -> Option<u32> {
        Some(self.0)
    }
}

/// How far a limit reaches.
trait Reach: Copy {
    fn is_over(self, other: Self) -> bool;
}

impl Reach for usize {
    fn is_over(self, other: Self) -> bool {
        self > other
    }
}

impl Reach for Duration {
    fn is_over(self, other: Self) -> bool {
        self > other
    }
}

/// None is no bound at all.
impl Reach for Option<u32> {
    fn is_over(self, other: Self) -> bool {
        self.unwrap_or(u32::MAX) > other.unwrap_or(u32::MAX)
    }
}

macro_rules! table {
    ($($(#[doc = $doc:literal])* $field:ident: $written:ty = $key:literal;)*) => {
        /// Limits of one handler. What is left out is as the operator has it.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub(crate) struct LimitTable {
            $($(#[doc = $doc])* pub(crate) $field: Option<$written>,)*
        }

        impl LimitTable {
            /// Replaces those of `limits` that are there.
            pub(crate) fn apply(&self, limits: &mut Limits) {
                $(if let Some(value) = self.$field {
                    limits.$field = value.limit();
                })*
            }

            /// Lowers those of `limits` that are over these, which are ceilings.
            pub(crate) fn lower(&self, limits: &mut Limits) {
                $(if let Some(ceiling) = self.$field.map(Limit::limit)
                    && limits.$field.is_over(ceiling)
                {
                    limits.$field = ceiling;
                })*
            }

            /// The keys of those that are over a ceiling, or, where none is set, over
            /// what they are when nobody asks, if `defaults` bound them.
            pub(crate) fn over(
                &self,
                ceilings: &Self,
                defaults: Option<&Limits>,
            ) -> Vec<&'static str> {
                let mut over = Vec::new();
                $(if let Some(value) = self.$field.map(Limit::limit) {
                    let ceiling = ceilings.$field.map(Limit::limit);
                    let ceiling = ceiling.or_else(|| Some(defaults?.$field));
                    if ceiling.is_some_and(|ceiling| value.is_over(ceiling)) {
                        over.push($key);
                    }
                })*
                over
            }
        }

        #[cfg(test)]
        const KEYS: &[(&str, &str)] = &[$((stringify!($field), $key),)*];
    };
}

table! {
    /// The largest message in either direction.
    max_message_size: MessageSize = "max-message-size";
    /// Bytes that may wait to be sent on one connection before writes are refused.
    max_backpressure: MessageSize = "max-backpressure";
    /// Memory of one instance.
    max_memory: Size = "max-memory";
    /// Memory of all instances, beyond 2 MiB of each.
    max_handler_memory: Size = "max-handler-memory";
    /// Bytes held to be sent or handled for all connections, beyond 16 KiB of each.
    max_handler_queue: Size = "max-handler-queue";
    /// Live instances; one more is refused with 503.
    max_handler_instances: Count = "max-handler-instances";
    /// Messages a second that one connection may send; beyond, it is read more slowly.
    max_message_rate: Rate = "max-message-rate";
    /// Topics to which one connection may be subscribed.
    max_subscriptions: Count = "max-subscriptions";
    /// Topics of the handler that there may be, and shared ones because of it.
    max_topics: Count = "max-topics";
    /// Bytes that may be logged in a second; more is dropped.
    max_log_rate: Size = "max-log-rate";
    /// Bytes of the state that an instance gives to another one.
    max_snapshot: MessageSize = "max-snapshot";
    /// Timers that one instance may have set at a time.
    max_timers: Timers = "max-timers";
    /// CPU time of one event from which on the log tells of it.
    event_cpu_warning: Time = "event-cpu-warning";
    /// CPU time that one event may use.
    event_cpu_time: Time = "event-cpu-time";
    /// Time that one event may take from its start or its last return from waiting.
    event_wall_time: Time = "event-wall-time";
    /// Requests of one instance to upstreams at a time.
    max_http_requests: Count = "max-http-requests";
    /// Those of all instances.
    max_handler_http_requests: Count = "max-handler-http-requests";
    /// The longest body of a request to an upstream.
    max_http_request_size: Size = "max-http-request-size";
    /// The longest body of an upstream's answer.
    max_http_response_size: Size = "max-http-response-size";
    /// Time that an upstream may let pass without a sign of it.
    http_timeout: Time = "http-timeout";
    /// Time from the start of a request to the end of its answer.
    http_total_time: Time = "http-total-time";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fields_in_kebab_case() {
        for (field, key) in KEYS {
            assert_eq!(field.replace('_', "-"), *key);
        }
    }

    #[test]
    fn a_ceiling_bounds_what_is_asked_for_and_what_is_not() {
        let ceilings = LimitTable { max_memory: Some(Size(100)), ..LimitTable::default() };
        let asks = |memory| LimitTable { max_memory: Some(Size(memory)), ..LimitTable::default() };
        assert_eq!(asks(100).over(&ceilings, None), [""; 0]);
        assert_eq!(asks(101).over(&ceilings, None), ["max-memory"]);
        let rate = LimitTable { max_message_rate: Some(Rate(5)), ..LimitTable::default() };
        assert_eq!(rate.over(&ceilings, None), [""; 0]);
        // No bound is above every bound.
        assert_eq!(rate.over(&ceilings, Some(&Limits::default())), [""; 0]);
        let tight = Limits { max_message_rate: Some(4), ..Limits::default() };
        assert_eq!(rate.over(&ceilings, Some(&tight)), ["max-message-rate"]);
        let mut limits = Limits::default();
        ceilings.lower(&mut limits);
        rate.lower(&mut limits);
        assert_eq!((limits.max_memory, limits.max_message_rate), (100, Some(5)));
    }
}
