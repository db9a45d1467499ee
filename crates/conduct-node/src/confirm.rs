//! The one way to make something sure: a quorum of the voters has it on disk.
//!
//! Whoever wants a write confirmed asks just enough voters, the reachable ones first. One that does
//! not answer in time is not waited for: the next is asked in its place, and its late answer still
//! counts. Commands, loads and assignments all go through here.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{Digest, NodeKey, Span, Time};
use conduct_state::Dot;

/// How long a voter may take before another is asked in its place.
const REPLACE_SPAN: Span = Span::secs(2);

/// So often in all voters are told more because they lack what a write builds on.
const REPEATS_MAX: u32 = 64;

/// Names one confirmation in the answers of voters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ConfirmId(pub(crate) u64);

/// The voters as they are now.
pub(crate) struct Electorate<'a> {
    /// This node.
    pub(crate) me: NodeKey,
    /// Those to ask, the likeliest to answer first, this node not among them.
    pub(crate) others: &'a [NodeKey],
    /// How many voters are not down, this node included if it votes.
    pub(crate) standing: u32,
    /// Whether these are enough.
    pub(crate) is_quorum: &'a dyn Fn(&BTreeSet<NodeKey>) -> bool,
}

/// Everything that waits to be confirmed.
pub(crate) struct Confirms<P> {
    last: u64,
    open: BTreeMap<ConfirmId, Confirm<P>>,
}

/// One write on its way to a quorum's disks.
pub(crate) struct Confirm<P> {
    /// The write.
    pub(crate) dot: Dot,
    /// What it is for.
    pub(crate) purpose: P,
    /// The archives that two of the disks need as well, with their sizes.
    pub(crate) archives: Vec<(Digest, u64)>,
    /// When it is given up.
    pub(crate) deadline: Time,
    /// Who has it on disk.
    confirmed: BTreeSet<NodeKey>,
    /// Who of those has the archives, too.
    holding: BTreeSet<NodeKey>,
    /// Who cannot get the archives.
    unable: BTreeSet<NodeKey>,
    /// Whose disk takes nothing.
    refused: BTreeSet<NodeKey>,
    /// Who was asked, and when.
    asked: BTreeMap<NodeKey, Time>,
    /// How often voters said that they lack what the write builds on.
    repeats: u32,
    /// When somebody is to be asked in place of one that stays silent.
    due: Time,
}

/// How a confirmation stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// It is done, on so many disks.
    Confirmed(u32),
    /// These voters are to be asked now.
    Ask(Vec<NodeKey>),
}

impl<P> Confirms<P> {
    pub(crate) fn new() -> Confirms<P> {
        Confirms {
            last: 0,
            open: BTreeMap::new(),
        }
    }

    /// Begins to make a write sure that is not even on the own disk yet.
    pub(crate) fn begin(
        &mut self,
        dot: Dot,
        purpose: P,
        archives: Vec<(Digest, u64)>,
        deadline: Time,
    ) -> ConfirmId {
        self.last += 1;
        let id = ConfirmId(self.last);
        let confirm = Confirm {
            dot,
            purpose,
            archives,
            deadline,
            confirmed: BTreeSet::new(),
            holding: BTreeSet::new(),
            unable: BTreeSet::new(),
            refused: BTreeSet::new(),
            asked: BTreeMap::new(),
            repeats: 0,
            due: deadline,
        };
        self.open.insert(id, confirm);
        id
    }

    pub(crate) fn get(&self, id: ConfirmId) -> Option<&Confirm<P>> {
        self.open.get(&id)
    }

    pub(crate) fn end(&mut self, id: ConfirmId) -> Option<Confirm<P>> {
        self.open.remove(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConfirmId, &Confirm<P>)> {
        self.open.iter().map(|(id, confirm)| (*id, confirm))
    }

    /// A voter has the write on disk, and the archives or not. Answers whether it was asked for.
    pub(crate) fn confirmed(&mut self, id: ConfirmId, by: NodeKey, holds: bool) -> bool {
        let Some(confirm) = self.open.get_mut(&id) else {
            return false;
        };
        confirm.confirmed.insert(by);
        if holds {
            confirm.holding.insert(by);
        }
        true
    }

    /// A voter cannot get the archives: another has to.
    pub(crate) fn unable(&mut self, id: ConfirmId, node: NodeKey) {
        if let Some(confirm) = self.open.get_mut(&id) {
            confirm.unable.insert(node);
        }
    }

    /// A voter's disk takes nothing: another has to.
    pub(crate) fn refused(&mut self, id: ConfirmId, node: NodeKey) {
        if let Some(confirm) = self.open.get_mut(&id) {
            confirm.refused.insert(node);
        }
    }

    /// A voter lacks something that the write builds on. Whether it is worth telling it more.
    pub(crate) fn may_repeat(&mut self, id: ConfirmId, whom: NodeKey, now: Time) -> bool {
        let Some(confirm) = self.open.get_mut(&id) else {
            return false;
        };
        confirm.repeats += 1;
        confirm.asked.insert(whom, now);
        confirm.repeats <= REPEATS_MAX
    }

    /// The write was made anew: nothing that was said of the old one counts.
    pub(crate) fn restart(&mut self, id: ConfirmId, dot: Dot) {
        if let Some(confirm) = self.open.get_mut(&id) {
            (confirm.dot, confirm.due) = (dot, confirm.deadline);
            confirm.confirmed.clear();
            confirm.asked.clear();
        }
    }

    /// What is to be done for a confirmation; `None` when it is not open.
    pub(crate) fn advance(
        &mut self,
        now: Time,
        id: ConfirmId,
        electorate: &Electorate<'_>,
    ) -> Option<Progress> {
        let confirm = self.open.get_mut(&id)?;
        if confirm.is_enough(&confirm.confirmed, &confirm.holding, electorate) {
            return Some(Progress::Confirmed(confirm.confirmed.len() as u32));
        }
        let voters = confirm.next_voters(now, electorate);
        confirm.due = confirm.next_due(now);
        Some(Progress::Ask(voters))
    }

    /// When something has to be done even if nobody answers.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.open.values().map(|confirm| confirm.due).min()
    }
}

impl<P> Confirm<P> {
    /// Who has it on disk.
    pub(crate) fn durability(&self) -> u32 {
        self.confirmed.len() as u32
    }

    fn is_enough(
        &self,
        confirmed: &BTreeSet<NodeKey>,
        holding: &BTreeSet<NodeKey>,
        electorate: &Electorate<'_>,
    ) -> bool {
        let disks = electorate.standing.min(2);
        let held = self.archives.is_empty() || holding.len() as u32 >= disks;
        held && confirmed.len() as u32 >= disks && (electorate.is_quorum)(confirmed)
    }

    /// Asks voters until those that have it and those that may still answer in time are enough.
    fn next_voters(&mut self, now: Time, electorate: &Electorate<'_>) -> Vec<NodeKey> {
        // Whoever votes no more is not waited for.
        self.asked
            .retain(|voter, _| electorate.others.contains(voter));
        let waits = |at: &Time| now.since(*at) < REPLACE_SPAN;
        let pending = self
            .asked
            .iter()
            .filter(|(_, at)| waits(at))
            .map(|(node, _)| *node);
        let pending = pending.filter(|node| !self.refused.contains(node));
        let mut hoped: BTreeSet<NodeKey> = self.confirmed.iter().copied().chain(pending).collect();
        hoped.insert(electorate.me);
        let able = |hoped: &BTreeSet<NodeKey>| hoped.difference(&self.unable).copied().collect();
        let mut asked = Vec::new();
        // First those that were never asked, then those that did not answer once more.
        for again in [false, true] {
            for voter in electorate
                .others
                .iter()
                .filter(|v| !self.refused.contains(v))
            {
                if self.is_enough(&hoped, &able(&hoped), electorate) {
                    self.asked.extend(asked.iter().map(|voter| (*voter, now)));
                    return asked;
                }
                if self.asked.contains_key(voter) == again && hoped.insert(*voter) {
                    asked.push(*voter);
                }
            }
        }
        self.asked.extend(asked.iter().map(|voter| (*voter, now)));
        asked
    }

    /// When the next of those that may still answer in time has not.
    fn next_due(&self, now: Time) -> Time {
        let answered =
            |voter: &NodeKey| self.confirmed.contains(voter) || self.refused.contains(voter);
        let silent = self.asked.iter().filter(|(voter, _)| !answered(voter));
        let dues = silent
            .map(|(_, at)| *at + REPLACE_SPAN)
            .filter(|due| *due > now);
        dues.chain([self.deadline]).min().unwrap_or(self.deadline)
    }
}

#[cfg(test)]
mod tests;
