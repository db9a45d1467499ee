//! `sandbox run`: from nothing to a cluster that is ready.

use std::time::{Duration, Instant};

use conduct_terminal::exit::{Exit, Failure, OrFail as _};

use super::{DONE, Ended, Session, follow, show};
use crate::addresses;
use crate::daemon;
use crate::features;
use crate::folders::Folder;
use crate::groups::Groups;
use crate::lock::Lock;
use crate::plan::{self, ByKind, Wanted};
use crate::pointer;
use crate::process::Process;
use crate::range::Range;
use crate::ready;
use crate::record::{Phase, Record};
use crate::shape::Shape;
use crate::teardown;

/// Start a sandbox; one of the same name that runs is stopped first
#[derive(Debug, Clone, clap::Args)]
// `exec` has the same flags beside its own, and groups need different names.
#[group(skip)]
pub(crate) struct Args {
    /// The version of the original to download; accepted and passed over
    #[arg(value_parser = version)]
    version: Option<String>,
    /// How many nodes, or CORES:AGENTS; a node is both where both numbers reach it [default: 3]
    #[arg(
        short = 'n',
        long = "nr-of-instances",
        alias = "nr-of-containers",
        visible_alias = "nodes",
        value_name = "N",
        hide_default_value = true,
        default_value = "3"
    )]
    shape: Shape,
    /// Addresses to use, in order [default: the first of 127.0.10.0/24, 127.0.11.0/24, … that is free]
    #[arg(long, value_name = "RANGE", env = "CONDUCTR_SANDBOX_ADDR_RANGE")]
    addr_range: Option<Range>,
    #[command(flatten)]
    pub(crate) groups: Groups,
    /// Leave out what is on by default: the ingress
    #[arg(long)]
    no_default_features: bool,
    /// A variable for all daemons, K=V
    #[arg(short, long, value_name = "K=V", value_parser = pair)]
    env: Vec<(String, String)>,
    /// A variable for the daemons that keep state, K=V
    #[arg(long, value_name = "K=V", value_parser = pair)]
    env_core: Vec<(String, String)>,
    /// A variable for the daemons that run instances, K=V
    #[arg(long, value_name = "K=V", value_parser = pair)]
    env_agent: Vec<(String, String)>,
    /// A further argument for all daemons, such as -Dconduct.start-timeout=5s
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    arg: Vec<String>,
    /// A further argument for the daemons that keep state
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    arg_core: Vec<String>,
    /// A further argument for the daemons that run instances
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    arg_agent: Vec<String>,
    /// How much the daemons write
    #[arg(short, long, value_name = "LEVEL", default_value = "info")]
    log_level: Level,
    /// Further ports for the original's proxy to publish; every port of an address is reachable here
    #[arg(short, long = "port", value_name = "PORT", hide = true)]
    ports: Vec<u16>,
    /// The port where bundles are reached through the ingress
    #[arg(
        long,
        value_name = "PORT",
        env = "BUNDLE_HTTP_PORT",
        default_value = "9000",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    bundle_http_port: u16,
    /// Never download anything, which is so anyway
    #[arg(long, hide = true)]
    offline: bool,
    /// The original's container image; accepted and passed over
    #[arg(short, long, value_name = "NAME", hide = true)]
    image: Option<String>,
    /// Stay, show what the daemons say, and stop the sandbox on Ctrl-C
    #[arg(long, conflicts_with = "detach")]
    foreground: bool,
    /// Give the prompt back once the sandbox is ready, which is the default
    #[arg(short, long)]
    detach: bool,
    /// Wait until all nodes are members, which is the default
    #[arg(long, conflicts_with = "no_wait")]
    wait: bool,
    /// Give the prompt back as soon as the daemons run
    #[arg(long)]
    no_wait: bool,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    wait_timeout: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Level {
    Error,
    #[value(alias = "warning")]
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    fn setting(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

/// Something like `2.1.4` or `2.1.4-beta.1`; everything else is a slip.
fn version(text: &str) -> Result<String, String> {
    let number = text.split('-').next().unwrap_or_default();
    let parts: Vec<&str> = number.split('.').collect();
    let are_numbers = parts.iter().all(|part| part.parse::<u32>().is_ok());
    if parts.len() == 3 && are_numbers {
        Ok(text.to_owned())
    } else {
        Err("a version such as 2.1.4 is meant, or nothing at all".to_owned())
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("NAME=VALUE is meant")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What a start is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It runs until it is stopped.
    Stay,
    /// It goes with this program.
    Foreground,
    /// It goes with this program, and its folder too.
    Temporary,
}

/// A sandbox that was started by this command.
pub(crate) struct Started {
    pub(crate) folder: Folder,
    pub(crate) record: Record,
    pub(crate) took: Duration,
}

/// How a start ended.
pub(crate) enum Start {
    Done(Started),
    /// A signal came first, and everything is gone again.
    Interrupted(Ended),
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Ended, Failure> {
    let words = std::env::args_os().skip(1);
    let words = words.map(|word| word.to_string_lossy().into_owned());
    run_as(args, words.collect(), session).await
}

/// As [`run`], with the words of an earlier run to be remembered.
pub(crate) async fn run_as(
    args: &Args,
    words: Vec<String>,
    session: &mut Session<'_>,
) -> Result<Ended, Failure> {
    let purpose = if args.foreground {
        Purpose::Foreground
    } else {
        Purpose::Stay
    };
    let started = match start(args, words, purpose, session).await? {
        Start::Done(started) => started,
        Start::Interrupted(ended) => return Ok(ended),
    };
    show::started(&started, args.no_wait, session)?;
    match purpose {
        Purpose::Foreground => follow::until_interrupted(&started, session).await,
        Purpose::Stay | Purpose::Temporary => Ok(DONE),
    }
}

/// Starts a sandbox. On failure and on a signal nothing of it is left.
pub(crate) async fn start(
    args: &Args,
    words: Vec<String>,
    purpose: Purpose,
    session: &mut Session<'_>,
) -> Result<Start, Failure> {
    let begun = Instant::now();
    let chosen = features::choose(&args.groups.features, args.no_default_features)?;
    tell_about_what_is_passed_over(args, &chosen.notes, session);
    let program = daemon::program()?;
    let wanted = wanted(args, chosen.proxying.then_some(args.bundle_http_port));

    let folder = prepare(session).await?;
    let lock = Lock::take(&folder, session.screen)?;
    folder.empty()?;
    let mut record = Record::new(&session.place.name, words);
    record.ingress_port = wanted.ingress_port;
    if purpose != Purpose::Stay {
        record.owner = Process::of(std::process::id());
    }
    record.temporary = purpose == Purpose::Temporary;
    record.write(&folder)?;

    let taken: Vec<_> = session.place.all()?;
    let taken = taken
        .iter()
        .filter(|(_, other)| other.phase != Phase::Stopped)
        .flat_map(|(_, other)| other.nodes.iter().map(|node| node.address))
        .collect::<Vec<_>>();
    let count = wanted.shape.duties().len();
    let claim = addresses::claim(args.addr_range, count, wanted.ingress_port, &taken);
    let patience = (!args.no_wait).then(|| Duration::from_secs(args.wait_timeout));
    let bringing_up = async {
        // Held until the nodes hold their ports.
        let claim = claim?;
        record.nodes = plan::nodes(&wanted, &folder, &claim.addresses);
        bring_up(&program, &folder, &mut record, patience).await
    };
    let outcome = tokio::select! {
        biased;
        interrupted = session.interrupts.next() => Err(interrupted),
        brought_up = bringing_up => Ok(brought_up),
    };
    let failed = match outcome {
        Ok(Ok(())) => {
            drop(lock);
            let took = begun.elapsed();
            return Ok(Start::Done(Started {
                folder,
                record,
                took,
            }));
        }
        Ok(Err(failure)) => Err(failure),
        Err(interrupted) => {
            session.note("Stopping what was started …");
            Ok(Start::Interrupted(Ended::By(interrupted)))
        }
    };
    teardown::stop(&folder, &mut record).await?;
    if record.temporary {
        folder.remove()?;
    }
    failed
}

/// The folder of a new sandbox; one that runs under its name is stopped.
async fn prepare(session: &mut Session<'_>) -> Result<Folder, Failure> {
    let running = session.place.folder()?;
    if running.record().exists() {
        let lock = Lock::take(&running, session.screen)?;
        if let Some(mut record) = Record::read(&running)?
            && record.phase != Phase::Stopped
        {
            session.note(format_args!("Stopping sandbox {} first.", record.name));
            teardown::stop(&running, &mut record).await?;
        }
        drop(lock);
    }
    let folder = session.place.fresh()?;
    folder.secure()?;
    Ok(folder)
}

async fn bring_up(
    program: &std::path::Path,
    folder: &Folder,
    record: &mut Record,
    patience: Option<Duration>,
) -> Result<(), Failure> {
    // Known before anything runs, so that whoever cleans up knows what to look for.
    record.write(folder)?;
    std::fs::create_dir(folder.home()).or_fail(Exit::Failed, "could not make a home")?;
    // The first node's authority signs for the others.
    daemon::make_keys(program, folder, &record.nodes[0]).await?;
    record.nodes[0].process = Some(daemon::start(program, folder, &record.nodes[0])?);
    for at in 1..record.nodes.len() {
        daemon::make_keys(program, folder, &record.nodes[at]).await?;
        record.nodes[at].process = Some(daemon::start(program, folder, &record.nodes[at])?);
    }
    record.write(folder)?;
    if let Some(patience) = patience {
        let all: Vec<usize> = (0..record.nodes.len()).collect();
        ready::wait(folder, record, &all, patience).await?;
    }
    record.phase = Phase::Running;
    record.write(folder)?;
    if record.temporary {
        return Ok(());
    }
    pointer::set(folder, record)
}

fn tell_about_what_is_passed_over(args: &Args, notes: &[String], session: &mut Session<'_>) {
    if let Some(version) = &args.version {
        session.note(format_args!(
            "Version {version} is passed over: nodes run this version, {}.",
            env!("CARGO_PKG_VERSION")
        ));
    }
    if let Some(image) = &args.image {
        session.note(format_args!(
            "Image {image} is passed over: nodes are processes."
        ));
    }
    if !args.ports.is_empty() {
        session.note("Ports are passed over: every port of a node's address is in reach.");
    }
    for note in notes {
        session.note(note);
    }
}

fn wanted(args: &Args, ingress_port: Option<u16>) -> Wanted {
    Wanted {
        shape: args.shape,
        roles: args.groups.roles.clone(),
        log_level: args.log_level.setting(),
        ingress_port,
        arguments: ByKind {
            all: args.arg.clone(),
            core: args.arg_core.clone(),
            agent: args.arg_agent.clone(),
        },
        environment: ByKind {
            all: args.env.clone(),
            core: args.env_core.clone(),
            agent: args.env_agent.clone(),
        },
    }
}

/// The arguments of an earlier `sandbox run`.
pub(crate) fn reparse(words: &[String]) -> Result<Args, Failure> {
    use clap::Parser;
    let words = std::iter::once("sandbox".to_owned()).chain(words.iter().cloned());
    let cli = super::Cli::try_parse_from(words).or_fail(
        Exit::Failed,
        "the remembered arguments cannot be used any more",
    )?;
    match cli.command {
        super::Command::Run(args) => Ok(*args),
        _ => Err(Failure::new(Exit::Failed, "no sandbox run is remembered")),
    }
}
