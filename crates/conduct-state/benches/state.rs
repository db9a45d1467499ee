//! What an exchange costs: taking in all that a peer knows, one change, telling a joiner, and the
//! digest itself, with 3, 100 and 1,000 nodes and ten bundles for each.

use std::hint::black_box;

use conduct_model::{BundleId, Digest as Sha, NodeKey, Wall};
use conduct_state::{Delta, Digest, Reading, State, WriterId};
use criterion::{Criterion, criterion_group, criterion_main};

const NODES: [u64; 3] = [3, 100, 1_000];
const BUNDLES_PER_NODE: u64 = 10;
const FRAME_BYTES: usize = 256 * 1024;

fn node(number: u64) -> State {
    let key = NodeKey::from_digest(Sha::of(&number.to_be_bytes()));
    State::new(key, WriterId::from_u64(number))
}

/// A state that has heard from `nodes` nodes, each with a report and its bundles.
fn cluster(nodes: u64) -> State {
    let mut everyone = node(0);
    for number in 1..=nodes {
        let mut peer = node(number);
        let _ = peer
            .report(1, 1, vec![7; 120])
            .expect("a first report has no rival");
        for bundle in 0..BUNDLES_PER_NODE {
            let id = BundleId::plain(Sha::of(&(number * 1_000 + bundle).to_be_bytes()));
            let clock = Reading::Own(Wall::from_millis(bundle));
            let _ = peer.load(clock, id, vec![8; 120]).expect("there is room");
            let _ = peer
                .set_scale(clock, id, 1, Vec::new())
                .expect("it was just loaded");
        }
        let _ = peer.stored(peer.version());
        if let Some(delta) = peer.push(0, usize::MAX) {
            let _ = everyone.apply(&delta).expect("a peer's own writes");
        }
    }
    everyone
}

/// Everything that `teller` knows, taken in by `learner`.
fn learn(learner: &mut State, teller: &State) {
    while let Ok(Some(part)) = teller.delta(&learner.digest(), FRAME_BYTES) {
        let _ = learner.apply(&part).expect("parts of an honest peer");
    }
}

fn one_change(teller: &mut State, version: u64) -> Delta {
    let written = teller
        .report(1, version, vec![9; 120])
        .expect("a later report");
    let _ = teller.stored(written.dot.version);
    teller
        .push(written.dot.version - 1, usize::MAX)
        .expect("it is the last event")
}

fn state(criterion: &mut Criterion) {
    for nodes in NODES {
        let full = cluster(nodes);
        let name = |what: &str| format!("{what}/{nodes}");

        criterion.bench_function(&name("merge all"), |bench| {
            bench.iter(|| {
                let mut joiner = node(u64::MAX);
                learn(&mut joiner, &full);
                black_box(joiner.len())
            });
        });

        let mut teller = node(u64::MAX - 1);
        learn(&mut teller, &full);
        let (mut learner, mut version) = (full.clone(), 0);
        criterion.bench_function(&name("merge one change"), |bench| {
            bench.iter(|| {
                version += 1;
                let change = one_change(&mut teller, version);
                black_box(learner.apply(&change).is_ok())
            });
        });

        let empty = node(u64::MAX).digest();
        criterion.bench_function(&name("delta for a joiner"), |bench| {
            bench.iter(|| black_box(full.delta(&empty, usize::MAX)));
        });

        let behind = full.digest();
        let mut ahead = full.clone();
        let _ = one_change(&mut ahead, 1);
        criterion.bench_function(&name("delta of one change"), |bench| {
            bench.iter(|| black_box(ahead.delta(&behind, usize::MAX)));
        });

        criterion.bench_function(&name("digest there and back"), |bench| {
            bench.iter(|| black_box(Digest::decode(&full.digest().encode())));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = state
}
criterion_main!(benches);
