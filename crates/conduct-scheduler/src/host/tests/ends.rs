//! How instances end, and how that is told.

use super::*;

#[test]
fn what_never_signals_is_killed_when_its_time_is_over() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    desk.news(name(1), RuntimeNews::Prepared);
    let ready = desk.now;
    desk.order(
        desk.version(1),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    desk.wait(Span::millis(59_999));
    assert_eq!(desk.state(name(1)), Some(State::Starting));
    desk.wait(Span::millis(1));
    assert!(desk.did(&HostEffect::Stop {
        instance: name(1),
        grace: Span::ZERO
    }));
    // A signal that comes now is too late.
    desk.news(name(1), RuntimeNews::Signalled);
    assert_eq!(desk.state(name(1)), Some(State::Stopping));
    let cause = Cause::Killed(9);
    desk.news(
        name(1),
        RuntimeNews::Ended {
            cause,
            while_away: false,
        },
    );
    let Some(State::Ended(ending)) = desk.state(name(1)) else {
        panic!("it ended")
    };
    assert_eq!(
        (ending.cause, ending.signalled),
        (Cause::StartTimedOut, false)
    );
}

#[test]
fn a_stop_waits_for_the_proxies_but_not_for_long() {
    for acknowledged in [true, false] {
        let mut desk = Desk::new();
        desk.run(1, name(1));
        desk.effects.clear();
        let stop = HostEffect::Stop {
            instance: name(1),
            grace: desk.sample.terms.stop_grace,
        };
        desk.order(desk.version(2), name(1), Wanted::Stop);
        assert_eq!(desk.state(name(1)), Some(State::Stopping));
        assert!(!desk.did(&stop));
        match acknowledged {
            true => desk.step(HostInput::Withdrawn(name(1))),
            false => desk.wait(Host::DRAIN_SPAN_MAX),
        }
        assert!(desk.did(&stop));
        let sent = desk
            .effects
            .iter()
            .filter(|effect| **effect == stop)
            .count();
        desk.wait(Host::DRAIN_SPAN_MAX);
        desk.step(HostInput::Withdrawn(name(1)));
        let again = desk
            .effects
            .iter()
            .filter(|effect| **effect == stop)
            .count();
        assert_eq!((sent, again), (1, 1));
    }
}

#[test]
fn what_the_synced_assignment_does_not_name_ends_and_what_it_stops_ends_too() {
    for named in [
        vec![],
        vec![(name(1), Stage::Stopping(StopReason::ScaledDown))],
    ] {
        let mut desk = Desk::new();
        desk.run(1, name(1));
        desk.names(2, &named);
        assert_eq!(desk.state(name(1)), Some(State::Stopping), "{named:?}");
        let surplus = |effect: &HostEffect| matches!(effect, HostEffect::Event(_));
        assert_eq!(desk.effects.iter().any(surplus), named.is_empty());
    }
}

#[test]
fn an_order_that_is_ahead_of_the_assignment_is_no_surplus() {
    let mut desk = Desk::new();
    desk.run(5, name(1));
    desk.names(4, &[]);
    assert_eq!(desk.state(name(1)), Some(State::Active));
    desk.names(5, &[(name(1), Stage::Started)]);
    assert_eq!(desk.state(name(1)), Some(State::Active));
}

#[test]
fn a_late_order_for_what_was_dropped_since_is_refused() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    let latest = desk.names(9, &[(name(1), Stage::Started)]).version;
    desk.prepare(8, name(2));
    assert_eq!(desk.told(), Some(&Told::Fenced(latest)));
}

#[test]
fn how_an_instance_ended_is_told_until_its_successor_is_sure_to_know() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    desk.news(
        name(1),
        RuntimeNews::Ended {
            cause: Cause::Exited(1),
            while_away: false,
        },
    );
    desk.names(2, &[(name(1), Stage::Started)]);
    desk.wait(Span::secs(100));
    assert!(
        desk.state(name(1)).is_some(),
        "its assignment still names it"
    );
    desk.names(3, &[]);
    desk.wait(Span::millis(Host::ENDED_SPAN.as_millis() - 1));
    assert!(desk.state(name(1)).is_some());
    desk.wait(Span::millis(1));
    assert_eq!(desk.state(name(1)), None);
    assert!(desk.did(&HostEffect::Forget { instance: name(1) }));
    assert!(desk.restored.executions.is_empty());
}

#[test]
fn a_system_of_which_nothing_is_left_leaves_nothing() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    let (system, assignment) = (desk.sample.system.clone(), None);
    desk.step(HostInput::Assignment { system, assignment });
    assert_eq!(desk.state(name(1)), Some(State::Stopping));
    desk.wait(Host::DRAIN_SPAN_MAX);
    desk.news(
        name(1),
        RuntimeNews::Ended {
            cause: Cause::Killed(15),
            while_away: false,
        },
    );
    desk.wait(Host::ENDED_SPAN);
    assert_eq!(desk.host.systems().count(), 0);
    assert_eq!(desk.restored, HostRestored::default());
}
