//! The command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::client::Target;
use crate::meter::{Meter, Usage};
use crate::modes::{broadcast, echo, idle, start, storm, swap};
use crate::{serve, table};

/// Measures WebSocket servers
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Messages that a server echoes
    Echo(At<echo::Load>),
    /// Connections that are opened, greeted with Hello! and closed
    Storm(At<storm::Load>),
    /// Connections that are held: memory of each, CPU time at rest
    Idle(At<idle::Load>),
    /// One publishes, many receive
    Broadcast(At<broadcast::Load>),
    /// Clients of an echo while its file is replaced
    Swap(At<swap::Load>),
    /// The time from the start of socklet to when many handlers serve
    Start {
        /// socklet's binary [default: that beside this one]
        #[arg(long)]
        socklet: Option<PathBuf>,
        #[command(flatten)]
        load: start::Load,
    },
    /// All of these, of all servers that are installed, side by side
    Table(table::Options),
    /// Be an echo server, to be measured against
    Serve(serve::Options),
}

#[derive(Args)]
struct At<Load: Args> {
    /// ws://HOST:PORT/PATH
    url: Target,
    /// The server's process, of which CPU time and memory are told
    #[arg(long)]
    pid: Option<u32>,
    #[command(flatten)]
    load: Load,
}

impl<Load: Args> At<Load> {
    fn meter(&self) -> Meter {
        Meter::new(self.pid)
    }
}

/// Does what the command line says.
pub(crate) fn run() -> Result<()> {
    let cli = Cli::parse();
    raise_descriptors()?;
    match cli.command {
        Command::Echo(at) => tell_rate("messages", &echo::run(&at.url, &at.load, at.meter())?),
        Command::Storm(at) => tell_rate("connections", &storm::run(&at.url, &at.load, at.meter())?),
        Command::Broadcast(at) => {
            tell_rate("deliveries", &broadcast::run(&at.url, &at.load, at.meter())?);
        }
        Command::Idle(at) => tell_idle(&idle::run(&at.url, &at.load, at.pid)?),
        Command::Swap(at) => tell_swap(&swap::run(&at.url, &at.load, at.meter())?),
        Command::Start { socklet, load } => {
            let start::Outcome { cold, warm, usage } =
                start::run(&table::Options::places(socklet)?, &load, None)?;
            println!("{cold:.0?} with everything to compile, {warm:.0?} with nothing");
            tell_disturbance(&usage);
        }
        Command::Table(options) => table::run(&options)?,
        Command::Serve(options) => serve::run(options)?,
    }
    Ok(())
}

/// Lets this process have as many descriptors as it may.
fn raise_descriptors() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

fn tell_rate(what: &str, outcome: &echo::Outcome) {
    let latency = outcome.latency;
    println!("{:.0} {what}/s", outcome.rate());
    println!("p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs", latency.p50, latency.p99, latency.p999);
    if let Some(cpu) = outcome.cpu() {
        println!("{cpu:.2} µs of the server's CPU time each");
    }
    tell_disturbance(&outcome.usage);
}

fn tell_idle(outcome: &idle::Outcome) {
    println!("{} served, {} refused", outcome.served, outcome.refused);
    if let Some(refusal) = &outcome.refusal {
        println!("the first was {refusal}");
    }
    let memory = [
        ("resident", outcome.resident),
        ("of it anonymous", outcome.anonymous),
        ("proportional", outcome.proportional),
    ];
    for (name, bytes) in memory {
        if let Some(bytes) = bytes {
            println!("{:.1} KiB {name} for each connection", bytes / 1024.0);
        }
    }
    if let Some(share) = outcome.at_rest() {
        println!("{:.2} % of a core at rest", share * 100.0);
    }
    tell_disturbance(&outcome.usage);
}

fn tell_swap(outcome: &swap::Outcome) {
    println!("{} swaps took effect, {} connections dropped", outcome.took_effect, outcome.dropped);
    let (median, worst) =
        (outcome.median.as_secs_f64() * 1e3, outcome.worst_gap.as_secs_f64() * 1e3);
    println!("{median:.2} ms between answers, at worst {worst:.2} ms more");
    tell_disturbance(&outcome.usage);
}

fn tell_disturbance(usage: &Usage) {
    if usage.is_disturbed() {
        let share = usage.foreign.unwrap_or_default() * 100.0;
        println!("disturbed: {share:.0} % of all cores was busy with something else");
    }
}
