//! What each node holds of the cluster, put together from the events that it publishes. That
//! this is what its view says is a rule of its own (S13).

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{BundleId, InstanceId, NodeKey, Uid, Voters};
use conduct_node::event::{Event, EventKind};
use conduct_node::view::{Verdict, View};

use crate::machine::index_of;
use crate::watch::{Fact, Look};

/// The opinions of all nodes.
#[derive(Debug)]
pub struct Opinions {
    hosts: Vec<Opinion>,
    newest_voters: Voters,
}

/// The opinion of one node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Opinion {
    /// Of which life of its daemon; 0 is none.
    pub life: u32,
    /// The number that its next event must have.
    pub next_sequence: Option<u64>,
    /// It accepts no changes.
    pub quarantined: bool,
    /// Who counts.
    pub voters: Voters,
    /// The members, by machine, with their lives.
    pub members: BTreeMap<usize, (Uid, Verdict)>,
    /// What is loaded.
    pub bundles: BTreeSet<BundleId>,
    /// What runs where.
    pub executions: BTreeMap<InstanceId, Seen>,
    /// Which machines have all archives of what.
    pub installations: BTreeSet<(BundleId, usize)>,
}

/// An instance as a node sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// What it runs.
    pub bundle: BundleId,
    /// Where.
    pub on: usize,
    /// Whether callers are sent to it.
    pub active: bool,
}

impl Opinions {
    /// Nobody has one yet.
    pub fn new(hosts: usize) -> Opinions {
        Opinions {
            hosts: vec![Opinion::default(); hosts],
            newest_voters: Voters::default(),
        }
    }

    /// The opinion of the node on this machine.
    pub fn of(&self, host: usize) -> &Opinion {
        &self.hosts[host]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Opinion)> {
        self.hosts.iter().enumerate()
    }

    /// The voters of the highest epoch that anybody knows.
    pub const fn newest_voters(&self) -> &Voters {
        &self.newest_voters
    }

    /// Whether these machines are a quorum of the newest voters.
    pub fn is_quorum(&self, look: &Look<'_>, hosts: impl Iterator<Item = usize>) -> bool {
        let keys: Vec<NodeKey> = hosts.map(|host| look.machines[host].key()).collect();
        self.newest_voters.is_quorum(&keys)
    }

    pub(crate) fn fact(&mut self, look: &Look<'_>, fact: &Fact<'_>) {
        if self.hosts.len() < look.machines.len() {
            self.hosts.resize(look.machines.len(), Opinion::default());
        }
        match *fact {
            Fact::Died { host } => self.hosts[host] = Opinion::default(),
            Fact::Published { host, event } => {
                self.hosts[host].hear(event);
                self.count(host);
            }
            _ => {}
        }
    }

    /// Notes the voters of the highest epoch.
    fn count(&mut self, host: usize) {
        if self.hosts[host].voters.epoch > self.newest_voters.epoch {
            self.newest_voters = self.hosts[host].voters.clone();
        }
    }

    /// A new daemon has taken its first step: what it remembers is its first opinion.
    pub(crate) fn stepped(&mut self, look: &Look<'_>, host: usize) {
        let life = look.machines[host].life;
        if self.hosts[host].life == life {
            return;
        }
        let Some(view) = look.view(host) else { return };
        let next_sequence = self.hosts[host].next_sequence;
        self.hosts[host] = Opinion {
            life,
            next_sequence,
            ..Opinion::of(&view)
        };
        self.count(host);
    }
}

impl Opinion {
    /// The opinion that a view amounts to.
    pub fn of(view: &View) -> Opinion {
        let executions = view.bundles.iter().flat_map(|(bundle, known)| {
            known.executions.iter().map(|(instance, execution)| {
                let on = index_of(execution.node);
                (
                    *instance,
                    Seen {
                        bundle: *bundle,
                        on,
                        active: execution.active,
                    },
                )
            })
        });
        let installations = view.bundles.iter().flat_map(|(bundle, known)| {
            let on = known.installations.iter();
            on.map(|node| (*bundle, index_of(*node)))
        });
        let members = view
            .members
            .iter()
            .map(|(key, member)| (index_of(*key), (member.uid, member.verdict)))
            .collect();
        Opinion {
            life: 0,
            next_sequence: None,
            quarantined: view.quarantine.is_some(),
            voters: Voters {
                epoch: view.voters_epoch,
                keys: view.voters.iter().copied().collect(),
            },
            members,
            bundles: view.bundles.keys().copied().collect(),
            executions: executions.collect(),
            installations: installations.collect(),
        }
    }

    /// Takes an event in.
    pub fn hear(&mut self, event: &Event) {
        self.next_sequence = Some(event.sequence + 1);
        match &event.kind {
            EventKind::Quarantined { .. } => self.quarantined = true,
            EventKind::Released => self.quarantined = false,
            EventKind::VotersChanged { epoch, voters } => {
                self.voters = Voters {
                    epoch: *epoch,
                    keys: voters.iter().copied().collect(),
                };
            }
            EventKind::MemberJoined { member, uid } => {
                self.members
                    .insert(index_of(*member), (*uid, Verdict::Reachable));
            }
            EventKind::MemberReachable { member } => self.judge(*member, Verdict::Reachable),
            EventKind::MemberUnreachable { member } => self.judge(*member, Verdict::Unreachable),
            EventKind::MemberRestarting { member } => self.judge(*member, Verdict::Restarting),
            EventKind::MemberDown { member } => self.judge(*member, Verdict::Down),
            EventKind::MemberLeft { member } => {
                self.members.remove(&index_of(*member));
            }
            _ => self.hear_of_bundles(event),
        }
    }

    fn hear_of_bundles(&mut self, event: &Event) {
        let Some(bundle) = event.bundle else { return };
        match (&event.kind, event.instance) {
            (EventKind::BundleAdded { .. }, _) => {
                self.bundles.insert(bundle);
            }
            (EventKind::BundleRemoved, _) => {
                self.bundles.remove(&bundle);
                self.executions.retain(|_, seen| seen.bundle != bundle);
                self.installations.retain(|(of, _)| *of != bundle);
            }
            (EventKind::InstallationAdded { on }, _) => {
                self.installations.insert((bundle, index_of(*on)));
            }
            (EventKind::InstallationRemoved { on }, _) => {
                self.installations.remove(&(bundle, index_of(*on)));
            }
            (EventKind::ExecutionAdded { on }, Some(instance)) => {
                let seen = Seen {
                    bundle,
                    on: index_of(*on),
                    active: false,
                };
                self.executions.insert(instance, seen);
            }
            (EventKind::ExecutionChanged { active, .. }, Some(instance)) => {
                if let Some(seen) = self.executions.get_mut(&instance) {
                    seen.active = *active;
                }
            }
            (EventKind::ExecutionRemoved { .. }, Some(instance)) => {
                self.executions.remove(&instance);
            }
            _ => {}
        }
    }

    fn judge(&mut self, member: NodeKey, verdict: Verdict) {
        if let Some((_, held)) = self.members.get_mut(&index_of(member)) {
            *held = verdict;
        }
    }
}
