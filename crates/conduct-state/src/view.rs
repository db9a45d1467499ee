//! Payloads as their readers understand them. What a reader does not understand stays where it
//! is, is merged and handed on like everything else, and is listed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Change, Dot, Kind, Record, RecordKey, State};

/// What the payloads of one kind of record mean.
pub trait Payload: Sized {
    /// The kind.
    const KIND: Kind;

    /// Reads a payload, whatever its bytes are.
    fn read(key: &RecordKey, payload: &[u8]) -> Result<Self, Unreadable>;
}

/// Why a payload is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Its reader does not understand it; perhaps a newer one does.
    #[error("not understood: {0}")]
    NotUnderstood(String),
    /// It is kept from its reader, which it has made crash.
    #[error("skipped, since reading it has crashed the daemon")]
    Skipped,
}

/// The records of one kind that count, read once each.
#[derive(Clone, Debug)]
pub struct View<T> {
    read: BTreeMap<RecordKey, (Dot, T)>,
    unreadable: BTreeMap<RecordKey, (Dot, Unreadable)>,
    skipped: BTreeSet<Dot>,
}

impl<T> Default for View<T> {
    fn default() -> View<T> {
        View {
            read: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            skipped: BTreeSet::new(),
        }
    }
}

impl<T: Payload> View<T> {
    /// Reads all that counts in `state`, but for the records in `skipped`.
    pub fn of(state: &State, skipped: impl IntoIterator<Item = Dot>) -> View<T> {
        let mut view = View {
            skipped: skipped.into_iter().collect(),
            ..View::default()
        };
        for record in state.of_kind(T::KIND) {
            view.take(record);
        }
        view
    }

    /// Follows a step of the state. Which subjects became unreadable by it.
    pub fn follow(&mut self, changes: &[Change]) -> Vec<RecordKey> {
        let mut unreadable = Vec::new();
        for change in changes.iter().filter(|change| change.key.kind() == T::KIND) {
            match &change.after {
                Some(record) if !self.take(record) => unreadable.push(change.key.clone()),
                Some(_) => {}
                None => {
                    self.read.remove(&change.key);
                    self.unreadable.remove(&change.key);
                }
            }
        }
        unreadable
    }

    /// Keeps the record `dot` from its reader. A later word on its subject is read again.
    pub fn skip(&mut self, dot: Dot) {
        self.skipped.insert(dot);
        let key = self
            .read
            .iter()
            .find(|(_, (read, _))| *read == dot)
            .map(|(key, _)| key.clone());
        if let Some(key) = key {
            self.read.remove(&key);
            self.unreadable.insert(key, (dot, Unreadable::Skipped));
        }
    }

    /// Reads a record, unless it is read already. Whether it could be read.
    fn take(&mut self, record: &Record) -> bool {
        let (key, dot) = (record.key(), record.dot());
        if self.read.get(key).is_some_and(|(read, _)| *read == dot) {
            return true;
        }
        let value = match self.skipped.contains(&dot) {
            true => Err(Unreadable::Skipped),
            false => T::read(key, record.payload()),
        };
        match value {
            Ok(value) => {
                self.unreadable.remove(key);
                self.read.insert(key.clone(), (dot, value));
                true
            }
            Err(why) => {
                self.read.remove(key);
                self.unreadable.insert(key.clone(), (dot, why));
                false
            }
        }
    }
}

impl<T> View<T> {
    /// What is said about `key`, if it is understood.
    pub fn get(&self, key: &RecordKey) -> Option<&T> {
        self.read.get(key).map(|(_, value)| value)
    }

    /// All that is understood, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&RecordKey, &T)> {
        self.read.iter().map(|(key, (_, value))| (key, value))
    }

    /// All that is not, and why.
    pub fn unreadable(&self) -> impl Iterator<Item = (&RecordKey, Dot, &Unreadable)> {
        self.unreadable
            .iter()
            .map(|(key, (dot, why))| (key, *dot, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WriterId;
    use conduct_model::{Digest, NodeKey};

    struct Address(String);

    impl Payload for Address {
        const KIND: Kind = Kind::NODE_REPORT;

        fn read(_: &RecordKey, payload: &[u8]) -> Result<Address, Unreadable> {
            match String::from_utf8(payload.to_vec()) {
                Ok(text) => Ok(Address(text)),
                Err(error) => Err(Unreadable::NotUnderstood(error.to_string())),
            }
        }
    }

    fn node() -> (State, RecordKey) {
        let me = NodeKey::from_digest(Digest::of(b"me"));
        (
            State::new(me, WriterId::from_u64(1)),
            RecordKey::NodeReport(me),
        )
    }

    #[test]
    fn what_is_not_understood_is_listed_until_a_later_word_is() {
        let (mut state, key) = node();
        let mut view = View::<Address>::default();
        let garbled = state.report(1, 1, vec![0xff]).unwrap();
        assert_eq!(
            view.follow(&garbled.applied.changes),
            std::slice::from_ref(&key)
        );
        assert!(view.get(&key).is_none());
        assert_eq!(view.unreadable().count(), 1);
        assert!(state.get(&key).is_some(), "the record itself is kept");

        let clear = state.report(1, 2, b"10.0.0.1".to_vec()).unwrap();
        assert!(view.follow(&clear.applied.changes).is_empty());
        assert_eq!(
            view.get(&key).map(|address| address.0.as_str()),
            Some("10.0.0.1")
        );
        assert_eq!(view.unreadable().count(), 0);
    }

    #[test]
    fn a_skipped_record_is_kept_from_its_reader() {
        let (mut state, key) = node();
        let written = state.report(1, 1, b"poison".to_vec()).unwrap();
        let mut view = View::<Address>::of(&state, []);
        assert!(view.get(&key).is_some());
        view.skip(written.dot);
        assert!(view.get(&key).is_none());
        assert_eq!(
            view.unreadable().next().map(|u| u.2),
            Some(&Unreadable::Skipped)
        );
        assert!(
            View::<Address>::of(&state, [written.dot])
                .get(&key)
                .is_none()
        );

        let removed = state.remove(&key).unwrap().unwrap();
        assert!(view.follow(&removed.applied.changes).is_empty());
        assert_eq!(view.unreadable().count(), 0);
    }
}
