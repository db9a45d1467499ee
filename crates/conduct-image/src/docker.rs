//! What `docker save` writes: `manifest.json` names a configuration and layers for each image.
//!
//! Old engines put each layer into a folder of its own (`<id>/layer.tar`, sometimes as a link to
//! another one), `skopeo` puts `<digest>.tar` beside it, current engines put everything below
//! `blobs/sha256` and add an `index.json`. All of them write `manifest.json`, so that is what counts.

use conduct_model::Digest;
use serde::Deserialize;
use serde_json::Value;

use crate::files::parse;
use crate::spec::JSON_BYTES_MAX;
use crate::{Files, ImageConfig, ImageError, Platform, Reference};

const MANIFEST_FILE: &str = "manifest.json";

/// A `docker save` archive, as a tar or unpacked.
#[derive(Debug, Clone)]
pub struct DockerArchive {
    files: Files,
    images: Vec<Item>,
}

/// Which image of an archive.
#[derive(Debug, Clone, Default)]
pub struct DockerChoice<'a> {
    /// Its repository, or the end of it.
    pub name: Option<&'a str>,
    /// Its tag.
    pub tag: Option<&'a str>,
    /// What it must run on.
    pub platform: Option<&'a Platform>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// The image that was chosen.
#[derive(Debug, Clone)]
pub(crate) struct DockerImage {
    pub(crate) files: Files,
    pub(crate) name: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) other_names: Vec<String>,
    pub(crate) config: ImageConfig,
    pub(crate) raw_config: Value,
    /// The files of the layers, lowest first, each with the digest of the tar inside.
    pub(crate) layers: Vec<(String, Digest)>,
}

impl DockerArchive {
    /// Whether these files are such an archive: it has a manifest of this shape, and the files that
    /// the manifest names are there.
    pub fn is_one(files: &Files) -> bool {
        files.contains(MANIFEST_FILE)
            && files.json::<Vec<Item>>(MANIFEST_FILE).is_ok_and(|images| {
                !images.is_empty() && images.iter().all(|image| files.contains(&image.config))
            })
    }

    /// Reads the manifest.
    pub fn open(files: Files) -> Result<DockerArchive, ImageError> {
        let images = files.json(MANIFEST_FILE)?;
        Ok(DockerArchive { files, images })
    }

    pub(crate) fn choose(&self, choice: &DockerChoice<'_>) -> Result<DockerImage, ImageError> {
        let (item, reference) = self.find(choice)?;
        let bytes = self.files.read(&item.config, JSON_BYTES_MAX)?;
        check_name(&item.config, &bytes)?;
        let config: ImageConfig = parse(&item.config, &bytes)?;
        let misfit = |wanted: &&Platform| config.platform().serves(wanted).is_none();
        if let Some(wanted) = choice.platform.filter(misfit) {
            let present = vec![config.platform().to_string()];
            return Err(ImageError::NoPlatform {
                wanted: wanted.clone(),
                present,
            });
        }
        let chosen = reference.as_ref().map(ToString::to_string);
        let other_names = self
            .names()
            .into_iter()
            .filter(|name| Some(name) != chosen.as_ref())
            .collect();
        Ok(DockerImage {
            files: self.files.clone(),
            name: reference
                .as_ref()
                .map(|reference| reference.short_name().to_owned()),
            tag: reference
                .and_then(|reference| reference.tag)
                .or_else(|| choice.tag.map(str::to_owned)),
            other_names,
            layers: layers(item, &config)?,
            raw_config: parse(&item.config, &bytes)?,
            config,
        })
    }

    /// The first image with a name that fits, or else the first with a name, or else the only one.
    fn find(&self, choice: &DockerChoice<'_>) -> Result<(&Item, Option<Reference>), ImageError> {
        let named = self.images.iter().flat_map(|item| {
            let names = item.repo_tags.iter().flatten();
            names.map(move |name| (item, Reference::parse(name)))
        });
        let mut fitting = named.filter(|(_, reference)| {
            choice.name.is_none_or(|name| reference.is_called(name))
                && choice
                    .tag
                    .is_none_or(|tag| reference.tag.as_deref() == Some(tag))
        });
        if let Some((item, reference)) = fitting.next() {
            return Ok((item, Some(reference)));
        }
        match &self.images[..] {
            // Saved by its id, it has no name that could be wrong.
            [only] if only.repo_tags.as_ref().is_none_or(Vec::is_empty) => Ok((only, None)),
            _ => {
                let (name, tag) = (choice.name.unwrap_or("*"), choice.tag.unwrap_or("*"));
                let wanted = format!("{name}:{tag}");
                Err(ImageError::NoImage {
                    wanted,
                    present: self.names(),
                })
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.images
            .iter()
            .flat_map(|item| item.repo_tags.iter().flatten().cloned())
            .collect()
    }
}

fn layers(item: &Item, config: &ImageConfig) -> Result<Vec<(String, Digest)>, ImageError> {
    let names = item.layers.clone().unwrap_or_default();
    let digests = &config.rootfs.diff_ids;
    if names.len() != digests.len() {
        return Err(ImageError::Unsupported {
            what: format!("{} with {} layers", item.config, digests.len()),
            why: format!("{MANIFEST_FILE} names {} of them", names.len()),
        });
    }
    let pairs = names.into_iter().zip(digests).map(|(name, text)| {
        let digest = text
            .strip_prefix("sha256:")
            .and_then(|hex| hex.parse().ok());
        let digest = digest.ok_or_else(|| ImageError::Unsupported {
            what: format!("digest {text:?} in {}", item.config),
            why: "a digest is sha256: and 64 hex digits".to_owned(),
        })?;
        Ok((name, digest))
    });
    pairs.collect()
}

/// The file of a configuration is called by its digest; one that is called otherwise promises none.
fn check_name(file: &str, bytes: &[u8]) -> Result<(), ImageError> {
    let stem = file
        .rsplit('/')
        .next()
        .unwrap_or(file)
        .trim_end_matches(".json");
    let actual = Digest::of(bytes);
    match stem.parse::<Digest>() {
        Ok(expected) if expected != actual => Err(ImageError::Digest {
            blob: file.to_owned(),
            expected,
            actual,
        }),
        _ => Ok(()),
    }
}
