//! What a bundle is made of, wherever it comes from and whatever it turns out to be.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use conduct_bundle::archive::{Archive, CONF_NAME, Limits, SCRIPT_NAME};
use conduct_image::{DockerArchive, Files, Layout, TarIndex, decode};
use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure, OrFail as _};
use crate::screen::Screen;

/// What a stream may be at most, once it is unpacked: it goes to the disk before it is looked at.
const SPOOL_BYTES_MAX: u64 = 64 << 30;

/// How much of a file's beginning tells what it is.
const START_BYTES: usize = 512;

/// What SOURCE should be taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A bundle: folder, zip, tar or bundle.conf
    Bundle,
    /// A configuration: folder, zip, tar, bundle.conf or nothing
    Configuration,
    /// What docker save writes: tar or folder
    Docker,
    /// An OCI image layout: tar or folder
    OciImage,
}

/// A SOURCE that has been opened.
#[derive(Debug)]
pub struct Material {
    /// What it is called in messages.
    pub name: String,
    pub(super) content: Content,
    /// Keeps what came through a pipe for as long as it is needed.
    _spool: Option<NamedTempFile>,
}

/// What is in it.
pub(super) enum Content {
    Folder(PathBuf),
    Zip(Archive<File>),
    Tar(Arc<TarIndex>, String),
    Conf(Vec<u8>),
    Nothing,
    Docker(DockerArchive),
    Image(Layout),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Content::Folder(_) => "Folder",
            Content::Zip(_) => "Zip",
            Content::Tar(..) => "Tar",
            Content::Conf(_) => "Conf",
            Content::Nothing => "Nothing",
            Content::Docker(_) => "Docker",
            Content::Image(_) => "Image",
        })
    }
}

impl Material {
    /// Opens a path, or stdin where it is `-` or nothing, and finds out what it is unless told.
    pub fn open(
        source: Option<&str>,
        format: Option<Format>,
        screen: &mut Screen,
    ) -> Result<Material, Failure> {
        match source.filter(|source| *source != "-") {
            Some(source) => open_path(Path::new(source), format, screen),
            None if io::stdin().is_terminal() => Err(Failure::new(
                Exit::Usage,
                "there is no SOURCE, and stdin is a terminal",
            )
            .hint("name a folder or file, or pipe something in: docker save shop | bndl …")),
            None => from_stream("stdin", &mut io::stdin().lock(), format, screen),
        }
    }

    /// Nothing at all, out of which flags alone make a configuration.
    pub fn nothing() -> Material {
        Material {
            name: "nothing".to_owned(),
            content: Content::Nothing,
            _spool: None,
        }
    }
}

fn open_path(
    path: &Path,
    format: Option<Format>,
    screen: &mut Screen,
) -> Result<Material, Failure> {
    let name = path.display().to_string();
    let unreadable = || format!("could not read {name}");
    let metadata = std::fs::metadata(path).map_err(|error| missing(&name, &error))?;
    if metadata.is_dir() {
        let content = folder(path, &name, format)?;
        return Ok(Material {
            name,
            content,
            _spool: None,
        });
    }
    let mut file = File::open(path).or_fail(Exit::Usage, unreadable())?;
    let start = start_of(&mut file).or_fail(Exit::Usage, unreadable())?;
    let whole = io::Cursor::new(&start).chain(&mut file);
    if !metadata.is_file() || is_compressed(&start) {
        return from_stream(&name, &mut { whole }, format, screen);
    }
    let content = from_file(path, &name, &start, format)?;
    Ok(Material {
        name,
        content,
        _spool: None,
    })
}

/// A name that is nothing, and what may have been meant.
fn missing(name: &str, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::Usage, format_args!("could not read {name}: {error}"));
    match conduct_hocon::nearest_name(name, super::COMMANDS) {
        Some(near) => failure.hint(format_args!("did you mean the command {near}?")),
        None => failure,
    }
}

/// Puts a stream on disk, since archives are read from their end and images in two passes.
fn from_stream(
    name: &str,
    stream: &mut dyn Read,
    format: Option<Format>,
    screen: &mut Screen,
) -> Result<Material, Failure> {
    let unreadable = || format!("could not read {name}");
    let mut spool =
        NamedTempFile::new().or_fail(Exit::Failed, "could not make a temporary file")?;
    let mut progress = screen.progress(format!("reading {name}"), None);
    let mut plain = decode(stream)
        .or_fail(Exit::Usage, unreadable())?
        .take(SPOOL_BYTES_MAX + 1);
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        let count = plain.read(&mut buffer).or_fail(Exit::Usage, unreadable())?;
        if count == 0 {
            break;
        }
        io::Write::write_all(spool.as_file_mut(), &buffer[..count]).or_fail(
            Exit::Failed,
            format_args!("could not write {}", spool.path().display()),
        )?;
        progress.add(count as u64);
        bytes += count as u64;
    }
    if bytes > SPOOL_BYTES_MAX {
        let sentence = format!("{name} is larger than {SPOOL_BYTES_MAX} bytes");
        return Err(Failure::new(Exit::Usage, sentence));
    }
    let mut file = spool.reopen().or_fail(Exit::Failed, unreadable())?;
    let start = start_of(&mut file).or_fail(Exit::Failed, unreadable())?;
    let content = from_file(spool.path(), name, &start, format)?;
    Ok(Material {
        name: name.to_owned(),
        content,
        _spool: Some(spool),
    })
}

fn start_of(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(START_BYTES);
    file.by_ref()
        .take(START_BYTES as u64)
        .read_to_end(&mut start)?;
    Ok(start)
}

fn is_compressed(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b]) || start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

fn folder(path: &Path, name: &str, format: Option<Format>) -> Result<Content, Failure> {
    let files = Files::folder(path);
    match format.or_else(|| image_format(&files)) {
        Some(Format::Docker) => docker(files, name),
        Some(Format::OciImage) => image(files, name),
        Some(Format::Bundle | Format::Configuration) | None => Ok(Content::Folder(
            root_of(path).or_fail(Exit::Usage, format_args!("could not read {name}"))?,
        )),
    }
}

fn from_file(
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
            .is_none_or(|place| place.kind == conduct_image::Kind::Folder)
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
