//! An image with nothing but busybox in it, and what unpacks images.

use std::path::PathBuf;
use std::sync::OnceLock;

use conduct_bundle::archive::{Mode, Packing};
use conduct_image::Platform;
use conduct_image::unpack::{Wanted, keep_only, owners_from, root_of};
use conduct_model::Digest;
use conduct_runtime::{Account, ContainerRoot, ImageFailure, ImageRequest, Images, Owner};
use serde_json::{Value, json};

/// Introduces the unpacker to the runtime, as daemons do.
pub(crate) struct Unpacker {
    pub(crate) cache: PathBuf,
}

impl Images for Unpacker {
    fn unpack(&self, request: &ImageRequest<'_>) -> Result<ContainerRoot, ImageFailure> {
        let wanted = Wanted {
            tag: request.tag,
            owners: owners_from(request.ids.first, request.ids.count),
            folders: request.folders,
            files: request.files,
        };
        let rooted = root_of(request.layout, &self.cache, &wanted)?;
        let config = rooted.config;
        let variables = config.env.iter().filter_map(|text| text.split_once('='));
        Ok(ContainerRoot {
            rootfs: rooted.rootfs,
            words: [config.entrypoint, config.cmd].concat(),
            environment: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            working_folder: config.working_dir,
            account: Account {
                user: rooted.account.user,
                group: rooted.account.group,
                groups: rooted.account.groups,
            },
            labels: config.labels,
            owners: rooted
                .folders
                .iter()
                .map(|folder| Owner {
                    user: folder.user,
                    group: folder.group,
                    mode: folder.mode,
                })
                .collect(),
        })
    }

    fn keep_only(&self, used: &[PathBuf]) -> Result<(), ImageFailure> {
        Ok(keep_only(&self.cache, used)?)
    }
}

/// What busybox is called when it is to be something.
const APPLETS: &[&str] = &[
    "sh", "sleep", "id", "touch", "cat", "grep", "env", "ls", "unshare", "mount", "head", "tail",
    "stat", "hostname", "nc", "kill", "dd",
];

fn layer() -> &'static [u8] {
    static LAYER: OnceLock<Vec<u8>> = OnceLock::new();
    LAYER.get_or_init(|| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut entry = |name: &str, kind, mode, (user, group), link: &str, content: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_uid(user);
            header.set_gid(group);
            header.set_size(content.len() as u64);
            if link.is_empty() {
                tar.append_data(&mut header, name, content)
            } else {
                tar.append_link(&mut header, name, link)
            }
            .expect("in memory");
        };
        let busybox = std::fs::read("/bin/busybox").expect("busybox-static");
        let folder = tar::EntryType::Directory;
        entry("bin", folder, 0o755, (0, 0), "", b"");
        let file = tar::EntryType::Regular;
        entry("bin/busybox", file, 0o755, (0, 0), "", &busybox);
        for applet in APPLETS {
            let name = format!("bin/{applet}");
            entry(
                &name,
                tar::EntryType::Symlink,
                0o777,
                (0, 0),
                "busybox",
                b"",
            );
        }
        entry(
            "etc/passwd",
            file,
            0o644,
            (0, 0),
            "",
            b"root:x:0:0::/:\nweb:x:7:8::/srv:\n",
        );
        entry("data", folder, 0o700, (7, 8), "", b"");
        tar.into_inner().expect("in memory")
    })
}

/// Packs an image layout into the folder of a component. `run` is what images say about running
/// them.
pub(crate) fn pack_image(packing: &mut Packing<'_>, component: &str, run: &Value) {
    let mut blob = |bytes: Vec<u8>| {
        let (digest, size) = (Digest::of(&bytes), bytes.len());
        packing
            .bytes(
                &format!("{component}/blobs/sha256/{digest}"),
                Mode::FILE,
                bytes,
            )
            .expect("a path");
        json!({ "digest": format!("sha256:{digest}"), "size": size })
    };
    let layer = blob(layer().to_vec());
    let here = Platform::here();
    let config = json!({ "os": here.os, "architecture": here.architecture, "config": run });
    let config = blob(config.to_string().into_bytes());
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
    let manifest = blob(manifest.to_string().into_bytes());
    let mut file = |name: &str, value: Value| {
        packing
            .bytes(
                &format!("{component}/{name}"),
                Mode::FILE,
                value.to_string(),
            )
            .expect("a path");
    };
    file("oci-layout", json!({ "imageLayoutVersion": "1.0.0" }));
    file("refs/latest", manifest);
}

/// Packs an OCI runtime bundle with busybox in it into the folder of a component.
pub(crate) fn pack_runtime_bundle(packing: &mut Packing<'_>, component: &str, config: &Value) {
    let busybox = std::fs::read("/bin/busybox").expect("busybox-static");
    packing
        .bytes(
            &format!("{component}/config.json"),
            Mode::FILE,
            config.to_string(),
        )
        .expect("a path");
    packing
        .bytes(
            &format!("{component}/rootfs/bin/busybox"),
            Mode::PROGRAM,
            busybox,
        )
        .expect("a path");
}
