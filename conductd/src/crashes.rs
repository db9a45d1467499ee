//! What an earlier life of the daemon was busy with when it panicked.
//!
//! The brain skips an input that brought it down three times within a minute; for that it has to
//! be told, after the restart, what it was.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use conduct_model::Wall;
use conduct_node::restored::{Crash, Fingerprint};

/// Older ones are of no interest.
const CRASHES_MAX: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct Crashes(PathBuf);

impl Crashes {
    pub(crate) fn of(state_dir: &Path) -> Crashes {
        Crashes(state_dir.join("crashes"))
    }

    /// What is remembered; a line that cannot be read is no crash.
    pub(crate) fn read(&self) -> Vec<Crash> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        let line = |line: &str| {
            let (at, handling) = line.split_once(' ')?;
            Some(Crash {
                at: Wall::from_millis(at.parse().ok()?),
                handling: Fingerprint(handling.parse().ok()?),
            })
        };
        let mut crashes: Vec<Crash> = text.lines().filter_map(line).collect();
        crashes.drain(..crashes.len().saturating_sub(CRASHES_MAX));
        crashes
    }

    /// Notes one more, on the disk before anything else happens.
    pub(crate) fn note(&self, crash: Crash) -> std::io::Result<()> {
        let mut crashes = self.read();
        crashes.push(crash);
        let line = |crash: &Crash| format!("{} {}\n", crash.at.as_millis(), crash.handling.0);
        let mut file = fs::File::create(&self.0)?;
        file.write_all(crashes.iter().map(line).collect::<String>().as_bytes())?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_are_remembered_the_newest_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let crashes = Crashes::of(folder.path());
        assert_eq!(crashes.read(), []);
        let crash = |n| Crash {
            at: Wall::from_millis(n),
            handling: Fingerprint(n),
        };
        for n in 0..20 {
            crashes.note(crash(n)).unwrap();
        }
        assert_eq!(crashes.read(), (4..20).map(crash).collect::<Vec<_>>());
    }
}
