//! What a bundle is made of, wherever it comes from and whatever it turns out to be.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use conduct_bundle::archive::Archive;
use conduct_image::{DockerArchive, Layout, TarIndex, decode};
use tempfile::NamedTempFile;

use super::detect::{folder, from_file};
use crate::exit::{Exit, Failure, OrFail as _};
use crate::screen::Screen;

/// What a stream may be at most, once it is unpacked: it goes to the disk before it is looked at.
const SPOOL_BYTES_MAX: u64 = 64 << 30;

/// How much of a file's beginning tells what it is.
pub(super) const START_BYTES: usize = 512;

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
