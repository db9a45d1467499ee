//! What can be wrong with an image.

use std::io;
use std::path::PathBuf;

use conduct_model::Digest;

use crate::Platform;

/// Why an image could not be read or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The disk, or whatever the image lies on.
    #[error("could not read {path}")]
    Read {
        /// The folder, the tar, or the file inside of it.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A folder, file or link could not be made.
    #[error("could not write {path}")]
    Write {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something refers to a file that is not there.
    #[error("the image has no file {0}")]
    Missing(String),
    /// A file that should be JSON of a certain shape is not.
    #[error("{file} is not what an image has there")]
    Json {
        /// Inside the image.
        file: String,
        /// Where and how it differs.
        source: serde_json::Error,
    },
    /// A JSON file, or a list in it, that no honest image needs.
    #[error("{what} exceeds {max}")]
    TooLarge {
        /// What was counted.
        what: String,
        /// The bound, with its unit.
        max: String,
    },
    /// The bytes of a blob are not those that its name promises.
    #[error("{blob} is damaged: its contents hash to {actual}, expected {expected}")]
    Digest {
        /// The blob's file.
        blob: String,
        /// What the image says.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// No image is tagged so.
    #[error("the image has no tag {wanted}, only {}", list(.present))]
    NoTag {
        /// What was asked for.
        wanted: String,
        /// What there is.
        present: Vec<String>,
    },
    /// A layout that names no image at all.
    #[error("the image layout has no tag and no image")]
    Empty,
    /// An archive of several images has none of this name.
    #[error("the archive has no image {wanted}, only {}", list(.present))]
    NoImage {
        /// What was asked for.
        wanted: String,
        /// What there is.
        present: Vec<String>,
    },
    /// An index has no image for the platform.
    #[error("the image is not made for {wanted}, only for {}", list(.present))]
    NoPlatform {
        /// What was asked for.
        wanted: Platform,
        /// What there is.
        present: Vec<String>,
    },
    /// Something of the image formats that is not supported.
    #[error("{what} is not supported: {why}")]
    Unsupported {
        /// Where it was seen.
        what: String,
        /// What was seen and what would do.
        why: String,
    },
    /// An entry of a layer must not be unpacked.
    #[error("layer entry {entry:?} is refused: {why}")]
    Refused {
        /// Its name as the layer has it.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ImageError {
    pub(crate) fn read(path: impl Into<String>) -> impl FnOnce(io::Error) -> ImageError {
        let path = path.into();
        // A broken promise of a blob travels through readers as an io::Error; here it gets out again.
        move |source| match source.downcast::<ImageError>() {
            Ok(error) => error,
            Err(source) => ImageError::Read { path, source },
        }
    }
}

impl From<ImageError> for io::Error {
    fn from(error: ImageError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
