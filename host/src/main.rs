//! The command `socklet`: reads the command line, binds, serves until a signal.

mod author;
mod cli;
mod folders;
mod listen;
mod logging;
mod output;
mod replace;

use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use listenfd::ListenFd;
use socklet::config::Config;
use socklet::listener::{Endpoint, ListenAddress};
use socklet::server::{Handlers, Listeners, Route, Server};
use socklet::takeover::{Handed, Offer, Taken};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use crate::output::{complain, print, say};

fn main() -> ExitCode {
    let job = match cli::parse() {
        Ok(job) => job,
        Err(why) => {
            eprintln!("socklet: {why}");
            return ExitCode::from(2);
        }
    };
    let done = |done: anyhow::Result<()>| done.map(|()| ExitCode::SUCCESS);
    exit(match job {
        cli::Job::Serve(serve) => Ok(serve_until_signal(&serve)),
        cli::Job::Dev(dev) => dev.start().map(|serve| {
            let served = serve_until_signal(&serve);
            author::stop();
            served
        }),
        cli::Job::Compile(compile) => Ok(compile.run()),
        cli::Job::Check(check) => check_files(&check),
        cli::Job::Embed(embed) => done(embed.run()),
        cli::Job::New(new) => done(new.run()),
        cli::Job::Build(build) => build.run(folders::for_code(build.cache_dir.clone())),
        cli::Job::Componentize(componentize) => done(componentize.run()),
        cli::Job::Inspect(inspect) => done(inspect.run()),
        cli::Job::Connect(connect) => connect.run(),
        cli::Job::Schema => done(print(&socklet::manifest::schema())),
        cli::Job::Completions(shell) => done(cli::complete(shell)),
        cli::Job::Man(folder) => done(cli::write_manual(folder.as_deref())),
    })
}

fn serve_until_signal(serve: &cli::Serve) -> ExitCode {
    // It changes the environment, which only a single thread may.
    let passed = ListenFd::from_env();
    let logs = match logging::start(serve.log.as_deref(), serve.log_format) {
        Ok(logs) => logs,
        Err(error) => {
            eprintln!("socklet: {error:#}");
            return ExitCode::from(2);
        }
    };
    // A session's turn may take a millisecond: after eight of them at the latest, and
    // not the usual 61, sockets are looked at again.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().event_interval(8).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("socklet: can't start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(run(serve, passed));
    // A handler that is still being compiled is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    drop(logs);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The exit code, or 1 and what went wrong.
fn exit(done: anyhow::Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

fn check_files(check: &cli::Check) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(check.run())
}

async fn run(serve: &cli::Serve, passed: ListenFd) -> anyhow::Result<()> {
    let handlers = find_handlers(serve.dir.as_deref())?;
    if let (Some(file), Handlers::Directory(directory)) = (&serve.policy.config, &handlers)
        && folders::lies_within(file, directory)
    {
        bail!(
            "{}: lies in the handlers' directory, {}, where whoever can put handlers could \
             change it: move it out, and say where with --config",
            file.display(),
            directory.display()
        );
    }
    let mut config = serve.config();
    let (ping, pong) = (config.timeouts.ping_interval, config.timeouts.pong);
    if ping >= pong {
        bail!(
            "--ping-interval={ping:?} is not shorter than --pong-timeout={pong:?}: quiet peers \
             would be given up before they are asked: set both"
        );
    }
    config.cache = folders::for_code(serve.cache_dir.clone());
    if let Handlers::Directory(directory) = &handlers
        && !serve.no_state
    {
        config.state = folders::for_state(serve.state_dir.clone(), directory)?;
    }
    // This very program, even where its file has been replaced meanwhile.
    config.compiler = Some("/proc/self/exe".into());
    let shutdown = first_signal()?;
    let meeting = match &serve.takeover {
        Some(path) => Some(meeting_place(path, serve, &config)?),
        None => None,
    };
    let mut taken = meeting.as_deref().map(Taken::ask).transpose()?.flatten();
    let (clients, mut offered) = listen::for_clients(serve, passed, taken.as_mut()).await?;
    let endpoints: Vec<_> = clients.iter().map(|client| client.endpoint().clone()).collect();
    let admin = match serve.admin {
        Some(address) => {
            let token = token_file(serve, &config)?;
            let (admin, handed) = listen::for_admin(address, token, taken.as_mut()).await?;
            offered.push(handed);
            Some(admin)
        }
        None => None,
    };
    let (page, files) = (config.test_page, config.static_files.clone());
    let policy = config.policy.summary();
    let source = match &handlers {
        Handlers::Directory(directory) => {
            info!("{policy}");
            format!("handlers in {}; {policy}", directory.display())
        }
        Handlers::Embedded => {
            "the embedded examples (no DIR was given and there is no ./handlers)".to_owned()
        }
    };
    let server = Server::new(config, handlers)?;
    // Whatever can fail has not.
    for Endpoint { address, proxy_protocol } in &endpoints {
        let proxy_protocol = proxy_protocol.then_some(true);
        info!(%address, proxy_protocol, "listening");
    }
    if let Some(admin) = &admin {
        let token = admin.token.file().display();
        info!(address = %admin.socket.local_addr()?, %token, "admin is listening");
    }
    let secure = serve.tls().is_some();
    let ready = move |routes: &[Route]| {
        print_table(&source, &endpoints, routes, page, secure);
        if let Some(files) = &files {
            say(&format!("\nWhere no handler matches, browsers get {}.\n", files.display()));
        }
        info!("ready");
    };
    let shared = taken.is_some();
    let (over, is_over) = tokio::sync::oneshot::channel();
    let ready = move |routes: &[Route]| {
        ready(routes);
        // The receiver is there for as long as the server.
        let _ = over.send(take_over(taken, meeting.as_deref(), offered));
    };
    let taken_over = async {
        match is_over.await {
            Ok(Some(offer)) => offer.taken().await,
            Ok(None) | Err(_) => pending().await,
        }
    };
    server.serve(Listeners { clients, admin, shared }, ready, shutdown, taken_over).await?;
    Ok(())
}

/// Has the old process stop accepting, where there is one, and offers the listeners to the
/// next one, where that is wished for.
fn take_over(taken: Option<Taken>, meeting: Option<&Path>, all: Vec<Handed>) -> Option<Offer> {
    if let Some(taken) = taken {
        for left in taken.left() {
            warn!("the process before listened on {left}, and this one does not");
        }
        match taken.complete() {
            Ok(()) => info!("took over"),
            // It may have given up waiting, and serve on.
            Err(error) if meeting.is_some_and(|path| matches!(Taken::ask(path), Ok(Some(_)))) => {
                error!("the process before serves on, and this one ends: {error}");
                std::process::exit(1);
            }
            Err(error) => warn!("the process before has ended by itself: {error}"),
        }
    }
    match Offer::new(meeting?, all) {
        Ok(offer) => Some(offer),
        Err(error) => {
            warn!("nobody can take over from this process: {error}");
            None
        }
    }
}

/// Where two processes of which one replaces the other meet: as it is said, or in the
/// folder of compiled code, which is their user's alone, by the first listener.
fn meeting_place(path: &Path, serve: &cli::Serve, config: &Config) -> anyhow::Result<PathBuf> {
    if !path.as_os_str().is_empty() {
        return Ok(path.to_owned());
    }
    let folder = config.cache.as_ref();
    let folder = folder.context("there is no folder to meet in: give --takeover=PATH")?;
    let first = serve.listen.first().map_or_else(|| "default".to_owned(), ToString::to_string);
    let name: String =
        first.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(folder.join(format!("takeover-{name}")))
}

fn find_handlers(directory: Option<&Path>) -> anyhow::Result<Handlers> {
    let Some(directory) = directory else {
        let default = Path::new("handlers");
        return Ok(match default.is_dir() {
            true => Handlers::Directory(default.to_owned()),
            false => Handlers::Embedded,
        });
    };
    match std::fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => Ok(Handlers::Directory(directory.to_owned())),
        Ok(_) => bail!(
            "{}: is not a directory: give the directory that holds the .wasm files",
            directory.display()
        ),
        Err(error) => bail!(
            "{}: {error}: create it, or give another DIR (for the commands, see socklet --help)",
            directory.display()
        ),
    }
}

/// Where the token for an operator's tools lies, unless it is said beside compiled code.
fn token_file(serve: &cli::Serve, config: &Config) -> anyhow::Result<PathBuf> {
    let beside_code = || Some(config.cache.as_ref()?.join("admin-token"));
    let file = serve.admin_token_file.clone().or_else(beside_code);
    let file =
        file.context("there is no folder to keep the token of --admin in: set --admin-token-file")?;
    let folder = file.parent().and_then(|folder| Path::new(".").join(folder).canonicalize().ok());
    let public = config.static_files.as_ref().and_then(|files| files.canonicalize().ok());
    if folder.zip(public).is_some_and(|(folder, public)| folder.starts_with(public)) {
        bail!("{}: --static would make it public: set another --admin-token-file", file.display());
    }
    Ok(file)
}

/// Completes with the first SIGTERM or SIGINT. A second one ends the process at once.
fn first_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("can't listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("can't listen for SIGINT")?;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut stop = Some(stop);
        loop {
            let status = tokio::select! {
                _ = terminate.recv() => 128 + 15,
                _ = interrupt.recv() => 128 + 2,
            };
            match stop.take() {
                Some(stop) => {
                    info!("shutting down; a second signal ends at once");
                    // The server may have ended on its own.
                    let _ = stop.send(());
                }
                None => {
                    author::stop();
                    std::process::exit(status)
                }
            }
        }
    });
    Ok(async {
        // The task above sends, or runs for ever.
        let _ = stopped.await;
    })
}

/// What is served where, to stdout, each as a URL that one can paste where it is one.
fn print_table(
    source: &str,
    endpoints: &[Endpoint],
    routes: &[Route],
    page: Option<bool>,
    secure: bool,
) {
    let s = if secure { "s" } else { "" };
    let mut text = format!("socklet {} serves {source}\n", env!("CARGO_PKG_VERSION"));
    let width = routes.iter().map(|route| route.path.len()).max().unwrap_or(0);
    for endpoint in endpoints {
        let address = match &endpoint.address {
            // No URL leads to "any address".
            ListenAddress::Tcp(address) if address.ip().is_unspecified() => {
                format!("localhost:{}", address.port())
            }
            address => address.to_string(),
        };
        let has_urls =
            matches!(endpoint.address, ListenAddress::Tcp(_)) && !endpoint.proxy_protocol;
        let shows_page = has_urls && page.unwrap_or(endpoint.is_loopback());
        text.push('\n');
        for Route { path, host, is_pattern, loaded } in routes {
            let note = match (loaded, is_pattern) {
                (false, _) => "   (not loaded: see the log)",
                (true, true) => "   (a pattern: fill in what is in braces)",
                (true, false) => "",
            };
            let address = match (host, &endpoint.address) {
                (Some(host), ListenAddress::Tcp(tcp)) => format!("{host}:{}", tcp.port()),
                _ => address.clone(),
            };
            text += &match has_urls {
                true => format!("  ws{s}://{address}{path:width$}"),
                false => format!("  {address} ({path})"),
            };
            if shows_page && !is_pattern {
                text += &format!("   http{s}://{address}{path:width$}");
            }
            text.truncate(text.trim_end().len());
            text += note;
            text.push('\n');
        }
        if routes.is_empty() {
            text +=
                &format!("  no handlers yet: put a .wasm file there to serve it on {address}\n");
        } else if shows_page {
            text += &format!("\nOpen http{s}://{address}/ in a browser to try them.\n");
        } else if endpoint.proxy_protocol {
            text += &format!("\n{address} is for proxies that speak the PROXY protocol.\n");
        }
    }
    say(&text);
}
