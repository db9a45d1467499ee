//! The nodes as an owner sees them: who answers, what is left there, and what runs there.
//!
//! What a node reported, what it said since, and what has been promised to it but is not in its
//! report yet come together here. All owners of one node share a fleet, so that two systems do
//! not promise the same room twice; other nodes' owners may, and then the host declines.

mod fit;
mod member;
mod presence;
mod refusal;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{BundleId, InstanceId, NodeKey, Resources, Time};

use crate::execution::Execution;
use crate::message::{News, Told};
use member::Member;
use presence::Presence;

pub use fit::Ask;
pub(crate) use fit::shortage;
pub use refusal::{Refusal, Resource, RoleRule};
pub use report::{Closed, HostReport, Standing};

/// All nodes, ordered by load.
#[derive(Clone, Debug)]
pub struct Fleet {
    rule: RoleRule,
    numbers: BTreeMap<NodeKey, u32>,
    members: Vec<Option<Member>>,
    /// The open ones, the least loaded first.
    by_load: BTreeSet<(u32, u32)>,
    presence: BTreeMap<BundleId, BTreeMap<u32, Presence>>,
    promises: BTreeMap<InstanceId, Promise>,
    /// Nodes that came and went, and when they count as back.
    settling: BTreeSet<(Time, NodeKey)>,
    changes: u64,
    landscape: u64,
}

/// Room that an owner gave away and that the node's report does not show yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Promise {
    node: NodeKey,
    bundle: BundleId,
    needs: Resources,
}

impl Fleet {
    /// No nodes yet, and the rule that roles follow.
    pub const fn new(rule: RoleRule) -> Fleet {
        Fleet {
            rule,
            numbers: BTreeMap::new(),
            members: Vec::new(),
            by_load: BTreeSet::new(),
            presence: BTreeMap::new(),
            promises: BTreeMap::new(),
            settling: BTreeSet::new(),
            changes: 0,
            landscape: 0,
        }
    }

    /// Rises whenever something could fit that did not fit before.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Rises whenever a node comes, opens, or offers something else than before: a reason to try
    /// again what failed, unlike room that comes and goes with the failing itself.
    pub const fn landscape(&self) -> u64 {
        self.landscape
    }

    /// The nodes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeKey> {
        self.numbers.keys().copied()
    }

    /// What is held of a node; `None` when it was never heard of.
    pub fn standing(&self, node: &NodeKey) -> Option<Standing> {
        Some(self.member(node)?.standing)
    }

    /// What keeps a node from taking instances.
    pub fn closed(&self, node: &NodeKey) -> Option<Closed> {
        self.member(node)?.closed
    }

    /// What is left on a node: what it says, less what was promised since.
    pub fn free(&self, node: &NodeKey) -> Resources {
        self.member(node)
            .map_or_else(Resources::default, Member::free)
    }

    /// What a node told of an instance.
    pub fn told(&self, node: &NodeKey, instance: InstanceId) -> Option<&Execution> {
        self.member(node)?.executions.get(&instance)
    }

    /// Takes a verdict.
    pub fn judge(&mut self, now: Time, node: NodeKey, standing: Standing) {
        let number = self.number(node);
        self.change(number, |member| member.judge(now, standing));
        let settles = self.member(&node).and_then(|member| member.settles);
        self.settling
            .extend(settles.filter(|at| *at < Time::NEVER).map(|at| (at, node)));
    }

    /// Lets nodes in that had come and gone and have stayed long enough now.
    pub fn tick(&mut self, now: Time) {
        while self.settling.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, node)) = self.settling.pop_first() else {
                return;
            };
            if let Some(&number) = self.numbers.get(&node) {
                self.change(number, |member| member.settle(now));
            }
        }
    }

    /// Takes what a node says of itself. Answers whose instances changed.
    pub fn report(&mut self, node: NodeKey, report: &HostReport) -> BTreeSet<BundleId> {
        let number = self.number(node);
        if self.members[number as usize]
            .as_ref()
            .is_some_and(|m| report.turn < m.turn)
        {
            return BTreeSet::new();
        }
        self.change(number, |member| member.take(report));
        let told: BTreeSet<InstanceId> = report.executions.iter().map(|e| e.instance).collect();
        let member = self.members[number as usize].as_ref();
        let known = member.into_iter().flat_map(|m| m.executions.values());
        // An adopting node leaves out what it has not found yet: that stands as it was.
        let missing: Vec<InstanceId> = known
            .filter(|execution| !report.adopting && !told.contains(&execution.instance))
            .map(|execution| execution.instance)
            .collect();
        let mut touched = BTreeSet::new();
        for instance in missing {
            touched.extend(self.remove(number, instance));
        }
        for execution in &report.executions {
            touched.extend(self.put(number, execution));
        }
        touched
    }

    /// Takes what a host tells between two reports.
    pub fn news(&mut self, node: NodeKey, news: &News) {
        let number = self.number(node);
        self.change(number, |member| {
            if news.turn >= member.turn {
                member.turn = news.turn;
                member.free = news.free;
            }
        });
        for item in &news.items {
            match &item.told {
                Told::Has { execution, .. } => {
                    self.put(number, execution);
                }
                Told::Unknown => {
                    self.remove(number, item.instance);
                }
                Told::Declined(_) | Told::Adopting | Told::Fenced(_) => {}
            }
        }
    }

    /// A node is no member any more.
    pub fn forget(&mut self, node: &NodeKey) {
        let Some(&number) = self.numbers.get(node) else {
            return;
        };
        let slot = self.members[number as usize].as_ref();
        let instances: Vec<InstanceId> = slot
            .into_iter()
            .flat_map(|member| member.executions.keys().copied())
            .collect();
        for instance in instances {
            self.remove(number, instance);
        }
        self.unindex(number);
        self.numbers.remove(node);
        self.members[number as usize] = None;
    }

    /// Gives room away until the node's own numbers show it.
    pub fn promise(
        &mut self,
        node: NodeKey,
        (instance, bundle): (InstanceId, BundleId),
        needs: Resources,
    ) {
        let number = self.number(node);
        if self.told(&node, instance).is_some() || self.promises.contains_key(&instance) {
            return;
        }
        self.promises.insert(
            instance,
            Promise {
                node,
                bundle,
                needs,
            },
        );
        self.count(number, bundle, |presence| presence.live += 1);
        self.shift(number, |member| {
            member.promised = member.promised.plus(&needs);
        });
    }

    /// Takes a promise back, if it still stands.
    pub fn settle(&mut self, instance: InstanceId) {
        let Some(promise) = self.promises.remove(&instance) else {
            return;
        };
        let Some(&number) = self.numbers.get(&promise.node) else {
            return;
        };
        self.count(number, promise.bundle, |presence| presence.live -= 1);
        self.shift(number, |member| {
            member.promised = member.promised.minus(&promise.needs);
        });
        self.changes += 1;
    }

    /// When [`Fleet::tick`] has something to do.
    pub fn next_settled(&self) -> Option<Time> {
        self.settling
            .first()
            .map(|(at, _)| *at)
            .filter(|at| *at < Time::NEVER)
    }

    fn member(&self, node: &NodeKey) -> Option<&Member> {
        self.members[*self.numbers.get(node)? as usize].as_ref()
    }

    /// The number of a node, which gets one if it has none.
    fn number(&mut self, node: NodeKey) -> u32 {
        if let Some(&number) = self.numbers.get(&node) {
            return number;
        }
        let vacant = self
            .members
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.members.len());
        if vacant == self.members.len() {
            self.members.push(None);
        }
        self.members[vacant] = Some(Member::new(node));
        let number = u32::try_from(vacant).expect("fewer nodes than a u32 counts");
        self.numbers.insert(node, number);
        number
    }

    /// Changes what a node offers, and notes whether that is a reason to try again.
    fn change(&mut self, number: u32, change: impl FnOnce(&mut Member)) {
        let offer = |fleet: &Fleet| {
            let member = fleet.members[number as usize].as_ref()?;
            member
                .is_open()
                .then(|| (member.kinds, member.capacity, member.roles.clone()))
        };
        let before = offer(self);
        self.shift(number, change);
        let after = offer(self);
        if after.is_some() && after != before {
            self.landscape += 1;
        }
        self.changes += 1;
    }

    /// Changes a member and keeps the order by load true.
    fn shift(&mut self, number: u32, change: impl FnOnce(&mut Member)) {
        self.unindex(number);
        let Some(member) = self.members[number as usize].as_mut() else {
            return;
        };
        change(member);
        member.load = member.load_now();
        if member.is_open() {
            self.by_load.insert((member.load, number));
        }
    }

    fn unindex(&mut self, number: u32) {
        if let Some(member) = &self.members[number as usize] {
            self.by_load.remove(&(member.load, number));
        }
    }
}

#[cfg(test)]
mod tests;
