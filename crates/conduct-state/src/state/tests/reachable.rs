//! Over everything that nodes with honest disks and lossy wires can come to.

use proptest::prelude::*;

use super::world::{Step, World, bundle};
use crate::{Comparison, State};

fn script(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<Step>(), 0..steps)
}

/// A joiner that takes in all that `state` tells, in parts of `budget` bytes.
fn joiner(state: &State, budget: usize) -> State {
    let me = conduct_model::NodeKey::from_digest(conduct_model::Digest::of(b"joiner"));
    let mut joiner = State::new(me, crate::WriterId::from_u64(u64::MAX));
    while let Some(part) = state.delta(&joiner.digest(), budget).unwrap() {
        let _ = joiner.apply(&part).unwrap();
    }
    joiner
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_a_node_knows_follows_from_its_vector_alone(script in script(120)) {
        let mut world = World::of(3);
        for step in script {
            world.step(step);
            world.check();
        }
    }

    #[test]
    fn nodes_that_hear_each_other_come_to_the_same(script in script(80)) {
        let mut world = World::of(4);
        script.into_iter().for_each(|step| world.step(step));
        world.settle();
        world.check();
        let first = world.nodes[0].summary();
        for state in &world.nodes {
            prop_assert_eq!(first.compare(&state.summary()), Comparison::Same);
            for number in 0..3 {
                let scale = |s: &State| s.scale(bundle(number)).map(|scale| scale.effective);
                prop_assert_eq!(scale(state), scale(&world.nodes[0]));
            }
        }
    }

    #[test]
    fn a_delta_says_what_the_plain_merge_says_whatever_its_parts(
        script in script(80), budget in 40..2_000usize,
    ) {
        let mut world = World::of(2);
        script.into_iter().for_each(|step| world.step(step));
        let (one, mut other) = (world.nodes[0].clone(), world.nodes[1].clone());
        let (before, expected) = (other.lattice(), one.lattice().join(&other.lattice()));
        while let Some(part) = one.delta(&other.digest(), budget).unwrap() {
            let _ = other.apply(&part).unwrap();
            prop_assert!(before.is_within(&other.lattice()));
            prop_assert!(other.lattice().is_within(&expected));
        }
        prop_assert_eq!(other.lattice(), expected);
        prop_assert_eq!(joiner(&one, budget).lattice(), one.lattice());
    }
}
