//! Where a sandbox keeps its things: one folder each, which nobody else can look into.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use conduct_terminal::exit::{Exit, Failure, OrFail as _};
use serde::Serialize;

/// Keys and bundles of other people are in there.
const FOLDER_MODE: u32 = 0o700;

/// What people put into the environment about places.
fn variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

/// Where `conduct` has its settings and caches.
fn settings() -> PathBuf {
    let home = || std::env::home_dir().unwrap_or_default().join(".conductr");
    variable("CONDUCTR_CLI_SETTINGS_DIR").unwrap_or_else(home)
}

/// The file by which `conduct` finds the running sandbox.
pub(crate) fn pointer() -> PathBuf {
    let temporary = variable("CONDUCTR_CLI_TMP_DIR");
    temporary
        .unwrap_or_else(|| settings().join("tmp"))
        .join("sandbox.json")
}

/// The folder that sandboxes are in unless a flag says another.
pub(crate) fn usual() -> PathBuf {
    settings().join("sandbox")
}

/// The folder of one sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Folder {
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What is written down about the sandbox.
    pub(crate) fn record(&self) -> PathBuf {
        self.0.join("record.json")
    }

    /// Held by whoever changes something.
    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// The state folder of a node's daemon.
    pub(crate) fn state(&self, node: usize) -> PathBuf {
        self.0.join(format!("node-{node}"))
    }

    /// The run directories of a node's instances.
    pub(crate) fn runs(&self, node: usize) -> PathBuf {
        self.state(node).join("runs")
    }

    /// What instances have as their home.
    pub(crate) fn home(&self) -> PathBuf {
        self.0.join("home")
    }

    /// What a node's daemon says.
    pub(crate) fn log(&self, node: usize) -> PathBuf {
        self.0.join(format!("node-{node}.log"))
    }

    /// The peers that a node is cut off from.
    pub(crate) fn cut(&self, node: usize) -> PathBuf {
        self.0.join(format!("node-{node}.cut"))
    }

    /// Makes it, or makes sure that nobody else can look into it.
    pub(crate) fn secure(&self) -> Result<(), Failure> {
        let path = self.0.display();
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&self.0)
            .or_fail(Exit::Failed, format_args!("could not create {path}"))?;
        let found = fs::symlink_metadata(&self.0)
            .or_fail(Exit::Failed, format_args!("could not look at {path}"))?;
        if found.file_type().is_symlink() {
            return Err(
                Failure::new(Exit::Refused, format_args!("{path} is a link"))
                    .hint("a sandbox is emptied at every start: name the folder itself"),
            );
        }
        if found.uid() != nix::unistd::geteuid().as_raw() {
            return Err(Failure::new(
                Exit::Refused,
                format_args!("{path} belongs to someone else"),
            )
            .hint("name another folder: sandbox --dir FOLDER …"));
        }
        if found.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(&self.0, fs::Permissions::from_mode(FOLDER_MODE)).or_fail(
                Exit::Failed,
                format_args!("could not close {path} to others"),
            )?;
        }
        Ok(())
    }

    /// Empties it but for the lock. Refused where the things in there are no sandbox's.
    pub(crate) fn empty(&self) -> Result<(), Failure> {
        let doing = || format!("could not empty {}", self.0.display());
        let entries = fs::read_dir(&self.0).or_fail(Exit::Failed, doing())?;
        let entries: Result<Vec<_>, _> = entries.collect();
        let mut paths: Vec<PathBuf> = entries
            .or_fail(Exit::Failed, doing())?
            .iter()
            .map(fs::DirEntry::path)
            .filter(|path| *path != self.lock())
            .collect();
        if !paths.is_empty() && !self.record().exists() {
            return Err(Failure::new(
                Exit::Refused,
                format_args!("{} holds things that are no sandbox's", self.0.display()),
            )
            .hint("it would be emptied: name another folder with --dir, or remove them"));
        }
        // The record last, so that a half emptied folder is still known to be a sandbox's.
        paths.sort_by_key(|path| *path == self.record());
        for path in paths {
            let removed = match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
                Ok(_) => fs::remove_file(&path),
                Err(error) => Err(error),
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err::<(), _>(error).or_fail(Exit::Failed, doing());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes it with everything in it.
    pub(crate) fn remove(&self) -> Result<(), Failure> {
        self.empty()?;
        let doing = || format!("could not remove {}", self.0.display());
        let gone = |done: io::Result<()>| match done {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(fs::remove_file(self.lock())).or_fail(Exit::Failed, doing())?;
        gone(fs::remove_dir(&self.0)).or_fail(Exit::Failed, doing())
    }
}

/// Replaces a file so that a reader finds the old one or the new one whole.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    replace(path, &text)
}

/// Replaces a file so that a reader finds the old one or the new one whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!("{name}.{}.part", std::process::id()));
    let mut file = fs::File::create(&part)?;
    file.write_all(bytes)?;
    fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .collect()
    }

    #[test]
    fn a_folder_is_closed_to_others_whoever_made_it() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("open");
        fs::create_dir(&path).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("opened");
        Folder::new(path.clone()).secure().expect("secured");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, FOLDER_MODE);

        let link = home.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        let failure = Folder::new(link).secure().expect_err("refused");
        assert_eq!(failure.exit, Exit::Refused);
    }

    #[test]
    fn only_what_a_sandbox_made_is_emptied() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(home.path().join("one"));
        folder.secure().expect("made");
        folder.empty().expect("nothing to do");

        fs::write(folder.path().join("thesis.txt"), "years").expect("written");
        let failure = folder.empty().expect_err("refused");
        assert_eq!(failure.exit, Exit::Refused);
        assert_eq!(names(folder.path()), ["thesis.txt"]);

        write_json(&folder.record(), &1).expect("written");
        fs::write(folder.lock(), "").expect("written");
        fs::create_dir_all(folder.runs(1)).expect("made");
        folder.empty().expect("it is a sandbox's");
        assert_eq!(names(folder.path()), ["lock"]);
        folder.remove().expect("removed");
        assert!(names(home.path()).is_empty());
        folder.remove().expect_err("nothing is there");
    }
}
