use super::*;
use conduct_state::WriterId;

fn key(n: u8) -> NodeKey {
    NodeKey::from_digest(Digest::from_bytes([n; 32]))
}

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// Node 0 asks `others`; `count` voters in all, of which `standing` are not down.
fn electorate<'a>(
    others: &'a [NodeKey],
    standing: u32,
    is_quorum: &'a dyn Fn(&BTreeSet<NodeKey>) -> bool,
) -> Electorate<'a> {
    Electorate {
        me: key(0),
        others,
        standing,
        is_quorum,
    }
}

fn begin(confirms: &mut Confirms<()>, archives: Vec<(Digest, u64)>) -> ConfirmId {
    confirms.begin(Dot::new(WriterId::from_u64(1), 1), (), archives, at(10_000))
}

#[test]
fn just_enough_voters_are_asked_and_a_silent_one_is_replaced() {
    let others = [key(1), key(2), key(3), key(4)];
    let quorum = |nodes: &BTreeSet<NodeKey>| nodes.len() >= 3;
    let voters = electorate(&others, 5, &quorum);
    let mut confirms = Confirms::new();
    let id = begin(&mut confirms, Vec::new());
    let asked = |confirms: &mut Confirms<()>, now| confirms.advance(at(now), id, &voters);
    assert_eq!(
        asked(&mut confirms, 0),
        Some(Progress::Ask(vec![key(1), key(2)]))
    );
    confirms.confirmed(id, key(0), false);
    confirms.confirmed(id, key(1), false);
    assert_eq!(asked(&mut confirms, 1_999), Some(Progress::Ask(vec![])));
    assert_eq!(
        asked(&mut confirms, 2_000),
        Some(Progress::Ask(vec![key(3)]))
    );
    assert_eq!(
        asked(&mut confirms, 4_000),
        Some(Progress::Ask(vec![key(4)]))
    );
    assert_eq!(
        asked(&mut confirms, 6_000),
        Some(Progress::Ask(vec![key(2)]))
    );
    confirms.confirmed(id, key(3), false);
    assert_eq!(asked(&mut confirms, 6_001), Some(Progress::Confirmed(3)));
}

#[test]
fn one_disk_is_enough_only_while_no_second_voter_stands() {
    let others = [key(1)];
    let tie = |nodes: &BTreeSet<NodeKey>| nodes.contains(&key(0));
    let mut confirms = Confirms::new();
    let id = begin(&mut confirms, Vec::new());
    confirms.confirmed(id, key(0), false);
    let both = electorate(&others, 2, &tie);
    assert_eq!(
        confirms.advance(at(0), id, &both),
        Some(Progress::Ask(vec![key(1)]))
    );
    let alone = electorate(&[], 1, &tie);
    assert_eq!(
        confirms.advance(at(1), id, &alone),
        Some(Progress::Confirmed(1))
    );
}

#[test]
fn a_load_waits_for_its_archive_on_two_disks() {
    let others = [key(1), key(2)];
    let quorum = |nodes: &BTreeSet<NodeKey>| nodes.len() >= 2;
    let voters = electorate(&others, 3, &quorum);
    let mut confirms = Confirms::new();
    let id = begin(&mut confirms, vec![(Digest::of(b"archive"), 7)]);
    confirms.confirmed(id, key(0), true);
    assert_eq!(
        confirms.advance(at(0), id, &voters),
        Some(Progress::Ask(vec![key(1)]))
    );
    confirms.confirmed(id, key(1), false);
    assert_eq!(
        confirms.advance(at(1), id, &voters),
        Some(Progress::Ask(vec![]))
    );
    confirms.confirmed(id, key(1), true);
    assert_eq!(
        confirms.advance(at(2), id, &voters),
        Some(Progress::Confirmed(2))
    );
}
