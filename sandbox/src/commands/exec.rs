//! `sandbox exec`: a sandbox for as long as a command runs.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use conduct_terminal::exit::{Exit, Failure, OrFail as _};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::run::{self, Purpose, Start, Started};
use super::{Ended, Session, env};
use crate::interrupts::Interrupted;
use crate::lock::Lock;
use crate::record::{Phase, Record};
use crate::teardown;

/// Start a sandbox of its own, run a command with it, and leave nothing behind
///
/// The command finds the sandbox by CONDUCTR_HOST, and the programs beside this one on its PATH. Its
/// exit code is the one of this program.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    run: run::Args,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// Keep the sandbox's folder, with what its daemons said
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Ended, Failure> {
    if session.place.name == "default" {
        session.place.name = format!("exec-{}", std::process::id());
    } else if session.place.running().is_ok() {
        let name = &session.place.name;
        return Err(
            Failure::new(Exit::Refused, format_args!("sandbox {name} runs already"))
                .hint("exec starts a sandbox of its own: leave --name out, or name another")
                .hint(format_args!(
                    "to use that one: eval \"$(sandbox env --name {name})\""
                )),
        );
    }
    let purpose = if args.keep {
        Purpose::Foreground
    } else {
        Purpose::Temporary
    };
    let started = match run::start(&args.run, Vec::new(), purpose, session).await? {
        Start::Done(started) => started,
        Start::Interrupted(ended) => return Ok(ended),
    };
    let ran = command(&args.command, &started, session).await;
    clear(&started, args.keep, session).await?;
    ran
}

/// Runs the command to its end. What is sent to this program is sent on.
async fn command(
    words: &[String],
    started: &Started,
    session: &mut Session<'_>,
) -> Result<Ended, Failure> {
    let (program, rest) = words.split_first().expect("the parser asks for one");
    let mut command = tokio::process::Command::new(program);
    command.args(rest).envs(env::variables(&started.record));
    if let Some(path) = path() {
        command.env("PATH", path);
    }
    let mut child = command
        .spawn()
        .or_fail(Exit::NotFound, format_args!("could not run {program}"))?;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.or_fail(
                    Exit::Failed,
                    format_args!("could not wait for {program}"),
                )?;
                return Ok(ended(status));
            }
            interrupted = session.interrupts.next() => pass_on(interrupted, child.id()),
        }
    }
}

/// A terminal tells the command by itself about Ctrl-C, so only the rest is passed on.
fn pass_on(Interrupted(number): Interrupted, pid: Option<u32>) {
    let signal = Signal::try_from(i32::from(number));
    if let (Ok(signal), Some(pid)) = (signal, pid)
        && signal != Signal::SIGINT
    {
        // It may have ended at this very moment.
        let _ = kill(Pid::from_raw(pid as i32), signal);
    }
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code as u8),
        (None, signal) => Ended::By(Interrupted(signal.unwrap_or_default() as u8)),
    }
}

/// The programs beside this one come first: they belong together.
fn path() -> Option<OsString> {
    let own = std::env::current_exe().ok()?;
    let folder = own.parent()?.to_owned();
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(folder).chain(std::env::split_paths(&usual));
    std::env::join_paths(all).ok()
}

async fn clear(started: &Started, keep: bool, session: &mut Session<'_>) -> Result<(), Failure> {
    let folder = &started.folder;
    // The command may have stopped it, or removed it.
    if !folder.record().exists() {
        return Ok(());
    }
    let _lock = Lock::take(folder, session.screen)?;
    if let Some(mut record) = Record::read(folder)?
        && record.phase != Phase::Stopped
    {
        teardown::stop(folder, &mut record).await?;
    }
    if keep {
        session.note(format_args!("Its logs are in {}", folder.path().display()));
        return Ok(());
    }
    folder.remove()
}
