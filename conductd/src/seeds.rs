//! Where a node that was let in looks for its cluster the first time.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The addresses that a member told when it let this node in. Afterwards the node's own records
/// say who the members are.
#[derive(Debug, Clone)]
pub(crate) struct Seeds(PathBuf);

impl Seeds {
    pub(crate) fn of(state_dir: &Path) -> Seeds {
        Seeds(state_dir.join("seeds"))
    }

    /// What stands there; a line that is no address is left out.
    pub(crate) fn read(&self) -> io::Result<Vec<SocketAddr>> {
        match fs::read_to_string(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
        }
    }

    pub(crate) fn write(&self, members: &[SocketAddr]) -> io::Result<()> {
        let mut file = File::create(&self.0)?;
        for member in members {
            writeln!(file, "{member}")?;
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let seeds = Seeds::of(folder.path());
        assert_eq!(seeds.read().unwrap(), []);
        let told = ["127.0.0.1:9004", "[::1]:9004"].map(|text| text.parse().unwrap());
        seeds.write(&told).unwrap();
        assert_eq!(seeds.read().unwrap(), told);
    }
}
