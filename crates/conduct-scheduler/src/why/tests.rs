//! Each thing that a wish can wait for, and the sentence that tells it.

use std::sync::Arc;

use conduct_model::{Digest, InstanceId, Resources};

use super::*;
use crate::assignment::{Slot, StopReason};
use crate::epoch::{Epoch, Version};
use crate::execution::Cause;
use crate::fleet::{HostReport, RoleRule};
use crate::fuzz::Sample;
use crate::terms::{Kind, Wish};
use conduct_model::Span;

struct Case {
    sample: Sample,
    wishes: Wishes,
    assignment: Assignment,
    fleet: Fleet,
}

fn node(name: &str) -> NodeKey {
    NodeKey::from_digest(Digest::of(name.as_bytes()))
}

fn version() -> Version {
    let (number, owner) = (1, node("owner"));
    let epoch = Epoch { number, owner };
    Version { epoch, sequence: 1 }
}

impl Case {
    /// A bundle of which `scale` instances are wished for, and a node with 300 MiB.
    fn of(scale: u32) -> Case {
        let sample = Sample::of("web", "shop");
        let wish = Wish {
            terms: Arc::new(sample.terms.clone()),
            scale,
            affinity: None,
            generation: 1,
        };
        let room = Resources {
            cpu_millis: 4_000,
            memory_bytes: 300 << 20,
            disk_bytes: 1 << 30,
        };
        let mut fleet = Fleet::new(RoleRule::All);
        let report = HostReport {
            roles: ["web".parse().unwrap()].into(),
            kinds: [Kind::Universal].into_iter().collect(),
            capacity: room,
            free: room,
            ..HostReport::default()
        };
        fleet.report(node("a"), &report);
        Case {
            wishes: [(sample.bundle, wish)].into(),
            assignment: Assignment::empty(version()),
            sample,
            fleet,
        }
    }

    fn put(&mut self, number: u32, content: Content, quick_ends: u32) {
        let bundle = self.sample.bundle;
        let version = version();
        let slot = Slot {
            version,
            content,
            quick_ends,
        };
        self.assignment
            .slots
            .insert(SlotId { bundle, number }, slot);
    }

    fn fill(&mut self, number: u32, stage: Stage) {
        let filled = Filled {
            node: node("a"),
            instance: InstanceId::from_u128(u128::from(number) + 1),
            stage,
            since: version(),
            moving: false,
        };
        self.put(number, Content::Filled(filled), 0);
    }

    fn account(&mut self, change: impl FnOnce(&mut Account)) {
        let mut account = Account::new(version(), 1);
        change(&mut account);
        self.assignment.accounts.insert(self.sample.bundle, account);
    }

    fn why(&self) -> Why {
        why(
            &self.fleet,
            &self.wishes,
            &self.assignment,
            self.sample.bundle,
        )
    }
}

#[test]
fn what_runs_as_wished_needs_no_reason() {
    let mut case = Case::of(1);
    case.fill(0, Stage::Started);
    let why = case.why();
    assert!(why.is_met());
    assert_eq!(why.headline(), "Running 1 of 1");
    assert_eq!((why.waits.len(), why.nodes.len()), (0, 0));
}

#[test]
fn what_is_not_loaded_is_not_wished_for() {
    let mut case = Case::of(3);
    case.wishes.clear();
    assert_eq!(case.why().headline(), "Running 0 of 0");
}

#[test]
fn each_thing_that_an_instance_waits_for_has_its_sentence() {
    let on = node("a").short();
    type Change = fn(&mut Case);
    let table: [(Change, String); 9] = [
        (|_| {}, "about to be placed".into()),
        (
            |case| case.fill(0, Stage::Placed),
            format!("{on} fetches and unpacks it"),
        ),
        (
            |case| case.fill(0, Stage::Granted),
            format!("{on} has started it, no signal yet"),
        ),
        (
            |case| case.fill(0, Stage::Stopping(StopReason::Unhealthy)),
            format!("{on} is still ending one"),
        ),
        (
            |case| {
                let content = Content::Vacant { last: node("a") };
                case.put(0, content, 4);
            },
            "ended 4 times in a row, waits to try again".into(),
        ),
        (
            |case| case.put(0, Content::Completed { generation: 1 }, 0),
            "finished, and waits to be run again".into(),
        ),
        (
            |case| case.account(|account| account.missing = 1),
            "no node can take another".into(),
        ),
        (
            |case| case.account(|account| account.failed_starts = 3),
            "given up for now after 3 tries".into(),
        ),
        (
            |case| {
                case.account(|account| {
                    account.failed_starts = 4;
                    account.last_failure = Some(Ending {
                        cause: Cause::Exited(7),
                        signalled: false,
                        daemon_away: false,
                        lasted: Span::millis(200),
                    });
                });
            },
            "given up for now after 4 tries, the last exited with 7 after 200 ms".into(),
        ),
    ];
    for (change, sentence) in table {
        let mut case = Case::of(1);
        change(&mut case);
        let expected = format!("Running 0 of 1: {sentence}");
        assert_eq!(case.why().headline(), expected);
    }
}

#[test]
fn who_waits_for_the_gate_is_told_who_holds_it() {
    let mut case = Case::of(1);
    case.fill(0, Stage::Placed);
    let cart = Sample::of("cart", "shop");
    let filled = Filled {
        node: node("b"),
        instance: InstanceId::from_u128(9),
        stage: Stage::Granted,
        since: version(),
        moving: false,
    };
    let id = SlotId {
        bundle: cart.bundle,
        number: 0,
    };
    let slot = Slot {
        version: version(),
        content: Content::Filled(filled),
        quick_ends: 0,
    };
    case.assignment.slots.insert(id, slot);
    let (a, b, cart) = (node("a").short(), node("b").short(), cart.bundle.short());
    let sentence = format!("Running 0 of 1: {a} waits until {cart} on {b} has started");
    assert_eq!(case.why().headline(), sentence);
}

#[test]
fn what_stands_against_each_node_is_told_with_its_numbers() {
    let mut case = Case::of(1);
    let mut terms = case.sample.terms.clone();
    terms.needs.memory_bytes = 512 << 20;
    let wish = case.wishes.get_mut(&case.sample.bundle).unwrap();
    wish.terms = Arc::new(terms);
    let why = case.why();
    let told: Vec<String> = why.nodes.iter().map(|(_, why)| why.to_string()).collect();
    assert_eq!(told, ["needs 512 MiB, 300 MiB free"]);
}
