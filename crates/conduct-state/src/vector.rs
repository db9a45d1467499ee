//! How far each writer is known: one number a writer says which of its writes are covered.

use crate::codec::{Decoder, Encoder};
use crate::store::insert_tight;
use crate::{Dot, StateError, WriterId};

/// The causal context: for each writer, the version up to which every write is covered. What is
/// covered and not there was removed or replaced.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Vector {
    entries: Vec<(WriterId, u64)>,
    sum: u64,
}

/// What one entry adds to the hash of a vector. Sums do not depend on the order.
fn weight(writer: WriterId, version: u64) -> u64 {
    if version == 0 {
        return 0;
    }
    let mut z = writer.as_u64() ^ version.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Vector {
    /// The version up to which `writer` is covered.
    pub fn get(&self, writer: WriterId) -> u64 {
        self.find(writer).map_or(0, |at| self.entries[at].1)
    }

    /// Whether `dot` is covered.
    pub fn covers(&self, dot: Dot) -> bool {
        dot.version <= self.get(dot.writer)
    }

    /// Whether everything that `other` covers is covered.
    pub fn covers_all(&self, other: &Vector) -> bool {
        other
            .iter()
            .all(|(writer, version)| version <= self.get(writer))
    }

    /// The writers and their versions, in order.
    pub fn iter(&self) -> impl Iterator<Item = (WriterId, u64)> + '_ {
        self.entries.iter().copied()
    }

    /// How many writers there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is covered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Equal for equal vectors.
    pub fn hash(&self) -> u64 {
        self.sum
    }

    /// The hash that this vector would have with another version of `writer`.
    pub(crate) fn hash_with(&self, writer: WriterId, version: u64) -> u64 {
        let without = self.sum.wrapping_sub(weight(writer, self.get(writer)));
        without.wrapping_add(weight(writer, version))
    }

    /// Covers `writer` up to `version`; 0 takes the writer out.
    pub(crate) fn set(&mut self, writer: WriterId, version: u64) {
        self.sum = self.hash_with(writer, version);
        match self.find(writer) {
            Ok(at) if version == 0 => {
                self.entries.remove(at);
            }
            Ok(at) => self.entries[at].1 = version,
            Err(_) if version == 0 => {}
            Err(at) => insert_tight(&mut self.entries, at, (writer, version)),
        }
    }

    /// Covers `writer` up to `version` at least.
    pub(crate) fn raise(&mut self, writer: WriterId, version: u64) {
        if version > self.get(writer) {
            self.set(writer, version);
        }
    }

    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        encoder.number(self.len() as u64);
        for (writer, version) in self.iter() {
            encoder.fixed(writer.as_u64());
            encoder.number(version);
        }
    }

    pub(crate) fn decode(decoder: &mut Decoder<'_>) -> Result<Vector, StateError> {
        let count = decoder.count("writers")?;
        let mut vector = Vector::default();
        let mut last = None;
        for _ in 0..count {
            let writer = WriterId::from_u64(decoder.fixed("writer")?);
            let version = decoder.version()?;
            // In order and none twice, so that reading is linear and each vector has one writing.
            if last.is_some_and(|last| last >= writer) || version == 0 {
                return decoder.refuse("writer");
            }
            last = Some(writer);
            vector.set(writer, version);
        }
        Ok(vector)
    }

    fn find(&self, writer: WriterId) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&writer, |entry| entry.0)
    }
}

impl FromIterator<(WriterId, u64)> for Vector {
    fn from_iter<I: IntoIterator<Item = (WriterId, u64)>>(entries: I) -> Vector {
        let mut vector = Vector::default();
        for (writer, version) in entries {
            vector.raise(writer, version);
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_what_is_covered_and_not_on_how_it_came_about() {
        let (a, b) = (WriterId::from_u64(7), WriterId::from_u64(8));
        let mut one = Vector::from_iter([(a, 3), (b, 1)]);
        let two = Vector::from_iter([(b, 1), (a, 1), (a, 3)]);
        assert_eq!(one.hash(), two.hash());
        one.set(b, 0);
        assert_ne!(one.hash(), two.hash());
        assert_eq!(one.hash(), Vector::from_iter([(a, 3)]).hash());
        assert_eq!(two.hash_with(b, 0), one.hash());
    }

    #[test]
    fn one_covers_another_when_it_is_as_far_with_every_writer() {
        let (a, b) = (WriterId::from_u64(7), WriterId::from_u64(8));
        let one = Vector::from_iter([(a, 3)]);
        let two = Vector::from_iter([(a, 3), (b, 1)]);
        assert!(two.covers_all(&one) && !one.covers_all(&two));
        assert!(one.covers(Dot::new(a, 3)) && !one.covers(Dot::new(b, 1)));
    }
}
