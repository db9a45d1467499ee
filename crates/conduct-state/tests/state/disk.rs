//! Folders: what comes back from them, and what does when they are rotten or of last week.

use std::collections::BTreeMap;

use conduct_state::{Applied, Reading, Restored, State, StateError, Writes};

use crate::cluster::*;

type Folder = BTreeMap<Vec<u8>, Vec<u8>>;

fn write(folder: &mut Folder, writes: &Writes) {
    for (key, value) in writes {
        match value {
            Some(value) => folder.insert(key.clone(), value.clone()),
            None => folder.remove(key),
        };
    }
}

fn restored(folder: &Folder) -> Restored {
    State::restore(key(0), writer(1_000), folder)
}

/// A node with a folder that has seen a little of everything.
fn lived() -> (State, Folder) {
    let mut state = node(0);
    let mut folder = Folder::new();
    write(&mut folder, &state.snapshot());
    let keep = |folder: &mut Folder, applied: &Applied| write(folder, &applied.writes);
    let mut peer = node(1);
    load(&mut peer, 1, 1);
    load(&mut peer, 2, 2);
    let (heard, _) = hear(&mut state, &peer);
    keep(&mut folder, &heard);
    for name in [1, 2] {
        let written = state.set_scale(at(5), bundle(name), 2, vec![]).unwrap();
        let applied = done(&mut state, written);
        keep(&mut folder, &applied);
    }
    let written = state.unload(bundle(1)).unwrap();
    let applied = done(&mut state, written);
    keep(&mut folder, &applied);
    (state, folder)
}

#[test]
fn what_was_stored_comes_back_as_it_was() {
    let (state, folder) = lived();
    let Restored {
        state: again,
        damage,
        salvage,
    } = restored(&folder);
    assert_eq!(damage, []);
    assert!(salvage.is_none());
    assert_eq!(again.summary(), state.summary());
    assert_eq!(
        (again.writer(), again.version()),
        (state.writer(), state.version())
    );
    assert_eq!(again.last_stamp(), state.last_stamp());
    assert_eq!(again.snapshot(), state.snapshot());
    again.audit();
}

#[test]
fn the_steps_of_a_folder_add_up_to_its_snapshot() {
    let (state, folder) = lived();
    let mut fresh = Folder::new();
    write(&mut fresh, &state.snapshot());
    assert_eq!(folder, fresh);
}

#[test]
fn an_empty_folder_is_a_new_one() {
    let Restored {
        state,
        damage,
        salvage,
    } = restored(&Folder::new());
    assert!(state.is_empty() && damage.is_empty() && salvage.is_none());
    assert_eq!(state.writer(), writer(1_000));
}

#[test]
fn every_flipped_bit_and_every_missing_entry_is_found() {
    let (_, folder) = lived();
    for (key, value) in &folder {
        let mut missing = folder.clone();
        missing.remove(key);
        // Without the clock's entry the stamps of the records tell.
        let clock = key == b"c";
        let found = restored(&missing);
        assert_eq!(
            found.damage.is_empty(),
            clock && found.salvage.is_none(),
            "{key:?}"
        );
        for bit in 0..value.len() * 8 {
            let mut rotten = folder.clone();
            if let Some(value) = rotten.get_mut(key) {
                value[bit / 8] ^= 1 << (bit % 8);
            }
            assert!(!restored(&rotten).damage.is_empty(), "bit {bit} of {key:?}");
        }
        for len in 0..value.len() {
            let mut short = folder.clone();
            short.insert(key.clone(), value[..len].to_vec());
            assert!(
                !restored(&short).damage.is_empty(),
                "{len} bytes of {key:?}"
            );
        }
    }
}

#[test]
fn damage_does_not_spread_as_a_removal() {
    let (state, mut folder) = lived();
    let peer = {
        let mut peer = node(5);
        let _ = hear(&mut peer, &state);
        peer
    };
    let rotten = folder.keys().find(|key| key[0] == b'r').unwrap().clone();
    folder.insert(rotten, vec![1, 2, 3]);
    let mut back = restored(&folder).state;
    assert!(back.is_empty(), "it claims nothing");
    let (_, _) = hear(&mut back, &peer);
    assert_eq!(back.summary(), peer.summary());
    let mut peer = peer;
    let before = peer.summary();
    let _ = hear(&mut peer, &back);
    assert_eq!(peer.summary(), before);
    assert_ne!(back.writer(), state.writer(), "it writes as someone else");
}

#[test]
fn a_node_alone_goes_on_with_what_could_be_read() {
    let (state, mut folder) = lived();
    let stamp = state.last_stamp();
    folder.remove(&b"s"[..]);
    folder.remove(&b"c"[..]);
    let mut found = restored(&folder);
    let _ = found.state.adopt(found.salvage.take().unwrap());
    found.state.audit();
    assert_eq!(found.state.bundles().collect::<Vec<_>>(), [bundle(2)]);
    assert_eq!(effective(&found.state, 2), Some(2));
    assert_eq!(found.state.last_stamp(), stamp, "no stamp is given twice");
}

#[test]
fn a_folder_of_last_week_is_found_out_and_brings_nothing_back() {
    let (mut state, folder) = lived();
    let mut peer = node(5);
    unload(&mut state, 2);
    load(&mut state, 50, 3);
    let _ = hear(&mut peer, &state);

    let mut old = restored(&folder).state;
    let ahead = StateError::OwnWriterAhead {
        writer: old.writer(),
        theirs: state.version(),
        ours: old.version(),
    };
    assert_eq!(old.compare(&peer.digest()), Err(ahead));
    let delta = peer.delta(&old.digest(), FRAME_BYTES).unwrap().unwrap();
    let refused = old.apply(&delta).map(|_| ());
    assert!(matches!(refused, Err(StateError::OwnWriterAhead { .. })));
    let _ = old.renew_writer(writer(77)).unwrap();
    let _ = hear(&mut old, &peer);
    load(&mut old, 51, 4);
    let _ = hear(&mut peer, &old);
    let mut left = [bundle(3), bundle(4)];
    left.sort();
    for state in [&old, &peer] {
        assert_eq!(state.bundles().collect::<Vec<_>>(), left);
    }
}

#[test]
fn others_hear_of_a_write_when_it_is_stored_and_see_nothing_of_one_that_is_not() {
    let (mut state, mut peer) = (node(0), node(1));
    load(&mut state, 1, 1);
    let _ = hear(&mut peer, &state);
    let told = state.summary();

    let unloaded = state.unload(bundle(1)).unwrap();
    let loaded = state.load(at(2), bundle(2), vec![]).unwrap();
    assert_eq!(
        state.bundles().collect::<Vec<_>>(),
        [bundle(2)],
        "the node itself sees both"
    );
    assert_eq!(state.summary(), told);
    assert!(state.delta(&peer.digest(), FRAME_BYTES).unwrap().is_none());
    assert_eq!(
        state.fresh(FRAME_BYTES, 4).map(|_| ()),
        Some(()),
        "the first load is news"
    );
    let mut joiner = node(2);
    let _ = hear(&mut joiner, &state);
    assert_eq!(joiner.bundles().collect::<Vec<_>>(), [bundle(1)]);

    let _ = state.stored(unloaded.dot.version);
    let _ = hear(&mut peer, &state);
    assert_eq!(peer.bundles().count(), 0);
    let _ = state.stored(loaded.dot.version);
    let _ = hear(&mut peer, &state);
    assert_eq!(peer.bundles().collect::<Vec<_>>(), [bundle(2)]);
}

#[test]
fn what_the_disk_refused_has_never_been() {
    let (mut state, mut folder) = lived();
    let before = (state.summary(), state.snapshot(), state.version());
    let clock = Reading::Own(conduct_model::Wall::from_millis(60_000));
    let mut lost = Writes::new();
    lost.extend(state.load(clock, bundle(9), vec![]).unwrap().applied.writes);
    lost.extend(
        state
            .set_scale(clock, bundle(2), 9, vec![])
            .unwrap()
            .applied
            .writes,
    );
    lost.extend(state.unload(bundle(2)).unwrap().applied.writes);
    // Half of it reached the disk before the disk gave up.
    write(&mut folder, &lost[..lost.len() / 2].to_vec());
    let undone = state.abandon();
    write(&mut folder, &undone.writes);
    assert_eq!((state.summary(), state.version()), (before.0, before.2));
    assert_eq!(effective(&state, 2), Some(2));
    assert_eq!(
        undone.changes.len(),
        3,
        "two bundles and a scale are what they were"
    );
    state.audit();
    let again = restored(&folder);
    assert_eq!(again.damage, []);
    assert_eq!(again.state.summary(), before.0);
}
