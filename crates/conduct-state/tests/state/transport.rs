//! What happens to messages on their way, and to those of other versions.

use conduct_state::{
    Comparison, Delta, Digest, Draft, EARLY_EVENTS_MAX, Rank, RecordKey, State, StateError,
    copies_of_news,
};

use crate::cluster::*;

const DATAGRAM_BYTES: usize = 1_000;

fn news(state: &mut State) -> Delta {
    state.fresh(DATAGRAM_BYTES, 1).expect("there is news")
}

#[test]
fn news_that_overtakes_what_it_builds_on_waits_for_it() {
    let [mut teller, mut learner] = nodes::<2>();
    load(&mut teller, 1, 1);
    let first = news(&mut teller);
    unload(&mut teller, 1);
    let second = news(&mut teller);

    let early = learner.apply(&second).unwrap();
    assert!(early.gap && early.changes.is_empty() && early.writes.is_empty());
    let applied = learner.apply(&first).unwrap();
    assert!(!applied.gap);
    assert_eq!(learner.summary(), teller.summary());
    assert!(learner.is_empty());
    // And again, long after.
    for old in [&first, &second] {
        assert!(learner.apply(old).unwrap().changes.is_empty());
    }
    assert!(learner.is_empty());
}

#[test]
fn a_removal_waits_for_what_it_removes_whoever_wrote_that() {
    let [mut loader, mut unloader, mut learner] = nodes::<3>();
    load(&mut loader, 1, 1);
    let loaded = news(&mut loader);
    let _ = unloader.apply(&loaded).unwrap();
    unload(&mut unloader, 1);
    let _ = unloader.fresh(DATAGRAM_BYTES, 1);
    let unloaded = unloader.push(0, DATAGRAM_BYTES).unwrap();

    assert!(learner.apply(&unloaded).unwrap().gap);
    let _ = learner.apply(&loaded).unwrap();
    assert!(learner.is_empty(), "the load came after its removal");
    assert_eq!(learner.summary(), unloader.summary());
}

#[test]
fn what_waits_for_an_earlier_event_is_bounded() {
    let [mut teller, mut learner] = nodes::<2>();
    load(&mut teller, 1, 0);
    for name in 1..EARLY_EVENTS_MAX as u64 + 50 {
        load(&mut teller, 1, name);
        let late = teller.push(name, DATAGRAM_BYTES).unwrap();
        assert!(learner.apply(&late).unwrap().gap);
        learner.audit();
    }
    let _ = hear(&mut learner, &teller);
    assert_eq!(learner.summary(), teller.summary());
}

#[test]
fn news_ends_and_reaches_everyone_by_then() {
    let mut states: Vec<State> = (0..30).map(node).collect();
    load(&mut states[0], 1, 1);
    let copies = copies_of_news(states.len());
    let (mut rounds, mut turn) = (0, 7usize);
    while states.iter().any(|state| state.news() > 0) {
        for from in 0..states.len() {
            if let Some(delta) = states[from].fresh(DATAGRAM_BYTES, copies) {
                turn = turn.wrapping_mul(31).wrapping_add(from);
                let to = turn % states.len();
                if to != from {
                    let _ = states[to].apply(&delta).unwrap();
                }
            }
        }
        rounds += 1;
        assert!(rounds < 100, "news never ends");
    }
    assert!(states.iter().all(|state| state.bundles().count() == 1));
}

#[test]
fn news_too_large_for_a_datagram_waits_for_a_stream() {
    let [mut teller, mut learner] = nodes::<2>();
    let written = teller.report(1, 1, vec![7; 2 * DATAGRAM_BYTES]).unwrap();
    let _ = done(&mut teller, written);
    load(&mut teller, 1, 1);
    let small = news(&mut teller);
    assert!(small.as_bytes().len() <= DATAGRAM_BYTES);
    assert!(learner.apply(&small).unwrap().gap);
    assert_eq!(teller.news(), 1);
    let large = teller.fresh(FRAME_BYTES, 1).unwrap();
    let _ = learner.apply(&large).unwrap();
    assert_eq!(learner.summary(), teller.summary());
}

#[test]
fn every_flipped_bit_of_a_record_is_found_by_whoever_gets_it() {
    let [mut teller, learner] = nodes::<2>();
    load(&mut teller, 1, 1);
    scale(&mut teller, 2, 1, 3);
    let good = news(&mut teller).into_bytes();
    let mut expected = learner.clone();
    let _ = expected.apply(&Delta::from_bytes(good.clone())).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut learner = learner.clone();
        // Outside of the records a flip may ask for a little less, or to wait, but whatever
        // record is taken in is one that was written.
        let _ = learner.apply(&Delta::from_bytes(bytes));
        let written = |record: &&std::sync::Arc<_>| !expected.records().any(|r| r == *record);
        assert_eq!(learner.records().find(written), None, "bit {bit}");
        learner.audit();
    }
}

#[test]
fn a_jump_in_parts_shows_nothing_before_its_end_and_can_change_its_teller() {
    let mut states = nodes::<3>();
    for name in 0..600 {
        load(&mut states[0], 1, name);
    }
    let [one, mut two, mut joiner] = states;
    let _ = hear(&mut two, &one);
    let part = one.delta(&joiner.digest(), 2_000).unwrap().unwrap();
    assert!(part.as_bytes().len() <= 2_000);
    let applied = joiner.apply(&part).unwrap();
    assert!(applied.more && applied.changes.is_empty() && joiner.is_empty());
    assert_eq!(joiner.summary(), node(9).summary());

    // The second teller goes on where the first left off, with what has changed since.
    unload(&mut two, 0);
    unload(&mut two, 599);
    let mut bytes = 0;
    while let Some(part) = two.delta(&joiner.digest(), 20_000).unwrap() {
        bytes += part.as_bytes().len();
        let _ = joiner.apply(&part).unwrap();
    }
    assert_eq!(joiner.summary(), two.summary());
    let (_, whole) = hear(&mut node(9), &two);
    assert!(
        bytes < whole,
        "{bytes} of {whole} bytes: nothing was told twice"
    );
    joiner.audit();
}

#[test]
fn a_part_that_got_lost_is_asked_for_again() {
    let mut teller = node(0);
    for name in 0..600 {
        load(&mut teller, 1, name);
    }
    let [_, mut joiner, mut other] = nodes::<3>();
    let first = teller.delta(&joiner.digest(), 2_000).unwrap().unwrap();
    let _ = joiner.apply(&first).unwrap();
    let mut parts = Vec::new();
    while let Some(part) = teller.delta(&joiner.digest(), 2_000).unwrap() {
        let _ = joiner.apply(&part).unwrap();
        parts.push(part);
    }
    // The other one gets all but the first: none of them may be taken as known.
    for part in &parts {
        let _ = other.apply(part);
        assert!(other.is_empty());
        other.audit();
    }
    let _ = hear(&mut other, &teller);
    assert_eq!(other.summary(), teller.summary());
}

#[test]
fn records_of_kinds_and_headers_that_nobody_here_knows_are_kept_and_handed_on() {
    let mut states = nodes::<4>();
    let unknown = RecordKey::other(999, b"from the future").unwrap();
    let mut draft = Draft::new(unknown.clone(), Rank::Counted(3, 1), b"opaque".to_vec());
    draft.extra = b"a field of version nine".to_vec();
    load(&mut states[0], 1, 1);
    draft.against = states[0]
        .loads(bundle(1))
        .map(|record| record.dot())
        .collect();
    let written = states[0].put(draft).unwrap();
    let _ = done(&mut states[0], written);
    for from in 0..3 {
        let teller = states[from].clone();
        let _ = hear(&mut states[from + 1], &teller);
    }
    let (first, last) = (states[0].get(&unknown), states[3].get(&unknown));
    assert_eq!(first, last);
    assert_eq!(
        last.map(|record| record.extra()),
        Some(&b"a field of version nine"[..])
    );
    // Wishes of unknown kinds end with their bundle too, on old nodes as on new ones.
    unload(&mut states[2], 1);
    meet(&mut states);
    assert!(states[0].is_empty());
}

#[test]
fn another_layout_is_refused_by_its_number() {
    let [mut teller, mut learner] = nodes::<2>();
    load(&mut teller, 1, 1);
    let mut bytes = news(&mut teller).into_bytes();
    bytes[0] = 2;
    assert_eq!(
        learner.apply(&Delta::from_bytes(bytes)).map(|_| ()),
        Err(StateError::Layout(2))
    );
    let mut bytes = teller.digest().encode();
    bytes[0] = 2;
    assert_eq!(Digest::decode(&bytes), Err(StateError::Layout(2)));
}

#[test]
fn summaries_and_digests_say_who_lacks_what() {
    let [mut one, mut two] = nodes::<2>();
    assert_eq!(one.summary().compare(&two.summary()), Comparison::Same);
    load(&mut one, 1, 1);
    assert!(matches!(
        one.summary().compare(&two.summary()),
        Comparison::Different { .. }
    ));
    let they = Comparison::Different {
        they_lack: true,
        we_lack: false,
    };
    assert_eq!(one.compare(&two.digest()), Ok(they));
    load(&mut two, 1, 2);
    let both = Comparison::Different {
        they_lack: true,
        we_lack: true,
    };
    assert_eq!(one.compare(&two.digest()), Ok(both));
    let _ = hear(&mut one, &two);
    let we = Comparison::Different {
        they_lack: false,
        we_lack: true,
    };
    assert_eq!(two.compare(&one.digest()), Ok(we));
    let _ = hear(&mut two, &one);
    assert_eq!(two.compare(&one.digest()), Ok(Comparison::Same));
}
