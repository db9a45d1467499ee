//! Container images as files: what `docker save`, `skopeo`, `umoci` and `buildah` leave behind.
//!
//! Nothing here speaks to a registry or an engine. An image comes as [`Files`] — a folder, or a tar
//! that is read where it lies — and is one of two things: a [`Layout`] as the OCI writes it down, or a
//! [`DockerArchive`]. Either becomes an [`Export`]: the files of an OCI layout that holds exactly one
//! image for one platform, which is how images live inside bundles. On Linux, `unpack` turns the
//! layers of such an image into a root file system without ever touching what lies outside of it.
//!
//! Everything is streamed, and every blob's digest is checked while it is read: a caller sees the
//! last byte of a blob only if all of them were the right ones.

mod decode;
mod docker;
mod error;
mod export;
mod files;
mod guard;
mod gzip_stored;
mod layout;
mod platform;
mod reference;
mod spec;
mod tar_index;
mod verify;
mod zstd_frames;

#[cfg(target_os = "linux")]
pub mod unpack;

pub use decode::decode;
pub use docker::{DockerArchive, DockerChoice};
pub use error::ImageError;
pub use export::{Export, ExportFile, Image};
pub use files::{FileReader, Files};
pub use gzip_stored::StoredGzip;
pub use layout::{Layer, Layout, Resolved};
pub use platform::{Platform, PlatformError};
pub use reference::Reference;
pub use spec::{Descriptor, ImageConfig, Index, Manifest, RunConfig};
pub use tar_index::{Kind, Place, TarIndex};
pub use verify::Verified;
