//! An archive to be sent: found as it is, or made of something else.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use conduct_bundle::archive::{Archive, ArchiveName, Limits};
use conduct_bundle::conf::Conf;
use conduct_hocon::Value;
use conduct_model::{BundleName, Digest};
use tempfile::TempDir;

use super::Args;
use super::cache::Caches;
use super::source::{self, Source};
use crate::bndl::{self, ConfFlags, Format, Material, Style};
use crate::conduct::session::Session;
use crate::exit::{Exit, Failure, OrFail as _, Told};
use crate::output::Output;
use crate::screen::Screen;

/// What a bundle's file is called that has no name of its own.
const NO_NAME: &str = "bundle";

/// The component that checks others is never meant.
const CHECK: &str = "bundle-status";

/// An archive to be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) path: PathBuf,
    /// Its size, without what stands behind it.
    pub(super) bytes: u64,
    /// What it is called when it is sent: says its digest.
    pub(super) file_name: ArchiveName,
    /// Its `bundle.conf`, word for word.
    pub(super) text: Option<String>,
    /// The same, understood.
    pub(super) conf: Option<Value>,
    /// Keeps what was made or fetched for as long as it is sent.
    _kept: Vec<Kept>,
}

/// Something that goes away when it is not needed any more.
#[derive(Debug)]
pub(super) enum Kept {
    Folder(#[expect(dead_code, reason = "it is held, not used")] TempDir),
    File(#[expect(dead_code, reason = "it is held, not used")] tempfile::NamedTempFile),
}

/// The bundle that a person names.
pub(super) async fn bundle(
    named: Option<&str>,
    args: &Args,
    caches: &Caches,
    session: &mut Session<'_>,
) -> Result<Prepared, Failure> {
    let source = source::bundle(named, args, caches, session).await?;
    // Images and the like are turned into a bundle here; all else is said by the configuration.
    let mut flags = ConfFlags {
        image: args.conf.image.clone(),
        with_defaults: args.conf.with_defaults,
        validation_exclude: args.conf.validation_exclude.clone(),
        ..ConfFlags::default()
    };
    if let Some(image) = &source.image {
        flags.top.name = Some(image.name.clone());
        flags.image.image_tag = Some(image.tag.clone());
    }
    let format = source.image.as_ref().map(|_| Format::OciImage);
    let prepared = if source.is_zip()? {
        opened(&source.path, &source.name, None)?
    } else {
        let material = material(&source, format, session.screen)?;
        packed(&material, format, &flags, session.screen)?
    };
    let prepared = prepared.holding(source.kept);
    if prepared.text.is_none() {
        let sentence = format!("{} has no bundle.conf, so it is no bundle", source.name);
        return Err(Failure::new(Exit::Failed, sentence).hint(format_args!(
            "see what is in it: bndl inspect {}",
            source.name
        )));
    }
    Ok(prepared)
}

impl Prepared {
    /// The first component that does something.
    pub(super) fn first_component(&self) -> Option<&str> {
        let components = self.conf.as_ref()?.get("components")?.as_object().ok()?;
        components.keys().find(|name| *name != CHECK)
    }

    /// What the first version of the control API wants to be told.
    pub(super) fn fields(&self, overlay: Option<&Value>) -> Vec<(&'static str, String)> {
        const NAMES: [(&str, &str); 6] = [
            ("nrOfCpus", "nr-of-cpus"),
            ("memory", "memory"),
            ("diskSpace", "disk-space"),
            ("roles", "roles"),
            ("bundleName", "name"),
            ("system", "system"),
        ];
        let said = |key: &str| {
            let own = || self.conf.as_ref().and_then(|conf| conf.get(key));
            overlay.and_then(|conf| conf.get(key)).or_else(own)
        };
        let text = |value: &Value| match value.as_strings() {
            Ok(words) => words.join(" "),
            Err(_) => value.as_bytes().map_or_else(
                |_| {
                    value
                        .as_str()
                        .map_or_else(|_| value.to_line(), str::to_owned)
                },
                |bytes| bytes.to_string(),
            ),
        };
        let fields = NAMES.into_iter().map(|(name, key)| {
            let value = said(key).filter(|value| !value.is_null());
            // Processors may be parts of one, which no number of bytes is.
            let value = value.map(|value| match key {
                "nr-of-cpus" => value.to_line(),
                _ => text(value),
            });
            (name, value.unwrap_or_default())
        });
        fields.collect()
    }

    pub(super) fn holding(mut self, kept: Vec<Kept>) -> Prepared {
        self._kept.extend(kept);
        self
    }
}

/// Reads an archive that is one. `label` is what it is called when it is sent; nothing means its
/// own name.
pub(super) fn opened(path: &Path, name: &str, label: Option<&str>) -> Result<Prepared, Failure> {
    let file = File::open(path).or_fail(Exit::Failed, format_args!("could not read {name}"))?;
    let archive = Archive::open(file, Limits::default()).or_fail(Exit::Failed, name)?;
    let digest = archive.digest().or_fail(Exit::Failed, name)?;
    let told = file_digest(path).filter(|_| archive.trailer().is_none());
    if let Some(expected) = archive.trailer().or(told).filter(|it| *it != digest) {
        let sentence =
            format!("{name} is not what it says: expected {expected}, contents hash to {digest}");
        return Err(Failure::new(Exit::Failed, sentence).hint("it may be damaged: get it again"));
    }
    let text = archive.conf().or_fail(Exit::Failed, name)?;
    let conf = match &text {
        Some(text) => {
            let inside = format!("{name}/bundle.conf");
            let conf = Conf::parse_named(&inside, text, None);
            let conf = conf.map_err(|error| Failure::lines(Exit::Failed, error.render()))?;
            Some(conf.value().clone())
        }
        None => None,
    };
    let own = conf.as_ref().and_then(|conf| conf.get("name"));
    let own = own.and_then(|own| own.as_str().ok());
    let own = own.filter(|own| own.parse::<BundleName>().is_ok());
    let label = label.or(own).unwrap_or(NO_NAME);
    Ok(Prepared {
        path: path.to_owned(),
        bytes: archive.bytes(),
        file_name: ArchiveName::new(label, digest),
        text,
        conf,
        _kept: Vec::new(),
    })
}

/// What the name of a file says that its digest is.
fn file_digest(path: &Path) -> Option<Digest> {
    let name: ArchiveName = path.file_name()?.to_str()?.parse().ok()?;
    Some(name.digest)
}

/// Opens what is no archive yet.
pub(super) fn material(
    source: &Source,
    format: Option<Format>,
    screen: &mut Screen,
) -> Result<Material, Failure> {
    let path = source.path.display().to_string();
    let opened = Material::open(Some(&path), format, screen);
    // A person knows nothing of where it was put.
    let renamed = |mut failure: Failure| {
        if let Told::Sentence(sentence) = &mut failure.told {
            *sentence = sentence.replace(&path, &source.name);
        }
        failure
    };
    let mut material = opened.map_err(renamed)?;
    material.name.clone_from(&source.name);
    Ok(material)
}

/// Makes an archive of something, as `bndl` does.
pub(super) fn packed(
    material: &Material,
    format: Option<Format>,
    flags: &ConfFlags,
    screen: &mut Screen,
) -> Result<Prepared, Failure> {
    let folder = tempfile::tempdir().or_fail(Exit::Failed, "could not make a temporary folder")?;
    let path = folder.path().join("packed.zip");
    let prepared = bndl::Prepared::new(material, format, flags, screen)?;
    let packing = prepared.packing(flags, screen)?;
    bndl::write(&packing, &Output::File(path.clone()), Style::Zip, screen)?;
    let label = (format == Some(Format::Configuration)).then_some("config");
    let archive = opened(&path, &material.name, label)?;
    Ok(archive.holding(vec![Kept::Folder(folder)]))
}

/// Whether a file begins as zips do.
pub(super) fn begins_as_zip(path: &Path) -> std::io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(start == *b"PK\x03\x04" || start == *b"PK\x05\x06")
}
