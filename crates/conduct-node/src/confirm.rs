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
    /// Who was asked, and when.
    asked: BTreeMap<NodeKey, Time>,
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
        Confirms { last: 0, open: BTreeMap::new() }
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
            asked: BTreeMap::new(),
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
        let Some(confirm) = self.open.get_mut(&id) else { return false };
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

    /// A voter says that it cannot tell yet: it is asked again at once.
    pub(crate) fn ask_again(&mut self, id: ConfirmId, whom: &NodeKey) {
        if let Some(confirm) = self.open.get_mut(&id) {
            confirm.asked.remove(whom);
        }
    }

    /// The write was made anew: nothing that was said of the old one counts.
    pub(crate) fn restart(&mut self, id: ConfirmId, dot: Dot) {
        if let Some(confirm) = self.open.get_mut(&id) {
            confirm.dot = dot;
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
        Some(Progress::Ask(confirm.next_voters(now, electorate)))
    }

    /// When something has to be done even if nobody answers.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.open.values().map(Confirm::next_due).min()
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
        let waits = |at: &Time| now.since(*at) < REPLACE_SPAN;
        let pending =
            self.asked.iter().filter(|(_, at)| waits(at)).map(|(node, _)| *node);
        let mut hoped: BTreeSet<NodeKey> = self.confirmed.iter().copied().chain(pending).collect();
        hoped.insert(electorate.me);
        let able = |hoped: &BTreeSet<NodeKey>| hoped.difference(&self.unable).copied().collect();
        let mut asked = Vec::new();
        // First those that were never asked, then those that did not answer once more.
        for again in [false, true] {
            for voter in electorate.others {
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

    fn next_due(&self) -> Time {
        let replace = self.asked.values().map(|at| *at + REPLACE_SPAN).min();
        replace.unwrap_or(self.deadline).min(self.deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conduct_state::WriterId;

    fn key(n: u8) -> NodeKey {
        NodeKey::from_digest(Digest::from_bytes([n; 32]))
    }

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    /// Node 0 asks `others`; `count` voters in all, of which `standing` are not down.
    fn electorate<'a>(
        others: &'a [NodeKey],
        standing: u32,
        is_quorum: &'a dyn Fn(&BTreeSet<NodeKey>) -> bool,
    ) -> Electorate<'a> {
        Electorate { me: key(0), others, standing, is_quorum }
    }

    fn begin(confirms: &mut Confirms<()>, archives: Vec<(Digest, u64)>) -> ConfirmId {
        confirms.begin(Dot::new(WriterId::from_u64(1), 1), (), archives, at(10_000))
    }

    #[test]
    fn just_enough_voters_are_asked_and_a_silent_one_is_replaced() {
        let others = [key(1), key(2), key(3), key(4)];
        let quorum = |nodes: &BTreeSet<NodeKey>| nodes.len() >= 3;
        let voters = electorate(&others, 5, &quorum);
        let mut confirms = Confirms::new();
        let id = begin(&mut confirms, Vec::new());
        let asked = |confirms: &mut Confirms<()>, now| confirms.advance(at(now), id, &voters);
        assert_eq!(asked(&mut confirms, 0), Some(Progress::Ask(vec![key(1), key(2)])));
        confirms.confirmed(id, key(0), false);
        confirms.confirmed(id, key(1), false);
        assert_eq!(asked(&mut confirms, 1_999), Some(Progress::Ask(vec![])));
        assert_eq!(asked(&mut confirms, 2_000), Some(Progress::Ask(vec![key(3)])));
        assert_eq!(asked(&mut confirms, 4_000), Some(Progress::Ask(vec![key(4)])));
        assert_eq!(asked(&mut confirms, 6_000), Some(Progress::Ask(vec![key(2)])));
        confirms.confirmed(id, key(3), false);
        assert_eq!(asked(&mut confirms, 6_001), Some(Progress::Confirmed(3)));
    }

    #[test]
    fn one_disk_is_enough_only_while_no_second_voter_stands() {
        let others = [key(1)];
        let tie = |nodes: &BTreeSet<NodeKey>| nodes.contains(&key(0));
        let mut confirms = Confirms::new();
        let id = begin(&mut confirms, Vec::new());
        confirms.confirmed(id, key(0), false);
        let both = electorate(&others, 2, &tie);
        assert_eq!(confirms.advance(at(0), id, &both), Some(Progress::Ask(vec![key(1)])));
        let alone = electorate(&[], 1, &tie);
        assert_eq!(confirms.advance(at(1), id, &alone), Some(Progress::Confirmed(1)));
    }

    #[test]
    fn a_load_waits_for_its_archive_on_two_disks() {
        let others = [key(1), key(2)];
        let quorum = |nodes: &BTreeSet<NodeKey>| nodes.len() >= 2;
        let voters = electorate(&others, 3, &quorum);
        let mut confirms = Confirms::new();
        let id = begin(&mut confirms, vec![(Digest::of(b"archive"), 7)]);
        confirms.confirmed(id, key(0), true);
        assert_eq!(confirms.advance(at(0), id, &voters), Some(Progress::Ask(vec![key(1)])));
        confirms.confirmed(id, key(1), false);
        assert_eq!(confirms.advance(at(1), id, &voters), Some(Progress::Ask(vec![])));
        confirms.confirmed(id, key(1), true);
        assert_eq!(confirms.advance(at(2), id, &voters), Some(Progress::Confirmed(2)));
    }
}
