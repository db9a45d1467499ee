//! From what a person types to a file of this machine.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use conduct_client::registry::ImageName;

use super::Args;
use super::archive::{Kept, begins_as_zip};
use super::cache::{Caches, Kind};
use super::{fetch, image};
use crate::conduct::session::Session;
use crate::exit::{Exit, Failure, OrFail as _};

/// A file or folder of this machine.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// What it is called in messages.
    pub(super) name: String,
    /// If it is an image from a registry, what that is called.
    pub(super) image: Option<Image>,
    pub(super) kept: Vec<Kept>,
}

/// What an image is called.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) tag: String,
}

impl Source {
    pub(super) fn file(path: impl Into<PathBuf>, name: &str) -> Source {
        Source {
            path: path.into(),
            name: name.to_owned(),
            image: None,
            kept: Vec::new(),
        }
    }

    /// Whether it is an archive already.
    pub(super) fn is_zip(&self) -> Result<bool, Failure> {
        if self.path.is_dir() {
            return Ok(false);
        }
        let doing = format!("could not read {}", self.name);
        begins_as_zip(&self.path).or_fail(Exit::Failed, doing)
    }
}

/// What a bundle is to be made of.
pub(super) async fn bundle(
    named: Option<&str>,
    args: &Args,
    caches: &Caches,
    session: &mut Session<'_>,
) -> Result<Source, Failure> {
    match named {
        None | Some("-") => stdin(),
        Some(named) => match elsewhere(named, Kind::Bundle, args, caches, session).await? {
            Some(source) => Ok(source),
            None => image_or_nothing(named, args, caches, session).await,
        },
    }
}

/// What a configuration is to be made of.
pub(super) async fn configuration(
    named: &str,
    args: &Args,
    caches: &Caches,
    session: &mut Session<'_>,
) -> Result<Source, Failure> {
    let found = elsewhere(named, Kind::Configuration, args, caches, session).await?;
    found.ok_or_else(|| missing(named))
}

fn missing(named: &str) -> Failure {
    Failure::new(
        Exit::NotFound,
        format_args!("there is no file or folder {named}"),
    )
}

/// A file, a folder, an address of the web, or what was fetched from one before.
async fn elsewhere(
    named: &str,
    kind: Kind,
    args: &Args,
    caches: &Caches,
    session: &mut Session<'_>,
) -> Result<Option<Source>, Failure> {
    if named.starts_with("http://") || named.starts_with("https://") {
        let is_offline = args.resolving.is_offline();
        return fetch::fetch(named, kind, is_offline, caches, session)
            .await
            .map(Some);
    }
    if let Some((scheme, _)) = named.split_once("://")
        && !matches!(scheme, "file" | "docker")
    {
        let sentence = format!("{scheme}:// is not known as a source of bundles");
        return Err(Failure::new(Exit::Usage, sentence)
            .hint("a file, a folder, http://, https://, the name of an image, or - for stdin"));
    }
    if let Some(rest) = named.strip_prefix("urn:x-bundle:") {
        let sentence = "the service behind urn:x-bundle is gone for good";
        return Err(Failure::new(Exit::Usage, sentence).hint(format_args!(
            "if {rest} is an image, name it without the prefix"
        )));
    }
    let path = named.strip_prefix("file://").unwrap_or(named);
    if Path::new(path).exists() {
        return Ok(Some(Source::file(path, path)));
    }
    if args.resolving.is_offline() {
        return Ok(caches
            .newest(kind, named)
            .map(|path| Source::file(path, named)));
    }
    Ok(None)
}

/// What is no file may be an image, if it does not look like a file.
async fn image_or_nothing(
    named: &str,
    args: &Args,
    caches: &Caches,
    session: &mut Session<'_>,
) -> Result<Source, Failure> {
    const ENDINGS: [&str; 6] = [".zip", ".tar", ".tgz", ".gz", ".conf", ".zst"];
    let is_file = ENDINGS.iter().any(|ending| named.ends_with(ending))
        || named.starts_with(['.', '/', '~'])
        || named.ends_with('/');
    let text = named.strip_prefix("docker://").unwrap_or(named);
    match text.parse::<ImageName>() {
        Ok(name) if !is_file => image::fetch(&name, args, caches, session).await,
        Ok(_) | Err(_) => Err(missing(named)),
    }
}

/// All of stdin, put on disk: archives are read from their end.
fn stdin() -> Result<Source, Failure> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        return Err(
            Failure::new(Exit::Usage, "no bundle is named, and stdin is a terminal")
                .hint("name a file or folder, or pipe something in: bndl shop | conduct load"),
        );
    }
    let mut file =
        tempfile::NamedTempFile::new().or_fail(Exit::Failed, "could not make a temporary file")?;
    let bytes = io::copy(&mut stdin, file.as_file_mut()).or_fail(Exit::Failed, "stdin")?;
    if bytes == 0 {
        return Err(Failure::new(
            Exit::Usage,
            "no bundle is named, and stdin is empty",
        ));
    }
    Ok(Source {
        kept: Vec::new(),
        ..Source::file(file.path(), "stdin")
    }
    .holding(Kept::File(file)))
}

impl Source {
    pub(super) fn holding(mut self, kept: Kept) -> Source {
        self.kept.push(kept);
        self
    }
}
