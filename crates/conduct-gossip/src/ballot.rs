//! The ballot that changes the voters, from the acceptor's side: promise, accept, each on disk
//! before it is said.
//!
//! Every epoch is one decision by single-decree Paxos. Promises come from a quorum of the voters
//! before; acceptance from a quorum of those and from one of the voters to come.

use conduct_model::NodeKey;
use serde::{Deserialize, Serialize};

use crate::effect::{DiskRecord, Effect};
use crate::identity::Standing;
use crate::membership::{Cx, Membership, Pending};
use crate::message::{Body, Class};
use crate::register::Register;
use crate::suspicion::retransmits;

/// Orders the attempts to decide one epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Ballot {
    /// Raised with every attempt.
    pub round: u32,
    /// Who tries: makes equal rounds different.
    pub proposer: NodeKey,
}

/// What an acceptor accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    /// In which attempt.
    pub ballot: Ballot,
    /// Which voters.
    pub register: Register,
}

/// What an acceptor must remember for ever of the epoch after the current one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Acceptor {
    /// The epoch that is being decided.
    pub epoch: u64,
    /// No lower attempt is heard.
    pub promised: Ballot,
    /// What was accepted last.
    pub accepted: Option<Accepted>,
}

impl Membership {
    /// What this node promised and accepted for the epoch after the current one.
    pub(crate) fn acceptor_of(&self, epoch: u64) -> Option<&Acceptor> {
        self.acceptor
            .as_ref()
            .filter(|acceptor| acceptor.epoch == epoch)
    }

    /// Whether a message about `epoch` comes at the right time. Who is behind is told the voters,
    /// who is ahead is asked for them.
    fn is_next_epoch(&mut self, cx: &mut Cx<'_>, from: NodeKey, epoch: u64) -> bool {
        let own = self.electorate.epoch();
        if epoch <= own {
            self.tell_voters(cx, from);
        } else if epoch > own + 1 && from != self.settings.key {
            self.send(cx, from, Class::Stream, Body::AskVoters);
        }
        own > 0 && epoch == own + 1 && self.electorate.is_voter(&from)
    }

    pub(crate) fn hear_prepare(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        epoch: u64,
        ballot: Ballot,
    ) {
        let votes = self.electorate.is_voter(&self.settings.key);
        if !self.is_next_epoch(cx, from, epoch) || !votes || ballot.proposer != from {
            return;
        }
        let held = self.acceptor_of(epoch);
        if let Some(promised) = held.map(|held| held.promised).filter(|held| *held > ballot) {
            let body = Body::Declined {
                epoch,
                ballot,
                promised: Some(promised),
            };
            return self.send(cx, from, Class::Stream, body);
        }
        let accepted = held.and_then(|held| held.accepted.clone());
        let acceptor = Acceptor {
            epoch,
            promised: ballot,
            accepted: accepted.clone(),
        };
        let body = Body::Promise {
            epoch,
            ballot,
            accepted,
        };
        self.promise(cx, from, acceptor, body);
    }

    pub(crate) fn hear_accept(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        ballot: Ballot,
        register: Register,
    ) {
        let epoch = register.epoch;
        if !self.is_next_epoch(cx, from, epoch) || ballot.proposer != from {
            return;
        }
        let Some(current) = self.electorate.register() else {
            return;
        };
        let counts = |key| current.contains(key) || register.contains(key);
        if !current.is_followed_by(&register) || !counts(&self.settings.key) {
            return;
        }
        let promised = self.acceptor_of(epoch).map(|held| held.promised);
        let outbid = promised.filter(|promised| *promised > ballot);
        if outbid.is_some() || self.objects(cx, &register) {
            let body = Body::Declined {
                epoch,
                ballot,
                promised: outbid,
            };
            return self.send(cx, from, Class::Stream, body);
        }
        let accepted = Some(Accepted { ballot, register });
        let acceptor = Acceptor {
            epoch,
            promised: ballot,
            accepted,
        };
        self.promise(cx, from, acceptor, Body::Accepted { epoch, ballot });
    }

    /// Whether these voters are none for us: one of them was heard a moment ago and is left out
    /// against its will, or we are to vote before our state is here.
    fn objects(&self, cx: &Cx<'_>, register: &Register) -> bool {
        let heard = |key: &NodeKey| {
            *key == self.settings.key
                || self.table.find(key).is_some_and(|who| {
                    self.table[who].heard_within(cx.now, self.settings.profile.voter_heard)
                })
        };
        let willing = |key: &NodeKey| {
            self.table.find(key).is_some_and(|who| {
                let entry = &self.table[who];
                entry.standing == Standing::Leaving || entry.standing.is_over() || !entry.core
            })
        };
        let removed = self
            .electorate
            .keys()
            .iter()
            .filter(|key| !register.contains(key));
        let added = register
            .keys()
            .iter()
            .filter(|key| !self.electorate.is_voter(key));
        let unready = |key: &NodeKey| *key == self.settings.key && self.quarantine.is_of_new_life();
        removed.clone().any(|key| heard(key) && !willing(key)) || added.clone().any(unready)
    }

    /// Writes what is promised, and says it once it is on disk.
    fn promise(&mut self, cx: &mut Cx<'_>, to: NodeKey, acceptor: Acceptor, body: Body) {
        self.acceptor = Some(acceptor.clone());
        let then = Pending::Say(to, Box::new(body));
        self.persist(cx, DiskRecord::Acceptor(acceptor), Some(then));
    }

    /// Tells somebody which voters we know.
    pub(crate) fn tell_voters(&mut self, cx: &mut Cx<'_>, to: NodeKey) {
        let Some(register) = self.electorate.register().cloned() else {
            return;
        };
        if register.epoch != self.electorate.stored || to == self.settings.key {
            return;
        }
        let previous = self.electorate.previous().cloned();
        self.send(cx, to, Class::Stream, Body::Voters { register, previous });
    }

    /// Somebody tells of other voters: those of the highest epoch count from now on.
    pub(crate) fn hear_voters(
        &mut self,
        cx: &mut Cx<'_>,
        from: NodeKey,
        register: Register,
        previous: Option<Register>,
    ) {
        let sound = self.is_likely_register(&register)
            && previous
                .as_ref()
                .is_none_or(|previous| previous.is_sound() && previous.is_followed_by(&register));
        let (cluster, epoch) = (self.electorate.cluster(), self.electorate.epoch());
        if !sound {
            return self.refuse_forged(cx, from);
        }
        if (cluster != 0 && register.cluster != cluster) || register.epoch < epoch {
            return;
        }
        if register.epoch == epoch {
            // They know that it is in force, and that stays so.
            if previous.is_none() && self.electorate.settle_on(&register) {
                self.voters_settled(cx);
            }
            return;
        }
        self.adopt_voters(cx, register, previous);
    }

    /// Counts by other voters from now on.
    pub(crate) fn adopt_voters(
        &mut self,
        cx: &mut Cx<'_>,
        register: Register,
        previous: Option<Register>,
    ) {
        cx.push(Effect::Voters(register.clone()));
        self.electorate.adopt(register, previous);
        self.acceptor = self
            .acceptor
            .take()
            .filter(|held| held.epoch > self.electorate.epoch());
        self.abandon_proposal();
        self.bench.new_voters();
        self.refused_by = Default::default();
        self.rotation.set_stale();
        self.persist_voters(cx);
        self.restart_recovery();
        if self.phase.is_member() && self.electorate.is_voter(&self.settings.key) {
            self.renew_contact(cx);
        }
    }

    pub(crate) fn persist_voters(&mut self, cx: &mut Cx<'_>) {
        let Some(register) = self.electorate.register().cloned() else {
            return;
        };
        let epoch = register.epoch;
        let previous = self.electorate.previous().cloned();
        let record = DiskRecord::Voters { register, previous };
        self.persist(cx, record, Some(Pending::Voters(epoch)));
    }

    /// The voters are on disk: every header tells their epoch from now on.
    pub(crate) fn voters_stored(&mut self, cx: &mut Cx<'_>, epoch: u64) {
        if epoch <= self.electorate.stored {
            return;
        }
        self.electorate.stored = epoch;
        let me = self.settings.key;
        self.electorate.has_stored(&me, epoch);
        self.settle_voters(cx);
        self.news
            .tell_header(retransmits(&self.settings.profile, self.table.present()));
        for voter in self.other_voters() {
            self.tell_voters(cx, voter);
        }
    }

    /// Once a quorum of both has the register, only the new one counts.
    pub(crate) fn settle_voters(&mut self, cx: &mut Cx<'_>) {
        if self.electorate.settle() {
            self.voters_settled(cx);
        }
    }

    /// Seats have moved: whatever is noted by seat begins anew.
    fn voters_settled(&mut self, cx: &mut Cx<'_>) {
        self.drop_roll();
        self.restart_recovery();
        self.bench.new_voters();
        self.refused_by = Default::default();
        self.rotation.set_stale();
        self.persist_voters(cx);
    }
}
