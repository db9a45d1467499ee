//! Whom to probe, and whom next.
//!
//! A node probes the voters and twelve more. Eleven of those have the highest weight with this
//! node: the weight of a pair is the same from both ends, so most pairs choose each other and
//! share a connection. The twelfth is the next by key, so that nobody is left out. Who chose us
//! is probed back over the connection that it keeps, so that a member is looked after by at least
//! twelve.

use std::collections::VecDeque;

use conduct_model::{NodeKey, Span, Time};

use crate::dice::{Dice, mix};
use crate::identity::Short;
use crate::profile::Profile;
use crate::table::{Table, Who};

/// Chosen members beside the voters.
pub(crate) const CHOSEN: usize = 12;
/// Members probed back because they chose us.
const NEIGHBOURS_MAX: usize = 24;
/// Suspects waiting for a probe of ours.
const URGENT_MAX: usize = 64;
/// Who chose us and was not heard for so long no longer does.
const NEIGHBOUR_WITHIN: Span = Span::secs(30);

/// One member that is probed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) who: Who,
    pub(crate) voter: bool,
    /// It is probed because this node chose it, and is to probe back.
    pub(crate) chosen: bool,
    probed: Time,
    /// How often it was told news.
    told: u32,
}

/// All that are probed, in turn.
#[derive(Debug, Default)]
pub(crate) struct Rotation {
    targets: Vec<Target>,
    neighbours: Vec<(Who, Time)>,
    urgent: VecDeque<Who>,
    turn: u32,
    /// When a voter's turn was last.
    voter_probed: Time,
    stale: bool,
}

/// What decides whose class is next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) now: Time,
    pub(crate) is_voter: bool,
    /// The last majority contact.
    pub(crate) contact: Option<Time>,
}

fn weight(one: Short, two: Short) -> u64 {
    let number = |short: Short| mix(u64::from_be_bytes(short.0));
    mix(number(one).wrapping_add(number(two)))
}

/// The members that `me` chooses beside the voters.
fn choose(table: &Table, me: &NodeKey, is_voter: impl Fn(&NodeKey) -> bool) -> Vec<Who> {
    let own = Short::of(me);
    let mut best: Vec<(u64, Who)> = Vec::with_capacity(CHOSEN);
    let successor = table
        .successor(me)
        .filter(|who| !is_voter(&table[*who].key));
    let room = CHOSEN - usize::from(successor.is_some());
    for (who, entry) in table.iter() {
        if !entry.standing.is_present() || entry.key == *me || Some(who) == successor {
            continue;
        }
        let weight = weight(own, Short::of(&entry.key));
        if best.len() == room && best[room - 1].0 >= weight {
            continue;
        }
        if is_voter(&entry.key) {
            continue;
        }
        best.truncate(room - 1);
        let place = best.partition_point(|(other, _)| *other >= weight);
        best.insert(place, (weight, who));
    }
    best.into_iter()
        .map(|(_, who)| who)
        .chain(successor)
        .collect()
}

impl Rotation {
    /// Members came, went or changed: choose anew before the next probe.
    pub(crate) fn set_stale(&mut self) {
        self.stale = true;
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    pub(crate) fn contains(&self, who: Who) -> bool {
        self.targets.iter().any(|target| target.who == who)
    }

    /// Chooses anew.
    pub(crate) fn choose(
        &mut self,
        now: Time,
        table: &Table,
        me: &NodeKey,
        voters: &[NodeKey],
        probe_every: Span,
        dice: &mut Dice,
    ) {
        self.stale = false;
        let is_voter = |key: &NodeKey| voters.binary_search(key).is_ok();
        self.neighbours
            .retain(|(_, seen)| now.since(*seen) < NEIGHBOUR_WITHIN);
        let voting = voters
            .iter()
            .filter(|key| *key != me)
            .filter_map(|key| table.find(key));
        let mut wanted: Vec<(Who, bool, bool)> = voting.map(|who| (who, true, false)).collect();
        wanted.extend(
            choose(table, me, is_voter)
                .into_iter()
                .map(|who| (who, false, true)),
        );
        for (who, _) in &self.neighbours {
            if !wanted.iter().any(|(other, ..)| other == who) {
                wanted.push((*who, false, false));
            }
        }
        wanted.retain(|(who, ..)| table[*who].standing.is_present());
        let cycle = probe_every.times(wanted.len() as u64);
        let old = std::mem::take(&mut self.targets);
        let told = old
            .iter()
            .map(|target| target.told)
            .min()
            .unwrap_or_default();
        self.targets
            .extend(wanted.into_iter().map(|(who, voter, chosen)| {
                let known = old.iter().find(|target| target.who == who);
                let probed =
                    known.map_or_else(|| now.before(dice.span(cycle)), |known| known.probed);
                Target {
                    who,
                    voter,
                    chosen,
                    probed,
                    told: known.map_or(told, |known| known.told),
                }
            }));
    }

    /// `who` says that it chose this node.
    pub(crate) fn was_chosen_by(&mut self, now: Time, who: Who) {
        if let Some(known) = self.neighbours.iter_mut().find(|(other, _)| *other == who) {
            known.1 = now;
        } else if self.neighbours.len() < NEIGHBOURS_MAX {
            self.neighbours.push((who, now));
            self.stale |= !self.contains(who);
        }
    }

    /// A newcomer: tells whether this node has to choose anew on its account.
    pub(crate) fn consider(&mut self, table: &Table, me: &NodeKey, who: Who) {
        let chosen = self.targets.iter().filter(|target| target.chosen);
        if chosen.clone().count() < CHOSEN || table.successor(me) == Some(who) {
            self.stale = true;
            return;
        }
        let own = Short::of(me);
        let of = |who: Who| weight(own, Short::of(&table[who].key));
        let lowest = chosen
            .map(|target| of(target.who))
            .min()
            .unwrap_or_default();
        self.stale |= of(who) > lowest;
    }

    /// A probe of this member's is wanted now: somebody suspects it.
    pub(crate) fn hurry(&mut self, who: Who) {
        if self.contains(who) && !self.urgent.contains(&who) && self.urgent.len() < URGENT_MAX {
            self.urgent.push_back(who);
        }
    }

    pub(crate) fn forget(&mut self, who: Who) {
        self.targets.retain(|target| target.who != who);
        self.neighbours.retain(|(other, _)| *other != who);
        self.urgent.retain(|other| *other != who);
    }

    /// Whom to tell news: who was told least often, chance deciding between equals.
    pub(crate) fn audience(
        &mut self,
        count: usize,
        is_fit: impl Fn(Who) -> bool,
        dice: &mut Dice,
    ) -> Vec<Who> {
        let mut fit: Vec<(u32, u64, usize)> = Vec::with_capacity(self.targets.len());
        for (at, target) in self.targets.iter().enumerate() {
            if is_fit(target.who) {
                fit.push((target.told, dice.next(), at));
            }
        }
        fit.sort_unstable();
        let others = fit
            .iter()
            .filter(|(.., at)| !self.targets[*at].voter)
            .count();
        let voters_max = (count / 3).max(count.saturating_sub(others));
        let mut voters = 0;
        let mut chosen = Vec::with_capacity(count);
        for (.., at) in fit {
            let target = &mut self.targets[at];
            voters += usize::from(target.voter);
            if chosen.len() == count || (target.voter && voters > voters_max) {
                continue;
            }
            target.told = target.told.wrapping_add(1);
            chosen.push(target.who);
        }
        chosen
    }

    /// Whose turn it is.
    pub(crate) fn next(&mut self, turn: Turn, profile: &Profile, table: &Table) -> Option<Target> {
        self.turn = self.turn.wrapping_add(1);
        while let Some(who) = self.urgent.pop_front() {
            if let Some(target) = self.targets.iter_mut().find(|target| target.who == who)
                && table[who].standing.is_present()
            {
                target.probed = turn.now;
                return Some(*target);
            }
        }
        let class = self.class(turn, profile);
        let of_class = |target: &&mut Target| class.is_none_or(|voter| target.voter == voter);
        let target = self
            .targets
            .iter_mut()
            .filter(of_class)
            .min_by_key(|target| target.probed)?;
        target.probed = turn.now;
        if target.voter {
            self.voter_probed = turn.now;
        }
        Some(*target)
    }

    /// Voters or others; nothing when all take turns alike.
    ///
    /// A voter needs a quorum's answers within the contact window, so where the others outnumber
    /// the voters it gives them one turn in three. A node without a vote needs one voter's word
    /// from time to time, and no more, or the voters of a large cluster would do nothing else.
    fn class(&self, turn: Turn, profile: &Profile) -> Option<bool> {
        let voters = self.targets.iter().filter(|target| target.voter).count();
        let others = self.targets.len() - voters;
        if voters == 0 || others == 0 {
            return None;
        }
        if turn.is_voter {
            return (others > voters).then_some(!self.turn.is_multiple_of(3));
        }
        let since = turn.now.since(self.voter_probed);
        let old = turn
            .contact
            .is_none_or(|stamp| turn.now.since(stamp) > profile.contact_old);
        Some(since >= profile.voter_probe_every || (old && self.turn.is_multiple_of(2)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use conduct_model::{Digest, Incarnation};

    use super::*;
    use crate::identity::{Card, Record, Standing};
    use crate::interface::Status;

    fn key(number: usize) -> NodeKey {
        NodeKey::from_digest(Digest::of(&number.to_be_bytes()))
    }

    fn table(count: usize) -> Table {
        let mut table = Table::default();
        for number in 0..count {
            let address = "127.0.0.1:9004".parse().unwrap();
            table.insert(
                &Record {
                    key: key(number),
                    incarnation: Incarnation { start: 1, nonce: 1 },
                    refutation: 0,
                    standing: Standing::Alive,
                    seat: 1,
                    card: Card {
                        address,
                        core: true,
                        agent: true,
                        note: Vec::new(),
                    },
                },
                Status::Reachable,
            );
        }
        table
    }

    #[test]
    fn everybody_is_looked_after_by_at_least_twelve() {
        let table = table(200);
        let mut ties: BTreeMap<Who, Vec<Who>> = BTreeMap::new();
        for number in 0..200 {
            let me = table.find(&key(number)).unwrap();
            let chosen = choose(&table, &key(number), |_| false);
            assert_eq!(chosen.len(), CHOSEN);
            for other in chosen {
                ties.entry(me).or_default().push(other);
                ties.entry(other).or_default().push(me);
            }
        }
        for who in ties.values_mut() {
            who.sort_unstable();
            who.dedup();
            assert!((CHOSEN..=NEIGHBOURS_MAX + CHOSEN).contains(&who.len()));
        }
        let connections: usize = ties.values().map(Vec::len).sum::<usize>() / 200;
        assert!(
            connections < 20,
            "most pairs choose each other, this is {connections}"
        );
    }

    #[test]
    fn in_a_small_cluster_all_others_take_turns() {
        let table = table(4);
        let mut rotation = Rotation::default();
        let mut dice = Dice::new(1);
        rotation.choose(
            Time::ZERO,
            &table,
            &key(0),
            &[],
            Span::millis(300),
            &mut dice,
        );
        let mut seen = Vec::new();
        for round in 0..6 {
            let now = Time::from_millis(10_000 + 300 * round);
            let turn = Turn {
                now,
                is_voter: true,
                contact: None,
            };
            seen.push(rotation.next(turn, &Profile::LAN, &table).unwrap().who);
        }
        assert_eq!(seen[..3], seen[3..]);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn a_node_without_a_vote_asks_a_voter_now_and_then() {
        let table = table(60);
        let mut voters: Vec<NodeKey> = (0..9).map(key).collect();
        voters.sort_unstable();
        let mut rotation = Rotation::default();
        rotation.choose(
            Time::ZERO,
            &table,
            &key(30),
            &voters,
            Span::millis(300),
            &mut Dice::new(1),
        );
        let mut asked = 0;
        for round in 0..200 {
            let now = Time::from_millis(10_000 + 300 * round);
            let turn = Turn {
                now,
                is_voter: false,
                contact: Some(now),
            };
            asked += usize::from(rotation.next(turn, &Profile::LAN, &table).unwrap().voter);
        }
        assert_eq!(asked, 40, "every fifth turn");
    }
}
