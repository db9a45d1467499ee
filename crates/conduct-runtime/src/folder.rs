//! The files of one instance.
//!
//! ```text
//! runs/<instance>/
//!   record.json    what it is and how far it is: written before each step
//!   bundle/ configuration/    unpacked
//!   bin/check      the built-in command
//!   <component>.sh generated
//!   <component>.root.json      a container's root file system and what its image says
//!   <component>.plan.json      what the container is allowed
//!   <component>.oci/           what runc is given, and its log
//!   <component>.pid <component>.why    the container's first process, or why there is none
//!   runc/          what runc remembers of the containers
//!   shim.json shim.sock shim.log
//!   log/           what it wrote, in lines
//!   exit.json      how it ended
//! ```

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use conduct_model::InstanceId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::RuntimeError;

/// Only the daemon and what it runs look in here.
const FOLDER_MODE: u32 = 0o711;

/// One instance's folder.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    pub(crate) fn of(runs: &Path, instance: InstanceId) -> RunFolder {
        RunFolder(runs.join(format!("{:032x}", instance.as_u128())))
    }

    pub(crate) fn at(path: PathBuf) -> RunFolder {
        RunFolder(path)
    }

    /// All instances that have a folder.
    pub(crate) fn all(runs: &Path) -> Result<Vec<(InstanceId, RunFolder)>, RuntimeError> {
        let failed = || RuntimeError::file("list", runs);
        let mut found = Vec::new();
        for entry in fs::read_dir(runs).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if let Ok(number) = u128::from_str_radix(name, 16)
                && path.is_dir()
            {
                found.push((InstanceId::from_u128(number), RunFolder(path)));
            }
        }
        found.sort_by_key(|(instance, _)| *instance);
        Ok(found)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn create(&self) -> Result<(), RuntimeError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&self.0)
            .map_err(RuntimeError::file("create", &self.0))
    }

    pub(crate) fn remove(&self) -> Result<(), RuntimeError> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(RuntimeError::file("remove", &self.0)(error))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.0.join("record.json")
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.0.join("bundle")
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.0.join("configuration")
    }

    pub(crate) fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }

    pub(crate) fn script(&self, component: &str) -> PathBuf {
        self.0.join(format!("{component}.sh"))
    }

    /// What an image was unpacked to.
    pub(crate) fn container_root(&self, component: &str) -> PathBuf {
        self.0.join(format!("{component}.root.json"))
    }

    /// All that were.
    pub(crate) fn container_roots(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let is_root = |name: &OsStr| name.to_string_lossy().ends_with(".root.json");
        let found = entries.filter(|entry| is_root(&entry.file_name()));
        found.map(|entry| entry.path()).collect()
    }

    pub(crate) fn container_plan(&self, component: &str) -> PathBuf {
        self.0.join(format!("{component}.plan.json"))
    }

    pub(crate) fn container_bundle(&self, component: &str) -> PathBuf {
        self.0.join(format!("{component}.oci"))
    }

    pub(crate) fn container_pid(&self, component: &str) -> PathBuf {
        self.0.join(format!("{component}.pid"))
    }

    /// Why a container was not made, in words.
    pub(crate) fn container_failure(&self, component: &str) -> PathBuf {
        self.0.join(format!("{component}.why"))
    }

    pub(crate) fn container_states(&self) -> PathBuf {
        self.0.join("runc")
    }

    pub(crate) fn shim_spec(&self) -> PathBuf {
        self.0.join("shim.json")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("shim.sock")
    }

    pub(crate) fn shim_log(&self) -> PathBuf {
        self.0.join("shim.log")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("log")
    }

    pub(crate) fn exit(&self) -> PathBuf {
        self.0.join("exit.json")
    }
}

/// Replaces a file so that a reader, and a process that dies, finds the old one or the new one whole.
/// Nothing is forced to the disk: what is in these folders means nothing once the machine was started
/// anew, and a start should not wait for disks.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RuntimeError> {
    let failed = || RuntimeError::file("write", path);
    let text = serde_json::to_vec(value).map_err(|error| failed()(error.into()))?;
    let part = path.with_extension("part");
    fs::write(&part, text).map_err(failed())?;
    fs::rename(&part, path).map_err(failed())
}

/// Reads a file that [`write_json`] wrote; nothing when there is none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RuntimeError> {
    let failed = || RuntimeError::file("read", path);
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed()(error)),
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| failed()(error.into())),
    }
}
