//! Nodes that are emptied.

use super::*;

#[test]
fn a_drained_node_keeps_its_instance_until_another_is_healthy() {
    let web = Sample::of("web", "shop");
    let mut case = Case::of(&[(&web, 1)]);
    let id = case.fill(web.bundle, 0, "a", Stage::Started);
    let mut drained = room(1024);
    drained.closed = Some(Closed::Draining);
    let mut fleet = fleet(&[("a", drained), ("b", room(1024))]);
    let plan = case.plan(&mut fleet);
    assert_eq!(plan.moves, [(id, Moving::Away)]);
    assert_eq!(nodes_of(&plan), [node("b")].into());
    assert_eq!(plan.stops, []);

    let Some(Content::Filled(filled)) = case
        .assignment
        .slots
        .get_mut(&id)
        .map(|slot| &mut slot.content)
    else {
        panic!("it was filled");
    };
    filled.moving = true;
    case.fill(web.bundle, 1, "b", Stage::Started);
    assert_eq!(case.plan(&mut fleet).stops, [(id, StopReason::Moved)]);
}

#[test]
fn where_nothing_else_can_take_it_a_drained_instance_ends_all_the_same() {
    let web = Sample::of("web", "shop");
    let mut case = Case::of(&[(&web, 1)]);
    let id = case.fill(web.bundle, 0, "a", Stage::Started);
    let mut drained = room(1024);
    drained.closed = Some(Closed::Draining);
    let plan = case.plan(&mut fleet(&[("a", drained), ("b", room(1))]));
    assert_eq!(plan.stops, [(id, StopReason::Moved)]);
    assert_eq!(plan.shortages[&web.bundle].missing, 1);
}

#[test]
fn an_exclusive_instance_ends_before_another_starts_when_its_node_is_drained() {
    let mut ledger = Sample::of("ledger", "bank");
    ledger.terms.exclusive = true;
    let mut case = Case::of(&[(&ledger, 1)]);
    let id = case.fill(ledger.bundle, 0, "a", Stage::Started);
    let mut drained = room(1024);
    drained.closed = Some(Closed::Draining);
    let plan = case.plan(&mut fleet(&[("a", drained), ("b", room(1024))]));
    assert_eq!(
        (plan.stops.as_slice(), plan.starts.len()),
        (&[(id, StopReason::Moved)][..], 0)
    );
}
