//! Fetching an image.

use std::path::Path;

use conduct_model::Digest;
use sha2::{Digest as _, Sha256};

use super::cache::{ImageCache, Pointer};
use super::manifest::{
    LIST_DEPTH_MAX, LISTS, List, MANIFESTS, Manifest, blobs_of, chosen, here, is_list,
    known_digest, parsed, unusable,
};
use super::reference::ImageName;
use super::session::Session;
use crate::client::{Answer, Limits};
use crate::download::save;
use crate::error::ClientError;
use crate::settings::Credentials;
use crate::upload::Passed;

/// Manifests and lists of them are small.
const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// For which machine an image is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// `v7`, where that matters.
    pub variant: Option<String>,
}

/// Fetches an image from its registry.
#[derive(Debug)]
pub struct Pull<'a> {
    image: &'a ImageName,
    cache: &'a ImageCache,
    session: Session<'a>,
}

/// An image that is here in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The digest of the one image, of a list of images the one that was taken.
    pub digest: Digest,
    tag: String,
    manifest: Pointer,
    blobs: Vec<Digest>,
}

impl<'a> Pull<'a> {
    /// Prepares to fetch `image` into `cache`.
    pub fn new(
        image: &'a ImageName,
        cache: &'a ImageCache,
        credentials: Option<Credentials>,
    ) -> Result<Pull<'a>, ClientError> {
        Ok(Pull {
            image,
            cache,
            session: Session::new(image, credentials)?,
        })
    }

    /// Fetches what is not here yet. `started` is told how many bytes that is.
    pub async fn run(
        &self,
        wanted: &Wanted,
        started: impl FnOnce(u64),
        passed: &Passed,
    ) -> Result<Pulled, ClientError> {
        let known = self
            .image
            .digest
            .and_then(|_| self.cache.named(self.image))
            .and_then(|pointer| here(self.cache, pointer));
        let top = match known {
            Some(known) => known,
            None => {
                self.manifest(&self.image.reference(), self.image.digest)
                    .await?
            }
        };
        self.cache.name(self.image, &top.0)?;
        let (pointer, bytes) = self.choose(top, wanted).await?;
        let manifest: Manifest = parsed(&bytes, "a manifest")?;
        let blobs = blobs_of(self.image, &manifest)?;
        let is_missing =
            |(pointer, digest): &&(&Pointer, Digest)| !self.cache.has(*digest, pointer.size);
        let missing: Vec<_> = blobs.iter().filter(is_missing).collect();
        started(missing.iter().map(|(pointer, _)| pointer.size).sum());
        for (pointer, digest) in missing {
            // An image may have the same layer twice.
            if !self.cache.has(*digest, pointer.size) {
                self.blob(pointer, *digest, passed).await?;
            }
        }
        pulled(self.image, pointer, &blobs)
    }

    /// Walks from a list of images to the one for this machine.
    async fn choose(
        &self,
        mut top: (Pointer, Vec<u8>),
        wanted: &Wanted,
    ) -> Result<(Pointer, Vec<u8>), ClientError> {
        for _ in 0..LIST_DEPTH_MAX {
            if !is_list(&top) {
                return Ok(top);
            }
            let list: List = parsed(&top.1, "a list of images")?;
            let chosen = chosen(self.image, list, wanted)?;
            let digest = known_digest(self.image, &chosen)?;
            top = match here(self.cache, chosen.clone()) {
                Some(here) => here,
                None => {
                    let (_, bytes) = self.manifest(&chosen.digest, Some(digest)).await?;
                    (chosen, bytes)
                }
            };
        }
        Err(unusable(self.image, "it is a list of lists of images"))
    }

    async fn manifest(
        &self,
        reference: &str,
        expected: Option<Digest>,
    ) -> Result<(Pointer, Vec<u8>), ClientError> {
        let path = format!("/v2/{}/manifests/{reference}", self.image.repository);
        let accept = [LISTS, MANIFESTS].concat().join(", ");
        let answer = self.session.get(&path, &accept).await?;
        let media_type = answer.content_type();
        let limits = Limits {
            answer_bytes: MANIFEST_BYTES_MAX,
            ..Limits::default()
        };
        let answer = Answer::new(answer.url, answer.response, limits);
        let bytes = answer.bytes().await?.to_vec();
        let digest = self.cache.put(&bytes)?;
        if let Some(expected) = expected.filter(|expected| *expected != digest) {
            return Err(ClientError::Digest {
                what: self.image.to_string(),
                expected: expected.to_string(),
                actual: digest.to_string(),
            });
        }
        let pointer = Pointer {
            media_type,
            digest: format!("sha256:{digest}"),
            size: bytes.len() as u64,
            platform: None,
        };
        Ok((pointer, bytes))
    }

    async fn blob(
        &self,
        pointer: &Pointer,
        digest: Digest,
        passed: &Passed,
    ) -> Result<(), ClientError> {
        let path = format!("/v2/{}/blobs/{}", self.image.repository, pointer.digest);
        let answer = self.session.get(&path, "*/*").await?;
        let file = self.cache.begin()?;
        let mut hash = Sha256::new();
        let mut see = |piece: &[u8]| hash.update(piece);
        save(answer, file.path(), pointer.size, passed, &mut see).await?;
        let actual = hex::encode(hash.finalize());
        if actual != digest.to_string() {
            return Err(ClientError::Digest {
                what: format!("a layer of {}", self.image),
                expected: digest.to_string(),
                actual,
            });
        }
        self.cache.keep(file, digest)
    }
}

impl Pulled {
    /// An image that was fetched before, without any network.
    pub fn kept(
        image: &ImageName,
        wanted: &Wanted,
        cache: &ImageCache,
    ) -> Result<Pulled, ClientError> {
        let absent = || unusable(image, "it was never fetched, and --offline forbids to");
        let pointer = cache.named(image).ok_or_else(absent)?;
        let mut top = here(cache, pointer).ok_or_else(absent)?;
        for _ in 0..LIST_DEPTH_MAX {
            if !is_list(&top) {
                break;
            }
            let list: List = parsed(&top.1, "a list of images")?;
            top = here(cache, chosen(image, list, wanted)?).ok_or_else(absent)?;
        }
        let manifest: Manifest = parsed(&top.1, "a manifest")?;
        let blobs = blobs_of(image, &manifest)?;
        if blobs
            .iter()
            .any(|(it, digest)| !cache.has(*digest, it.size))
        {
            return Err(absent());
        }
        pulled(image, top.0, &blobs)
    }

    /// Makes an image layout of it in `folder`.
    pub fn lay_out(&self, cache: &ImageCache, folder: &Path) -> Result<(), ClientError> {
        cache.lay_out(folder, &self.tag, &self.manifest, &self.blobs)
    }
}

fn pulled(
    image: &ImageName,
    manifest: Pointer,
    blobs: &[(&Pointer, Digest)],
) -> Result<Pulled, ClientError> {
    let digest = known_digest(image, &manifest)?;
    let mut blobs: Vec<Digest> = blobs.iter().map(|(_, digest)| *digest).collect();
    blobs.push(digest);
    blobs.sort_unstable();
    blobs.dedup();
    Ok(Pulled {
        digest,
        tag: image.tag.clone(),
        manifest,
        blobs,
    })
}
