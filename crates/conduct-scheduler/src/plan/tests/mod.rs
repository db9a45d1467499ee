//! Tables of fleets, wishes and assignments, and what follows from them.

mod drains;
mod places;
mod surplus;

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
