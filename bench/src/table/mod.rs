//! The whole table: every contender in every row, over several rounds.

mod columns;
mod contender;
mod figures;
mod machine;
mod page;
mod peer;
mod plot;
mod render;
mod rounds;
mod rows;
mod server;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use figures::Series;
use machine::Pins;
pub(crate) use peer::{Peer, Places};
use rounds::{Patience, take, turns};
use rows::{Row, rows};
pub(crate) use server::{Server, Start};

/// What is measured, and how long.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Samples of each contender in each row
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// For how long each sample measures
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How often a sample that foreign load spoiled is taken anew
    #[arg(long, default_value_t = 3)]
    retries: usize,
    /// All rows once and quickly, to see that the instrument works. Writes nothing
    #[arg(long)]
    brief: bool,
    /// Only these rows: echo-1, echo-16, echo-16k, storm, languages, threads-1, threads-16,
    /// idle, full, swap, start, broadcast. Writes nothing
    #[arg(long, value_name = "ROW")]
    only: Vec<String>,
    /// socklet's binary [default: that beside this one]
    #[arg(long)]
    socklet: Option<PathBuf>,
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    seconds: f64,
    warm_up: f64,
    most_connections: usize,
    idle: usize,
    /// For how long idle connections rest.
    rest: f64,
    full: usize,
    swaps: usize,
    handlers: u64,
    subscribers: usize,
}

/// What is needed to take a sample.
pub(crate) struct Bench {
    places: Places,
    pins: Option<Pins>,
    /// Where socklet keeps what it has compiled.
    cache: PathBuf,
    patience: Patience,
}

/// A row with what was found.
struct Measured {
    row: Row,
    series: Vec<Series>,
}

impl Options {
    #[cfg(test)]
    fn brief() -> Self {
        let (only, socklet) = (Vec::new(), None);
        Self { rounds: 1, seconds: 1.0, retries: 0, brief: true, only, socklet }
    }

    fn size(&self) -> Size {
        if self.brief {
            return Size {
                seconds: 0.1,
                warm_up: 0.02,
                most_connections: 5,
                idle: 200,
                rest: 0.2,
                full: 300,
                swaps: 2,
                handlers: 5,
                subscribers: 20,
            };
        }
        Size {
            seconds: self.seconds,
            warm_up: 0.3,
            most_connections: 50,
            idle: 10_000,
            // Long enough for each connection's ping, which comes after 25 s of silence.
            rest: 30.0,
            full: 19_000,
            swaps: 20,
            handlers: 50,
            subscribers: 10_000,
        }
    }

    /// Where things are, if they are built.
    pub(crate) fn places(socklet: Option<PathBuf>) -> Result<Places> {
        // Not where it was built: that may be another clone, of the same target folder.
        let here = std::env::current_dir()?;
        let root = here.ancestors().find(|folder| folder.join("bench/peers").is_dir());
        let root = root.context("run it within the repository, or by scripts/bench")?.to_owned();
        let own = std::env::current_exe()?;
        let socklet = socklet.unwrap_or_else(|| own.with_file_name("socklet"));
        ensure!(socklet.exists(), "{}: build it first", socklet.display());
        Ok(Places { root, socklet, own })
    }
}

/// Measures, and writes docs/performance.md and its plot.
pub(crate) fn run(options: &Options) -> Result<()> {
    let places = Options::places(options.socklet.clone())?;
    let pins = Pins::of_this_machine();
    let cache = std::env::temp_dir().join("socklet-bench-cache");
    let spoiled = if options.brief { 0 } else { options.retries };
    let patience = Patience { spoiled, failed: 1, pause: Duration::from_secs(3) };
    let bench = Bench { places, pins, cache, patience };
    if bench.pins.is_none() {
        eprintln!("one core only: server and client share it");
    }

    let mut rows = rows(&options.size());
    if !options.only.is_empty() {
        let known: Vec<&str> = rows.iter().map(|row| row.id).collect();
        for id in &options.only {
            ensure!(known.contains(&id.as_str()), "no row {id}: there are {}", known.join(", "));
        }
        rows.retain(|row| options.only.iter().any(|id| id == row.id));
    }
    let rounds = if options.brief { 1 } else { options.rounds };
    ensure!(rounds > 0, "there is nothing to measure");
    let table =
        rows.into_iter().map(|row| bench.measure(row, rounds)).collect::<Result<Vec<_>>>()?;

    let text = render::table(&table, rounds);
    if options.brief || !options.only.is_empty() {
        println!("{text}");
    } else {
        page::write(&bench.places, &text, &plot::svg(&table))?;
    }
    bench.judge(&table)
}

impl Bench {
    /// Takes a row's samples.
    fn measure(&self, row: Row, rounds: usize) -> Result<Measured> {
        let mut series = Vec::new();
        for contender in &row.contenders {
            let remark = contender.is_missing(&self.places);
            if let Some(remark) = &remark {
                eprintln!("{}: {}: {remark}", row.id, contender.name);
            }
            series.push(Series { name: contender.name, remark, ..Series::default() });
        }
        let absent: Vec<bool> = series.iter().map(|series| series.remark.is_some()).collect();
        for round in 0..rounds {
            for number in turns(round, series.len()).filter(|number| !absent[*number]) {
                let (contender, series) = (&row.contenders[number], &mut series[number]);
                if let Some(pins) = &self.pins {
                    pins.bind_client(contender.pinned)?;
                }
                let tell = |what: &str| {
                    eprintln!("{} {}: {}: {what}", row.id, round + 1, contender.name);
                };
                let sample = || row.work.sample(contender, self);
                take(series, row.columns.len(), self.patience, sample, tell);
                if let Some(figures) = series.samples.last() {
                    let column = row.columns[0];
                    tell(&format!("{} {}", render::number(figures[0], column.digits), column.head));
                }
            }
        }
        Ok(Measured { row, series })
    }

    /// Whether all that are there did what was asked.
    fn judge(&self, table: &[Measured]) -> Result<()> {
        let mut failed = Vec::new();
        for Measured { row, series } in table {
            for (contender, series) in row.contenders.iter().zip(series) {
                let ours = contender.peer.is_ours() && !contender.lacks_guest(&self.places);
                let there = contender.is_missing(&self.places).is_none();
                if (ours || there) && series.spread(0).is_none() {
                    let remark = series.remark.as_deref().unwrap_or("no sample");
                    failed.push(format!("{}: {}: {remark}", row.id, series.name));
                }
            }
        }
        ensure!(failed.is_empty(), "{}", failed.join("\n"));
        Ok(())
    }
}
