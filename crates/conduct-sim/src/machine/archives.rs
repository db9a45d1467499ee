//! The store of archives of one machine: files by digest, which may rot.

use std::collections::BTreeMap;

use conduct_model::Digest;

use crate::engine::Dice;

/// The archives on one disk.
#[derive(Clone, Debug, Default)]
pub struct Archives {
    held: BTreeMap<Digest, Archive>,
    arriving: BTreeMap<Digest, Arrival>,
}

/// An archive that was verified when it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Archive {
    /// Its size.
    pub bytes: u64,
    /// Whether its bytes are no longer what its digest says.
    pub rotten: bool,
}

/// An archive on its way here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Names this transfer; a later one of the same archive has another.
    pub transfer: u64,
    /// Where it comes from; `None` is a client.
    pub from: Option<usize>,
}

impl Archives {
    /// Whether a good or bad copy is here.
    pub fn get(&self, digest: Digest) -> Option<Archive> {
        self.held.get(&digest).copied()
    }

    /// Whether a good copy is here.
    pub fn is_good(&self, digest: Digest) -> bool {
        self.held
            .get(&digest)
            .is_some_and(|archive| !archive.rotten)
    }

    /// A whole, verified archive is here.
    pub fn put(&mut self, digest: Digest, bytes: u64) {
        self.arriving.remove(&digest);
        self.held.insert(
            digest,
            Archive {
                bytes,
                rotten: false,
            },
        );
    }

    /// The archive goes. Whether it was there.
    pub fn remove(&mut self, digest: Digest) -> bool {
        self.held.remove(&digest).is_some()
    }

    /// One begins to arrive. False when one does already.
    pub fn begin(&mut self, digest: Digest, arrival: Arrival) -> bool {
        if self.arriving.contains_key(&digest) {
            return false;
        }
        self.arriving.insert(digest, arrival);
        true
    }

    /// The transfer under way, if it is still this one.
    pub fn arriving(&self, digest: Digest) -> Option<Arrival> {
        self.arriving.get(&digest).copied()
    }

    /// Whether anything is arriving.
    pub fn is_receiving(&self) -> bool {
        !self.arriving.is_empty()
    }

    /// What was arriving is gone.
    pub fn cancel(&mut self, digest: Digest) -> Option<Arrival> {
        self.arriving.remove(&digest)
    }

    /// The daemon is gone: what was arriving is gone too.
    pub fn orphan(&mut self) {
        self.arriving.clear();
    }

    /// A new, empty disk.
    pub fn wipe(&mut self) {
        *self = Archives::default();
    }

    /// One of them rots.
    pub fn rot(&mut self, dice: &mut Dice) -> Option<Digest> {
        let victim = dice.below(self.held.len() as u64) as usize;
        let (digest, archive) = self.held.iter_mut().nth(victim)?;
        archive.rotten = true;
        Some(*digest)
    }

    /// Those that are found damaged when all are read; they are set aside.
    pub fn scrub(&mut self) -> Vec<Digest> {
        let bad: Vec<Digest> = self
            .held
            .iter()
            .filter(|(_, a)| a.rotten)
            .map(|(digest, _)| *digest)
            .collect();
        for digest in &bad {
            self.held.remove(digest);
        }
        bad
    }

    /// Everything that is here.
    pub fn iter(&self) -> impl Iterator<Item = (Digest, Archive)> {
        self.held
            .iter()
            .map(|(digest, archive)| (*digest, *archive))
    }
}
