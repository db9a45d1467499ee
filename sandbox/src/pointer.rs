//! The file by which `conduct` finds the running sandbox, whichever was started last.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use conduct_terminal::exit::{Exit, Failure, OrFail as _};
use serde::{Deserialize, Serialize};

use crate::folders::{self, Folder, write_json};
use crate::record::Record;

/// What stands in it. `conduct` reads the hosts.
#[derive(Debug, Serialize, Deserialize)]
struct Pointer {
    name: String,
    folder: PathBuf,
    hosts: Vec<String>,
}

/// Lets `conduct` speak with this sandbox from now on.
pub(crate) fn set(folder: &Folder, record: &Record) -> Result<(), Failure> {
    let path = folders::pointer();
    let doing = || format!("could not write {}", path.display());
    let pointer = Pointer {
        name: record.name.clone(),
        folder: folder.path().to_owned(),
        hosts: record.hosts(),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path.parent().unwrap_or(Path::new(".")))
        .or_fail(Exit::Failed, doing())?;
    write_json(&path, &pointer).or_fail(Exit::Failed, doing())
}

/// Removes it if it is about this sandbox.
pub(crate) fn withdraw(folder: &Folder) -> Result<(), Failure> {
    let path = folders::pointer();
    match read() {
        Some(pointer) if pointer.folder == folder.path() => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err::<(), _>(error).or_fail(
                Exit::Failed,
                format_args!("could not remove {}", path.display()),
            ),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The folder of the sandbox of this name, if it is the one that `conduct` speaks with.
pub(crate) fn folder_of(name: &str) -> Option<PathBuf> {
    read()
        .filter(|pointer| pointer.name == name)
        .map(|pointer| pointer.folder)
}

/// What is there and can be read; anything else is nobody's.
fn read() -> Option<Pointer> {
    let text = fs::read(folders::pointer()).ok()?;
    serde_json::from_slice(&text).ok()
}
