//! The state on disk: one entry for each record that the node sees, one for each writer, and a
//! seal over all of them, which tells when an entry is missing. Each entry carries its own check.

use std::sync::Arc;

use conduct_model::NodeKey;

use super::touch::{Applied, Touch, Writes};
use super::{Own, State};
use crate::codec::{Decoder, Encoder};
use crate::record::VERSION_MAX;
use crate::stamp::Clock;
use crate::wire::Unverified;
use crate::{Dot, Hlc, Record, StateError, Vector, WriterId};

const OWN: &[u8] = b"w";
const CLOCK: &[u8] = b"c";
const SEAL: &[u8] = b"s";
const VECTOR: u8 = b'v';
const RECORD: u8 = b'r';

/// What [`State::restore`] made of a folder.
pub struct Restored {
    /// The state to go on with.
    pub state: State,
    /// What could not be read.
    pub damage: Vec<Damage>,
    /// What could, when something else could not. A record that is missing looks like one that
    /// was removed, and the removal would spread: so the state begins anew and is filled by the
    /// peers. Only a node that has none may [`adopt`](State::adopt) this.
    pub salvage: Option<Salvage>,
}

/// An entry that is not what was stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Its key.
    pub key: Vec<u8>,
    /// What is wrong with it.
    pub why: StateError,
}

/// The readable part of a damaged folder.
pub struct Salvage {
    vector: Vector,
    records: Vec<Arc<Record>>,
}

#[derive(Default)]
struct Folder {
    own: Option<u64>,
    clock: Option<u64>,
    seal: Option<(u128, u64)>,
    vector: Vector,
    records: Vec<Arc<Record>>,
    damage: Vec<Damage>,
}

pub(super) fn record_key(dot: Dot) -> Vec<u8> {
    let mut key = vector_key(dot.writer);
    key[0] = RECORD;
    key.extend_from_slice(&dot.version.to_be_bytes());
    key
}

fn vector_key(writer: WriterId) -> Vec<u8> {
    let mut key = vec![VECTOR];
    key.extend_from_slice(&writer.as_u64().to_be_bytes());
    key
}

/// A number with its check: the hash of the vector that says it.
fn guarded(name: u64, number: u64) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.fixed(number);
    encoder.fixed(Vector::from_iter([(WriterId::from_u64(name), number)]).hash());
    encoder.finish()
}

fn unguarded(name: u64, bytes: &[u8]) -> Result<u64, StateError> {
    let number = Decoder::new(bytes).fixed("number")?;
    match bytes == guarded(name, number) {
        true => Ok(number),
        false => Err(StateError::Malformed {
            what: "number",
            at: 0,
        }),
    }
}

pub(super) fn own_entry(writer: WriterId) -> (Vec<u8>, Option<Vec<u8>>) {
    (OWN.to_vec(), Some(guarded(1, writer.as_u64())))
}

pub(super) fn clock_entry(last: Hlc) -> (Vec<u8>, Option<Vec<u8>>) {
    (CLOCK.to_vec(), Some(guarded(2, last.as_u64())))
}

pub(super) fn vector_entry(writer: WriterId, version: u64) -> (Vec<u8>, Option<Vec<u8>>) {
    let value = (version > 0).then(|| guarded(writer.as_u64(), version));
    (vector_key(writer), value)
}

pub(super) fn seal_entry(records: u128, vector: u64) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut encoder = Encoder::default();
    encoder.raw(&records.to_be_bytes());
    encoder.fixed(vector);
    (SEAL.to_vec(), Some(encoder.finish()))
}

impl Folder {
    fn read(&mut self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        let stray = Err(StateError::Malformed {
            what: "entry",
            at: 0,
        });
        match key {
            OWN => self.own = Some(unguarded(1, value)?),
            CLOCK => self.clock = Some(unguarded(2, value)?),
            SEAL => {
                let mut decoder = Decoder::new(value);
                let records = u128::from_be_bytes(decoder.array("seal")?);
                self.seal = Some((records, decoder.fixed("seal")?));
                decoder.end()?;
            }
            [VECTOR, name @ ..] => {
                let Ok(name) = name.try_into().map(u64::from_be_bytes) else {
                    return stray;
                };
                let version = unguarded(name, value)?;
                if version > VERSION_MAX {
                    return stray;
                }
                self.vector.raise(WriterId::from_u64(name), version);
            }
            [RECORD, ..] => {
                let record = Unverified::decode(value)?.verify(None)?;
                if key != record_key(record.dot()) {
                    return stray;
                }
                self.records.push(record);
            }
            _ => return stray,
        }
        Ok(())
    }

    /// Damage that no single entry shows: one of them is gone, or is of another time.
    fn check_seal(&mut self) {
        let records = self
            .records
            .iter()
            .fold(0u128, |s, r| s.wrapping_add(r.fingerprint()));
        let known = self
            .records
            .iter()
            .all(|record| self.vector.covers(record.dot()));
        if !known || self.seal != Some((records, self.vector.hash())) {
            let why = StateError::Malformed {
                what: "seal",
                at: 0,
            };
            self.damage.push(Damage {
                key: SEAL.to_vec(),
                why,
            });
        }
    }

    /// No stamp that was given is given again, even when the clock's own entry is lost.
    fn clock(&self, me: NodeKey) -> Clock {
        let given = self.records.iter().filter_map(|record| record.stamp());
        let own = given
            .filter(|stamp| stamp.node == me)
            .map(|stamp| stamp.hlc)
            .max();
        Clock::at(own.max(self.clock.map(Hlc::from_u64)).unwrap_or_default())
    }
}

impl State {
    /// The state that is in a folder. `drawn` is a new writer, for a folder that is empty or
    /// damaged; then it is to be on disk, with [`snapshot`](State::snapshot), before anything is
    /// written under it.
    pub fn restore<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        me: NodeKey,
        drawn: WriterId,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Restored {
        let mut folder = Folder::default();
        let mut entries_seen = 0;
        for (key, value) in entries {
            entries_seen += 1;
            if let Err(why) = folder.read(key.as_ref(), value.as_ref()) {
                folder.damage.push(Damage {
                    key: key.as_ref().to_vec(),
                    why,
                });
            }
        }
        let mut state = State::new(me, drawn);
        if entries_seen == 0 {
            return Restored {
                state,
                damage: Vec::new(),
                salvage: None,
            };
        }
        if folder.own.is_none() && !folder.damage.iter().any(|damage| damage.key == OWN) {
            let why = StateError::Malformed {
                what: "writer",
                at: 0,
            };
            folder.damage.push(Damage {
                key: OWN.to_vec(),
                why,
            });
        }
        folder.check_seal();
        state.clock = folder.clock(me);
        let salvage = Salvage {
            vector: folder.vector,
            records: folder.records,
        };
        match folder.own {
            Some(writer) if folder.damage.is_empty() => {
                let writer = WriterId::from_u64(writer);
                let version = salvage.vector.get(writer);
                state.own = Own {
                    writer,
                    version,
                    stored: version,
                };
                let _ = state.adopt(salvage);
                Restored {
                    state,
                    damage: Vec::new(),
                    salvage: None,
                }
            }
            _ => Restored {
                state,
                damage: folder.damage,
                salvage: Some(salvage),
            },
        }
    }

    /// Goes on with what was found in a folder, in a state that knows nothing yet. What was
    /// damaged counts as removed.
    pub fn adopt(&mut self, salvage: Salvage) -> Applied {
        assert!(
            self.vector.is_empty() && self.store.len() == 0,
            "only an empty state adopts"
        );
        self.vector = salvage.vector;
        let mut touch = Touch::default();
        for record in &salvage.records {
            self.vector.raise(record.dot().writer, record.dot().version);
        }
        for (writer, _) in self.vector.iter() {
            touch.writer(writer);
        }
        let mut records = salvage.records;
        records.sort_by_key(|record| record.dot());
        records.dedup_by_key(|record| record.dot());
        self.add_all(records, &mut touch);
        self.settle(self.store.loads_wished_for(), &mut touch);
        self.refresh_forgetting(&mut touch);
        self.finish(touch)
    }

    /// Everything that belongs on disk, for a folder that is new or to be written afresh. What
    /// else is in it is to be deleted.
    pub fn snapshot(&self) -> Writes {
        let mut writes = vec![own_entry(self.own.writer), clock_entry(self.clock.last())];
        writes.extend(
            self.vector
                .iter()
                .map(|(writer, version)| vector_entry(writer, version)),
        );
        writes.extend(
            self.records()
                .map(|r| (record_key(r.dot()), Some(r.encode()))),
        );
        writes.push(seal_entry(self.sums.visible, self.vector.hash()));
        writes
    }
}
