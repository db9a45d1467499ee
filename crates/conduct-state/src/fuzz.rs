//! What the fuzzer and the property tests share: any bytes at all, and any well-formed message of
//! a peer that lies, do no more than they may.

use conduct_model::{BundleId, NodeKey, RequestId, Wall};

use crate::{Delta, Digest, Dot, Reading, State, WriterId};

/// Tries `bytes` as delta and as digest on a state with a little of everything in it. Panics if
/// they do what no message may: break what must always hold, or take knowledge away.
pub fn apply_anything(bytes: &[u8]) {
    let mut state = sample_state();
    let before = state.digest();
    let delta = Delta::from_bytes(bytes.to_vec());
    let first = state.apply(&delta).is_ok();
    state.audit();
    let known = |(writer, version)| state.covers(Dot::new(writer, version));
    assert!(
        before.vector().iter().all(known),
        "knowledge was taken away"
    );
    let after = state.summary();
    let second = state.apply(&delta).is_ok();
    let repeated = delta.parse().is_ok_and(|parts| parts.can_be_repeated());
    if first && second && repeated {
        assert_eq!(state.summary(), after, "the second time changed something");
    }
    if let Ok(digest) = Digest::decode(bytes) {
        let _ = state.compare(&digest);
        if let Ok(Some(answer)) = state.delta(&digest, 4_096) {
            assert!(answer.parse().is_ok(), "an answer that nobody can read");
        }
        assert_eq!(Digest::decode(&digest.encode()).as_ref(), Ok(&digest));
    }
}

/// A state with a load, wishes, an offset and a report, of which the last is not stored yet.
fn sample_state() -> State {
    let me = NodeKey::from_digest(conduct_model::Digest::of(b"me"));
    let bundle = BundleId::plain(conduct_model::Digest::of(b"bundle"));
    let clock = Reading::Own(Wall::from_millis(1_000));
    let mut state = State::new(me, WriterId::from_u64(1));
    let written = [
        state.report(1, 1, vec![1]),
        state.load(clock, bundle, vec![2]),
        state.set_scale(clock, bundle, 3, vec![3]),
    ];
    for write in written.into_iter().flatten() {
        let _ = state.stored(write.dot.version);
    }
    let _ = state.offset(clock, bundle, RequestId::from_u128(7), 1);
    state
}
