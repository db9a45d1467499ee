//! Over what a peer that lies or is broken can say.

use proptest::prelude::*;

use crate::delta::{DeltaWriter, Mode};
use crate::event::Event;
use crate::fuzz::apply_anything;
use crate::state::Standing;
use crate::{Dot, Draft, Rank, Record, RecordKey, WriterId};
use std::sync::Arc;

/// That writer 2 is forgotten.
const FORGETS_TWO: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0];

fn dot() -> impl Strategy<Value = Dot> {
    (0..4u64, 1..5u64).prop_map(|(w, v)| Dot::new(WriterId::from_u64(w), v))
}

fn record(dot: Dot, against: Vec<Dot>, forgets: bool) -> Arc<Record> {
    let key = if forgets {
        RecordKey::Forgotten
    } else {
        RecordKey::Voters
    };
    let mut draft = Draft::new(key, Rank::Counted(dot.version, 0), FORGETS_TWO.to_vec());
    draft.against = against;
    Arc::new(draft.seal(dot))
}

fn event() -> impl Strategy<Value = Event> {
    let dots = || prop::collection::vec(dot(), 0..3);
    (dot(), any::<Option<bool>>(), dots(), dots()).prop_map(|(dot, forgets, against, kills)| {
        let record = forgets.map(|forgets| record(dot, against, forgets));
        Event {
            dot,
            record,
            kills: kills.into(),
        }
    })
}

/// Claims and records that fit together or do not.
type Jump = (
    Vec<(u64, u64, Vec<(u64, Vec<Dot>)>)>,
    Vec<(u64, u64, Vec<u64>)>,
    Vec<Dot>,
);

fn jump() -> impl Strategy<Value = Jump> {
    let records = prop::collection::btree_map(1..6u64, prop::collection::vec(dot(), 0..2), 0..3)
        .prop_map(|records| records.into_iter().collect());
    let group = (0..4u64, 0..2u64, records);
    let alive = prop::collection::btree_set(1..6u64, 0..3).prop_map(|v| v.into_iter().collect());
    let claim = (0..4u64, 5..7u64, alive);
    (
        prop::collection::vec(group, 0..4),
        prop::collection::vec(claim, 0..4),
        prop::collection::vec(dot(), 0..2),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn bytes_of_any_kind_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        apply_anything(&bytes);
        let mut started = vec![1, 1];
        started.extend(&bytes);
        apply_anything(&started);
    }

    #[test]
    fn well_formed_lies_about_events_do_no_harm(
        events in prop::collection::vec(event(), 0..8), flip in any::<Option<(usize, u8)>>(),
    ) {
        let mut writer = DeltaWriter::new(Mode::Events, usize::MAX);
        events.iter().for_each(|event| assert!(writer.event(event, true)));
        let mut bytes = writer.finish_events(false).into_bytes();
        if let Some((at, bits)) = flip {
            let at = at % bytes.len();
            bytes[at] ^= bits;
        }
        apply_anything(&bytes);
    }

    #[test]
    fn well_formed_lies_about_everything_do_no_harm(
        (groups, claims, floor) in jump(), closes: bool, cut in any::<Option<usize>>(),
    ) {
        let mut delta = DeltaWriter::new(Mode::Piece, usize::MAX);
        delta.standing(&Standing { chapter: floor.len() as u64, floor });
        for (writer, from, records) in groups {
            let writer = WriterId::from_u64(writer);
            let records: Vec<_> = records
                .into_iter()
                .filter(|(version, _)| *version > from)
                .map(|(version, against)| record(Dot::new(writer, version), against, false))
                .collect();
            delta.group(writer, from, 7, &records);
        }
        let claims = claims.into_iter().map(|(w, v, alive)| (WriterId::from_u64(w), v, alive));
        let mut bytes = delta.finish_jump(closes.then_some(claims)).into_bytes();
        if let Some(cut) = cut {
            bytes.truncate(cut % (bytes.len() + 1));
        }
        apply_anything(&bytes);
    }
}
