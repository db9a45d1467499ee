//! Which node takes what, and why others do not.

use super::*;

#[test]
fn instances_of_one_bundle_spread_over_nodes_and_the_rest_is_missing_with_reasons() {
    let mut web = Sample::of("web", "shop");
    web.terms.needs.memory_bytes = 512 * MIB;
    let mut fleet = fleet(&[("a", room(1024)), ("b", room(300)), ("c", room(1024))]);
    let plan = Case::of(&[(&web, 4)]).plan(&mut fleet);
    assert_eq!(nodes_of(&plan), [node("a"), node("c")].into());
    let shortage = &plan.shortages[&web.bundle];
    assert_eq!(shortage.missing, 2);
    let reasons: BTreeMap<NodeKey, String> = shortage
        .refusals
        .iter()
        .map(|(node, refusal)| (*node, refusal.to_string()))
        .collect();
    assert_eq!(reasons[&node("a")], "already runs web (max-per-node = 1)");
    assert_eq!(reasons[&node("b")], "needs 512 MiB, 300 MiB free");
}

#[test]
fn every_condition_refuses_with_its_own_reason() {
    type Change = fn(&mut Sample, &mut HostReport);
    let short = |of, needs, free| Refusal::Short { of, needs, free };
    let table: [(Change, Refusal); 8] = [
        (
            |_, host| host.closed = Some(Closed::Draining),
            Refusal::Closed(Closed::Draining),
        ),
        (
            |_, host| host.adopting = true,
            Refusal::Closed(Closed::Adopting),
        ),
        (
            |bundle, _| bundle.terms.kinds = [Kind::OciImage].into_iter().collect(),
            Refusal::Kinds {
                lacking: [Kind::OciImage].into_iter().collect(),
            },
        ),
        (
            |bundle, _| bundle.terms.roles = ["db".parse().unwrap()].into(),
            Refusal::Roles {
                wanted: ["db".parse().unwrap()].into(),
                rule: RoleRule::All,
            },
        ),
        (
            |bundle, _| bundle.terms.max_per_node = 0,
            Refusal::Occupied {
                name: "web".into(),
                max_per_node: 0,
            },
        ),
        (
            |_, host| host.free.cpu_millis = 99,
            short(Resource::Cpu, 100, 99),
        ),
        (
            |_, host| host.free.memory_bytes = 1,
            short(Resource::Memory, 64 * MIB, 1),
        ),
        (
            |_, host| host.free.disk_bytes = 2,
            short(Resource::Disk, 64 * MIB, 2),
        ),
    ];
    for (change, refusal) in table {
        let (mut web, mut host) = (Sample::of("web", "shop"), room(1024));
        change(&mut web, &mut host);
        let mut fleet = fleet(&[("a", host)]);
        let plan = Case::of(&[(&web, 1)]).plan(&mut fleet);
        assert_eq!(plan.shortages[&web.bundle].refusals, [(node("a"), refusal)]);
    }
}

#[test]
fn a_node_that_does_not_answer_gets_nothing_and_says_so() {
    let web = Sample::of("web", "shop");
    let table = [
        (Standing::Unreachable, Refusal::Unreachable),
        (Standing::Restarting, Refusal::Restarting),
        (Standing::Gone { since: Time::ZERO }, Refusal::Gone),
    ];
    for (standing, refusal) in table {
        let mut fleet = fleet(&[("a", room(1024))]);
        fleet.judge(Time::ZERO, node("a"), standing);
        let plan = Case::of(&[(&web, 1)]).plan(&mut fleet);
        assert_eq!(plan.shortages[&web.bundle].refusals, [(node("a"), refusal)]);
    }
}

#[test]
fn affinity_waits_for_the_other_bundle_and_then_follows_it() {
    let (web, db) = (Sample::of("web", "shop"), Sample::of("db", "store"));
    let mut case = Case::of(&[(&web, 1)]);
    case.wishes.get_mut(&web.bundle).unwrap().affinity = Some(db.bundle);
    let mut fleet = fleet(&[("a", room(1024)), ("b", room(1024))]);
    let plan = case.plan(&mut fleet);
    let refusals = &plan.shortages[&web.bundle].refusals;
    assert!(
        refusals
            .iter()
            .all(|(_, why)| matches!(why, Refusal::Affinity { .. }))
    );

    let mut report = room(1024);
    report.turn = Turn {
        start: 1,
        change: 1,
    };
    report.executions.push(Execution {
        instance: InstanceId::from_u128(9),
        bundle: db.bundle,
        state: State::Active,
        turn: report.turn,
        found_at: None,
    });
    fleet.report(node("b"), &report);
    assert_eq!(nodes_of(&case.plan(&mut fleet)), [node("b")].into());
}

#[test]
fn room_that_was_promised_a_moment_ago_is_not_promised_again() {
    let mut web = Sample::of("web", "shop");
    web.terms.needs.memory_bytes = 600 * MIB;
    web.terms.max_per_node = 9;
    let mut fleet = fleet(&[("a", room(1024))]);
    let plan = Case::of(&[(&web, 2)]).plan(&mut fleet);
    assert_eq!(plan.starts.len(), 1);
    let refusals = &plan.shortages[&web.bundle].refusals;
    assert_eq!(refusals[0].1.to_string(), "needs 600 MiB, 424 MiB free");
}

#[test]
fn nodes_where_it_failed_come_last_and_nodes_that_declined_not_at_all() {
    let web = Sample::of("web", "shop");
    let mut case = Case::of(&[(&web, 1)]);
    let mut account = Account::new(version(1), 1);
    account.failed_starts = 1;
    account.failed_on.push(node("a"));
    case.assignment.accounts.insert(web.bundle, account);
    case.pauses.single.insert(web.bundle);
    let hosts = [("a", room(1 << 20)), ("b", room(100))];
    assert_eq!(nodes_of(&case.plan(&mut fleet(&hosts))), [node("b")].into());
    let full = Refusal::Full { instances: 1_024 };
    case.pauses
        .declined
        .insert(web.bundle, vec![(node("b"), full)]);
    assert_eq!(nodes_of(&case.plan(&mut fleet(&hosts))), [node("a")].into());
}

#[test]
fn each_bundle_gets_its_first_before_any_gets_its_second_and_failing_ones_wait() {
    let (web, cart, mail) = (
        Sample::of("web", "shop"),
        Sample::of("cart", "shop"),
        Sample::of("mail", "shop"),
    );
    let mut case = Case::of(&[(&web, 2), (&cart, 2), (&mail, 2)]);
    let mut account = Account::new(version(1), 1);
    account.failed_starts = 1;
    case.assignment.accounts.insert(mail.bundle, account);
    let plan = case.plan(&mut fleet(&[("a", room(1024)), ("b", room(1024))]));
    let order: Vec<(BundleId, u32)> = plan
        .starts
        .iter()
        .map(|start| (start.slot.bundle, start.slot.number))
        .collect();
    let healthy: BTreeSet<BundleId> = [web.bundle, cart.bundle].into();
    assert!(
        order[..2]
            .iter()
            .all(|(bundle, n)| healthy.contains(bundle) && *n == 0)
    );
    assert!(
        order[2..4]
            .iter()
            .all(|(bundle, n)| healthy.contains(bundle) && *n == 1)
    );
    assert!(order[4..].iter().all(|(bundle, _)| *bundle == mail.bundle));
}

#[test]
fn owners_that_do_not_know_of_each_other_do_not_all_choose_the_same_node() {
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let hosts: Vec<(&str, HostReport)> = names
        .iter()
        .map(|name| (name.as_str(), room(8192)))
        .collect();
    let chosen: BTreeSet<NodeKey> = (0..20)
        .flat_map(|n| {
            let sample = Sample::of(&format!("bundle {n}"), "shop");
            nodes_of(&Case::of(&[(&sample, 1)]).plan(&mut fleet(&hosts)))
        })
        .collect();
    assert!(chosen.len() >= 8, "{}", chosen.len());
}

#[test]
fn a_node_that_is_much_less_loaded_is_taken_before_others() {
    let web = Sample::of("web", "shop");
    let mut busy = room(1024);
    busy.free.memory_bytes = 512 * MIB;
    let hosts = [
        ("a", busy.clone()),
        ("b", busy.clone()),
        ("c", room(1024)),
        ("d", busy),
    ];
    assert_eq!(
        nodes_of(&Case::of(&[(&web, 1)]).plan(&mut fleet(&hosts))),
        [node("c")].into()
    );
}

#[test]
fn a_plan_is_the_same_whatever_order_the_nodes_were_heard_of_in() {
    let sample = Sample::of("web", "shop");
    let case = Case::of(&[(&sample, 3)]);
    let mut hosts = vec![
        ("a", room(1024)),
        ("b", room(900)),
        ("c", room(2048)),
        ("d", room(700)),
    ];
    let plan = case.plan(&mut fleet(&hosts));
    hosts.reverse();
    assert_eq!(case.plan(&mut fleet(&hosts)), plan);
}

#[test]
fn a_system_gets_no_more_slots_than_its_assignment_has_room_for() {
    let mut web = Sample::of("web", "shop");
    web.terms.max_per_node = u32::MAX;
    web.terms.needs = Resources::default();
    let mut case = Case::of(&[(&web, u32::MAX)]);
    let plan = case.plan(&mut fleet(&[("a", room(1024)), ("b", room(1024))]));
    // An account would take two of them.
    let most = Assignment::SLOTS_MAX - 2;
    assert_eq!(plan.starts.len(), most);
    let shortage = &plan.shortages[&web.bundle];
    assert_eq!(shortage.missing, u32::MAX - most as u32);
    assert!(
        shortage
            .refusals
            .iter()
            .all(|(_, why)| *why == Refusal::SystemFull)
    );

    for number in 0..most as u32 {
        case.fill(web.bundle, number, "a", Stage::Started);
    }
    let cart = Sample::of("cart", "shop");
    case.wishes
        .extend(Case::of(&[(&web, 1), (&cart, 1)]).wishes);
    let mut fleet = fleet(&[("a", room(1024)), ("b", room(1024))]);
    let plan = case.plan(&mut fleet);
    assert_eq!((plan.stops.len(), plan.starts.len()), (most - 1, 0));
    assert_eq!(plan.shortages[&cart.bundle].missing, 1);
    for number in 1..most as u32 {
        case.assignment.slots.remove(&SlotId {
            bundle: web.bundle,
            number,
        });
    }
    assert_eq!(case.plan(&mut fleet).starts.len(), 1, "there is room again");
}

#[test]
fn nodes_within_a_tenth_of_the_best_are_as_good_and_no_others_are() {
    let loaded = |percent: u64| {
        let mut host = room(10_000);
        host.free.memory_bytes = (100 - percent) * 100 * MIB;
        host
    };
    let hosts = [("a", loaded(20)), ("b", loaded(30)), ("c", loaded(31))];
    let mut chosen: BTreeMap<NodeKey, u32> = BTreeMap::new();
    for n in 0..100 {
        let sample = Sample::of(&format!("bundle {n}"), "shop");
        for node in nodes_of(&Case::of(&[(&sample, 1)]).plan(&mut fleet(&hosts))) {
            *chosen.entry(node).or_default() += 1;
        }
    }
    let count = |name| chosen.get(&node(name)).copied().unwrap_or(0);
    assert!(count("a") > 30 && count("b") > 30, "{chosen:?}");
    assert_eq!(count("c"), 0, "{chosen:?}");
}
