//! The only door to `crdts`.
//!
//! A register that several nodes wrote without knowing of each other is a handful of records with
//! one key. Which of them is read is decided by `LWWReg`, merged as a whole value and never fed
//! operations or parts. Its one danger, two values under one marker, cannot come up: the marker
//! ends in the record's dot, which exists once.

use std::sync::Arc;

use crdts::{CvRDT, LWWReg};

use crate::{Dot, Rank, Record};

type Register<'a> = LWWReg<&'a Arc<Record>, (Rank, Dot)>;

fn register(record: &Arc<Record>) -> Register<'_> {
    LWWReg {
        val: record,
        marker: (record.rank(), record.dot()),
    }
}

/// The record that is read: the one with the highest rank, and of equal ones the highest dot.
pub(crate) fn latest<'a>(
    records: impl IntoIterator<Item = &'a Arc<Record>>,
) -> Option<&'a Arc<Record>> {
    records
        .into_iter()
        .map(register)
        .reduce(|mut winner, other| {
            winner.merge(other);
            winner
        })
        .map(|winner| winner.val)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, RecordKey, WriterId};
    use proptest::prelude::*;

    fn record(writer: u64, version: u64, epoch: u64) -> Arc<Record> {
        let dot = Dot::new(WriterId::from_u64(writer), version);
        Arc::new(Draft::new(RecordKey::Voters, Rank::Counted(epoch, 0), vec![]).seal(dot))
    }

    proptest! {
        #[test]
        fn the_winner_does_not_depend_on_the_order(
            words in prop::collection::btree_set((0..3u64, 1..4u64), 1..6),
            epochs in prop::collection::vec(0..3u64, 6),
            rotate in 0..6usize,
        ) {
            let records: Vec<_> =
                words.iter().zip(epochs).map(|((w, v), e)| record(*w, *v, e)).collect();
            let mut other = records.clone();
            other.rotate_left(rotate % records.len());
            other.reverse();
            prop_assert_eq!(latest(&records), latest(&other));
            let best = records.iter().map(|r| (r.rank(), r.dot())).max();
            prop_assert_eq!(latest(&records).map(|r| (r.rank(), r.dot())), best);
        }
    }
}
