//! What a fleet believes, and when it changes its mind.

use conduct_model::{BundleId, Digest, InstanceId, NodeKey, Resources, Span, Time};

use super::*;
use crate::execution::State;
use crate::execution::{Cause, Ending, Turn};
use crate::message::Item;
use crate::terms::{Kind, Terms};

fn node() -> NodeKey {
    NodeKey::from_digest(Digest::of(b"node"))
}

fn turn(change: u64) -> Turn {
    Turn { start: 1, change }
}

fn execution(change: u64, state: State) -> Execution {
    let (instance, bundle) = (
        InstanceId::from_u128(1),
        BundleId::plain(Digest::of(b"web")),
    );
    Execution {
        instance,
        bundle,
        state,
        turn: turn(change),
        found_at: None,
    }
}

fn report(change: u64, executions: Vec<Execution>) -> HostReport {
    let room = Resources {
        cpu_millis: 1_000,
        memory_bytes: 1 << 30,
        disk_bytes: 1 << 30,
    };
    HostReport {
        turn: turn(change),
        kinds: [Kind::Universal].into_iter().collect(),
        capacity: room,
        free: room,
        executions,
        ..HostReport::default()
    }
}

fn told(fleet: &Fleet) -> Option<State> {
    fleet
        .told(&node(), InstanceId::from_u128(1))
        .map(|execution| execution.state.clone())
}

#[test]
fn news_that_overtake_a_report_are_not_undone_by_it() {
    let mut fleet = Fleet::new(RoleRule::Ignored);
    fleet.report(node(), &report(1, vec![execution(1, State::Starting)]));
    let system = crate::fuzz::Sample::of("web", "shop").system;
    let has = Told::Has {
        execution: execution(3, State::Active),
        ready: None,
    };
    let item = Item {
        system,
        instance: InstanceId::from_u128(1),
        told: has,
    };
    fleet.news(
        node(),
        &News {
            turn: turn(3),
            free: Resources::default(),
            items: vec![item],
        },
    );
    assert_eq!(told(&fleet), Some(State::Active));
    fleet.report(node(), &report(2, vec![execution(1, State::Starting)]));
    assert_eq!(told(&fleet), Some(State::Active));
    assert_eq!(fleet.free(&node()), Resources::default());
    fleet.report(node(), &report(4, vec![]));
    assert_eq!(told(&fleet), None);
}

#[test]
fn what_an_adopting_node_does_not_name_stands_as_it_was() {
    let mut fleet = Fleet::new(RoleRule::Ignored);
    fleet.report(node(), &report(1, vec![execution(1, State::Active)]));
    let adopting = HostReport {
        adopting: true,
        ..report(2, vec![])
    };
    assert!(fleet.report(node(), &adopting).is_empty());
    assert_eq!(told(&fleet), Some(State::Active));
    assert_eq!(fleet.closed(&node()), Some(Closed::Adopting));
    assert_eq!(fleet.report(node(), &report(3, vec![])).len(), 1);
    assert_eq!(told(&fleet), None);
}

#[test]
fn a_promise_counts_until_the_node_shows_it_or_it_is_taken_back() {
    let mut fleet = Fleet::new(RoleRule::Ignored);
    fleet.report(node(), &report(1, vec![]));
    let needs = Resources {
        cpu_millis: 300,
        memory_bytes: 1 << 20,
        disk_bytes: 0,
    };
    let what = (InstanceId::from_u128(1), execution(1, State::Ready).bundle);
    fleet.promise(node(), what, needs);
    fleet.promise(node(), what, needs);
    assert_eq!(fleet.free(&node()).cpu_millis, 700);
    let mut shown = report(2, vec![execution(2, State::Preparing)]);
    shown.free.cpu_millis = 700;
    fleet.report(node(), &shown);
    assert_eq!(fleet.free(&node()).cpu_millis, 700);
    fleet.promise(node(), (InstanceId::from_u128(2), what.1), needs);
    fleet.settle(InstanceId::from_u128(2));
    fleet.settle(InstanceId::from_u128(2));
    assert_eq!(fleet.free(&node()).cpu_millis, 700);
}

#[test]
fn an_instance_that_ended_makes_room_for_another_of_its_bundle() {
    let mut fleet = Fleet::new(RoleRule::Ignored);
    fleet.report(node(), &report(1, vec![execution(1, State::Active)]));
    let mut terms: Terms = crate::fuzz::Sample::of("web", "shop").terms;
    terms.needs = Resources::default();
    let ask = Ask {
        bundle: execution(1, State::Ready).bundle,
        terms: &terms,
        affinity: None,
        tie: 0,
        prefer: None,
        avoid: &[],
        skip: &[],
    };
    assert!(matches!(
        fleet.refusal(&node(), &ask),
        Some(Refusal::Occupied { .. })
    ));
    let (cause, lasted) = (Cause::Killed(9), Span::secs(1));
    let ending = Ending {
        cause,
        signalled: true,
        daemon_away: false,
        lasted,
    };
    fleet.report(node(), &report(2, vec![execution(2, State::Ended(ending))]));
    assert_eq!(fleet.refusal(&node(), &ask), None);
    assert_eq!(fleet.choose(&ask), Some(node()));
    fleet.forget(&node());
    assert_eq!(fleet.choose(&ask), None);
    assert_eq!(fleet.refusal(&node(), &ask), Some(Refusal::Unreported));
}

#[test]
fn a_node_that_comes_and_goes_has_to_stay_before_it_is_given_anything() {
    let mut fleet = Fleet::new(RoleRule::Ignored);
    fleet.report(node(), &report(1, vec![]));
    let at = Time::from_millis;
    let open = |fleet: &Fleet| fleet.by_load.len() == 1;
    fleet.judge(at(1_000), node(), Standing::Gone { since: at(1_000) });
    fleet.judge(at(5_000), node(), Standing::Reachable);
    assert!(open(&fleet), "once is no habit");
    fleet.judge(at(21_000), node(), Standing::Gone { since: at(21_000) });
    fleet.judge(at(25_000), node(), Standing::Reachable);
    assert!(!open(&fleet));
    assert_eq!(fleet.next_settled(), Some(at(35_000)));
    fleet.tick(at(34_999));
    assert!(!open(&fleet));
    fleet.tick(at(35_000));
    assert!(open(&fleet));
    assert_eq!(fleet.next_settled(), None);
}

#[test]
fn learning_twice_that_a_node_is_gone_does_not_begin_its_absence_anew() {
    let mut fleet = Fleet::new(RoleRule::Ignored);
    let gone = |millis| Standing::Gone {
        since: Time::from_millis(millis),
    };
    fleet.judge(Time::from_millis(5), node(), gone(5));
    fleet.judge(Time::from_millis(9), node(), gone(9));
    assert_eq!(fleet.standing(&node()), Some(gone(5)));
}

#[test]
fn only_what_a_node_newly_offers_is_a_reason_to_try_again_what_failed() {
    let mut fleet = Fleet::new(RoleRule::Ignored);
    fleet.report(node(), &report(1, vec![]));
    let before = fleet.landscape();
    let mut less = report(2, vec![execution(2, State::Active)]);
    less.free.cpu_millis = 1;
    fleet.report(node(), &less);
    fleet.report(node(), &report(3, vec![]));
    assert_eq!(fleet.landscape(), before);
    fleet.judge(Time::ZERO, node(), Standing::Unreachable);
    assert_eq!(fleet.landscape(), before);
    fleet.judge(Time::ZERO, node(), Standing::Reachable);
    assert!(fleet.landscape() > before);
}
