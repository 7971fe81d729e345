//! The command line. Every flag has a `SOCKLET_*` variable.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use socklet::compiler::{CompileLimits, compile_stdin};
use socklet::config::{Config, Limits, ProxyHeader, Timeouts, TrustedProxy};
use socklet::listener::ListenAddress;
use socklet::tls::TlsFiles;

/// Serve WebSocket connections with sandboxed WebAssembly components.
///
/// `socklet` alone is `socklet serve`.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the handlers in a directory, and what becomes of them.
    ///
    /// chat.wasm serves /chat, games/chess.wasm serves /games/chess, index.wasm
    /// serves its folder. Files that are added or replaced take effect at once, and
    /// open connections stay; those of a file that stays away for two seconds are
    /// closed.
    #[command(after_help = EXAMPLES)]
    Serve(Box<Serve>),
    /// Compile a component from stdin: what `serve` calls for each file.
    #[command(hide = true)]
    Compile(Compile),
}

/// What the command line asks for.
pub(crate) enum Job {
    Serve(Box<Serve>),
    Compile(Compile),
}

#[derive(Args, Debug)]
pub(crate) struct Compile {
    #[arg(long)]
    cpu_seconds: u64,
    #[arg(long)]
    memory: usize,
    #[arg(long)]
    output: PathBuf,
}

impl Compile {
    pub(crate) fn run(&self) -> ExitCode {
        let cpu_time = Duration::from_secs(self.cpu_seconds);
        let limits = CompileLimits { cpu_time, memory: self.memory };
        match compile_stdin(limits, &self.output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::from(why.exit_status())
            }
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  socklet                                      the embedded examples on 127.0.0.1:9000
  socklet serve handlers                       every .wasm below ./handlers
  socklet serve handlers --listen 0.0.0.0:80 --host chat.example.com
  socklet serve handlers --listen unix:/run/socklet.sock --trusted-proxy unix

Exit codes: 0 after SIGTERM or SIGINT, 1 when it can't serve, 2 for a wrong command line.";

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The handlers' directory [default: ./handlers, or the embedded examples where there is none]
    #[arg(env = "SOCKLET_DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Address to listen on, or unix: and a path; may be given more than once. Port 0 takes a
    /// free one [default: the sockets that systemd passes, or 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR", env = "SOCKLET_LISTEN", value_delimiter = ',')]
    pub(crate) listen: Vec<ListenAddress>,
    /// Listener, as it is written in --listen, on which each socket has to begin with a header
    /// of the PROXY protocol. Whoever reaches it is believed about its address
    #[arg(long, value_name = "ADDR", env = "SOCKLET_PROXY_PROTOCOL", value_delimiter = ',')]
    pub(crate) proxy_protocol: Vec<ListenAddress>,
    /// Certificate chain in PEM: clients connect with TLS then. Taken up anew when it changes
    #[arg(long, value_name = "FILE", env = "SOCKLET_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", env = "SOCKLET_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authorities in PEM: clients need a certificate of one of them
    #[arg(long, value_name = "FILE", env = "SOCKLET_TLS_CLIENT_CA", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Address for /healthz, /readyz and /metrics [default: none]
    #[arg(long, value_name = "ADDR", env = "SOCKLET_ADMIN")]
    pub(crate) admin: Option<SocketAddr>,
    /// What is logged: a level (error, warn, info, debug, trace) or a filter as in RUST_LOG
    #[arg(long, value_name = "FILTER", env = "SOCKLET_LOG")]
    pub(crate) log: Option<String>,
    /// How it is logged, to stderr
    #[arg(long, value_name = "FORMAT", env = "SOCKLET_LOG_FORMAT", default_value = "human")]
    pub(crate) log_format: LogFormat,
    /// Show browsers the test page [default: on loopback listeners only]
    #[arg(
        long,
        env = "SOCKLET_TEST_PAGE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    test_page: Option<bool>,
    /// Origin that may connect from a browser beside this server's own; * allows all
    #[arg(long, value_name = "ORIGIN", env = "SOCKLET_ALLOW_ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<String>,
    /// Name under which browsers reach this server
    #[arg(long, value_name = "NAME", env = "SOCKLET_HOST", value_delimiter = ',')]
    host: Vec<String>,
    /// Network of proxies that are believed about whom they speak for, such as 10.0.0.0/8, or
    /// unix for peers on Unix sockets
    #[arg(long, value_name = "CIDR", env = "SOCKLET_TRUSTED_PROXY", value_delimiter = ',')]
    trusted_proxy: Vec<TrustedProxy>,
    /// The header that these proxies write; the other is not read, since a client may have
    #[arg(
        long,
        value_name = "HEADER",
        env = "SOCKLET_PROXY_HEADER",
        default_value = "x-forwarded-for"
    )]
    proxy_header: ProxyHeaderFlag,
    /// Where compiled handlers are kept [default: socklet in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "SOCKLET_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    timeouts: TimeoutFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProxyHeaderFlag {
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
struct LimitFlags {
    /// Connections in all; one more is refused with 503
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
    /// Call stack of a guest [default: 512KiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_STACK", value_parser = size)]
    max_stack: Option<usize>,
    /// Elements of one table of a guest [default: 20000]
    #[arg(long, value_name = "N", env = "SOCKLET_MAX_TABLE_ELEMENTS", value_parser = positive)]
    max_table_elements: Option<usize>,
    /// Bytes that a handler may log in a second; more is dropped [default: 256KiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_LOG_RATE", value_parser = size)]
    max_log_rate: Option<usize>,
    /// Bytes of compiled handlers that are kept; the longest unused go first [default: 4GiB]
    #[arg(long, value_name = "SIZE", env = "SOCKLET_MAX_CACHE_SIZE", value_parser = size)]
    max_cache_size: Option<usize>,
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
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Timeouts")]
struct TimeoutFlags {
    /// For a handshake, and before that for TLS and the PROXY protocol [default: 10s]
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
    /// For the connections of a replaced handler to end on their own [default: 24h]
    #[arg(long, value_name = "TIME", env = "SOCKLET_DRAIN_TIMEOUT", value_parser = duration)]
    drain_timeout: Option<Duration>,
}

impl Cli {
    pub(crate) fn job(self) -> Job {
        match self.command {
            Some(Command::Serve(serve)) => Job::Serve(serve),
            Some(Command::Compile(compile)) => Job::Compile(compile),
            None => Job::Serve(Box::new(self.serve)),
        }
    }
}

impl Serve {
    pub(crate) fn config(&self) -> Config {
        let default = Config::default();
        let (limits, timeouts) = (default.limits, default.timeouts);
        let flags = &self.limits;
        let times = &self.timeouts;
        Config {
            limits: Limits {
                max_message_size: flags.max_message_size.unwrap_or(limits.max_message_size),
                max_backpressure: flags.max_backpressure.unwrap_or(limits.max_backpressure),
                max_memory: flags.max_memory.unwrap_or(limits.max_memory),
                max_handler_memory: flags.max_handler_memory.unwrap_or(limits.max_handler_memory),
                max_handler_queue: flags.max_handler_queue.unwrap_or(limits.max_handler_queue),
                max_handler_instances: flags
                    .max_handler_instances
                    .unwrap_or(limits.max_handler_instances),
                max_message_rate: flags.max_message_rate,
                event_cpu_warning: flags.event_cpu_warning.unwrap_or(limits.event_cpu_warning),
                max_log_rate: flags.max_log_rate.unwrap_or(limits.max_log_rate),
                event_cpu_time: flags.event_cpu_time.unwrap_or(limits.event_cpu_time),
                event_wall_time: flags.event_wall_time.unwrap_or(limits.event_wall_time),
            },
            timeouts: Timeouts {
                handshake: times.handshake_timeout.unwrap_or(timeouts.handshake),
                close: times.close_timeout.unwrap_or(timeouts.close),
                write: times.write_timeout.unwrap_or(timeouts.write),
                ping_interval: times.ping_interval.unwrap_or(timeouts.ping_interval),
                pong: times.pong_timeout.unwrap_or(timeouts.pong),
                idle: times.idle_timeout,
                shutdown_delay: times.shutdown_delay.unwrap_or(timeouts.shutdown_delay),
                shutdown: times.shutdown_timeout.unwrap_or(timeouts.shutdown),
                drain: times.drain_timeout.unwrap_or(timeouts.drain),
            },
            max_connections: flags.max_connections.unwrap_or(default.max_connections),
            max_connections_per_address: flags
                .max_connections_per_address
                .unwrap_or(default.max_connections_per_address),
            max_handshake_rate: flags.max_handshake_rate.unwrap_or(default.max_handshake_rate),
            trusted_proxies: self.trusted_proxy.clone(),
            proxy_header: match self.proxy_header {
                ProxyHeaderFlag::XForwardedFor => ProxyHeader::XForwardedFor,
                ProxyHeaderFlag::Forwarded => ProxyHeader::Forwarded,
            },
            max_instances: flags.max_instances,
            max_total_memory: flags.max_total_memory.unwrap_or(default.max_total_memory),
            max_total_queue: flags.max_total_queue.unwrap_or(default.max_total_queue),
            max_stack: flags.max_stack.unwrap_or(default.max_stack),
            max_table_elements: flags.max_table_elements.unwrap_or(default.max_table_elements),
            tls: self.tls(),
            allow_origins: self.allow_origin.clone(),
            hosts: self.host.clone(),
            test_page: self.test_page,
            cache: None,
            max_cache_size: flags.max_cache_size.map_or(default.max_cache_size, |size| size as u64),
            compiler: None,
            compile_limits: CompileLimits {
                cpu_time: flags.compile_cpu_time.unwrap_or(default.compile_limits.cpu_time),
                memory: flags.compile_memory.unwrap_or(default.compile_limits.memory),
            },
        }
    }
}

impl Serve {
    /// Clap sees to it that there are both files or none.
    pub(crate) fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsFiles { certificate, key, client_authorities: self.tls_client_ca.clone() })
    }
}

/// A duration such as `30s` or `1m 30s`, more than nothing and at most a year.
fn duration(text: &str) -> Result<Duration, String> {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}: write it like 500ms, 30s or 1h"))?;
    if duration.is_zero() || duration > YEAR {
        return Err("must be more than 0s and at most 365d".into());
    }
    Ok(duration)
}

/// A size such as `64KiB`, at least a byte.
fn size(text: &str) -> Result<usize, String> {
    let size: ByteSize =
        text.parse().map_err(|error| format!("{error}: write it like 1000, 64KiB or 1MiB"))?;
    match usize::try_from(size.as_u64()) {
        Ok(0) => Err("must be at least 1 byte".into()),
        Ok(size) => Ok(size),
        Err(error) => Err(error.to_string()),
    }
}

/// A size that a single peer may make the host reserve.
fn message_size(text: &str) -> Result<usize, String> {
    const LARGEST: usize = 1 << 30;
    size(text).and_then(|size| match size {
        ..=LARGEST => Ok(size),
        _ => Err("must be at most 1GiB".into()),
    })
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_variable() {
        for command in [Cli::command(), Cli::command().find_subcommand("serve").unwrap().clone()] {
            for arg in command.get_arguments().filter(|arg| arg.get_long().is_some()) {
                let flag = arg.get_long().unwrap();
                if matches!(flag, "help" | "version") {
                    continue;
                }
                let variable = format!("SOCKLET_{}", flag.to_uppercase().replace('-', "_"));
                assert_eq!(arg.get_env().and_then(|name| name.to_str()), Some(variable.as_str()));
            }
        }
    }

    #[test]
    fn alone_it_serves() {
        let listen = |args: &[&str]| match Cli::parse_from(args).job() {
            Job::Serve(serve) => serve.listen,
            Job::Compile(_) => panic!("{args:?}"),
        };
        let alone = listen(&["socklet", "--listen", "127.0.0.1:1"]);
        assert_eq!(alone, listen(&["socklet", "serve", "--listen", "127.0.0.1:1"]));
    }
}
