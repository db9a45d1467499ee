//! What registries say that images are made of.

use conduct_model::Digest;
use serde::Deserialize;

use super::cache::{ImageCache, Pointer, PointerPlatform};
use super::pull::Wanted;
use super::reference::ImageName;
use crate::error::ClientError;

const LAYERS_MAX: usize = 512;
pub(super) const LIST_DEPTH_MAX: usize = 3;

pub(super) const LISTS: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
pub(super) const MANIFESTS: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

#[derive(Deserialize)]
pub(super) struct List {
    pub(super) manifests: Vec<Pointer>,
}

#[derive(Deserialize)]
pub(super) struct Manifest {
    pub(super) config: Pointer,
    pub(super) layers: Vec<Pointer>,
}

pub(super) fn here(cache: &ImageCache, pointer: Pointer) -> Option<(Pointer, Vec<u8>)> {
    let bytes = cache.read(pointer.sha256()?)?;
    Some((pointer, bytes))
}

pub(super) fn is_list((pointer, bytes): &(Pointer, Vec<u8>)) -> bool {
    if LISTS.contains(&pointer.media_type.as_str()) {
        return true;
    }
    // Some registries call everything JSON.
    let is_known = MANIFESTS.contains(&pointer.media_type.as_str());
    !is_known && serde_json::from_slice::<List>(bytes).is_ok()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "whoever chose is done with the list"
)]
pub(super) fn chosen(
    image: &ImageName,
    list: List,
    wanted: &Wanted,
) -> Result<Pointer, ClientError> {
    let offered = |it: &PointerPlatform| match &it.variant {
        Some(variant) => format!("{}/{}/{variant}", it.os, it.architecture),
        None => format!("{}/{}", it.os, it.architecture),
    };
    let platforms: Vec<String> = list
        .manifests
        .iter()
        .filter_map(|it| it.platform.as_ref())
        .filter(|it| it.os != "unknown")
        .map(offered)
        .collect();
    let fits = |it: &&Pointer| {
        it.platform.as_ref().is_some_and(|platform| {
            let is_variant = wanted.variant.is_none() || wanted.variant == platform.variant;
            platform.os == wanted.os && platform.architecture == wanted.architecture && is_variant
        })
    };
    // Who names no variant takes the plain one where there is one.
    let is_plain = |it: &&Pointer| {
        let variant = it.platform.as_ref().and_then(|it| it.variant.as_deref());
        matches!(variant, None | Some("v8"))
    };
    let fitting: Vec<&Pointer> = list.manifests.iter().filter(fits).collect();
    let best = fitting
        .iter()
        .copied()
        .find(is_plain)
        .or_else(|| fitting.last().copied());
    best.cloned().ok_or_else(|| {
        let Wanted {
            os, architecture, ..
        } = wanted;
        let platforms = platforms.join(", ");
        unusable(
            image,
            &format!("it is made for {platforms}, not for {os}/{architecture}"),
        )
    })
}

pub(super) fn blobs_of<'m>(
    image: &ImageName,
    manifest: &'m Manifest,
) -> Result<Vec<(&'m Pointer, Digest)>, ClientError> {
    if manifest.layers.len() > LAYERS_MAX {
        return Err(unusable(
            image,
            &format!("it has more than {LAYERS_MAX} layers"),
        ));
    }
    std::iter::once(&manifest.config)
        .chain(&manifest.layers)
        .map(|it| Ok((it, known_digest(image, it)?)))
        .collect()
}

pub(super) fn known_digest(image: &ImageName, pointer: &Pointer) -> Result<Digest, ClientError> {
    pointer.sha256().ok_or_else(|| {
        unusable(
            image,
            &format!("its digest {:?} is no sha256", pointer.digest),
        )
    })
}

pub(super) fn parsed<T: serde::de::DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|source| ClientError::Malformed {
        url: "the registry".to_owned(),
        what,
        source,
    })
}

pub(super) fn unusable(image: &ImageName, why: &str) -> ClientError {
    ClientError::Image {
        image: image.to_string(),
        why: why.to_owned(),
    }
}
