//! What is too much, and what is left alone.

use super::*;

#[test]
fn what_is_newest_is_stopped_first_and_what_only_waits_before_it() {
    let web = Sample::of("web", "shop");
    let mut case = Case::of(&[(&web, 1)]);
    let oldest = case.fill(web.bundle, 0, "a", Stage::Started);
    let newest = case.fill(web.bundle, 2, "b", Stage::Started);
    let waiting = case.fill(web.bundle, 1, "c", Stage::Placed);
    let mut fleet = fleet(&[("a", room(1024)), ("b", room(1024)), ("c", room(1024))]);
    let plan = case.plan(&mut fleet);
    let down = StopReason::ScaledDown;
    assert_eq!(plan.stops, [(waiting, down), (newest, down)]);
    assert!(!plan.stops.iter().any(|(id, _)| *id == oldest));
}

#[test]
fn a_slot_whose_instance_is_still_ending_is_not_given_again() {
    let web = Sample::of("web", "shop");
    let mut case = Case::of(&[(&web, 2)]);
    case.fill(web.bundle, 0, "a", Stage::Started);
    case.fill(web.bundle, 1, "b", Stage::Stopping(StopReason::ScaledDown));
    let mut fleet = fleet(&[("a", room(1024)), ("b", room(1024)), ("c", room(1024))]);
    assert_eq!(case.plan(&mut fleet), Plan::default());
}

#[test]
fn what_completed_is_left_alone_until_somebody_asks_anew() {
    let web = Sample::of("web", "shop");
    let mut case = Case::of(&[(&web, 1)]);
    let id = SlotId {
        bundle: web.bundle,
        number: 0,
    };
    let content = Content::Completed { generation: 1 };
    case.assignment.slots.insert(
        id,
        Slot {
            version: version(1),
            content,
            quick_ends: 0,
        },
    );
    let mut fleet = fleet(&[("a", room(1024))]);
    assert_eq!(case.plan(&mut fleet), Plan::default());
    case.wishes.get_mut(&web.bundle).unwrap().generation = 2;
    let plan = case.plan(&mut fleet);
    assert_eq!((plan.clears.as_slice(), plan.starts.len()), (&[id][..], 1));
}
