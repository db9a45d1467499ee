//! What an operator may decide about the interfaces.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::external::ExternalAddress;

/// The settings of the interfaces.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names besides the address itself by which callers may call it.
    pub names: Vec<String>,
    /// The secret that callers of the control API must know, by its SHA-256; none where everybody
    /// on the machine may call it.
    pub token: Option<conduct_model::Digest>,
    /// The bytes of a `bundle.conf`.
    pub conf_bytes_max: usize,
    /// The bytes of an archive.
    pub archive_bytes_max: u64,
    /// Which annotations the cluster keeps, by their paths.
    pub annotation_paths: Vec<String>,
    /// Services outside the cluster, by name; they answer where none runs in it.
    pub external: BTreeMap<String, Vec<ExternalAddress>>,
    /// How long callers of the locator may remember what they were told.
    pub locator_max_age: Duration,
    /// Where archives lie, as clients are shown it.
    pub archive_folder: PathBuf,
    /// The program's version.
    pub build: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            names: Vec::new(),
            token: None,
            conf_bytes_max: 32 * 1024,
            archive_bytes_max: 1024 * 1024 * 1024,
            annotation_paths: vec!["com.lightbend.conductr.application-ids".to_owned()],
            external: BTreeMap::new(),
            locator_max_age: Duration::from_secs(60),
            archive_folder: PathBuf::from("/var/lib/conduct/archives"),
            build: String::new(),
        }
    }
}
