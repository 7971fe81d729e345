//! The command line together with the file that `--config` names. What is written on
//! the command line comes first, then the environment, then the file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use socklet::policy::{ConfigFile, Flag, Policy};

use super::{Cli, Job};

/// What the command line asks for; none where it or the file is wrong, which is said
/// then.
pub(crate) fn parse() -> Result<Job, String> {
    let mut args: Vec<_> = std::env::args_os().collect();
    let mut command = Cli::command();
    let file = file_of(&command, &args)?;
    let policy = match file {
        None => Policy::default(),
        Some((file, matches)) => {
            extend(&mut args, &mut command, &file, &matches)?;
            file.policy
        }
    };
    let matches = command.get_matches_from(args);
    let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    cli.serve.policy.of_file = policy.clone();
    let mut job = cli.job();
    match &mut job {
        Job::Serve(serve) => serve.policy.of_file = policy,
        Job::Check(check) => check.policy.of_file = policy,
        _ => {}
    }
    Ok(job)
}

/// The file, and what can be understood of the command line without it.
fn file_of(
    command: &Command,
    args: &[OsString],
) -> Result<Option<(ConfigFile, ArgMatches)>, String> {
    let lenient = command.clone().ignore_errors(true);
    // Whoever asks for help gets it later, and no complaint about a file.
    let Ok(matches) = lenient.try_get_matches_from(args) else { return Ok(None) };
    let of_command = match matches.subcommand() {
        None => &matches,
        Some(("serve" | "check", of_command)) => of_command,
        Some(_) => return Ok(None),
    };
    let Some(path) = of_command.get_one::<PathBuf>("config") else { return Ok(None) };
    Ok(Some((ConfigFile::read(path)?, matches)))
}

/// So many flags that are wrong are told at once.
const MOST: usize = 20;

/// Appends what the file sets and nobody else.
fn extend(
    args: &mut Vec<OsString>,
    command: &mut Command,
    file: &ConfigFile,
    matches: &ArgMatches,
) -> Result<(), String> {
    let serve = command.find_subcommand("serve").cloned().unwrap_or_default();
    let (of_command, matches) = match matches.subcommand() {
        Some((name, matches)) => (command.find_subcommand(name).cloned(), matches),
        None => (Some(serve.clone()), matches),
    };
    let of_command = of_command.unwrap_or_default();
    let wrong = file.flags.iter().filter_map(|flag| check(file, flag, &serve).err());
    let wrong: Vec<_> = wrong.take(MOST).collect();
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    for flag in &file.flags {
        // Some flags of `serve` mean nothing to other commands.
        let Some(arg) = find(&of_command, &flag.name) else { continue };
        let source = matches.value_source(arg.get_id().as_str());
        if matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        args.extend(written(flag, arg));
    }
    Ok(())
}

/// What a file may set: neither itself nor what ends at once.
fn settable(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let named = |arg| (Arg::get_long(arg).unwrap_or_else(|| arg.get_id().as_str()), arg);
    let all = command.get_arguments().map(named);
    all.filter(|(name, _)| !matches!(*name, "config" | "help" | "version"))
}

fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    settable(command).find(|(named, _)| *named == name).map(|(_, arg)| arg)
}

fn written(flag: &Flag, arg: &Arg) -> Vec<OsString> {
    let values = flag.values.iter();
    match arg.get_long() {
        Some(long) => values.map(|value| format!("--{long}={value}").into()).collect(),
        None => values.map(Into::into).collect(),
    }
}

/// Whether the flag and its value are any, so that a complaint can name the line.
fn check(file: &ConfigFile, flag: &Flag, serve: &Command) -> Result<(), String> {
    let Some(arg) = find(serve, &flag.name) else {
        if flag.name == "config" {
            let what = "names this file and can't be set in it: --config or SOCKLET_CONFIG does";
            return Err(file.complain(flag, what));
        }
        let names = settable(serve).map(|(name, _)| name);
        let near = |name: &str| strsim::jaro_winkler(name, &flag.name);
        let nearest = names.max_by(|one, other| near(one).total_cmp(&near(other)));
        let nearest = nearest.filter(|name| near(name) > 0.8);
        let hint = nearest
            .map_or("see socklet serve --help".to_owned(), |name| format!("did you mean {name}?"));
        return Err(file.complain(flag, &format!("is no flag of serve: {hint}")));
    };
    let alone = std::iter::once("serve".into()).chain(written(flag, arg));
    let Err(error) = serve.clone().try_get_matches_from(alone) else { return Ok(()) };
    let about = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(about)) => about.contains(&flag.name),
        _ => false,
    };
    // What it needs beside it may be on the command line.
    if !about || error.kind() == ErrorKind::MissingRequiredArgument {
        return Ok(());
    }
    let message = error.to_string();
    let message = message.lines().next().unwrap_or_default();
    Err(file.complain(flag, &format!("is wrong: {}", message.trim_start_matches("error: "))))
}
