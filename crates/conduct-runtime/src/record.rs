//! What the disk remembers of an instance, written before each step that a crash could cut in two.

use std::collections::BTreeMap;

use conduct_model::{BundleId, InstanceId};
use conduct_node::runtime::Ports;
use serde::{Deserialize, Serialize};

use crate::error::RuntimeError;
use crate::folder::{RunFolder, read_json, write_json};

/// An instance as its folder describes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) instance: InstanceId,
    pub(crate) bundle: BundleId,
    /// In which boot of the machine: in another one nothing of it runs, and its files may be cut.
    pub(crate) boot: String,
    pub(crate) stage: Stage,
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Its folder is complete, no process was ever started.
    Prepared,
    /// A shim was to be started.
    Started {
        ports: BTreeMap<String, Ports>,
        has_lease: bool,
    },
}

impl Record {
    pub(crate) fn write(&self, folder: &RunFolder) -> Result<(), RuntimeError> {
        write_json(&folder.record(), self)
    }

    /// Nothing for a folder that was never finished.
    pub(crate) fn read(folder: &RunFolder) -> Result<Option<Record>, RuntimeError> {
        read_json(&folder.record())
    }
}

/// Names this boot of the machine: what ran in another one does not run now.
pub(crate) fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}
