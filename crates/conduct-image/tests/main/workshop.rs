//! Makes images: by hand, and with the tools that people use.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use conduct_image::Export;
use conduct_model::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder to make images in.
pub(crate) struct Workshop {
    home: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Workshop {
        Workshop {
            home: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("not the root")).expect("a folder");
        fs::write(path, bytes).expect("write");
    }

    /// Writes a blob into a layout and gives its descriptor.
    pub(crate) fn blob(&self, layout: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        self.write(&format!("{layout}/blobs/sha256/{digest}"), bytes);
        json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len() })
    }

    /// An image with one layer of one file `arch` that holds the architecture.
    pub(crate) fn image(&self, layout: &str, architecture: &str) -> Value {
        let tar = tar_of(&[("arch", architecture)]);
        let layer = self.blob(layout, "application/vnd.oci.image.layer.v1.tar", &tar);
        let config = config(architecture, &tar);
        let config = self.blob(
            layout,
            "application/vnd.oci.image.config.v1+json",
            config.to_string().as_bytes(),
        );
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        self.blob(layout, media_type, manifest.to_string().as_bytes())
    }

    /// Runs a tool in the workshop and returns what it printed.
    pub(crate) fn run(&self, tool: &str, arguments: &[&str]) -> String {
        let output = Command::new(tool)
            .args(arguments)
            .current_dir(self.home.path())
            .output()
            .unwrap_or_else(|error| panic!("could not run {tool}: {error}"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{tool} {arguments:?}: {stderr}");
        String::from_utf8(output.stdout).expect("text")
    }

    pub(crate) fn tar(&self, folder: &str, file: &str, entries: &[&str]) {
        let mut builder = tar::Builder::new(fs::File::create(self.path(file)).expect("create"));
        builder.follow_symlinks(false);
        for entry in entries {
            let path = self.path(folder).join(entry);
            if path.is_dir() {
                builder.append_dir_all(entry, path).expect("append");
            } else {
                builder.append_path_with_name(path, entry).expect("append");
            }
        }
        builder.finish().expect("finish");
    }
}

pub(crate) fn config(architecture: &str, layer_tar: &[u8]) -> Value {
    json!({
        "created": "2020-02-02T02:02:02Z",
        "architecture": architecture,
        "os": "linux",
        "config": { "Cmd": ["/bin/sh"], "Labels": { "org.example.kind": architecture } },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", Digest::of(layer_tar))] },
    })
}

pub(crate) fn tar_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder
            .append_data(&mut header, name, content.as_bytes())
            .expect("in memory");
    }
    builder.into_inner().expect("in memory")
}

/// Writes an export into a folder, as a bundle would hold it.
pub(crate) fn write_out(export: &Export, folder: &Path) {
    for file in &export.files {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().expect("not the root")).expect("a folder");
        let mut bytes = Vec::new();
        file.open()
            .expect("there")
            .read_to_end(&mut bytes)
            .expect("sound");
        assert_eq!(bytes.len() as u64, file.size, "{}", file.path);
        fs::write(path, bytes).expect("write");
    }
}

/// Whether a tool may be used. Where it is missing the test fails and says what to install, unless
/// the run was told that it has to do without.
pub(crate) fn have(tool: &str, package: &str) -> bool {
    let without = std::env::var("CONDUCT_WITHOUT_TOOLS").unwrap_or_default();
    if without.split([',', ' ']).any(|name| name == tool) {
        return false;
    }
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()));
    assert!(
        found,
        "this test needs {tool}: apt-get install {package}, or set CONDUCT_WITHOUT_TOOLS={tool}"
    );
    true
}

/// Paths below a folder with kind, mode and content.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(folder)
                .expect("below")
                .display()
                .to_string();
            let metadata = fs::symlink_metadata(&path).expect("there");
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
            let what = if metadata.is_dir() {
                open.push(path.clone());
                format!("folder {mode:o}")
            } else if metadata.is_symlink() {
                format!(
                    "link to {}",
                    fs::read_link(&path).expect("a link").display()
                )
            } else {
                format!(
                    "file {mode:o} {}",
                    Digest::of(&fs::read(&path).expect("a file"))
                )
            };
            found.insert(name, what);
        }
    }
    found
}
