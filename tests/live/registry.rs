//! Images from a real registry: Debian's, filled by skopeo.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use conduct_tests::tools::have;
use conduct_tests::{Addresses, Cluster, Ran, eventually, run};

const PORT: u16 = 5000;

/// A registry with one image, on an address of its own.
struct Registry {
    ip: Ipv4Addr,
    server: Child,
    _addresses: Addresses,
    folder: tempfile::TempDir,
}

impl Registry {
    fn start() -> Registry {
        let addresses = Addresses::claim();
        let ip = addresses.ip(1);
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("store");
        let conf = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
             http:\n  addr: {ip}:{PORT}\n",
            store.display()
        );
        let file = folder.path().join("registry.yml");
        fs::write(&file, conf).expect("a file");
        let mut server = Command::new("docker-registry");
        let server = server.arg("serve").arg(&file);
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let registry = Registry {
            ip,
            server: server.expect("it starts"),
            _addresses: addresses,
            folder,
        };
        eventually("the registry answers", || {
            conduct_tests::http::request((ip, PORT).into(), "GET", "/v2/", &[], b"").map(|_| ())
        });
        registry
    }

    fn image(&self) -> String {
        format!("{}:{PORT}/team/feed:4.2", self.ip)
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes an image and pushes it.
    fn fill(&self) {
        let image = self.image();
        let line = format!(
            "set -e
             umoci init --layout img
             umoci new --image img:4.2
             umoci unpack --rootless --image img:4.2 b
             mkdir -p b/rootfs/bin
             cp \"$(command -v busybox)\" b/rootfs/bin/busybox
             umoci repack --image img:4.2 b
             umoci config --image img:4.2 --config.exposedports 7100/tcp --config.cmd /bin/busybox
             skopeo copy -q --dest-tls-verify=false oci:img:4.2 docker://{image}"
        );
        let mut shell = Command::new("sh");
        run(shell.args(["-c", &line]).current_dir(self.folder())).ok();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Whatever fails here has ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn tools() -> bool {
    [
        ("docker-registry", "docker-registry"),
        ("skopeo", "skopeo"),
        ("umoci", "umoci"),
        ("busybox", "busybox-static"),
    ]
    .iter()
    .all(|(tool, package)| have(tool, package))
}

/// Loads an image into a cluster of one node.
fn load(cluster: &Cluster, arguments: &[&str]) -> Ran {
    let all = [&["load", "-q"], arguments].concat();
    run(&mut cluster[0].conduct(&all))
}

#[test]
fn an_image_is_loaded_from_a_registry_and_again_without_it() {
    if !tools() {
        return;
    }
    let cluster = Cluster::start(1);
    let registry = Registry::start();
    registry.fill();
    let image = registry.image();
    let first = load(&cluster, &[&image]);
    let id = first.ok().trim().to_owned();
    assert_eq!(id.len(), 32, "{first:?}");
    let info = cluster[0].json("/v2/bundles").expect("a list");
    assert_eq!(info[0]["attributes"]["bundleName"], "feed");
    assert_eq!(info[0]["attributes"]["tags"][0], "4.2");

    let missing = format!("{}:{PORT}/team/other:1", registry.ip);
    load(&cluster, &[&missing]).failed(3, "team/other");
    drop(registry);
    let kept = load(&cluster, &["--offline", &image]);
    assert_eq!(kept.ok().trim(), id, "what was fetched before is kept");
}
