//! Cuts for whoever tries a split network: a file names the peers that nothing is exchanged with.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use conduct_net::Net;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Enough for the largest cluster.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Follows the file for as long as the daemon runs. One `ip:port` a line; no file means no cut.
pub(crate) fn follow(file: PathBuf, net: Net) {
    tracing::warn!(file = %file.display(), "this node can be cut off by a file: a setting for tests");
    let mut cuts = Cuts {
        file,
        net,
        version: None,
        cut: BTreeSet::new(),
    };
    // Before a single packet has left: a node that was started again stays where it was.
    cuts.look();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK).await;
            cuts.look();
        }
    });
}

struct Cuts {
    file: PathBuf,
    net: Net,
    version: Option<Version>,
    cut: BTreeSet<SocketAddr>,
}

/// Differs when the file does: when it was written, its length, and which one it is.
type Version = (SystemTime, u64, u64);

impl Cuts {
    fn look(&mut self) {
        let version = version(&self.file);
        if version == self.version {
            return;
        }
        self.version = version;
        match read(&self.file) {
            Ok(cut) => {
                if cut != self.cut {
                    tracing::info!(?cut, "peers that nothing is exchanged with");
                }
                self.net.cut(cut.clone());
                self.cut = cut;
            }
            Err(error) => {
                tracing::error!(%error, file = %self.file.display(), "the cut stays as it was");
            }
        }
    }
}

fn version(file: &Path) -> Option<Version> {
    let found = fs::metadata(file).ok()?;
    Some((found.modified().ok()?, found.len(), found.ino()))
}

fn read(file: &Path) -> io::Result<BTreeSet<SocketAddr>> {
    match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error),
        Ok(found) if found.len() > FILE_BYTES_MAX => {
            return Err(io::Error::other("it is too long"));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(file)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let address = |line: &str| {
        line.parse()
            .map_err(|_| io::Error::other(format!("{line:?} is no ip:port")))
    };
    lines.map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_peers_line_by_line_and_no_file_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cut");
        assert!(read(&file).unwrap().is_empty());
        fs::write(&file, "127.0.10.2:9004\n\n [::1]:9004 \n").unwrap();
        let cut: Vec<String> = read(&file)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(cut, ["127.0.10.2:9004", "[::1]:9004"]);
        fs::write(&file, "127.0.10.2\n").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("127.0.10.2"));
    }

    #[test]
    fn a_file_that_is_replaced_has_another_version() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cut");
        assert_eq!(version(&file), None);
        fs::write(&file, "127.0.10.2:9004\n").unwrap();
        let first = version(&file);
        assert!(first.is_some());
        fs::write(&file, "").unwrap();
        assert_ne!(version(&file), first);
    }
}
