//! Commands at the same time on nodes that do not know of each other.

use conduct_model::Wall;
use conduct_state::{
    LOADS_PER_BUNDLE_MAX, LostTo, OFFSETS_UNFOLDED_MAX, Rank, RecordKey, StateError,
};

use crate::cluster::*;

#[test]
fn of_two_scales_at_once_one_wins_everywhere_and_the_loser_is_told() {
    let mut states = nodes::<3>();
    load(&mut states[0], 1, 7);
    meet(&mut states);

    scale(&mut states[0], 10, 7, 2);
    scale(&mut states[1], 11, 7, 5);
    let teller = states[1].clone();
    let (heard, _) = hear(&mut states[0], &teller);
    assert_eq!(heard.lost.len(), 1);
    assert_eq!(heard.lost[0].record.amount(), 2);
    assert!(matches!(heard.lost[0].to, LostTo::Race(dot) if dot.writer == writer(1)));

    meet(&mut states);
    assert!(states.iter().all(|state| effective(state, 7) == Some(5)));
}

#[test]
fn a_later_scale_is_no_race_and_nobody_is_told_to_have_lost() {
    let mut states = nodes::<2>();
    load(&mut states[0], 1, 7);
    scale(&mut states[0], 3_600, 7, 5);
    meet(&mut states);

    // The second node's clock is an hour behind, its command is still the later one.
    scale(&mut states[1], 2, 7, 2);
    let teller = states[1].clone();
    let (heard, _) = hear(&mut states[0], &teller);
    assert_eq!(effective(&states[0], 7), Some(2));
    assert!(heard.lost.is_empty());
}

#[test]
fn unload_beats_a_run_that_did_not_see_it_and_the_run_is_told() {
    let mut states = nodes::<3>();
    load(&mut states[0], 1, 7);
    meet(&mut states);

    unload(&mut states[0], 7);
    scale(&mut states[1], 10, 7, 5);
    let teller = states[0].clone();
    let (heard, _) = hear(&mut states[1], &teller);
    assert_eq!(
        heard.lost.iter().map(|lost| lost.to).collect::<Vec<_>>(),
        [LostTo::Unload]
    );

    meet(&mut states);
    for state in &states {
        assert_eq!(effective(state, 7), None);
        assert!(state.is_empty(), "the unload left something behind");
    }
}

#[test]
fn a_load_that_the_unload_had_not_seen_stays() {
    let mut states = nodes::<3>();
    load(&mut states[0], 1, 7);
    meet(&mut states);

    unload(&mut states[0], 7);
    load(&mut states[1], 2, 7);
    meet(&mut states);
    for state in &states {
        assert_eq!(state.loads(bundle(7)).count(), 1);
        assert_eq!(state.bundles().collect::<Vec<_>>(), [bundle(7)]);
    }
}

#[test]
fn two_loads_of_one_bundle_are_two_dots_and_one_bundle() {
    let mut states = nodes::<2>();
    load(&mut states[0], 1, 7);
    load(&mut states[1], 1, 7);
    meet(&mut states);
    assert_eq!(states[0].loads(bundle(7)).count(), 2);
    assert_eq!(states[0].bundles().count(), 1);

    unload(&mut states[0], 7);
    meet(&mut states);
    assert_eq!(states[1].bundles().count(), 0);
}

#[test]
fn two_offsets_at_once_both_count_and_each_request_once() {
    let mut states = nodes::<3>();
    load(&mut states[0], 1, 7);
    scale(&mut states[0], 2, 7, 3);
    meet(&mut states);

    offset(&mut states[0], 10, 7, 1, 1);
    offset(&mut states[1], 10, 7, 2, 1);
    // The client of the first request heard no answer and tried elsewhere.
    offset(&mut states[2], 11, 7, 1, 1);
    meet(&mut states);
    for state in &mut states {
        assert_eq!(effective(state, 7), Some(5));
        assert!(
            state
                .offset(at(12), bundle(7), request(1), 1)
                .unwrap()
                .is_none()
        );
    }
}

#[test]
fn a_scale_never_falls_below_none() {
    let [mut state] = nodes::<1>();
    load(&mut state, 1, 7);
    assert_eq!(effective(&state, 7), None);
    offset(&mut state, 2, 7, 1, -3);
    assert_eq!(effective(&state, 7), Some(0));
    offset(&mut state, 3, 7, 2, 5);
    assert_eq!(effective(&state, 7), Some(2));
}

#[test]
fn a_new_scale_begins_a_new_generation_and_an_offset_of_the_old_one_is_told() {
    let mut states = nodes::<2>();
    load(&mut states[0], 1, 7);
    scale(&mut states[0], 2, 7, 3);
    offset(&mut states[0], 3, 7, 1, 4);
    meet(&mut states);

    scale(&mut states[1], 10, 7, 1);
    offset(&mut states[0], 11, 7, 2, 1);
    let teller = states[1].clone();
    let (heard, _) = hear(&mut states[0], &teller);
    assert_eq!(
        heard.lost.len(),
        1,
        "only the offset that the new scale had not seen"
    );
    assert_eq!(
        heard.lost[0].record.key(),
        &RecordKey::Offset(bundle(7), request(2))
    );
    meet(&mut states);
    assert!(states.iter().all(|state| effective(state, 7) == Some(1)));
}

#[test]
fn old_offsets_are_added_up_and_none_is_lost() {
    let mut states = nodes::<2>();
    load(&mut states[0], 1, 7);
    scale(&mut states[0], 2, 7, 10);
    let count = OFFSETS_UNFOLDED_MAX as u128 + 10;
    for number in 0..count {
        offset(&mut states[0], 3, 7, number, 1);
    }
    meet(&mut states);
    offset(&mut states[1], 4, 7, 1_000, 1);
    let now = Wall::from_millis(3_600_000);
    let folded = states[0].fold_offsets(now, bundle(7)).unwrap().unwrap();
    let _ = done(&mut states[0], folded);
    assert!(states[0].fold_offsets(now, bundle(7)).unwrap().is_none());
    meet(&mut states);
    for state in &states {
        assert_eq!(effective(state, 7), Some(10 + count as u32 + 1));
        assert!(
            state.len() < 10,
            "they are added up: {} records",
            state.len()
        );
    }
    unload(&mut states[1], 7);
    meet(&mut states);
    assert!(states[0].is_empty());
}

#[test]
fn young_offsets_are_not_added_up_since_their_requests_may_come_again() {
    let [mut state] = nodes::<1>();
    load(&mut state, 1, 7);
    for number in 0..100 {
        offset(&mut state, 3, 7, number, 1);
    }
    assert!(
        state
            .fold_offsets(Wall::from_millis(60_000), bundle(7))
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_wish_needs_a_bundle() {
    let [mut state] = nodes::<1>();
    let refused = Err(StateError::NotLoaded(bundle(7)));
    assert_eq!(
        state.set_scale(at(1), bundle(7), 1, vec![]).map(|_| ()),
        refused.clone()
    );
    assert_eq!(state.unload(bundle(7)).map(|_| ()), refused.clone());
    assert_eq!(
        state.offset(at(1), bundle(7), request(1), 1).map(|_| ()),
        refused
    );
    assert_eq!(state.version(), 0);
}

#[test]
fn loading_again_and_again_neither_grows_nor_stops_what_runs() {
    let [mut state] = nodes::<1>();
    load(&mut state, 1, 7);
    scale(&mut state, 2, 7, 3);
    for secs in 3..200 {
        load(&mut state, secs, 7);
    }
    assert_eq!(state.loads(bundle(7)).count(), LOADS_PER_BUNDLE_MAX);
    assert_eq!(effective(&state, 7), Some(3));
}

#[test]
fn loading_anew_after_an_unload_does_not_bring_old_wishes_back() {
    let [mut state] = nodes::<1>();
    load(&mut state, 1, 7);
    scale(&mut state, 2, 7, 3);
    unload(&mut state, 7);
    load(&mut state, 3, 7);
    assert_eq!(effective(&state, 7), None);
}

#[test]
fn a_refused_stamp_is_given_anew_and_the_command_is_the_same() {
    let mut states = nodes::<2>();
    load(&mut states[0], 1, 7);
    meet(&mut states);
    let hasty = states[0]
        .set_scale(at(3_600), bundle(7), 5, vec![])
        .unwrap();
    let _ = states[0].stored(hasty.dot.version);
    let pushed = states[0].push(hasty.dot.version - 1, FRAME_BYTES).unwrap();
    let clock = Wall::from_millis(10_000);
    let stamp = pushed.latest_stamp().unwrap().unwrap();
    let refusal = stamp.admit(clock).unwrap_err();

    let anew = states[0]
        .restamp(hasty.dot, refusal.clock)
        .unwrap()
        .unwrap();
    let dot = anew.dot;
    let _ = done(&mut states[0], anew);
    let pushed = states[0].push(dot.version - 1, FRAME_BYTES).unwrap();
    assert!(pushed.latest_stamp().unwrap().unwrap().admit(clock).is_ok());
    meet(&mut states);
    assert_eq!(effective(&states[1], 7), Some(5));

    // And a command of an honest clock is the later one at once.
    scale(&mut states[1], 11, 7, 2);
    meet(&mut states);
    assert_eq!(effective(&states[0], 7), Some(2));
}

#[test]
fn of_assignments_the_higher_epoch_and_then_the_higher_sequence_is_read() {
    let name: conduct_model::SystemName = "shop".parse().unwrap();
    let system = conduct_model::System {
        name: name.clone(),
        version: name,
    };
    let subject = RecordKey::Assignment(system.clone());
    let mut states = nodes::<3>();
    for (state, (epoch, sequence)) in states.iter_mut().zip([(2, 1), (1, 9), (2, 0)]) {
        let written = state
            .assign(system.clone(), epoch, sequence, vec![])
            .unwrap();
        let _ = done(state, written);
    }
    meet(&mut states);
    for state in &mut states {
        assert_eq!(state.get(&subject).unwrap().rank(), Rank::Counted(2, 1));
        let refused = state.assign(system.clone(), 2, 1, vec![]).map(|_| ());
        assert!(matches!(refused, Err(StateError::Outranked(_))));
    }
    let written = states[1].assign(system, 3, 0, vec![]).unwrap();
    let _ = done(&mut states[1], written);
    meet(&mut states);
    assert_eq!(
        states[0].about(&subject).count(),
        1,
        "the later word took the others out"
    );
}

#[test]
fn a_node_away_for_longer_than_any_horizon_merges_like_one_away_for_a_second() {
    let mut states = nodes::<3>();
    for name in 0..50 {
        load(&mut states[0], 1, name);
        scale(&mut states[0], 1, name, 1);
    }
    meet(&mut states);
    let [mut one, mut two, away] = states;
    for name in 0..49 {
        unload(&mut one, name);
        let _ = hear(&mut two, &one);
    }
    // While it was away it did something too.
    let mut away = away;
    load(&mut away, 500_000, 99);
    let mut states = [one, two, away];
    meet(&mut states);
    for state in &states {
        let mut left = [bundle(49), bundle(99)];
        left.sort();
        assert_eq!(state.bundles().collect::<Vec<_>>(), left);
    }
}
