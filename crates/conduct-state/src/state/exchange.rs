//! Who lacks what: a hash of the vector first, the vector where hashes differ, then what the
//! other side's vector does not cover.

use serde::{Deserialize, Serialize};

use super::{Standing, State};
use crate::codec::{Decoder, Encoder};
use crate::delta::{DeltaWriter, LAYOUT_VERSION, Mode};
use crate::{Delta, Dot, StateError, Vector, WriterId};

/// Two hashes that say whether two states are equal, in 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Of the vector that others are told.
    pub vector: u64,
    /// Of the records that are alive under it.
    pub records: u64,
}

/// What two summaries or digests say of each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// Both know the same.
    Same,
    /// At least one lacks something.
    Different {
        /// The other does. With summaries alone, both might.
        they_lack: bool,
        /// This one does.
        we_lack: bool,
    },
    /// Both know the same writes and still hold different records. No sequence of messages leads
    /// there; a defect of memory or code does. Worth an event that a person reads.
    Diverged,
}

/// How far a node knows every writer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Digest {
    /// What is known.
    pub(crate) claims: Vector,
    /// What is held beyond that, of a jump that has not closed.
    pub(crate) held: Vector,
    /// How many times writers were forgotten, and what must be known since.
    pub(crate) standing: Standing,
    /// Whether nothing of others is known.
    pub(crate) clean: bool,
}

impl Summary {
    /// How this state compares with one that sent `theirs`.
    pub fn compare(&self, theirs: &Summary) -> Comparison {
        if self.vector != theirs.vector {
            Comparison::Different {
                they_lack: true,
                we_lack: true,
            }
        } else if self.records != theirs.records {
            Comparison::Diverged
        } else {
            Comparison::Same
        }
    }
}

impl Digest {
    /// The vector that it tells.
    pub fn vector(&self) -> &Vector {
        &self.claims
    }

    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.byte(LAYOUT_VERSION);
        encoder.byte(u8::from(self.clean));
        self.claims.encode(&mut encoder);
        self.held.encode(&mut encoder);
        self.standing.encode(&mut encoder);
        encoder.finish()
    }

    /// Reads bytes that a peer sent.
    pub fn decode(bytes: &[u8]) -> Result<Digest, StateError> {
        let mut decoder = Decoder::new(bytes);
        let layout = decoder.byte("layout")?;
        if layout != LAYOUT_VERSION {
            return Err(StateError::Layout(layout));
        }
        let clean = decoder.flag("clean mark")?;
        let claims = Vector::decode(&mut decoder)?;
        let held = Vector::decode(&mut decoder)?;
        let standing = Standing::decode(&mut decoder)?;
        decoder.end()?;
        Ok(Digest {
            claims,
            held,
            standing,
            clean,
        })
    }
}

impl State {
    /// Hashes for the regular comparison with a peer.
    pub fn summary(&self) -> Summary {
        let records = self.sums.shown;
        Summary {
            vector: self.vector.hash_with(self.own.writer, self.own.stored),
            records: (records >> 64) as u64 ^ records as u64,
        }
    }

    /// How far this node knows every writer, own writes only as far as they are stored.
    pub fn digest(&self) -> Digest {
        let mut claims = self.vector.clone();
        claims.set(self.own.writer, self.own.stored);
        let held = &self.held.upto;
        Digest {
            held: held.iter().filter(|(w, v)| *v > claims.get(*w)).collect(),
            claims,
            standing: self.forgetting.standing().clone(),
            clean: self.is_clean(),
        }
    }

    /// Who lacks what, going by a peer's digest. Refuses one that remembers more of our writer
    /// than we do.
    pub fn compare(&self, theirs: &Digest) -> Result<Comparison, StateError> {
        let own = self.own.writer;
        self.refuse_unknown_own(Dot::new(own, theirs.claims.get(own)))?;
        let news = |(writer, version): (WriterId, u64)| !self.covers(Dot::new(writer, version));
        let we_lack = theirs.claims.iter().any(news);
        let they_lack = self.shown_vector().any(|(w, v)| v > theirs.claims.get(w));
        Ok(match we_lack || they_lack {
            true => Comparison::Different { they_lack, we_lack },
            false => Comparison::Same,
        })
    }

    /// What the sender of `theirs` lacks, in about `budget` bytes, or none if it lacks nothing.
    ///
    /// One record larger than the budget goes alone. The last part of a jump cannot be cut and
    /// goes alone too; it takes one to three bytes for each record that the peer has and some
    /// twelve for each writer.
    pub fn delta(&self, theirs: &Digest, budget: usize) -> Result<Option<Delta>, StateError> {
        self.refuse_outdated(theirs)?;
        let (mut behind, mut remembered) = (false, true);
        for (writer, version) in self.shown_vector() {
            let lacking = version.saturating_sub(theirs.claims.get(writer));
            behind |= lacking > 0;
            remembered &= self.ring.reaches(writer, lacking);
        }
        Ok(match (behind, remembered) {
            (false, _) => None,
            (true, true) => Some(self.recent_events(theirs, budget)),
            (true, false) => Some(self.jump(theirs, budget)),
        })
    }

    /// Nothing is merged between a state that takes part and one from before its node was
    /// removed: what has been forgotten since would come back with it.
    fn refuse_outdated(&self, theirs: &Digest) -> Result<(), StateError> {
        if self.is_outdated(&theirs.standing) {
            return Err(StateError::Outdated);
        }
        let ours = self.forgetting.standing();
        if !theirs.clean
            && theirs
                .standing
                .is_short_of(ours, |dot| theirs.claims.covers(dot))
        {
            return Err(StateError::PeerOutdated);
        }
        Ok(())
    }

    /// Whether this state is from before its node was removed, by what a member says.
    pub(super) fn is_outdated(&self, theirs: &Standing) -> bool {
        !self.is_clean()
            && self
                .forgetting
                .standing()
                .is_short_of(theirs, |dot| self.covers(dot))
    }

    fn recent_events(&self, theirs: &Digest, budget: usize) -> Delta {
        let mut writer = DeltaWriter::new(Mode::Events, budget);
        let lacking = |dot: Dot| {
            dot.version > theirs.claims.get(dot.writer) && !self.forgetting.covers(dot.writer)
        };
        let mut lacked = self.ring.iter().filter(|event| lacking(event.dot));
        let more = lacked.any(|event| !writer.event(event, true));
        writer.finish_events(more)
    }

    fn jump(&self, theirs: &Digest, budget: usize) -> Delta {
        let mut delta = DeltaWriter::new(Mode::Piece, budget);
        delta.standing(self.forgetting.standing());
        let there = |writer| theirs.claims.get(writer).max(theirs.held.get(writer));
        let complete = self.shown_vector().all(|(writer, version)| {
            let known = there(writer);
            let records = self.store.of_writer(writer, known, version);
            records.is_empty() || delta.group(writer, known, version, records)
        });
        let claims = self.shown_vector().map(|(writer, version)| {
            let alive = self.store.of_writer(writer, 0, there(writer).min(version));
            (
                writer,
                version,
                alive.iter().map(|record| record.dot().version).collect(),
            )
        });
        delta.finish_jump(complete.then_some(claims))
    }

    /// News for the next gossip message, of at most `budget` bytes; each piece is told `copies`
    /// times ([`copies_of_news`](crate::copies_of_news)). Call it once per peer. News too large
    /// for a datagram waits for a call with the budget of a stream.
    pub fn fresh(&mut self, budget: usize, copies: u32) -> Option<Delta> {
        if self.fresh.is_empty() {
            return None;
        }
        let mut writer = DeltaWriter::new(Mode::Events, budget);
        self.fresh.tell(copies, |event| writer.event(event, false));
        (!writer.is_empty()).then(|| writer.finish_events(false))
    }

    /// How many pieces of news wait to be told.
    pub fn news(&self) -> usize {
        self.fresh.len()
    }

    /// The own writes above `after` that are stored, for peers that are asked to confirm them;
    /// none if they are too long ago for that.
    pub fn push(&self, after: u64, budget: usize) -> Option<Delta> {
        let own = self.own.writer;
        let count = self.own.stored.saturating_sub(after);
        if count == 0 || !self.ring.reaches(own, count) {
            return None;
        }
        let mut writer = DeltaWriter::new(Mode::Events, budget);
        let mut events = self
            .ring
            .iter()
            .filter(|e| e.dot.writer == own && e.dot.version > after);
        let more = events.any(|event| !writer.event(event, true));
        Some(writer.finish_events(more))
    }
}
