//! What was fetched, by its digest; and what a name meant last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use conduct_model::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::reference::ImageName;
use crate::error::ClientError;

/// A folder with blobs and names.
#[derive(Debug, Clone)]
pub struct ImageCache {
    folder: PathBuf,
}

/// What points to a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pointer {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<PointerPlatform>,
}

/// For which machines a blob is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PointerPlatform {
    #[serde(default)]
    pub(super) os: String,
    #[serde(default)]
    pub(super) architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
}

impl Pointer {
    pub(super) fn sha256(&self) -> Option<Digest> {
        self.digest.strip_prefix("sha256:")?.parse().ok()
    }
}

impl ImageCache {
    /// The cache in this folder, which is made when it is needed.
    pub fn new(folder: impl Into<PathBuf>) -> ImageCache {
        ImageCache {
            folder: folder.into(),
        }
    }

    pub(super) fn blob(&self, digest: Digest) -> PathBuf {
        self.folder.join("blobs").join(digest.to_string())
    }

    /// Whether a blob is here. What is here was complete when it came.
    pub(super) fn has(&self, digest: Digest, bytes: u64) -> bool {
        fs::metadata(self.blob(digest)).is_ok_and(|it| it.is_file() && it.len() == bytes)
    }

    pub(super) fn read(&self, digest: Digest) -> Option<Vec<u8>> {
        let bytes = fs::read(self.blob(digest)).ok()?;
        (Digest::of(&bytes) == digest).then_some(bytes)
    }

    /// A file to be filled, in the folder that it will be named in.
    pub(super) fn begin(&self) -> Result<NamedTempFile, ClientError> {
        let folder = self.folder.join("blobs");
        made(&folder)?;
        tempfile::Builder::new()
            .prefix(".fetching-")
            .tempfile_in(&folder)
            .map_err(|source| failed(&folder, source))
    }

    /// Gives a file that was filled its name.
    pub(super) fn keep(&self, file: NamedTempFile, digest: Digest) -> Result<(), ClientError> {
        let path = self.blob(digest);
        let kept = file.persist(&path).map_err(|error| error.error);
        kept.map(|_| ()).map_err(|source| failed(&path, source))
    }

    pub(super) fn put(&self, bytes: &[u8]) -> Result<Digest, ClientError> {
        let digest = Digest::of(bytes);
        let file = self.begin()?;
        fs::write(file.path(), bytes).map_err(|source| failed(file.path(), source))?;
        self.keep(file, digest)?;
        Ok(digest)
    }

    /// What a name meant last.
    pub(super) fn named(&self, image: &ImageName) -> Option<Pointer> {
        serde_json::from_slice(&fs::read(self.name_path(image)).ok()?).ok()
    }

    pub(super) fn name(&self, image: &ImageName, pointer: &Pointer) -> Result<(), ClientError> {
        let path = self.name_path(image);
        made(&self.folder.join("names"))?;
        let text = serde_json::to_vec(pointer).expect("a pointer is texts and numbers");
        fs::write(&path, text).map_err(|source| failed(&path, source))
    }

    /// A name has characters that files' names must not have.
    fn name_path(&self, image: &ImageName) -> PathBuf {
        let digest = hex::encode(Sha256::digest(image.to_string()));
        self.folder.join("names").join(format!("{digest}.json"))
    }

    /// Makes an image layout of one image in `folder`: the blobs are the same files where the
    /// system can do that.
    pub(super) fn lay_out(
        &self,
        folder: &Path,
        tag: &str,
        manifest: &Pointer,
        blobs: &[Digest],
    ) -> Result<(), ClientError> {
        let to = folder.join("blobs").join("sha256");
        made(&to)?;
        for digest in blobs {
            let (from, to) = (self.blob(*digest), to.join(digest.to_string()));
            fs::hard_link(&from, &to)
                .or_else(|_| fs::copy(&from, &to).map(|_| ()))
                .map_err(|source| failed(&to, source))?;
        }
        let index = serde_json::json!({
            "schemaVersion": 2,
            "manifests": [{
                "mediaType": manifest.media_type,
                "digest": manifest.digest,
                "size": manifest.size,
                "annotations": { "org.opencontainers.image.ref.name": tag },
            }],
        });
        let layout = serde_json::json!({ "imageLayoutVersion": "1.0.0" });
        for (name, value) in [("index.json", index), ("oci-layout", layout)] {
            let path = folder.join(name);
            fs::write(&path, value.to_string()).map_err(|source| failed(&path, source))?;
        }
        Ok(())
    }
}

fn made(folder: &Path) -> Result<(), ClientError> {
    fs::create_dir_all(folder).map_err(|source| failed(folder, source))
}

fn failed(path: &Path, source: io::Error) -> ClientError {
    ClientError::File {
        path: path.to_owned(),
        doing: "write",
        source,
    }
}
