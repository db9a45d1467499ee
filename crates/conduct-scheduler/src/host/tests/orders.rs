//! What an owner orders, and what comes of it.

use super::*;

#[test]
fn an_instance_goes_from_order_to_health_step_by_step() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    assert_eq!(desk.state(name(1)), Some(State::Preparing));
    let bundle = desk.sample.bundle;
    assert!(desk.did(&HostEffect::Prepare {
        instance: name(1),
        bundle
    }));
    desk.news(name(1), RuntimeNews::Prepared);
    let ready = Some(desk.now);
    assert!(matches!(desk.told(), Some(Told::Has { ready: told, .. }) if *told == ready));
    let (ready, seeds) = (desk.now, vec![(*seed()).clone()]);
    let start = Wanted::Start {
        ready,
        seeds: seeds.clone(),
    };
    desk.order(desk.version(2), name(1), start);
    assert!(desk.did(&HostEffect::Start {
        instance: name(1),
        bundle,
        seeds
    }));
    desk.news(name(1), RuntimeNews::Launched { found_at: seed() });
    desk.news(name(1), RuntimeNews::Signalled);
    assert_eq!(desk.state(name(1)), Some(State::Active));
    assert_eq!(desk.host.execution(name(1)).unwrap().found_at, Some(seed()));
}

#[test]
fn nothing_is_fetched_forked_or_told_before_it_is_on_disk() {
    let mut desk = Desk::new();
    let terms = Arc::new(desk.sample.terms.clone());
    let wanted = Wanted::Prepare {
        bundle: desk.sample.bundle,
        terms,
    };
    let (system, version) = (desk.sample.system.clone(), desk.version(1));
    let orders = vec![Order {
        system,
        version,
        instance: name(1),
        wanted,
    }];
    let mut effects = Vec::new();
    desk.host.step(
        desk.now,
        HostInput::Orders {
            from: desk.owner,
            orders,
        },
        &mut effects,
    );
    let acts = |effect: &HostEffect| {
        matches!(effect, HostEffect::Prepare { .. } | HostEffect::Tell { .. })
    };
    assert!(!effects.iter().any(acts), "{effects:?}");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, HostEffect::Persist { .. }))
    );
}

#[test]
fn an_order_that_comes_again_does_nothing_new() {
    let mut desk = Desk::new();
    desk.run(1, name(1));
    desk.effects.clear();
    desk.prepare(2, name(1));
    let ready = desk.now;
    desk.order(
        desk.version(2),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    let acts = |effect: &HostEffect| {
        matches!(
            effect,
            HostEffect::Prepare { .. } | HostEffect::Start { .. }
        )
    };
    assert!(!desk.effects.iter().any(acts));
    assert_eq!(desk.state(name(1)), Some(State::Active));
    assert!(matches!(desk.told(), Some(Told::Has { .. })));
}

#[test]
fn a_replaced_owner_is_not_obeyed_even_after_a_restart() {
    let mut desk = Desk::new();
    let old = desk.version(7);
    desk.owner = node("successor");
    let later = Version {
        epoch: Epoch {
            number: 2,
            owner: desk.owner,
        },
        sequence: 1,
    };
    desk.order(later, name(9), Wanted::Tell);
    assert_eq!(desk.told(), Some(&Told::Unknown));
    for restarted in [false, true] {
        if restarted {
            desk.restart(BTreeMap::new());
        }
        let terms = Arc::new(desk.sample.terms.clone());
        desk.order(
            old,
            name(1),
            Wanted::Prepare {
                bundle: desk.sample.bundle,
                terms,
            },
        );
        assert_eq!(desk.told(), Some(&Told::Fenced(later)));
        assert_eq!(desk.state(name(1)), None);
    }
}

#[test]
fn nobody_orders_in_the_name_of_another() {
    let mut desk = Desk::new();
    let (system, version) = (desk.sample.system.clone(), desk.version(1));
    let orders = vec![Order {
        system,
        version,
        instance: name(1),
        wanted: Wanted::Tell,
    }];
    desk.effects.clear();
    desk.step(HostInput::Orders {
        from: node("stranger"),
        orders,
    });
    assert_eq!(desk.effects, []);
}

#[test]
fn what_does_not_fit_is_declined_with_fresh_numbers() {
    let mut desk = Desk::new();
    desk.sample.terms.max_per_node = 9;
    desk.sample.terms.needs.memory_bytes = 150 << 20;
    desk.prepare(1, name(1));
    desk.prepare(1, name(2));
    let (needs, free) = (150 << 20, 50 << 20);
    let short = Refusal::Short {
        of: Resource::Memory,
        needs,
        free,
    };
    assert_eq!(desk.told(), Some(&Told::Declined(short)));
    let last = desk.effects.iter().rev().find_map(|effect| match effect {
        HostEffect::Tell { news, .. } => Some(news.free.memory_bytes),
        _ => None,
    });
    assert_eq!(last, Some(free));
    desk.news(name(1), RuntimeNews::Failed { why: "gone".into() });
    desk.prepare(2, name(2));
    assert_eq!(desk.state(name(2)), Some(State::Preparing));
}

#[test]
fn a_host_that_is_closed_declines_and_says_why() {
    for why in [Closed::Draining, Closed::Quarantined] {
        let mut desk = Desk::new();
        desk.step(HostInput::Close { why, closed: true });
        desk.prepare(1, name(1));
        assert_eq!(desk.told(), Some(&Told::Declined(Refusal::Closed(why))));
    }
}

#[test]
fn a_start_that_was_long_on_its_way_starts_nothing_and_is_answered_by_a_new_word() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    desk.news(name(1), RuntimeNews::Prepared);
    let ready = desk.now;
    desk.now += Host::READY_SPAN_MAX + Span::millis(1);
    desk.order(
        desk.version(2),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    assert_eq!(desk.state(name(1)), Some(State::Ready));
    let fresh = Some(desk.now);
    assert!(matches!(desk.told(), Some(Told::Has { ready, .. }) if *ready == fresh));
    let ready = desk.now;
    desk.order(
        desk.version(2),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    assert_eq!(desk.state(name(1)), Some(State::Starting));
}

#[test]
fn a_quarantined_host_forks_nothing() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    desk.news(name(1), RuntimeNews::Prepared);
    desk.step(HostInput::Close {
        why: Closed::Quarantined,
        closed: true,
    });
    let ready = desk.now;
    desk.order(
        desk.version(2),
        name(1),
        Wanted::Start {
            ready,
            seeds: vec![],
        },
    );
    assert_eq!(desk.state(name(1)), Some(State::Ready));
}

#[test]
fn an_order_of_an_owner_that_cannot_be_is_refused_and_binds_nobody() {
    let mut desk = Desk::new();
    desk.prepare(1, name(1));
    desk.names(1, &[(name(1), Stage::Placed)]);
    let liar = node("liar");
    for number in [u64::MAX, Epoch::NUMBER_MAX, Epoch::JUMP_MAX + 2] {
        let before = desk.host.refused();
        let version = Version {
            epoch: Epoch {
                number,
                owner: liar,
            },
            sequence: 1,
        };
        desk.order(version, name(1), Wanted::Stop);
        assert_eq!(desk.host.refused(), before + 1, "{number}");
    }
    assert_eq!(desk.state(name(1)), Some(State::Preparing));
    desk.prepare(2, name(2));
    assert!(!matches!(desk.told(), Some(Told::Fenced(_))));
}

#[test]
fn an_owner_far_ahead_of_a_host_that_knows_no_assignment_is_obeyed_when_it_asks_again() {
    let mut desk = Desk::new();
    let owner = desk.owner;
    let number = 3 * Epoch::JUMP_MAX;
    let version = Version {
        epoch: Epoch { number, owner },
        sequence: 1,
    };
    let terms = Arc::new(desk.sample.terms.clone());
    let bundle = desk.sample.bundle;
    for asked in 1..=3 {
        let terms = terms.clone();
        desk.order(version, name(1), Wanted::Prepare { bundle, terms });
        let expected = (asked == 3).then_some(State::Preparing);
        assert_eq!(desk.state(name(1)), expected, "asked {asked} times");
    }
    assert_eq!(desk.host.refused(), 2);
}
