//! What happens to machines and networks, tried by a person without being root.

use crate::world::World;

/// Whether a node takes changes, and how many it reaches.
fn node(world: &World, number: usize) -> (bool, Option<u64>) {
    let status = world.json("status");
    let node = &status["nodes"][number - 1];
    (node["ready"] == true, node["reachable"].as_u64())
}

#[test]
fn a_cut_splits_the_network_until_it_is_healed() {
    let world = World::new();
    world.must("run");
    let cut = world.must("cut 3");
    assert!(
        cut.stderr.contains("The network is split: 1 2 | 3"),
        "{cut:#?}"
    );
    world.until("the minority takes no changes", || !node(&world, 3).0);
    world.until("the majority goes on without it", || {
        let (ready, reachable) = node(&world, 1);
        ready && reachable == Some(2)
    });
    let healed = world.must("heal");
    assert!(
        healed.stderr.contains("The network is whole."),
        "{healed:#?}"
    );
    world.until("all are one cluster again", || {
        (1..=3).all(|number| node(&world, number) == (true, Some(3)))
    });
}

#[test]
fn a_killed_node_is_revived_with_what_it_had() {
    let world = World::new();
    world.must("run");
    let killed = world.must(&format!("kill {}", world.address(2)));
    assert!(killed.stderr.contains("revive 2"), "{killed:#?}");
    assert_eq!(world.json("status")["nodes"][1]["state"], "killed");
    assert_eq!(world.sandbox("kill 2").code, 5);
    assert_eq!(world.sandbox("kill 9").code, 3);
    world.must("revive");
    assert_eq!(node(&world, 2), (true, Some(3)));
    assert_eq!(world.must("ps -q").stdout.lines().count(), 3);
}

#[test]
fn a_paused_node_is_lost_and_comes_back_when_it_is_resumed() {
    let world = World::new();
    world.must("run");
    world.must("pause 3");
    assert!(world.must("ps").stdout.contains("paused"));
    world.until("the others lose it", || node(&world, 1).1 == Some(2));
    world.must("resume");
    world.until("it is back", || {
        (1..=3).all(|number| node(&world, number) == (true, Some(3)))
    });
    // One that is paused hears no SIGTERM.
    world.must("pause 1");
    world.must("stop");
    world.assert_empty();
}
