//! The flags for limits and timeouts, and how their values are written.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;
use socklet::config::{Config, Timeouts};
use socklet::written::{duration, message_size, positive, size, timers};

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitFlags {
    /// Connections in all; one more is refused with 503 [default: 16384, or what the limit of
    /// descriptors leaves room for]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_CONNECTIONS", value_parser = positive)]
    max_connections: Option<usize>,
    /// Connections of one remote address, of IPv6 one /64; one more is refused with 429 [default: 1024]
    #[arg(
        long,
        value_name = "N",
        env = "SOCKLET_MAX_CONNECTIONS_PER_ADDRESS",
        value_parser = positive
    )]
    max_connections_per_address: Option<usize>,
    /// Handshakes of one remote address in a second; one more is refused with 429 [default: 256]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_HANDSHAKE_RATE")]
    max_handshake_rate: Option<NonZeroU32>,
    /// Live instances in all; one more is refused with 503 [default: what vm.max_map_count allows]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_INSTANCES", value_parser = positive)]
    max_instances: Option<usize>,
    /// Largest message in either direction [default: 1MiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_MESSAGE_SIZE", value_parser = message_size)]
    max_message_size: Option<usize>,
    /// Bytes that may wait to be sent on one connection before writes are refused [default: 1MiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_BACKPRESSURE", value_parser = message_size)]
    max_backpressure: Option<usize>,
    /// Memory of one instance [default: 64MiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_MEMORY", value_parser = size)]
    max_memory: Option<usize>,
    /// Memory of all instances of a handler, beyond 2 MiB of each [default: none of its own]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_HANDLER_MEMORY", value_parser = size)]
    max_handler_memory: Option<usize>,
    /// Memory of all instances, beyond 2 MiB of each [default: 3/4 of the machine's or container's]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_TOTAL_MEMORY", value_parser = size)]
    max_total_memory: Option<usize>,
    /// Bytes held to be sent or handled for all connections of a handler, beyond 16 KiB of
    /// each; then those that hold the most are ended [default: none of its own]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_HANDLER_QUEUE", value_parser = size)]
    max_handler_queue: Option<usize>,
    /// Bytes held to be sent or handled for all connections, likewise
    /// [default: 1/8 of the machine's or container's memory]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_TOTAL_QUEUE", value_parser = size)]
    max_total_queue: Option<usize>,
    /// Live instances of a handler; one more is refused with 503 [default: none of its own]
    #[arg(
        long,
        value_name = "N",
        env = "SOCKLET_MAX_HANDLER_INSTANCES",
        value_parser = positive
    )]
    max_handler_instances: Option<usize>,
    /// Messages a second that one connection may send; beyond, it is read more slowly
    /// [default: no bound]
    #[arg(
        long,
        value_name = "N",
        env = "SOCKLET_MAX_MESSAGE_RATE",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    max_message_rate: Option<u32>,
    /// Topics to which one connection may be subscribed; one more is refused [default: 64]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_SUBSCRIPTIONS", value_parser = positive)]
    max_subscriptions: Option<usize>,
    /// Topics of a handler that there may be; one more is refused [default: 10000]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_TOPICS", value_parser = positive)]
    max_topics: Option<usize>,
    /// Call stack of a guest [default: 512KiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_STACK", value_parser = size)]
    max_stack: Option<usize>,
    /// Elements of one table of a guest [default: 20000]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_TABLE_ELEMENTS", value_parser = positive)]
    max_table_elements: Option<usize>,
    /// Bytes that a handler may log in a second; more is dropped [default: 256KiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_LOG_RATE", value_parser = size)]
    max_log_rate: Option<usize>,
    /// Bytes of the state that an instance gives to the one that replaces it [default: 4MiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_SNAPSHOT", value_parser = message_size)]
    max_snapshot: Option<usize>,
    /// Timers that one instance may have set at a time [default: 256]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_TIMERS", value_parser = timers)]
    max_timers: Option<usize>,
    /// Bytes of compiled handlers that are kept; the longest unused go first [default: 4GiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_CACHE_SIZE", value_parser = size)]
    max_cache_size: Option<usize>,
    /// Bytes of the state directory; handlers that were not served for longest go first
    /// [default: 4GiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_STATE_SIZE", value_parser = size)]
    max_state_size: Option<usize>,
    /// CPU time for compiling one file; twice as long may pass [default: 2m]
    #[arg(long, value_name = "TIME", env = "SOCKLET_COMPILE_CPU_TIME", value_parser = duration)]
    compile_cpu_time: Option<Duration>,
    /// Memory for compiling one file [default: 2GiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_COMPILE_MEMORY", value_parser = size)]
    compile_memory: Option<usize>,
    /// CPU time of one event from which on the log tells of it [default: 100ms]
    #[arg(long, value_name = "TIME", env = "SOCKLET_EVENT_CPU_WARNING", value_parser = duration)]
    event_cpu_warning: Option<Duration>,
    /// CPU time that one event may use [default: 1s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_EVENT_CPU_TIME", value_parser = duration)]
    event_cpu_time: Option<Duration>,
    /// Time that one event may take from its start or its last return from waiting [default: 30s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_EVENT_WALL_TIME", value_parser = duration)]
    event_wall_time: Option<Duration>,
    /// Requests of one instance to upstreams at a time [default: 8]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_HTTP_REQUESTS", value_parser = positive)]
    max_http_requests: Option<usize>,
    /// Requests of all instances of a handler to upstreams at a time [default: 256]
    #[arg(
        long,
        value_name = "N",
        env = "SOCKLET_MAX_HANDLER_HTTP_REQUESTS",
        value_parser = positive
    )]
    max_handler_http_requests: Option<usize>,
    /// Longest body of a request to an upstream [default: 1MiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_HTTP_REQUEST_SIZE", value_parser = size)]
    max_http_request_size: Option<usize>,
    /// Longest body of an upstream's answer [default: 8MiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_HTTP_RESPONSE_SIZE", value_parser = size)]
    max_http_response_size: Option<usize>,
    /// Time that an upstream may let pass without a sign of it [default: 20s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_HTTP_TIMEOUT", value_parser = duration)]
    http_timeout: Option<Duration>,
    /// Time from the start of a request to an upstream to the end of its answer [default: 5m]
    #[arg(long, value_name = "TIME", env = "SOCKLET_HTTP_TOTAL_TIME", value_parser = duration)]
    http_total_time: Option<Duration>,
}

impl LimitFlags {
    /// Replaces the defaults in `config` by what was set.
    pub(super) fn apply(&self, config: &mut Config) {
        let limits = &mut config.limits;
        set(&mut limits.max_message_size, self.max_message_size);
        set(&mut limits.max_backpressure, self.max_backpressure);
        set(&mut limits.max_memory, self.max_memory);
        set(&mut limits.max_handler_memory, self.max_handler_memory);
        set(&mut limits.max_handler_queue, self.max_handler_queue);
        set(&mut limits.max_handler_instances, self.max_handler_instances);
        limits.max_message_rate = self.max_message_rate;
        set(&mut limits.max_subscriptions, self.max_subscriptions);
        set(&mut limits.max_topics, self.max_topics);
        set(&mut limits.max_log_rate, self.max_log_rate);
        set(&mut limits.max_snapshot, self.max_snapshot);
        set(&mut limits.max_timers, self.max_timers);
        set(&mut limits.event_cpu_warning, self.event_cpu_warning);
        set(&mut limits.event_cpu_time, self.event_cpu_time);
        set(&mut limits.event_wall_time, self.event_wall_time);
        set(&mut limits.max_http_requests, self.max_http_requests);
        set(&mut limits.max_handler_http_requests, self.max_handler_http_requests);
        set(&mut limits.max_http_request_size, self.max_http_request_size);
        set(&mut limits.max_http_response_size, self.max_http_response_size);
        set(&mut limits.http_timeout, self.http_timeout);
        set(&mut limits.http_total_time, self.http_total_time);
        set(&mut config.max_connections, self.max_connections);
        set(&mut config.max_connections_per_address, self.max_connections_per_address);
        set(&mut config.max_handshake_rate, self.max_handshake_rate);
        config.max_instances = self.max_instances;
        set(&mut config.max_total_memory, self.max_total_memory);
        set(&mut config.max_total_queue, self.max_total_queue);
        set(&mut config.max_stack, self.max_stack);
        set(&mut config.max_table_elements, self.max_table_elements);
        set(&mut config.max_cache_size, self.max_cache_size.map(|size| size as u64));
        set(&mut config.max_state_size, self.max_state_size.map(|size| size as u64));
        set(&mut config.compile_limits.cpu_time, self.compile_cpu_time);
        set(&mut config.compile_limits.memory, self.compile_memory);
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Timeouts")]
pub(super) struct TimeoutFlags {
    /// For a handshake, with TLS and the PROXY protocol where they are on [default: 10s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_HANDSHAKE_TIMEOUT", value_parser = duration)]
    handshake_timeout: Option<Duration>,
    /// For the peer to answer a close frame [default: 5s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_CLOSE_TIMEOUT", value_parser = duration)]
    close_timeout: Option<Duration>,
    /// For the peer to take something of what waits to be sent [default: 30s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_WRITE_TIMEOUT", value_parser = duration)]
    write_timeout: Option<Duration>,
    /// Silence of the peer before a ping [default: 25s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_PING_INTERVAL", value_parser = duration)]
    ping_interval: Option<Duration>,
    /// Silence of the peer before it is given up [default: 50s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_PONG_TIMEOUT", value_parser = duration)]
    pong_timeout: Option<Duration>,
    /// Without a message either way before the connection is closed with 1001 [default: for ever]
    #[arg(long, value_name = "TIME", env = "SOCKLET_IDLE_TIMEOUT", value_parser = duration)]
    idle_timeout: Option<Duration>,
    /// On shutdown, between failing /readyz and closing the listeners [default: 0s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_SHUTDOWN_DELAY", value_parser = duration)]
    shutdown_delay: Option<Duration>,
    /// For all connections to end on shutdown [default: 10s]
    #[arg(long, value_name = "TIME", env = "SOCKLET_SHUTDOWN_TIMEOUT", value_parser = duration)]
    shutdown_timeout: Option<Duration>,
    /// Over which connections are closed when another process has taken over [default: 1m]
    #[arg(long, value_name = "TIME", env = "SOCKLET_TAKEOVER_DRAIN", value_parser = duration)]
    takeover_drain: Option<Duration>,
    /// For the connections of a replaced handler to end on their own [default: 24h]
    #[arg(long, value_name = "TIME", env = "SOCKLET_DRAIN_TIMEOUT", value_parser = duration)]
    drain_timeout: Option<Duration>,
}

impl TimeoutFlags {
    /// Replaces the defaults by what was set.
    pub(super) fn apply(&self, timeouts: &mut Timeouts) {
        set(&mut timeouts.handshake, self.handshake_timeout);
        set(&mut timeouts.close, self.close_timeout);
        set(&mut timeouts.write, self.write_timeout);
        set(&mut timeouts.ping_interval, self.ping_interval);
        set(&mut timeouts.pong, self.pong_timeout);
        timeouts.idle = self.idle_timeout;
        set(&mut timeouts.shutdown_delay, self.shutdown_delay);
        set(&mut timeouts.shutdown, self.shutdown_timeout);
        set(&mut timeouts.takeover_drain, self.takeover_drain);
        set(&mut timeouts.drain, self.drain_timeout);
    }
}
