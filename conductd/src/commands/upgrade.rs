//! `conductd upgrade`: the program on the disk takes the place of the one that runs.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Place;

const WAIT_MAX: Duration = Duration::from_secs(20);
const LOOK_SPAN: Duration = Duration::from_millis(50);

/// Let the program on the disk take the place of the daemon that runs: no caller is refused, no
/// instance restarts
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, place: &Place) -> anyhow::Result<ExitCode> {
    let settings = place.settings()?;
    let folder = settings.state_dir.display();
    let pid = conduct_store::holder(&settings.state_dir)?
        .with_context(|| format!("no daemon runs on {folder}; start it with: conductd run"))?;
    let before = life(pid)?;
    kill(Pid::from_raw(pid as i32), Signal::SIGUSR2)
        .with_context(|| format!("daemon {pid} cannot be told"))?;
    let deadline = Instant::now() + WAIT_MAX;
    while Instant::now() < deadline {
        std::thread::sleep(LOOK_SPAN);
        // The same process with another program in it: it holds the folder in a new life.
        match life(pid) {
            Ok(now) if now != before => {
                writeln!(
                    std::io::stdout(),
                    "daemon {pid} now runs conductd {}",
                    env!("CARGO_PKG_VERSION")
                )?;
                return Ok(ExitCode::SUCCESS);
            }
            Ok(_) => {}
            Err(_) if conduct_store::holder(&settings.state_dir)?.is_none() => {}
            Err(why) => return Err(why),
        }
    }
    anyhow::bail!(
        "daemon {pid} still runs as before after {} s; its log says why",
        WAIT_MAX.as_secs()
    )
}

/// What differs after an exec and stays the same otherwise: where the kernel put the program.
fn life(pid: u32) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path)
        .with_context(|| format!("daemon {pid} is gone (cannot read {path})"))?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    // startcode, endcode and startstack: an exec draws them anew.
    let places: Vec<&str> = after_name.split_whitespace().skip(23).take(3).collect();
    Ok(places.join(" "))
}
