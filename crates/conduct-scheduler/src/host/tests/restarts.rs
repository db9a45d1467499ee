//! A daemon that comes back to what it left running.

use super::*;

#[test]
fn a_daemon_that_comes_back_takes_over_what_its_shims_tell() {
    let mut desk = Desk::new();
    desk.sample.terms.max_per_node = 9;
    for n in 1..=5 {
        desk.sample.bundle = BundleId::plain(Digest::of(&[n as u8]));
        desk.sample.terms.needs = Resources::default();
        desk.run(1, name(n));
    }
    desk.prepare(1, name(6));
    let found = BTreeMap::from([
        (
            name(1),
            Found::Alive {
                found_at: seed(),
                signalled: true,
            },
        ),
        (
            name(2),
            Found::Ended {
                cause: Cause::Exited(0),
            },
        ),
        (
            name(3),
            Found::Ended {
                cause: Cause::OutOfMemory,
            },
        ),
        (name(4), Found::Prepared),
        (
            name(77),
            Found::Alive {
                found_at: seed(),
                signalled: true,
            },
        ),
    ]);
    desk.restart(found);
    assert_eq!(desk.state(name(1)), Some(State::Active));
    let ending = |n| match desk.state(name(n)) {
        Some(State::Ended(ending)) => (ending.cause, ending.signalled),
        other => panic!("{other:?}"),
    };
    assert_eq!(ending(2), (Cause::Exited(0), true));
    assert_eq!(ending(3), (Cause::OutOfMemory, true));
    assert_eq!(ending(5), (Cause::Lost, true));
    assert_eq!(desk.state(name(4)), Some(State::Ready));
    assert_eq!(desk.state(name(6)), Some(State::Preparing));
    let stopped = |effect: &HostEffect| matches!(effect, HostEffect::Stop { instance, .. } if *instance == name(77));
    assert!(desk.effects.iter().any(stopped), "nobody knows it");
}

#[test]
fn a_start_that_failed_while_its_daemon_was_away_says_so() {
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
    desk.news(name(1), RuntimeNews::Launched { found_at: seed() });
    desk.restart(BTreeMap::from([(
        name(1),
        Found::Ended {
            cause: Cause::Exited(1),
        },
    )]));
    let Some(State::Ended(ending)) = desk.state(name(1)) else {
        panic!("it ended")
    };
    assert!(ending.daemon_away && !ending.signalled);
    assert_eq!(ending.meaning(), crate::Meaning::Blameless);
}

#[test]
fn while_it_asks_its_shims_a_host_reports_what_was_and_ends_nothing() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    let mut next = Desk::with(desk.restored.clone());
    assert!(next.host.report().adopting);
    assert_eq!(next.host.report().executions.len(), 1);
    assert_eq!(next.state(name(1)), Some(State::Active));
    next.names(9, &[]);
    assert_eq!(next.state(name(1)), Some(State::Active));
    next.order(next.version(9), name(5), Wanted::Tell);
    assert_eq!(next.told(), Some(&Told::Adopting));
    let alive = Found::Alive {
        found_at: seed(),
        signalled: true,
    };
    next.step(HostInput::Adopted(BTreeMap::from([(name(1), alive)])));
    assert_eq!(
        next.state(name(1)),
        Some(State::Stopping),
        "now it is surplus"
    );
}
