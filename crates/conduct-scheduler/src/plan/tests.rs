//! Tables of fleets, wishes and assignments, and what follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conduct_model::{BundleId, Digest, InstanceId, NodeKey, Resources, Time};

use super::*;
use crate::assignment::{Account, Filled, Slot, Stage};
use crate::epoch::Epoch;
use crate::execution::{Execution, State, Turn};
use crate::fleet::{Closed, HostReport, Resource, RoleRule, Standing};
use crate::fuzz::Sample;
use crate::terms::Kind;

const MIB: u64 = 1 << 20;

fn node(name: &str) -> NodeKey {
    NodeKey::from_digest(Digest::of(name.as_bytes()))
}

fn room(memory_mib: u64) -> HostReport {
    let room = Resources {
        cpu_millis: 4_000,
        memory_bytes: memory_mib * MIB,
        disk_bytes: 1 << 40,
    };
    HostReport {
        roles: ["web".parse().unwrap()].into(),
        kinds: [Kind::Universal].into_iter().collect(),
        capacity: room,
        free: room,
        ..HostReport::default()
    }
}

fn fleet(nodes: &[(&str, HostReport)]) -> Fleet {
    let mut fleet = Fleet::new(RoleRule::All);
    for (name, report) in nodes {
        fleet.report(node(name), report);
    }
    fleet
}

/// A system with its wishes and what was decided.
struct Case {
    wishes: Wishes,
    assignment: Assignment,
    pauses: Pauses,
}

fn version(sequence: u64) -> Version {
    Version {
        epoch: Epoch {
            number: 1,
            owner: node("owner"),
        },
        sequence,
    }
}

impl Case {
    fn of(samples: &[(&Sample, u32)]) -> Case {
        let wish = |(sample, scale): &(&Sample, u32)| {
            let terms = Arc::new(sample.terms.clone());
            (
                sample.bundle,
                Wish {
                    terms,
                    scale: *scale,
                    affinity: None,
                    generation: 1,
                },
            )
        };
        Case {
            wishes: samples.iter().map(wish).collect(),
            assignment: Assignment::empty(version(0)),
            pauses: Pauses::default(),
        }
    }

    fn plan(&self, fleet: &mut Fleet) -> Plan {
        let system = Sample::of("any", "shop").system;
        plan(
            fleet,
            &Situation {
                system: &system,
                wishes: &self.wishes,
                assignment: &self.assignment,
                version: version(100),
                salt: 0,
                pauses: &self.pauses,
            },
        )
    }

    fn fill(&mut self, bundle: BundleId, number: u32, on: &str, stage: Stage) -> SlotId {
        let id = SlotId { bundle, number };
        let since = version(u64::from(number) + 1);
        let instance = InstanceId::from_u128(u128::from(number) + 1);
        let filled = Filled {
            node: node(on),
            instance,
            stage,
            since,
            moving: false,
        };
        let content = Content::Filled(filled);
        self.assignment.slots.insert(
            id,
            Slot {
                version: since,
                content,
                quick_ends: 0,
            },
        );
        id
    }
}

fn nodes_of(plan: &Plan) -> BTreeSet<NodeKey> {
    plan.starts.iter().map(|start| start.node).collect()
}

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
