//! Writers of which nothing is left: dropped when nobody can bring anything of them back.

use std::collections::BTreeSet;

use conduct_model::{NodeKey, Time};
use conduct_state::{State, StateError, TIDY_PAUSE, Tidy, Written};

use crate::cluster::*;

fn members(states: &[State]) -> BTreeSet<NodeKey> {
    states.iter().map(State::node).collect()
}

fn reported(number: u64) -> State {
    let mut state = node(number);
    let written = state.report(1, 1, vec![]).unwrap();
    let _ = done(&mut state, written);
    state
}

/// Four nodes, of which the last has left for good and its load was unloaded: nothing of its
/// writer is left at the other three.
fn after_a_removal() -> ([State; 3], State) {
    let mut states: [State; 4] = std::array::from_fn(|number| reported(number as u64));
    load(&mut states[3], 1, 1);
    load(&mut states[0], 1, 2);
    meet(&mut states);
    let [mut one, two, three, gone] = states;
    unload(&mut one, 1);
    let removed = one
        .remove(&conduct_state::RecordKey::NodeReport(gone.node()))
        .unwrap()
        .unwrap();
    let _ = done(&mut one, removed);
    let mut states = [one, two, three];
    meet(&mut states);
    assert_eq!(states[0].writers_with_nothing_left(), [gone.writer()]);
    (states, gone)
}

/// The first node runs a round, hearing from the others. What it wrote, stored.
fn round(states: &mut [State; 3], tidy: &mut Tidy, begun: Time) -> Option<Written> {
    let everyone = members(states);
    assert!(
        tidy.step(begun, &mut states[0], &everyone)
            .unwrap()
            .is_none()
    );
    for state in &states[1..] {
        tidy.heard(state.node(), &state.digest());
    }
    let written = tidy
        .step(begun + TIDY_PAUSE, &mut states[0], &everyone)
        .unwrap();
    if let Some(written) = &written {
        let _ = states[0].stored(written.dot.version);
    }
    written
}

#[test]
fn a_writer_with_nothing_left_is_forgotten_by_everyone() {
    let (mut states, gone) = after_a_removal();
    let before = states[1].digest().encode().len();
    assert!(round(&mut states, &mut Tidy::default(), Time::ZERO).is_some());
    meet(&mut states);
    for state in &states {
        assert_eq!(state.digest().vector().get(gone.writer()), 0);
        assert!(state.writers_with_nothing_left().is_empty());
        assert_eq!(state.bundles().collect::<Vec<_>>(), [bundle(2)]);
    }
    assert!(states[1].digest().encode().len() < before);
}

#[test]
fn nothing_is_forgotten_before_every_member_was_heard_and_time_has_passed() {
    let (mut states, _) = after_a_removal();
    let everyone = members(&states);
    let mut tidy = Tidy::default();
    let late = Time::ZERO + TIDY_PAUSE.times(1_000);
    assert!(
        tidy.step(Time::ZERO, &mut states[0], &everyone)
            .unwrap()
            .is_none()
    );
    tidy.heard(states[1].node(), &states[1].digest());
    assert!(
        tidy.step(late, &mut states[0], &everyone)
            .unwrap()
            .is_none(),
        "one is away"
    );
    tidy.heard_same(states[2].node());
    let early = Time::from_millis(TIDY_PAUSE.as_millis() - 1);
    assert!(
        tidy.step(early, &mut states[0], &everyone)
            .unwrap()
            .is_none(),
        "too early"
    );
    assert!(
        tidy.step(late, &mut states[0], &everyone)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_member_that_knows_more_of_the_writer_is_waited_for() {
    let (mut states, mut gone) = after_a_removal();
    load(&mut gone, 9, 9);
    let _ = hear(&mut states[2], &gone);
    let mut tidy = Tidy::default();
    assert!(round(&mut states, &mut tidy, Time::ZERO).is_none());
    meet(&mut states);
    assert!(
        states[0].bundles().any(|left| left == bundle(9)),
        "its last load was not lost"
    );
    let everyone = members(&states);
    let late = Time::ZERO + TIDY_PAUSE.times(9);
    assert!(
        tidy.step(late, &mut states[0], &everyone)
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_removed_node_that_comes_back_must_begin_anew_and_brings_nothing_back() {
    let (mut states, gone) = after_a_removal();
    let stale = {
        let mut stale = gone.clone();
        let _ = hear(&mut stale, &reported(8));
        stale
    };
    // Two rounds: after the second nobody counts the first one's writers as covered any more.
    assert!(round(&mut states, &mut Tidy::default(), Time::ZERO).is_some());
    meet(&mut states);
    let mut eight = reported(8);
    let _ = hear(&mut eight, &states[0].clone());
    let _ = hear(&mut states[0], &eight);
    let removed = conduct_state::RecordKey::NodeReport(eight.node());
    let removed = states[0].remove(&removed).unwrap().unwrap();
    let _ = done(&mut states[0], removed);
    meet(&mut states);
    assert!(round(&mut states, &mut Tidy::default(), Time::ZERO).is_some());
    meet(&mut states);

    // So long ago that nobody remembers the single steps.
    for cycle in 0..300 {
        load(&mut states[0], cycle, 3);
        unload(&mut states[0], 3);
    }
    meet(&mut states);

    let mut stale = stale;
    let member = &mut states[1];
    assert_eq!(
        stale.delta(&member.digest(), FRAME_BYTES),
        Err(StateError::Outdated)
    );
    assert_eq!(
        member.delta(&stale.digest(), FRAME_BYTES),
        Err(StateError::PeerOutdated)
    );
    let forced = member
        .delta(&node(50).digest(), FRAME_BYTES)
        .unwrap()
        .unwrap();
    assert_eq!(stale.apply(&forced).map(|_| ()), Err(StateError::Outdated));

    let mut anew = State::new(stale.node(), writer(60));
    let _ = hear(&mut anew, member);
    load(&mut anew, 100, 10);
    let _ = hear(member, &anew);
    let mut left = [bundle(2), bundle(10)];
    left.sort();
    assert_eq!(member.bundles().collect::<Vec<_>>(), left);
}

#[test]
fn a_node_whose_writer_was_forgotten_is_told_and_goes_on_as_another() {
    let (mut states, _) = after_a_removal();
    // Someone removed the report of a node that is alive and well.
    let wrong = conduct_state::RecordKey::NodeReport(states[2].node());
    let removed = states[0].remove(&wrong).unwrap().unwrap();
    let _ = done(&mut states[0], removed);
    meet(&mut states);
    let old = states[2].writer();
    assert!(round(&mut states, &mut Tidy::default(), Time::ZERO).is_some());
    let teller = states[0].clone();
    let (heard, _) = hear(&mut states[2], &teller);
    assert!(heard.writer_forgotten);
    let _ = states[2].renew_writer(writer(70)).unwrap();
    let written = states[2].report(2, 1, vec![]).unwrap();
    let _ = done(&mut states[2], written);
    meet(&mut states);
    for state in &states {
        assert!(state.get(&wrong).is_some());
        assert_eq!(state.digest().vector().get(old), 0);
    }
}

#[test]
fn a_cluster_whose_nodes_are_replaced_for_ever_does_not_grow() {
    let mut states: [State; 3] = std::array::from_fn(|number| reported(number as u64));
    meet(&mut states);
    let mut tidy = Tidy::default();
    let mut largest = 0;
    for life in 1..60u64 {
        let turn = (life % 3) as usize;
        let _ = states[turn].renew_writer(writer(1_000 + life)).unwrap();
        let written = states[turn].report(1 + life, 1, vec![]).unwrap();
        let _ = done(&mut states[turn], written);
        meet(&mut states);
        let begun = Time::from_millis(life * 10 * TIDY_PAUSE.as_millis());
        let _ = round(&mut states, &mut tidy, begun);
        meet(&mut states);
        largest = largest.max(states[0].snapshot().len());
    }
    assert!(largest < 20, "{largest} entries on disk");
    assert!(states[0].digest().encode().len() < 200);
}
