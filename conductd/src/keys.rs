//! The keys of a node on its disk: made by `init`, `join`, or the sandbox.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use conduct_net::{Authority, Identity, NetError};

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The node belongs to no cluster yet.
    #[error(
        "{folder} holds no keys: this node belongs to no cluster yet\n  \
         make a new cluster with: conductd init\n  \
         or join one with: conductd join"
    )]
    Missing { folder: PathBuf },
    /// Keys are there already, and a second set would be another node.
    #[error(
        "{folder} holds the keys of a node already\n  \
         a node keeps them for life; for a new node name another state folder"
    )]
    Present { folder: PathBuf },
    /// A key that others can read is not a key any more.
    #[error("{path} can be read by others (mode {mode:o}): close it with chmod 600 {path}")]
    Loose { path: PathBuf, mode: u32 },
    /// The disk.
    #[error("could not {what} {path}")]
    File {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// What stands there is no key.
    #[error("the keys in {folder} cannot be used")]
    Unusable { folder: PathBuf, source: NetError },
    /// There is no authority here to sign anything.
    #[error("{folder} holds no authority: tokens are made on the nodes that keep state")]
    NoAuthority { folder: PathBuf },
}

/// Where the keys of a node are.
#[derive(Debug, Clone)]
pub(crate) struct Keys(PathBuf);

impl Keys {
    pub(crate) fn of(state_dir: &Path) -> Keys {
        Keys(state_dir.join("keys"))
    }

    /// Makes a new cluster and its first node.
    pub(crate) fn init(&self) -> Result<Identity, KeysError> {
        let unusable = |source| KeysError::Unusable {
            folder: self.0.clone(),
            source,
        };
        let authority = Authority::make().map_err(unusable)?;
        let identity = authority.make_node().map_err(unusable)?;
        self.write_authority(&authority)?;
        self.write(&identity)?;
        Ok(identity)
    }

    /// Makes sure that keys could be kept here.
    pub(crate) fn prepare(&self) -> Result<(), KeysError> {
        let failed = |source| KeysError::File {
            what: "write into",
            path: self.0.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&self.0)
            .map_err(failed)?;
        try_writing(&self.0).map_err(failed)
    }

    /// Keeps what a node was given. Refused where a node has keys already.
    pub(crate) fn write(&self, identity: &Identity) -> Result<(), KeysError> {
        if self.0.join("node.key").exists() {
            return Err(KeysError::Present {
                folder: self.0.clone(),
            });
        }
        self.put("node.pem", &identity.certificates_pem())?;
        self.put("node.key", &identity.key_pem())
    }

    pub(crate) fn write_authority(&self, authority: &Authority) -> Result<(), KeysError> {
        if self.0.join("authority.key").exists() {
            return Err(KeysError::Present {
                folder: self.0.clone(),
            });
        }
        self.put("authority.pem", &authority.certificate_pem())?;
        self.put("authority.key", &authority.key_pem())
    }

    pub(crate) fn identity(&self) -> Result<Identity, KeysError> {
        if !self.0.join("node.key").exists() {
            return Err(KeysError::Missing {
                folder: self.0.clone(),
            });
        }
        let (certificates, key) = (self.get("node.pem")?, self.get("node.key")?);
        Identity::from_pem(&certificates, &key).map_err(|source| KeysError::Unusable {
            folder: self.0.clone(),
            source,
        })
    }

    pub(crate) fn authority(&self) -> Result<Authority, KeysError> {
        if !self.0.join("authority.key").exists() {
            return Err(KeysError::NoAuthority {
                folder: self.0.clone(),
            });
        }
        let (certificate, key) = (self.get("authority.pem")?, self.get("authority.key")?);
        Authority::from_pem(&certificate, &key).map_err(|source| KeysError::Unusable {
            folder: self.0.clone(),
            source,
        })
    }

    fn put(&self, name: &str, text: &str) -> Result<(), KeysError> {
        let path = self.0.join(name);
        let failed = |source| KeysError::File {
            what: "write",
            path: path.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&self.0)
            .map_err(failed)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(failed)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }

    fn get(&self, name: &str) -> Result<String, KeysError> {
        let path = self.0.join(name);
        let failed = |source| KeysError::File {
            what: "read",
            path: path.clone(),
            source,
        };
        let mode = fs::metadata(&path).map_err(failed)?.permissions().mode() & 0o777;
        if name.ends_with(".key") && mode & 0o077 != 0 {
            return Err(KeysError::Loose { path, mode });
        }
        fs::read_to_string(&path).map_err(failed)
    }
}

/// Writes and removes a file, which says more than permissions do.
fn try_writing(folder: &Path) -> io::Result<()> {
    let probe = folder.join("probe");
    fs::write(&probe, b"probe")?;
    fs::remove_file(&probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(folder.path());
        assert!(matches!(keys.identity(), Err(KeysError::Missing { .. })));
        let made = keys.init().unwrap();
        assert_eq!(keys.identity().unwrap().node(), made.node());
        assert_eq!(keys.authority().unwrap().digest(), made.authority_digest());
        assert!(matches!(keys.init(), Err(KeysError::Present { .. })));
        assert_eq!(keys.identity().unwrap().node(), made.node());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(folder.path());
        keys.init().unwrap();
        let path = folder.path().join("keys/node.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let why = keys.identity().err().expect("it is refused").to_string();
        assert!(
            why.contains("node.key can be read by others (mode 644)"),
            "{why}"
        );
    }
}
