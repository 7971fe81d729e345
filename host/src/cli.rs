//! The command line. Every flag of `serve` has a `SOCKLET_*` variable.

mod config_file;
mod files;
mod limits;
mod policy;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use socklet::compiler::{CompileLimits, compile_stdin};
use socklet::config::{Config, ProxyHeader, TrustedProxy};
use socklet::listener::ListenAddress;
use socklet::tls::TlsFiles;
use socklet::written::{host_name, origin};

use crate::author::{Build, Componentize, Connect, Dev, Inspect, New};
use crate::output::print;
pub(crate) use config_file::parse;
pub(crate) use files::{Check, Embed};
use limits::{LimitFlags, TimeoutFlags};
use policy::PolicyFlags;

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
    /// serves its folder, unless a manifest beside it (chat.toml) says otherwise. Files
    /// that are added or replaced take effect at once, and open connections stay; those
    /// that share an instance are closed with 1012 to come back to the new one, where
    /// the manifest says nothing else. Those of a file that stays away for two seconds
    /// are closed.
    #[command(after_help = EXAMPLES)]
    Serve(Box<Serve>),
    /// Make a project for a handler, which builds at once.
    New(New),
    /// Build the handler of a project: one checked component.
    ///
    /// The language's own tools do it, those that its SDK names; where one is missing, it is
    /// said how to install it.
    Build(Build),
    /// Serve the handler of a project, and build it anew whenever its sources change.
    Dev(Dev),
    /// Say what a component is: its world, what it imports and exports, and who made it.
    Inspect(Inspect),
    /// Speak to a WebSocket server from the terminal.
    Connect(Connect),
    /// Say what serving these files would say, and what they would need granted.
    Check(Box<Check>),
    /// Put a manifest into a component, so that the two can't be torn apart.
    Embed(Embed),
    /// Print the JSON Schema of manifests, for editors.
    #[command(after_help = "\
Example:
  socklet schema > manifest.schema.json")]
    Schema,
    /// Print what a shell needs to complete this command line.
    #[command(after_help = "\
Example:
  socklet completions bash > ~/.local/share/bash-completion/completions/socklet")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write one for each command into a folder.
    #[command(after_help = "\
Examples:
  socklet man | man -l -
  socklet man --output /usr/local/share/man/man1")]
    Man {
        /// The folder
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Make a component of a core module: what `build` does with what a compiler leaves.
    #[command(hide = true)]
    Componentize(Componentize),
    /// Compile a component from stdin: what `serve` calls for each file.
    #[command(hide = true)]
    Compile(Compile),
}

/// What the command line asks for.
pub(crate) enum Job {
    Serve(Box<Serve>),
    Check(Box<Check>),
    Embed(Embed),
    Schema,
    New(New),
    Build(Build),
    Componentize(Componentize),
    Dev(Dev),
    Inspect(Inspect),
    Connect(Box<Connect>),
    Completions(Shell),
    Man(Option<PathBuf>),
    Compile(Compile),
}

/// What to serve, as `dev` writes it.
#[derive(Debug, Parser)]
#[command(name = "socklet dev --", disable_help_subcommand = true)]
pub(crate) struct ServeAlone {
    #[command(flatten)]
    pub(crate) serve: Box<Serve>,
}

/// Prints what the shell has to know.
pub(crate) fn complete(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "socklet", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints the manual page, or writes all of them into a folder.
pub(crate) fn write_manual(folder: Option<&Path>) -> anyhow::Result<()> {
    let command = Cli::command();
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return print(&String::from_utf8_lossy(&page));
    };
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written.with_context(|| format!("{}: can't be written to", folder.display()))
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
  socklet serve handlers --static public       a page of one's own beside them
  socklet serve handlers --listen unix:/run/socklet.sock --trusted-proxy unix
  socklet serve --config /etc/socklet.toml --untrusted
  socklet serve handlers --takeover            in place of the one that runs, if any
  socklet new hello --lang python && cd hello && socklet dev
  socklet check handlers/chat.wasm             what serving it would say
  socklet embed chat.wasm --manifest chat.toml

Exit codes: 0 after SIGTERM or SIGINT; 1 when it can't serve, or check finds what would not be
served; 2 for a wrong command line or --config file.";

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The handlers' directory [default: ./handlers, or the embedded examples where there is none]
    #[arg(env = "SOCKLET_DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) policy: PolicyFlags,
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
    /// Address for an operator's tools: health, metrics and, with the token, the API [default:
    /// none]
    #[arg(long, value_name = "ADDR", env = "SOCKLET_ADMIN")]
    pub(crate) admin: Option<SocketAddr>,
    /// File with the token that these tools show; made where it is missing, and for nobody else to
    /// read [default: admin-token in the folder of compiled handlers]
    #[arg(long, value_name = "FILE", env = "SOCKLET_ADMIN_TOKEN_FILE", requires = "admin")]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// Take the listeners over from the process that serves and was started like this, if there
    /// is one, so that no handshake is refused while one replaces the other. They meet at this
    /// Unix socket, which is for their user alone [default: beside compiled handlers, by the first
    /// listener]
    #[arg(
        long,
        value_name = "PATH",
        env = "SOCKLET_TAKEOVER",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    pub(crate) takeover: Option<PathBuf>,
    /// Directory of files that browsers get where no handler matches: a page of one's own
    #[arg(long = "static", value_name = "DIR", env = "SOCKLET_STATIC")]
    static_files: Option<PathBuf>,
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
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "SOCKLET_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_parser = origin
    )]
    allow_origin: Vec<String>,
    /// Name under which browsers reach this server
    #[arg(
        long,
        value_name = "NAME",
        env = "SOCKLET_HOST",
        value_delimiter = ',',
        value_parser = host_name
    )]
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
    /// Roll a generation back that fails for more peers than the one before it, within 30s of its
    /// swap
    #[arg(
        long,
        env = "SOCKLET_AUTO_ROLLBACK",
        num_args = 0..=1,
        require_equals = true,
        default_value = "true",
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    auto_rollback: bool,
    /// Where compiled handlers are kept [default: socklet in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "SOCKLET_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where it is kept what serves and what was rolled back, for the next start [default: what
    /// systemd's StateDirectory= names, or socklet in the user's state folder]
    #[arg(long, value_name = "DIR", env = "SOCKLET_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Keep nothing of that, whatever --state-dir says
    #[arg(
        long,
        env = "SOCKLET_NO_STATE",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub(crate) no_state: bool,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    timeouts: TimeoutFlags,
    /// Somebody works on what is served: see `dev`.
    #[arg(skip)]
    pub(crate) development: bool,
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

impl Cli {
    pub(crate) fn job(self) -> Job {
        match self.command {
            Some(Command::Serve(serve)) => Job::Serve(serve),
            Some(Command::Check(check)) => Job::Check(check),
            Some(Command::Embed(embed)) => Job::Embed(embed),
            Some(Command::Schema) => Job::Schema,
            Some(Command::New(new)) => Job::New(new),
            Some(Command::Build(build)) => Job::Build(build),
            Some(Command::Componentize(componentize)) => Job::Componentize(componentize),
            Some(Command::Dev(dev)) => Job::Dev(dev),
            Some(Command::Inspect(inspect)) => Job::Inspect(inspect),
            Some(Command::Connect(connect)) => Job::Connect(Box::new(connect)),
            Some(Command::Completions { shell }) => Job::Completions(shell),
            Some(Command::Man { output }) => Job::Man(output),
            Some(Command::Compile(compile)) => Job::Compile(compile),
            None => Job::Serve(Box::new(self.serve)),
        }
    }
}

impl Serve {
    pub(crate) fn config(&self) -> Config {
        let mut config = Config {
            trusted_proxies: self.trusted_proxy.clone(),
            proxy_header: match self.proxy_header {
                ProxyHeaderFlag::XForwardedFor => ProxyHeader::XForwardedFor,
                ProxyHeaderFlag::Forwarded => ProxyHeader::Forwarded,
            },
            tls: self.tls(),
            allow_origins: self.allow_origin.clone(),
            hosts: self.host.clone(),
            test_page: self.test_page,
            policy: self.policy.policy(),
            static_files: self.static_files.clone(),
            auto_rollback: self.auto_rollback,
            development: self.development,
            ..Config::default()
        };
        self.limits.apply(&mut config);
        self.timeouts.apply(&mut config.timeouts);
        config
    }

    /// Clap sees to it that there are both files or none.
    pub(crate) fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsFiles { certificate, key, client_authorities: self.tls_client_ca.clone() })
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
            _ => panic!("{args:?}"),
        };
        let alone = listen(&["socklet", "--listen", "127.0.0.1:1"]);
        assert_eq!(alone, listen(&["socklet", "serve", "--listen", "127.0.0.1:1"]));
    }
}
