//! Ending everything that runs in a node's name, when no daemon is to come back for it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use conduct_model::InstanceId;
use nix::sys::signal::Signal;

use crate::adopt::{clear_away, empty};
use crate::cgroup::Mounts;
use crate::error::RuntimeError;
use crate::folder::RunFolder;
use crate::processes::{shims_of, signal};
use crate::protocol::ToShim;
use crate::socket;

/// A shim needs so long on top of the grace to see everybody gone and to write down the end.
const SHIM_PATIENCE: Duration = Duration::from_secs(2);

const LOOK: Duration = Duration::from_millis(5);

/// Ends all instances below `runs`: SIGTERM, and SIGKILL to whoever is left after `grace`. Removes
/// the control groups of the node that was configured with `name`. Blocks until it is done.
///
/// No daemon may be at work in there: it would start what is ended here again.
pub fn clear(runs: &Path, name: &str, grace: Duration) -> Result<(), RuntimeError> {
    if runs.is_dir() {
        let all = RunFolder::all(runs)?;
        let told: Vec<_> = all
            .iter()
            .filter(|(_, folder)| tell_to_stop(folder, grace))
            .collect();
        let patience = Instant::now() + grace + SHIM_PATIENCE;
        for (_, folder) in told {
            while !shims_of(folder.path()).is_empty() && Instant::now() < patience {
                std::thread::sleep(LOOK);
            }
        }
        for (instance, folder) in &all {
            clear_rest(folder, *instance);
        }
    }
    let mounts = Mounts::find();
    // Of whoever did not live to write down what it had made.
    for (instance, groups) in mounts.found(name) {
        empty(&groups, &instance, Vec::new);
        groups.remove();
    }
    mounts.remove(name);
    Ok(())
}

/// Whether a shim was there to be told.
fn tell_to_stop(folder: &RunFolder, grace: Duration) -> bool {
    let tell = || -> std::io::Result<()> {
        let mut stream = socket::connect(&folder.socket())?;
        stream.set_read_timeout(Some(SHIM_PATIENCE))?;
        stream.set_write_timeout(Some(SHIM_PATIENCE))?;
        // It says how it is before it listens.
        BufReader::new(stream.try_clone()?).read_line(&mut String::new())?;
        let mut word = serde_json::to_vec(&ToShim::Stop(grace.as_millis() as u64))?;
        word.push(b'\n');
        stream.write_all(&word)
    };
    tell().is_ok()
}

/// What no shim holds any more, and shims that do not do as they are told.
fn clear_rest(folder: &RunFolder, instance: InstanceId) {
    for pid in shims_of(folder.path()) {
        signal(pid, Signal::SIGKILL);
    }
    clear_away(folder, instance);
    // Nobody listens there; the file would only look as if.
    let _ = std::fs::remove_file(folder.socket());
}
