//! Finds out what a folder or a file is. Its name does not matter, its content does.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conduct_bundle::archive::{Archive, CONF_NAME, Limits, SCRIPT_NAME};
use conduct_image::{DockerArchive, Files, Kind, Layout, TarIndex};

use super::material::{Content, Format, START_BYTES};
use crate::exit::{Exit, Failure, OrFail as _};

pub(super) fn folder(path: &Path, name: &str, format: Option<Format>) -> Result<Content, Failure> {
    let files = Files::folder(path);
    match format.or_else(|| image_format(&files)) {
        Some(Format::Docker) => docker(files, name),
        Some(Format::OciImage) => image(files, name),
        Some(Format::Bundle | Format::Configuration) | None => Ok(Content::Folder(
            root_of(path).or_fail(Exit::Usage, format_args!("could not read {name}"))?,
        )),
    }
}

pub(super) fn from_file(
    path: &Path,
    name: &str,
    start: &[u8],
    format: Option<Format>,
) -> Result<Content, Failure> {
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return zip(path, name, format);
    }
    if let Some(index) = tar_index(path, name, start)? {
        return tar(index, name, format);
    }
    let forced = match format {
        Some(Format::Docker) => return Err(no_docker(name)),
        Some(Format::OciImage) => return Err(no_image(name)),
        forced => forced,
    };
    if start.is_empty() {
        return match forced {
            Some(_) => Ok(Content::Nothing),
            None => Err(Failure::new(Exit::Usage, format_args!("{name} is empty"))
                .hint("for a configuration made of flags alone: bndl -f configuration …")),
        };
    }
    if !start.contains(&0) {
        let conf = read_conf(path, name)?;
        if forced.is_some() || name.ends_with(".conf") || parses(&conf) {
            return Ok(Content::Conf(conf));
        }
    }
    Err(Failure::new(
        Exit::Usage,
        format_args!("{name} is nothing that a bundle can be made of"),
    )
    .hint("a bundle.conf, a zip or tar of a bundle, what docker save writes, or an OCI layout")
    .hint("if it is one of these, say which: -f bundle, configuration, docker or oci-image"))
}

fn parses(conf: &[u8]) -> bool {
    std::str::from_utf8(conf).is_ok_and(|text| conduct_hocon::parse(text).is_ok())
}

fn read_conf(path: &Path, name: &str) -> Result<Vec<u8>, Failure> {
    let max = Limits::default().conf_bytes;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(max + 1).read_to_end(&mut bytes))
        .or_fail(Exit::Usage, format_args!("could not read {name}"))?;
    if bytes.len() as u64 > max {
        let sentence = format!("{name} is no archive, and too large for a bundle.conf");
        return Err(Failure::new(Exit::Usage, sentence)
            .hint(format_args!("a bundle.conf has at most {max} bytes")));
    }
    Ok(bytes)
}

fn zip(path: &Path, name: &str, format: Option<Format>) -> Result<Content, Failure> {
    match format {
        Some(Format::Docker) => return Err(no_docker(name)),
        Some(Format::OciImage) => return Err(no_image(name)),
        Some(Format::Bundle | Format::Configuration) | None => {}
    }
    let file = File::open(path).or_fail(Exit::Usage, format_args!("could not read {name}"))?;
    let archive = Archive::open(file, Limits::default()).or_fail(Exit::Failed, name)?;
    Ok(Content::Zip(archive))
}

/// The index of a tar; nothing if it is none.
fn tar_index(path: &Path, name: &str, start: &[u8]) -> Result<Option<TarIndex>, Failure> {
    let is_tar = start.get(257..262).is_some_and(|magic| magic == b"ustar") || old_tar(start);
    if !is_tar {
        return Ok(None);
    }
    let index = TarIndex::read(path).or_fail(Exit::Usage, name)?;
    Ok(Some(index).filter(|index| !index.entries().is_empty() || start.iter().all(|&b| b == 0)))
}

/// Whether this is a header from before `ustar`: its checksum is right.
fn old_tar(start: &[u8]) -> bool {
    if start.len() < START_BYTES || start[0] == 0 {
        return false;
    }
    let told = std::str::from_utf8(&start[148..156])
        .ok()
        .and_then(|text| u32::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok());
    let sum = |range: &[u8]| range.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    told == Some(sum(&start[..148]) + 8 * u32::from(b' ') + sum(&start[156..START_BYTES]))
}

fn tar(index: TarIndex, name: &str, format: Option<Format>) -> Result<Content, Failure> {
    let index = Arc::new(index);
    let tops = [Some(String::new()), only_top(&index)];
    for top in tops.into_iter().flatten() {
        let files = Files::tar(index.clone(), &top);
        let found = match format {
            None => image_format(&files),
            Some(Format::Docker) => Some(Format::Docker).filter(|_| DockerArchive::is_one(&files)),
            Some(Format::OciImage) => {
                Some(Format::OciImage).filter(|_| files.contains("oci-layout"))
            }
            Some(Format::Bundle | Format::Configuration) => None,
        };
        match found {
            Some(Format::Docker) => return docker(files, name),
            Some(Format::OciImage) => return image(files, name),
            _ => {}
        }
    }
    match format {
        Some(Format::Docker) => Err(no_docker(name)),
        Some(Format::OciImage) => Err(no_image(name)),
        Some(Format::Bundle | Format::Configuration) | None => {
            let root = tar_root(&index);
            Ok(Content::Tar(index, root))
        }
    }
}

/// The one folder that everything is in, if there is one.
fn only_top(index: &TarIndex) -> Option<String> {
    let mut tops = index
        .names()
        .filter(|name| !name.is_empty())
        .map(|name| name.split_once('/').map_or(name, |(top, _)| top));
    let first = tops.next()?;
    tops.all(|top| top == first).then(|| first.to_owned())
}

/// The folder of the first descriptor, or of the first script, or the only one at the top.
fn tar_root(index: &TarIndex) -> String {
    let folder_of = |mark: &str| {
        let found = index
            .names()
            .filter(|name| name.rsplit('/').next() == Some(mark));
        // The one that is least deep; of equals the first.
        let found = found.min_by_key(|name| name.matches('/').count())?;
        Some(
            found
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_owned(),
        )
    };
    let has_content = |top: &String| {
        index
            .get(top)
            .is_none_or(|place| place.kind == Kind::Folder)
    };
    folder_of(CONF_NAME)
        .or_else(|| folder_of(SCRIPT_NAME))
        .or_else(|| only_top(index).filter(has_content))
        .unwrap_or_default()
}

/// How deep a folder is searched for its `bundle.conf`.
const ROOT_DEPTH_MAX: usize = 3;

/// The folder with the descriptor, or with the script, or the one that was given.
fn root_of(path: &Path) -> io::Result<PathBuf> {
    for mark in [CONF_NAME, SCRIPT_NAME] {
        let mut level = vec![path.to_owned()];
        for _ in 0..ROOT_DEPTH_MAX {
            if let Some(found) = level.iter().find(|folder| folder.join(mark).is_file()) {
                return Ok(found.clone());
            }
            let mut next = Vec::new();
            for folder in level {
                for entry in std::fs::read_dir(folder)? {
                    let entry = entry?;
                    if entry.file_type()?.is_dir() {
                        next.push(entry.path());
                    }
                }
            }
            next.sort();
            level = next;
        }
    }
    Ok(path.to_owned())
}

/// Which kind of image these files are, if they are one. A descriptor beside them means that they
/// are part of a bundle.
fn image_format(files: &Files) -> Option<Format> {
    if files.contains(CONF_NAME) || files.contains(SCRIPT_NAME) {
        None
    } else if DockerArchive::is_one(files) {
        // Current engines write an image layout as well; the manifest knows the names.
        Some(Format::Docker)
    } else if files.contains("oci-layout") {
        Some(Format::OciImage)
    } else {
        None
    }
}

fn docker(files: Files, name: &str) -> Result<Content, Failure> {
    if !DockerArchive::is_one(&files) {
        return Err(no_docker(name));
    }
    DockerArchive::open(files)
        .map(Content::Docker)
        .or_fail(Exit::NotFound, name)
}

fn image(files: Files, name: &str) -> Result<Content, Failure> {
    Layout::open(files)
        .map(Content::Image)
        .or_fail(Exit::Usage, name)
}

fn no_docker(name: &str) -> Failure {
    Failure::new(Exit::NotFound, format_args!("{name} is no docker image"))
        .hint("it has no manifest.json with an image in it, as docker save writes it")
}

fn no_image(name: &str) -> Failure {
    Failure::new(Exit::Usage, format_args!("{name} is no OCI image layout"))
        .hint("it has no file oci-layout")
}
