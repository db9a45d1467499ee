//! Unpacked images by their digests: each is unpacked once, and is there whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use conduct_model::Digest;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::syncfs;

use super::{Options, unpack_layers};
use crate::{ImageError, Layer};

/// What folders are called that are still being filled.
const UNFINISHED: &str = ".unpacking-";

/// Gives the folder below `cache` that holds the root file system of these layers, unpacking them
/// if that was not done before. Whoever calls this at the same time, also from other processes,
/// gets the same folder. What is in it must not be changed.
pub fn unpack_cached(
    layers: &[Layer],
    cache: &Path,
    options: &Options,
) -> Result<PathBuf, ImageError> {
    let target = cache.join(key(layers, options).to_string());
    if target.is_dir() {
        return Ok(target);
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| ImageError::Write { path, source }
    };
    fs::create_dir_all(cache).map_err(failed(cache))?;
    let scratch = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(cache);
    let scratch = scratch.map_err(failed(cache))?;
    let rootfs = scratch.path().join("rootfs");
    unpack_layers(layers, &rootfs, options)?;
    sync(&rootfs).map_err(failed(&rootfs))?;
    match fs::rename(&rootfs, &target) {
        Ok(()) => sync(cache).map_err(failed(cache))?,
        // Someone else was faster, with the same content.
        Err(_) if target.is_dir() => {}
        Err(source) => {
            return Err(ImageError::Write {
                path: target,
                source,
            });
        }
    }
    Ok(target)
}

/// Removes what was left unfinished by those who were killed. Only for when nobody is unpacking.
pub fn clean_cache(cache: &Path) -> Result<(), ImageError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| ImageError::Write { path, source }
    };
    let entries = match fs::read_dir(cache) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed(cache))?,
    };
    for entry in entries {
        let entry = entry.map_err(failed(cache))?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path()).map_err(failed(&entry.path()))?;
        }
    }
    Ok(())
}

/// Removes every unpacked image but these. Only for when nobody is unpacking.
pub fn keep_only(cache: &Path, used: &[PathBuf]) -> Result<(), ImageError> {
    clean_cache(cache)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| ImageError::Write { path, source }
    };
    let entries = match fs::read_dir(cache) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed(cache))?,
    };
    for entry in entries {
        let path = entry.map_err(failed(cache))?.path();
        if used.contains(&path) {
            continue;
        }
        // Nobody may find half of it while it goes.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let going = cache.join(format!("{UNFINISHED}{name}"));
        fs::rename(&path, &going).map_err(failed(&path))?;
        fs::remove_dir_all(&going).map_err(failed(&going))?;
    }
    Ok(())
}

/// What the result depends on. How much would have been too much is no part of it.
fn key(layers: &[Layer], options: &Options) -> Digest {
    let Options {
        limits: _,
        special_bits,
        devices,
        owners,
    } = options;
    let mut text = format!("{special_bits:?} {devices:?} {owners:?}\n");
    for layer in layers {
        text += &format!("{}\n", layer.digest());
    }
    Digest::of(text.as_bytes())
}

/// After a power cut the folder must not be there with files that are empty.
fn sync(folder: &Path) -> io::Result<()> {
    let fd = open(folder, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    Ok(syncfs(fd)?)
}
