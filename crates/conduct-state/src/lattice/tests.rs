//! The three laws, over anything: also states that no honest node could ever be in.

use proptest::prelude::*;

use super::*;
use crate::{Draft, Rank, RecordKey, WriterId};

const WRITERS: u64 = 3;
const VERSIONS: u64 = 4;

fn dot() -> impl Strategy<Value = Dot> {
    (0..WRITERS, 1..=VERSIONS).prop_map(|(w, v)| Dot::new(WriterId::from_u64(w), v))
}

/// One of few keys and contents, so that dots clash, and wishes against anything, themselves and
/// each other included.
fn record() -> impl Strategy<Value = Arc<Record>> {
    (dot(), 0..3u64, prop::collection::vec(dot(), 0..3)).prop_map(|(dot, epoch, against)| {
        let mut draft = Draft::new(RecordKey::Voters, Rank::Counted(epoch, 0), Vec::new());
        draft.against = against;
        Arc::new(draft.seal(dot))
    })
}

fn anything() -> impl Strategy<Value = Lattice> {
    let covered = prop::collection::vec(0..=VERSIONS, WRITERS as usize);
    let live = prop::collection::vec(record(), 0..8);
    (covered, live).prop_map(|(covered, live)| {
        let entries = covered.into_iter().enumerate();
        let mut state = Lattice {
            covered: entries
                .map(|(w, v)| (WriterId::from_u64(w as u64), v))
                .collect(),
            live: BTreeMap::new(),
        };
        for record in live {
            if state.covered.covers(record.dot()) {
                state.live.insert(record.dot(), record);
            }
        }
        state.without_void_wishes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn merging_commutes(a in anything(), b in anything()) {
        prop_assert_eq!(a.join(&b), b.join(&a));
    }

    #[test]
    fn merging_associates(a in anything(), b in anything(), c in anything()) {
        prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
    }

    #[test]
    fn merging_twice_is_merging_once(a in anything(), b in anything()) {
        prop_assert_eq!(a.join(&a), a.clone());
        let once = a.join(&b);
        prop_assert_eq!(once.join(&b), once);
    }

    #[test]
    fn a_state_only_grows(a in anything(), b in anything()) {
        let joined = a.join(&b);
        prop_assert!(a.is_within(&joined) && b.is_within(&joined));
        prop_assert!(!joined.is_within(&a) || joined == a);
    }
}
