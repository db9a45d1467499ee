//! Over what a peer that lies or is broken can say.

use proptest::prelude::*;

use crate::delta::{DeltaWriter, Mode};
use crate::event::Event;
use crate::fuzz::apply_anything;
use crate::state::Standing;
use crate::state::tests::world::{bundle, node_key};
use crate::{
    Delta, Dot, Draft, Hlc, Rank, Record, RecordKey, Stamp, VERSION_MAX, Vector, WriterId,
};
use std::sync::Arc;

/// That writer 2 is forgotten.
const FORGETS_TWO: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0];

fn dot() -> impl Strategy<Value = Dot> {
    (0..4u64, version()).prop_map(|(w, v)| Dot::new(WriterId::from_u64(w), v))
}

/// Mostly one of the first, now and then at an edge where counting ends.
fn version() -> impl Strategy<Value = u64> {
    let edge = prop::sample::select(vec![VERSION_MAX, u64::MAX - 1, u64::MAX]);
    prop_oneof![8 => 1..5u64, 1 => edge]
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
    let claim = (0..4u64, prop_oneof![6 => 5..7u64, 1 => version()], alive);
    (
        prop::collection::vec(group, 0..4),
        prop::collection::vec(claim, 0..4),
        prop::collection::vec(dot(), 0..2),
    )
}

/// A delta whose only fault is one number, in each place where one can stand.
fn deltas_with(version: u64, stamp: Hlc) -> Vec<(&'static str, Delta)> {
    let writer = WriterId::from_u64(2);
    let dot = Dot::new(writer, version);
    let alone = |dot, record, kills: Vec<Dot>| {
        let mut delta = DeltaWriter::new(Mode::Events, usize::MAX);
        let kills = kills.into();
        assert!(delta.event(&Event { dot, record, kills }, true));
        delta.finish_events(false)
    };
    let stamp = Stamp {
        hlc: stamp,
        node: node_key(1),
    };
    let bundle = RecordKey::WishScale(bundle(1));
    let stamped = Draft::new(bundle, Rank::Stamped(stamp), vec![]).seal(Dot::new(writer, 1));
    let mut group = DeltaWriter::new(Mode::Piece, usize::MAX);
    group.standing(&Standing::default());
    group.group(writer, 0, version, &[]);
    let mut claim = DeltaWriter::new(Mode::Piece, usize::MAX);
    claim.standing(&Standing::default());
    let claims = vec![(writer, version, Vec::new())];
    type Claims = std::vec::IntoIter<(WriterId, u64, Vec<u64>)>;
    let (first, other) = (
        Dot::new(writer, 1),
        Dot::new(WriterId::from_u64(3), version),
    );
    vec![
        ("an event", alone(dot, None, vec![])),
        ("what an event removes", alone(first, None, vec![other])),
        ("a stamp", alone(first, Some(Arc::new(stamped)), vec![])),
        ("records of a writer", group.finish_jump(None::<Claims>)),
        (
            "how far a writer is",
            claim.finish_jump(Some(claims.into_iter())),
        ),
    ]
}

#[test]
fn a_number_that_leaves_none_for_later_is_refused_wherever_it_stands() {
    for (what, delta) in deltas_with(VERSION_MAX, Hlc::LAST) {
        assert!(delta.parse().is_ok(), "{what}");
    }
    for beyond in [VERSION_MAX + 1, u64::MAX] {
        let deltas = deltas_with(beyond, Hlc::LAST).into_iter();
        for (what, delta) in deltas.filter(|(what, _)| *what != "a stamp") {
            assert!(delta.parse().is_err(), "{what}");
        }
    }
    let late = Hlc::from_u64(Hlc::LAST.as_u64() + 1);
    let [.., (_, stamp), _, _] = &deltas_with(1, late)[..] else {
        panic!("there is a stamp among them");
    };
    assert!(stamp.parse().is_err());
    let digest = |version| {
        let mut encoder = crate::codec::Encoder::default();
        Vector::from_iter([(WriterId::from_u64(2), version)]).encode(&mut encoder);
        Vector::decode(&mut crate::codec::Decoder::new(encoder.as_slice())).is_ok()
    };
    assert!(digest(VERSION_MAX) && !digest(VERSION_MAX + 1));
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
