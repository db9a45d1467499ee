//! A little workshop for layers, honest and hostile ones.

mod cache;
mod hostile;
mod limits;
mod order;
mod rooted;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use conduct_model::Digest;
use tempfile::TempDir;

use super::{Options, Unpacked, unpack_layers};
use crate::{Descriptor, Files, ImageError, Layer};

/// A folder with blobs, a place to unpack to, and a place that must stay as it is.
pub(super) struct World {
    home: TempDir,
}

/// Writes one layer.
pub(super) struct Tar(tar::Builder<Vec<u8>>);

impl World {
    pub(super) fn new() -> World {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(home.path().join("blobs/sha256")).expect("a folder");
        fs::create_dir(home.path().join("outside")).expect("a folder");
        fs::write(home.path().join("outside/victim"), "alive").expect("write");
        World { home }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(super) fn outside(&self) -> String {
        self.path("outside").display().to_string()
    }

    pub(super) fn layer(&self, fill: impl FnOnce(&mut Tar)) -> Layer {
        let mut tar = Tar::new();
        fill(&mut tar);
        self.blob(&tar.bytes())
    }

    pub(super) fn blob(&self, bytes: &[u8]) -> Layer {
        let digest = Digest::of(bytes);
        fs::write(self.path(&format!("blobs/sha256/{digest}")), bytes).expect("write");
        let descriptor = Descriptor {
            media_type: String::new(),
            digest: format!("sha256:{digest}"),
            size: bytes.len() as u64,
            platform: None,
            annotations: BTreeMap::new(),
        };
        Layer::new(&Files::folder(self.home.path()), &descriptor).expect("a digest")
    }

    pub(super) fn unpack(&self, layers: &[Layer]) -> Result<Unpacked, ImageError> {
        self.unpack_as(layers, &Options::default())
    }

    pub(super) fn unpack_as(
        &self,
        layers: &[Layer],
        options: &Options,
    ) -> Result<Unpacked, ImageError> {
        let result = unpack_layers(layers, &self.path("rootfs"), options);
        assert_eq!(
            listing(&self.path("outside")),
            ["victim"],
            "nothing outside may change"
        );
        let victim = fs::read_to_string(self.path("outside/victim")).expect("still there");
        assert_eq!(victim, "alive");
        result
    }

    pub(super) fn rootfs(&self) -> Vec<String> {
        listing(&self.path("rootfs"))
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("rootfs").join(name)).expect(name)
    }
}

impl Tar {
    fn new() -> Tar {
        Tar(tar::Builder::new(Vec::new()))
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("in memory")
    }

    pub(super) fn file(&mut self, name: &str, content: &str) -> &mut Tar {
        self.entry(name, tar::EntryType::Regular, 0o644, "", content.as_bytes())
    }

    pub(super) fn folder(&mut self, name: &str) -> &mut Tar {
        self.entry(name, tar::EntryType::Directory, 0o755, "", b"")
    }

    pub(super) fn link(&mut self, name: &str, target: &str) -> &mut Tar {
        self.entry(name, tar::EntryType::Symlink, 0o777, target, b"")
    }

    pub(super) fn hard_link(&mut self, name: &str, target: &str) -> &mut Tar {
        self.entry(name, tar::EntryType::Link, 0o644, target, b"")
    }

    /// Any entry: names go in as they are, also those that no sound tool would write.
    pub(super) fn entry(
        &mut self,
        name: &str,
        kind: tar::EntryType,
        mode: u32,
        link: &str,
        content: &[u8],
    ) -> &mut Tar {
        let mut header = tar::Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000_000);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.0.append(&header, content).expect("in memory");
        self
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// All names below a folder, sorted; folders with a slash, links with their target.
pub(super) fn listing(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((path, prefix)) = open.pop() {
        for entry in fs::read_dir(path).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                open.push((entry.path(), format!("{name}/")));
                names.push(format!("{name}/"));
            } else if kind.is_symlink() {
                let target = fs::read_link(entry.path()).expect("a link");
                names.push(format!("{name} -> {}", target.display()));
            } else {
                names.push(name);
            }
        }
    }
    names.sort();
    names
}
