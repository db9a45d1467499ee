//! One command at a time changes a sandbox.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use conduct_terminal::exit::{Exit, Failure, OrFail as _};
use conduct_terminal::screen::Screen;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::folders::Folder;

/// A start or a stop takes no longer.
const PATIENCE: Duration = Duration::from_secs(90);

const LOOK: Duration = Duration::from_millis(20);

/// Held until it is dropped, or its process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "it is held, not used")] Flock<File>);

impl Lock {
    /// Waits for its turn.
    pub(crate) fn take(folder: &Folder, screen: &mut Screen) -> Result<Lock, Failure> {
        let begun = Instant::now();
        let mut said = false;
        loop {
            if let Some(lock) = Lock::try_take(folder)? {
                return Ok(lock);
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new(
                    Exit::NotInTime,
                    format_args!(
                        "another command has been at work in {} for {} s",
                        folder.path().display(),
                        PATIENCE.as_secs()
                    ),
                ));
            }
            if !said {
                said = true;
                screen.note("Waiting for another command on this sandbox …");
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Nothing while somebody else has it.
    pub(crate) fn try_take(folder: &Folder) -> Result<Option<Lock>, Failure> {
        let path = folder.lock();
        let doing = || format!("could not lock {}", path.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .or_fail(Exit::Failed, doing())?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(Lock(lock))),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err::<_, _>(errno).or_fail(Exit::Failed, doing()),
        }
    }
}
