//! What the state takes: for ever, in memory, on the wire.

use conduct_state::{Pool, State};

use crate::cluster::*;

const CYCLES: u64 = 100_000;
const DIGEST_BYTES_MAX: usize = 2 * 1024;
const STATE_BYTES_MAX: usize = 5 * 1024 * 1024;

fn disk_bytes(state: &State) -> usize {
    state
        .snapshot()
        .iter()
        .map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len))
        .sum()
}

#[test]
fn after_a_hundred_thousand_loads_and_unloads_nothing_is_left_and_nothing_comes_back() {
    let mut states = nodes::<3>();
    for name in 0..20 {
        load(&mut states[0], 1, name);
        scale(&mut states[0], 1, name, 1);
    }
    meet(&mut states);
    let [mut one, mut two, mut away] = states;
    let empty = one.snapshot().len();
    for name in 0..20 {
        unload(&mut one, name);
    }
    for cycle in 0..CYCLES {
        load(&mut one, cycle, 100 + cycle % 50);
        unload(&mut one, 100 + cycle % 50);
        if cycle % 100 == 0 {
            let _ = hear(&mut two, &one);
        }
    }
    load(&mut one, CYCLES, 7);
    let _ = hear(&mut two, &one);

    assert!(one.digest().encode().len() <= DIGEST_BYTES_MAX);
    assert!(one.snapshot().len() <= empty);
    assert!(disk_bytes(&one) <= STATE_BYTES_MAX);
    let (_, bytes) = hear(&mut away, &one);
    assert!(
        bytes < 10_000,
        "{bytes} bytes for one bundle and twenty that are gone"
    );
    let mut states = [one, two, away];
    meet(&mut states);
    for state in &states {
        assert_eq!(state.bundles().collect::<Vec<_>>(), [bundle(7)]);
        assert_eq!(state.len(), 1);
    }
}

/// Bundles with descriptors and scales, nodes with executions, systems with assignments, about as
/// large as they really are.
fn populated(bundles: u64, per_node: u64) -> State {
    let mut full = node(0);
    for number in 0..bundles / per_node {
        let mut peer = node(number + 1);
        let report = vec![number as u8; 80 * per_node as usize];
        let written = peer.report(1, 1, report).unwrap();
        let _ = done(&mut peer, written);
        for name in number * per_node..(number + 1) * per_node {
            let written = peer
                .load(at(1), bundle(name), vec![name as u8; 110])
                .unwrap();
            let _ = done(&mut peer, written);
            scale(&mut peer, 2, name, 1);
            let system: conduct_model::SystemName = format!("system-{name}").parse().unwrap();
            let version = "1".parse().unwrap();
            let system = conduct_model::System {
                name: system,
                version,
            };
            let written = peer.assign(system, 1, 1, vec![name as u8; 48]).unwrap();
            let _ = done(&mut peer, written);
        }
        let _ = hear(&mut full, &peer);
    }
    full
}

#[test]
fn a_joiner_hears_of_ten_thousand_bundles_and_executions_in_four_megabytes() {
    let full = populated(10_000, 100);
    let mut joiner = node(999_999);
    let (_, bytes) = hear(&mut joiner, &full);
    assert!(bytes <= 4_000_000, "{bytes} bytes");
    assert_eq!(joiner.summary(), full.summary());
    assert_eq!(joiner.bundles().count(), 10_000);
    assert!(joiner.digest().encode().len() <= DIGEST_BYTES_MAX);
    joiner.audit();
    // One that missed a little afterwards is told a little.
    let mut later = full.clone();
    unload(&mut later, 5);
    let (_, bytes) = hear(&mut joiner, &later);
    assert!(bytes < 200, "{bytes} bytes for one unload");
    // And one that missed so much that nobody remembers the steps hears what is alive.
    for cycle in 0..1_000 {
        load(&mut later, cycle, 1_000_000);
        unload(&mut later, 1_000_000);
    }
    let (_, bytes) = hear(&mut joiner, &later);
    assert!(
        bytes < 60_000,
        "{bytes} bytes to say what is alive of 30,000 records"
    );
    assert_eq!(joiner.summary(), later.summary());
}

#[test]
fn states_in_one_process_share_their_records() {
    let pool = Pool::default();
    let mut teller = node(1);
    teller.share(pool.clone());
    load(&mut teller, 1, 7);
    let mut learner = node(2);
    learner.share(pool);
    let _ = hear(&mut learner, &teller);
    let held = |state: &State| state.records().next().map(std::sync::Arc::as_ptr);
    assert_eq!(held(&teller), held(&learner));
}
