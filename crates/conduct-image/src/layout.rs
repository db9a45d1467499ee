//! OCI image layouts, both the way they are written today (`index.json` names the tags) and the way
//! they were when bundles began to carry them (a file per tag in `refs/`).

use std::collections::BTreeMap;
use std::io::Read as _;

use conduct_model::Digest;
use serde::Deserialize;

use crate::files::{FileReader, parse};
use crate::spec::{ImageConfig, JSON_BYTES_MAX, REF_NAME};
use crate::{Descriptor, Files, ImageError, Index, Manifest, Platform, Reference, Verified};

/// How deep lists may hold lists.
const INDEX_DEPTH_MAX: usize = 4;

/// What an image without a tag is called.
const NO_TAG: &str = "latest";

/// An image layout.
#[derive(Debug, Clone)]
pub struct Layout {
    files: Files,
}

/// One image of a layout, for one platform.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Its tag.
    pub tag: String,
    /// The other tags that the layout has.
    pub other_tags: Vec<String>,
    /// The platforms among which this one was chosen; empty where there was no choice.
    pub platforms: Vec<String>,
    /// Points at the manifest.
    pub descriptor: Descriptor,
    /// What the image consists of.
    pub manifest: Manifest,
    /// What the image says about itself.
    pub config: ImageConfig,
    files: Files,
}

/// A layer, to be read as often as needed.
#[derive(Debug, Clone)]
pub struct Layer {
    files: Files,
    blob: String,
    digest: Digest,
    size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayoutFile {
    image_layout_version: String,
}

impl Layout {
    /// Reads `oci-layout` and refuses a version that nobody has written yet.
    pub fn open(files: Files) -> Result<Layout, ImageError> {
        let LayoutFile {
            image_layout_version: version,
        } = files.json("oci-layout")?;
        if !version.starts_with("1.") {
            return Err(ImageError::Unsupported {
                what: format!("image layout version {version:?}"),
                why: "version 1 is known".to_owned(),
            });
        }
        Ok(Layout { files })
    }

    /// The image with this tag, or with the only or first one; for this platform, or for the one
    /// that this machine has.
    pub fn resolve(
        &self,
        tag: Option<&str>,
        platform: Option<&Platform>,
    ) -> Result<Resolved, ImageError> {
        let mut tags = self.tags()?;
        let tag = match tag {
            None => tags.keys().next().cloned().ok_or(ImageError::Empty)?,
            Some(tag) if tags.contains_key(tag) => tag.to_owned(),
            Some(tag) => {
                let present = tags.into_keys().collect();
                return Err(ImageError::NoTag {
                    wanted: tag.to_owned(),
                    present,
                });
            }
        };
        let candidates = tags.remove(&tag).unwrap_or_default();
        let mut platforms = Vec::new();
        let descriptor = self.descend(candidates, platform, &mut platforms, 0)?;
        let manifest: Manifest = self.blob_json(&descriptor)?;
        let config: ImageConfig = self.blob_json(&manifest.config)?;
        // An index has spoken already; without one only the image itself can tell.
        let misfit = |wanted: &&Platform| config.platform().serves(wanted).is_none();
        if let Some(wanted) = platform.filter(|_| platforms.is_empty()).filter(misfit) {
            let present = vec![config.platform().to_string()];
            return Err(ImageError::NoPlatform {
                wanted: wanted.clone(),
                present,
            });
        }
        for layer in &manifest.layers {
            if !self.files.contains(&layer.blob()?) {
                return Err(ImageError::Missing(layer.blob()?));
            }
        }
        let (other_tags, files) = (tags.into_keys().collect(), self.files.clone());
        Ok(Resolved {
            tag,
            other_tags,
            platforms,
            descriptor,
            manifest,
            config,
            files,
        })
    }

    /// All tags, each with the descriptors that carry it.
    fn tags(&self) -> Result<BTreeMap<String, Vec<Descriptor>>, ImageError> {
        let mut tags: BTreeMap<String, Vec<Descriptor>> = BTreeMap::new();
        for tag in self.files.below("refs")? {
            if is_tag(&tag) {
                let descriptor = self.files.json(&format!("refs/{tag}"))?;
                tags.insert(tag, vec![descriptor]);
            }
        }
        if !self.files.contains("index.json") {
            return Ok(tags);
        }
        let index: Index = self.files.json("index.json")?;
        let mut named: BTreeMap<String, Vec<Descriptor>> = BTreeMap::new();
        for descriptor in index.manifests {
            named
                .entry(tag_of(&descriptor))
                .or_default()
                .push(descriptor);
        }
        for (tag, descriptors) in named {
            tags.entry(tag).or_insert(descriptors);
        }
        Ok(tags)
    }

    /// Walks down lists to the one image that fits, noting every platform that was on offer.
    fn descend(
        &self,
        mut candidates: Vec<Descriptor>,
        platform: Option<&Platform>,
        offered: &mut Vec<String>,
        depth: usize,
    ) -> Result<Descriptor, ImageError> {
        if depth == INDEX_DEPTH_MAX {
            let max = format!("{INDEX_DEPTH_MAX} levels");
            return Err(ImageError::TooLarge {
                what: "the nesting of image lists".into(),
                max,
            });
        }
        let chosen = match candidates.len() {
            0 => return Err(ImageError::Empty),
            1 => candidates.remove(0),
            _ => best(candidates, platform, offered)?,
        };
        if !self.is_index(&chosen)? {
            return Ok(chosen);
        }
        let index: Index = self.blob_json(&chosen)?;
        self.descend(index.manifests, platform, offered, depth + 1)
    }

    fn is_index(&self, descriptor: &Descriptor) -> Result<bool, ImageError> {
        if !descriptor.media_type.is_empty() {
            return Ok(descriptor.is_index());
        }
        let any: serde_json::Value = self.blob_json(descriptor)?;
        Ok(any.get("manifests").is_some())
    }

    fn blob_json<T: serde::de::DeserializeOwned>(
        &self,
        descriptor: &Descriptor,
    ) -> Result<T, ImageError> {
        let name = descriptor.blob()?;
        if descriptor.size > JSON_BYTES_MAX {
            let max = format!("{JSON_BYTES_MAX} bytes");
            return Err(ImageError::TooLarge {
                what: format!("the size of {name}"),
                max,
            });
        }
        let mut bytes = Vec::new();
        Layer::new(&self.files, descriptor)?
            .open()?
            .read_to_end(&mut bytes)
            .map_err(ImageError::read(&name))?;
        parse(&name, &bytes)
    }
}

impl Resolved {
    /// The layers, lowest first.
    pub fn layers(&self) -> Result<Vec<Layer>, ImageError> {
        let layers = self.manifest.layers.iter();
        layers
            .map(|descriptor| Layer::new(&self.files, descriptor))
            .collect()
    }

    /// Any blob of the layout: they are read like layers.
    pub(crate) fn blob(&self, descriptor: &Descriptor) -> Result<Layer, ImageError> {
        Layer::new(&self.files, descriptor)
    }
}

impl Layer {
    pub(crate) fn new(files: &Files, descriptor: &Descriptor) -> Result<Layer, ImageError> {
        Ok(Layer {
            files: files.clone(),
            blob: descriptor.blob()?,
            digest: descriptor.sha256()?,
            size: descriptor.size,
        })
    }

    /// Which layer.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its file.
    pub fn name(&self) -> &str {
        &self.blob
    }

    /// Reads it as it lies there, usually compressed; checked while it is read.
    pub fn open(&self) -> Result<Verified<FileReader>, ImageError> {
        let file = self.files.open(&self.blob)?;
        Ok(Verified::new(file, &self.blob, self.digest, self.size))
    }
}

fn best(
    candidates: Vec<Descriptor>,
    platform: Option<&Platform>,
    offered: &mut Vec<String>,
) -> Result<Descriptor, ImageError> {
    let wanted = platform.cloned().unwrap_or_else(Platform::here);
    // Attestations stand beside the images with a platform that does not exist.
    let named = candidates
        .iter()
        .filter_map(|candidate| candidate.platform.as_ref());
    offered.extend(
        named
            .filter(|named| named.os != "unknown")
            .map(Platform::to_string),
    );
    let fitting = candidates.into_iter().rev().filter_map(|candidate| {
        let fit = candidate.platform.as_ref()?.serves(&wanted)?;
        Some((fit, candidate))
    });
    // Of equal ones the first counts, as the format demands; `max_by_key` takes the last.
    let best = fitting.max_by_key(|(fit, _)| *fit);
    best.map(|(_, candidate)| candidate)
        .ok_or_else(|| ImageError::NoPlatform {
            wanted,
            present: offered.clone(),
        })
}

/// The tag behind a name, since some tools annotate with all of `docker.io/team/feed:4.2`.
fn tag_of(descriptor: &Descriptor) -> String {
    let Some(name) = descriptor.annotations.get(REF_NAME) else {
        return NO_TAG.to_owned();
    };
    if is_tag(name) {
        return name.clone();
    }
    Reference::parse(name)
        .tag
        .filter(|tag| is_tag(tag))
        .unwrap_or_else(|| NO_TAG.to_owned())
}

/// Tags become file names.
pub(crate) fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}
