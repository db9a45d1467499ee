//! Join tokens that this node has given out: enough to know one again, not enough to use it.
//!
//! A file each, named by the token's fingerprint, so that `conductd token` and a running daemon
//! need not talk to each other. A token that was used is renamed: two joiners with one token find
//! one file, and only one of them renames it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use conduct_model::{Digest, Span, Wall};
use conduct_net::{JoinRefusal, JoinToken};

/// The longest that a token may be good for.
pub(crate) const LIFE_MAX: Span = Span::secs(60 * 60);
/// A used or expired token is remembered so long, so that its second use gets the true reason.
const MEMORY: Span = Span::secs(24 * 60 * 60);

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const USED: &str = "used";

/// The tokens of one node.
#[derive(Debug, Clone)]
pub(crate) struct Tokens(PathBuf);

impl Tokens {
    pub(crate) fn of(state_dir: &Path) -> Tokens {
        Tokens(state_dir.join("tokens"))
    }

    /// Makes a token that lets one node in until `life` from now.
    pub(crate) fn make(
        &self,
        authority: Digest,
        life: Span,
        now: Wall,
    ) -> Result<JoinToken, io::Error> {
        self.sweep(now)?;
        let mut secret = [0; 32];
        for part in secret.chunks_exact_mut(8) {
            part.copy_from_slice(&crate::draw().to_le_bytes());
        }
        let token = JoinToken {
            authority,
            secret,
            expires: Wall::from_millis(now.as_millis() + life.as_millis()),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&self.0)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(self.open_path(token.fingerprint()))?;
        file.write_all(token.expires.as_millis().to_string().as_bytes())?;
        file.sync_all()?;
        self.sync()?;
        Ok(token)
    }

    /// Whether this secret would let a node in now.
    pub(crate) fn check(&self, secret: &[u8; 32], now: Wall) -> Result<(), JoinRefusal> {
        let fingerprint = Digest::of(secret);
        match expiry(&self.open_path(fingerprint)) {
            Some(expires) if expires < now => Err(JoinRefusal::Expired),
            Some(_) => Ok(()),
            None if self.used_path(fingerprint).exists() => Err(JoinRefusal::Used),
            None => Err(JoinRefusal::Unknown),
        }
    }

    /// Uses a token up. On the disk before anybody is let in by it.
    pub(crate) fn redeem(&self, secret: &[u8; 32], now: Wall) -> Result<(), JoinRefusal> {
        self.check(secret, now)?;
        let fingerprint = Digest::of(secret);
        let (open, used) = (self.open_path(fingerprint), self.used_path(fingerprint));
        // Whoever comes second finds nothing to rename.
        fs::rename(open, used).map_err(|_| JoinRefusal::Used)?;
        self.sync().map_err(|error| {
            tracing::error!(%error, "a used token could not be noted, so nobody is let in");
            JoinRefusal::Used
        })
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn open_path(&self, fingerprint: Digest) -> PathBuf {
        self.0.join(fingerprint.to_string())
    }

    fn used_path(&self, fingerprint: Digest) -> PathBuf {
        self.open_path(fingerprint).with_extension(USED)
    }

    /// Forgets what is over for long.
    fn sweep(&self, now: Wall) -> io::Result<()> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let is_over = expiry(&path)
                .is_none_or(|expires| expires.as_millis() + MEMORY.as_millis() < now.as_millis());
            if is_over {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

fn expiry(path: &Path) -> Option<Wall> {
    let text = fs::read_to_string(path).ok()?;
    Some(Wall::from_millis(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Wall = Wall::from_millis(1_700_000_000_000);

    fn later(seconds: u64) -> Wall {
        Wall::from_millis(NOW.as_millis() + seconds * 1000)
    }

    #[test]
    fn a_token_lets_one_node_in_and_says_why_it_does_not_let_in_another() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(folder.path());
        let token = tokens
            .make(Digest::of(b"authority"), LIFE_MAX, NOW)
            .unwrap();
        assert_eq!(tokens.redeem(&[1; 32], NOW), Err(JoinRefusal::Unknown));
        assert_eq!(
            tokens.redeem(&token.secret, later(3601)),
            Err(JoinRefusal::Expired)
        );
        assert_eq!(tokens.redeem(&token.secret, later(3599)), Ok(()));
        assert_eq!(
            tokens.redeem(&token.secret, later(3599)),
            Err(JoinRefusal::Used)
        );
    }

    #[test]
    fn what_is_over_for_a_day_is_forgotten_and_what_is_not_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(folder.path());
        let make = |now| {
            tokens
                .make(Digest::of(b"authority"), LIFE_MAX, now)
                .unwrap()
        };
        let (old, young) = (make(NOW), make(later(3600)));
        tokens.redeem(&old.secret, NOW).unwrap();
        make(later(25 * 3600 + 1));
        let now = later(3600);
        assert_eq!(tokens.check(&old.secret, now), Err(JoinRefusal::Unknown));
        assert_eq!(tokens.check(&young.secret, now), Ok(()));
    }
}
