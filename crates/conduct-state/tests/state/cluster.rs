//! Nodes that store at once and talk when told to.

use conduct_model::{BundleId, Digest as Sha, NodeKey, RequestId, Wall};
use conduct_state::{Applied, Reading, State, WriterId, Written};

pub(crate) const FRAME_BYTES: usize = 256 * 1024;

pub(crate) fn key(number: u64) -> NodeKey {
    NodeKey::from_digest(Sha::of(&number.to_be_bytes()))
}

/// A writer as it would be drawn: any number.
pub(crate) fn writer(number: u64) -> WriterId {
    WriterId::from_u64((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

pub(crate) fn node(number: u64) -> State {
    State::new(key(number), writer(number))
}

pub(crate) fn nodes<const N: usize>() -> [State; N] {
    std::array::from_fn(|number| node(number as u64))
}

pub(crate) fn bundle(name: u64) -> BundleId {
    BundleId::plain(Sha::of(&name.to_be_bytes()))
}

pub(crate) fn request(number: u128) -> RequestId {
    RequestId::from_u128(number)
}

/// The node's own clock, `secs` seconds after 1970.
pub(crate) fn at(secs: u64) -> Reading {
    Reading::Own(Wall::from_millis(secs * 1_000))
}

/// A write, stored at once.
pub(crate) fn done(state: &mut State, written: Written) -> Applied {
    let _ = state.stored(written.dot.version);
    written.applied
}

pub(crate) fn load(state: &mut State, secs: u64, name: u64) {
    let written = state
        .load(at(secs), bundle(name), name.to_be_bytes().to_vec())
        .unwrap();
    let _ = done(state, written);
}

pub(crate) fn unload(state: &mut State, name: u64) {
    let written = state.unload(bundle(name)).unwrap();
    let _ = done(state, written);
}

pub(crate) fn scale(state: &mut State, secs: u64, name: u64, to: u32) {
    let written = state
        .set_scale(at(secs), bundle(name), to, Vec::new())
        .unwrap();
    let _ = done(state, written);
}

pub(crate) fn offset(state: &mut State, secs: u64, name: u64, number: u128, by: i32) {
    let written = state
        .offset(at(secs), bundle(name), request(number), by)
        .unwrap()
        .unwrap();
    let _ = done(state, written);
}

pub(crate) fn effective(state: &State, name: u64) -> Option<u32> {
    state.scale(bundle(name)).map(|scale| scale.effective)
}

/// `learner` hears all that `teller` knows. The last thing it did, and how many bytes it took.
pub(crate) fn hear(learner: &mut State, teller: &State) -> (Applied, usize) {
    let (mut all, mut bytes) = (Applied::default(), 0);
    let mut more = true;
    while more && let Some(part) = teller.delta(&learner.digest(), FRAME_BYTES).unwrap() {
        bytes += part.as_bytes().len();
        let applied = learner.apply(&part).unwrap();
        all.changes.extend(applied.changes);
        all.lost.extend(applied.lost);
        all.writes.extend(applied.writes);
        all.writer_forgotten |= applied.writer_forgotten;
        more = applied.more;
    }
    (all, bytes)
}

/// Everyone hears everyone.
pub(crate) fn meet(states: &mut [State]) {
    for _ in 0..2 {
        for one in 0..states.len() {
            for other in 0..states.len() {
                if one != other {
                    let teller = states[other].clone();
                    let _ = hear(&mut states[one], &teller);
                }
            }
        }
    }
    let first = states[0].summary();
    assert!(
        states.iter().all(|state| state.summary() == first),
        "views differ after they met"
    );
    states.iter().for_each(State::audit);
}
