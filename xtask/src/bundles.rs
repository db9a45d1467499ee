//! `cargo bundles`: builds the demo application and packs each of its services as a bundle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, root, shown};

/// The services of Chirper: folder, name of component and program, and of the archive.
pub(crate) const CHIRPER: &[&str] = &["friend", "chirp", "activity", "front-end"];

const USAGE: &str = "cargo bundles [--release]";

/// Builds, packs, and prints a line for each archive.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let is_release = match words {
        [] => false,
        [word] if word == "--release" => true,
        _ => {
            return Err(format!(
                "these words mean nothing here: {words:?}\n  {USAGE}"
            ));
        }
    };
    for archive in pack(is_release)? {
        println!("{}", archive.display());
    }
    Ok(())
}

/// Builds the services and `bndl`, and packs; answers the archives in the order of [`CHIRPER`].
/// Equal programs give equal archives.
pub(crate) fn pack(is_release: bool) -> Result<Vec<PathBuf>, String> {
    // As part of the workspace: what they use is built with the same features as for everything else.
    let mut words = vec!["build", "--quiet", "--workspace", "--bin", "bndl"];
    words.extend(CHIRPER.iter().flat_map(|service| ["--bin", service]));
    if is_release {
        words.push("--release");
    }
    if !shown(cargo(&words))?.ok {
        return Err("the demo application does not build".to_owned());
    }
    let programs = target().join(if is_release { "release" } else { "debug" });
    let folder = target().join("bundles");
    CHIRPER
        .iter()
        .map(|service| pack_one(service, &programs, &folder))
        .collect()
}

/// Lays a bundle out as a folder, and has `bndl` pack it.
fn pack_one(service: &str, programs: &Path, folder: &Path) -> Result<PathBuf, String> {
    let name = format!("chirper-{service}");
    let layout = folder.join("layout").join(&name);
    if layout.exists() {
        fs::remove_dir_all(&layout).map_err(|error| failed("remove", &layout, &error))?;
    }
    let bin = layout.join(service).join("bin");
    fs::create_dir_all(&bin).map_err(|error| failed("create", &bin, &error))?;
    let conf = root()
        .join("bundles/chirper")
        .join(service)
        .join("bundle.conf");
    copy(&conf, &layout.join("bundle.conf"))?;
    copy(&programs.join(service), &bin.join(service))?;

    let archive = folder.join(format!("{name}.zip"));
    let mut bndl = Command::new(programs.join("bndl"));
    bndl.arg(&layout).arg("-o").arg(&archive);
    if !shown(bndl)?.ok {
        return Err(format!("{name} cannot be packed"));
    }
    Ok(archive)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|error| failed("copy", from, &error))
}

fn failed(action: &str, path: &Path, error: &std::io::Error) -> String {
    format!("could not {action} {}: {error}", path.display())
}

/// Where cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
