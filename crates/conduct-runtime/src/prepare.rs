//! A fresh run directory: everything that can be done before a process exists.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use conduct_bundle::archive::{Archive, Limits, extract};
use conduct_bundle::conf::{Conf, Rules};
use conduct_model::{BundleId, Descriptor, Digest, InstanceId};

use crate::config::RuntimeConfig;
use crate::contained::prepare_containers;
use crate::error::RuntimeError;
use crate::folder::RunFolder;
use crate::record::{Record, Stage, boot};

/// An unpacked bundle.
pub(crate) struct Prepared {
    pub(crate) descriptor: Descriptor,
    /// Where `bundle.conf` is: where components begin.
    pub(crate) root: PathBuf,
    /// Sourced before the start command, in this order.
    pub(crate) runtime_configs: Vec<PathBuf>,
}

/// Unpacks archives into a folder that is complete or not there.
pub(crate) fn prepare(
    config: &RuntimeConfig,
    folder: &RunFolder,
    instance: InstanceId,
    bundle: BundleId,
) -> Result<Prepared, RuntimeError> {
    // Whatever an earlier try left is not what this one promises.
    folder.remove()?;
    folder.create()?;
    unpack(config, bundle.bundle, &folder.bundle())?;
    if let Some(configuration) = bundle.configuration {
        unpack(config, configuration, &folder.configuration())?;
    }
    std::fs::create_dir(folder.bin()).map_err(RuntimeError::file("create", folder.bin()))?;
    let check = folder.bin().join("check");
    symlink(&config.program, &check).map_err(RuntimeError::file("link", &check))?;
    let prepared = open(folder, bundle)?;
    prepare_containers(config, folder, bundle, &prepared)?;
    Record {
        instance,
        bundle,
        boot: boot(),
        stage: Stage::Prepared,
    }
    .write(folder)?;
    Ok(prepared)
}

/// Reads what [`prepare`] has left, now or in an earlier life of the daemon.
pub(crate) fn open(folder: &RunFolder, bundle: BundleId) -> Result<Prepared, RuntimeError> {
    let root = find_root(&folder.bundle())?;
    let conf = read_text(&root.join("bundle.conf"))?;
    let mut runtime_configs = vec![root.join("runtime-config.sh")];
    let mut overlay = None;
    if bundle.configuration.is_some() {
        let above = find_root(&folder.configuration())?;
        runtime_configs.push(above.join("runtime-config.sh"));
        let path = above.join("bundle.conf");
        overlay = path.is_file().then(|| read_text(&path)).transpose()?;
    }
    runtime_configs.retain(|path| path.is_file());
    let conf = Conf::parse(&conf, overlay.as_deref())
        .map_err(|error| RuntimeError::Descriptor(error.to_string()))?;
    let descriptor = conf
        .read(&Rules::default())
        .into_result()
        .map_err(|wrong| {
            let first = wrong
                .first()
                .map(|diagnostic| diagnostic.message().to_owned());
            RuntimeError::Descriptor(first.unwrap_or_default())
        })?;
    Ok(Prepared {
        descriptor: descriptor.0,
        root,
        runtime_configs,
    })
}

fn unpack(config: &RuntimeConfig, digest: Digest, target: &Path) -> Result<(), RuntimeError> {
    let path = (config.archive)(digest).ok_or_else(|| RuntimeError::NoArchive(digest.short()))?;
    let file = File::open(&path).map_err(RuntimeError::file("open", &path))?;
    let archive = Archive::open(file, Limits::default()).map_err(RuntimeError::Unpack)?;
    extract(&archive, target).map_err(RuntimeError::Unpack)?;
    Ok(())
}

/// The folder that holds the descriptor or the script: the top, or the one folder in it.
fn find_root(unpacked: &Path) -> Result<PathBuf, RuntimeError> {
    let holds = |folder: &Path| {
        ["bundle.conf", "runtime-config.sh"]
            .iter()
            .any(|name| folder.join(name).is_file())
    };
    if holds(unpacked) {
        return Ok(unpacked.to_owned());
    }
    let failed = || RuntimeError::file("list", unpacked);
    for entry in std::fs::read_dir(unpacked).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        if holds(&path) {
            return Ok(path);
        }
    }
    Err(RuntimeError::Descriptor(
        "there is no bundle.conf".to_owned(),
    ))
}

fn read_text(path: &Path) -> Result<String, RuntimeError> {
    std::fs::read_to_string(path).map_err(RuntimeError::file("read", path))
}
