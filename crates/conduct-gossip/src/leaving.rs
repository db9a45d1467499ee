//! What an operator asks for: making a cluster, joining one, leaving it, stopping, and the
//! declaration that breaks the rule.

use conduct_model::{NodeKey, Time};

use crate::bounds::REFUTATION_MAX;
use crate::effect::{Effect, Notice};
use crate::identity::{Card, Short, Standing};
use crate::interface::{Command, CommandError};
use crate::membership::{Cx, Membership, Phase};
use crate::message::{Body, Class, Update};
use crate::news::Item;
use crate::register::{Register, VOTERS_MAX};

/// Addresses that are asked for admission.
const SEEDS_MAX: usize = 64;
/// How far a forced register jumps ahead, so that no ballot under way can reach it.
const FORCED_EPOCHS: u64 = 1_000;

impl Membership {
    pub(crate) fn obey(&mut self, cx: &mut Cx<'_>, command: Command) -> Result<(), CommandError> {
        let belongs = self.electorate.register().is_some();
        match command {
            Command::Bootstrap if belongs => return Err(CommandError::HasCluster),
            Command::Bootstrap => self.bootstrap(cx),
            Command::Join(seeds) => {
                let fresh = seeds
                    .into_iter()
                    .filter(|seed| !self.settings.seeds.contains(seed));
                let fresh: Vec<_> = fresh.collect();
                self.settings.seeds.extend(fresh);
                self.settings.seeds.truncate(SEEDS_MAX);
            }
            Command::Leave | Command::Stop if !belongs => self.fall_silent(cx),
            Command::Leave => self.leave(cx),
            Command::Stop => {
                self.say_farewell(cx, Standing::Restarting);
                self.fall_silent(cx);
            }
            Command::Change(card) => self.change_card(&card)?,
            Command::ForceMajority(keys) => self.force_majority(cx, keys)?,
        }
        Ok(())
    }

    /// Makes a cluster of this node alone. If its start is not on disk yet, it becomes a member
    /// as soon as that is.
    fn bootstrap(&mut self, cx: &mut Cx<'_>) {
        let cluster = self.dice.next() | 1;
        let register = Register::new(cluster, 1, vec![self.settings.key]);
        self.table.change(self.me, |entry| entry.seat = 1);
        self.adopt_voters(cx, register, None);
        if let Phase::Greeting { .. } = self.phase {
            self.become_member(cx);
        }
    }

    fn change_card(&mut self, card: &Card) -> Result<(), CommandError> {
        if card.note.len() > Card::NOTE_BYTES_MAX {
            return Err(CommandError::Note(card.note.len()));
        }
        self.settings.card = card.clone();
        if self.table.set_card(self.me, card) {
            self.table.change(self.me, |entry| {
                entry.refutation = (entry.refutation + 1).min(REFUTATION_MAX);
            });
            self.news.tell(Item::Member(self.me));
        }
        Ok(())
    }

    fn leave(&mut self, cx: &mut Cx<'_>) {
        if self.phase != Phase::Member {
            return self.fall_silent(cx);
        }
        self.table.change(self.me, |entry| {
            entry.standing = Standing::Leaving;
            entry.refutation = (entry.refutation + 1).min(REFUTATION_MAX);
        });
        self.news.tell(Item::Standing(self.me));
        self.phase = Phase::Leaving {
            until: cx.now + self.settings.profile.leave_within,
        };
        self.leave_if_released(cx);
    }

    /// Leaves once this node has no vote to give up, or nobody to give it to.
    pub(crate) fn leave_if_released(&mut self, cx: &mut Cx<'_>) {
        let me = self.settings.key;
        let alone = self.electorate.keys() == [me];
        let votes = self.electorate.seat(&me).is_some();
        if !votes || alone {
            self.depart(cx);
        }
    }

    pub(crate) fn leave_due(&mut self, cx: &mut Cx<'_>, until: Time) {
        if until <= cx.now {
            self.depart(cx);
        }
    }

    pub(crate) fn depart(&mut self, cx: &mut Cx<'_>) {
        self.table
            .change(self.me, |entry| entry.standing = Standing::Left);
        self.say_farewell(cx, Standing::Left);
        self.fall_silent(cx);
    }

    /// Tells all voters and whoever this node looks after how it goes.
    fn say_farewell(&mut self, cx: &mut Cx<'_>, standing: Standing) {
        let own = &self.table[self.me];
        let update = Update::Brief {
            member: Short::of(&own.key),
            start: own.incarnation.start,
            refutation: own.refutation,
            standing,
        };
        let mut told = self.other_voters();
        told.extend(
            self.rotation
                .targets()
                .iter()
                .map(|target| self.table[target.who].key),
        );
        told.sort_unstable();
        told.dedup();
        for key in told {
            if self.links.is_up(&key) {
                let updates = vec![update.clone()];
                self.send(
                    cx,
                    key,
                    Class::Datagram,
                    Body::Gossip {
                        updates: updates.clone(),
                    },
                );
                self.send(cx, key, Class::Stream, Body::Gossip { updates });
            }
        }
    }

    fn fall_silent(&mut self, cx: &mut Cx<'_>) {
        self.phase = Phase::Gone;
        cx.push(Effect::Gone);
    }

    /// Sets the voters against the rule: more than half were lost for good, and somebody who can
    /// see all of them says so.
    fn force_majority(&mut self, cx: &mut Cx<'_>, keys: Vec<NodeKey>) -> Result<(), CommandError> {
        let Some(register) = self.electorate.register() else {
            return Err(CommandError::NoCluster);
        };
        let known = |key: &NodeKey| self.table.find(key).is_some_and(|who| self.table[who].core);
        let fit = (1..=VOTERS_MAX).contains(&keys.len())
            && keys.contains(&self.settings.key)
            && keys.iter().all(known);
        if !fit {
            return Err(CommandError::Voters);
        }
        let (cluster, from) = (register.cluster, register.epoch);
        let to = from + FORCED_EPOCHS + self.dice.next() % FORCED_EPOCHS;
        let mut forced = Register::new(cluster, to, keys);
        forced.forced = true;
        self.notice(cx, Notice::MajorityForced { from, to });
        self.adopt_voters(cx, forced, None);
        Ok(())
    }
}
