//! What can be asked of the machine.

use std::net::SocketAddr;

use conduct_model::{Incarnation, NodeKey, Time};

use crate::effect::Reason;
use crate::identity::Standing;
use crate::interface::{Member, Status};
use crate::membership::Membership;
use crate::register::Register;
use crate::table::{Entry, Who};

impl Membership {
    /// The own key.
    pub fn key(&self) -> NodeKey {
        self.settings.key
    }

    /// The own life. Before its start is on disk, the one before.
    pub fn incarnation(&self) -> Incarnation {
        self.table[self.me].incarnation
    }

    /// The own refutation: how often this life answered suspicion.
    pub fn refutation(&self) -> u32 {
        self.table[self.me].refutation
    }

    /// Whether somebody let this life in, and it has neither left nor been refused since.
    pub fn is_member(&self) -> bool {
        self.phase.is_member()
    }

    /// All members in the order of their keys, this node among them.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        self.table
            .iter()
            .map(|(who, entry)| self.member_of(who, entry))
    }

    /// Members that are remembered, whatever their status.
    pub fn members_known(&self) -> usize {
        self.table.len()
    }

    /// One member.
    pub fn member(&self, key: &NodeKey) -> Option<Member> {
        self.table
            .find(key)
            .map(|who| self.member_of(who, &self.table[who]))
    }

    fn member_of(&self, who: Who, entry: &Entry) -> Member {
        Member {
            key: entry.key,
            incarnation: entry.incarnation,
            status: entry.shown,
            ready: entry.standing != Standing::Joining,
            voter: self.electorate.is_voter(&entry.key),
            seat: entry.seat,
            card: self.table.card(who),
        }
    }

    /// How a member appears.
    pub fn status(&self, key: &NodeKey) -> Option<Status> {
        self.table.find(key).map(|who| self.table[who].shown)
    }

    /// Where a member is reached.
    pub fn address(&self, key: &NodeKey) -> Option<SocketAddr> {
        self.table.find(key).map(|who| self.table[who].address())
    }

    /// When something was last heard from this peer itself.
    pub fn heard(&self, key: &NodeKey) -> Option<Time> {
        self.table.find(key).and_then(|who| self.table[who].heard())
    }

    /// Whether this node accepts no change.
    pub fn is_quarantined(&self) -> bool {
        !self.quarantine.is_free()
    }

    /// Why it accepts none.
    pub fn quarantine_reason(&self) -> Option<Reason> {
        self.quarantine.reason()
    }

    /// The voters of the highest epoch that this node knows.
    pub fn voters(&self) -> Option<&Register> {
        self.electorate.register()
    }

    /// The voters before, while it is not known that the new ones are in force everywhere.
    pub fn previous_voters(&self) -> Option<&Register> {
        self.electorate.previous()
    }

    /// Whether this node votes.
    pub fn is_voter(&self) -> bool {
        self.electorate.is_voter(&self.settings.key)
    }

    /// Whether those that confirmed something are enough: a quorum of the voters, and of those
    /// before as long as the new ones are not in force.
    pub fn is_quorum(&self, reached: impl Fn(&NodeKey) -> bool) -> bool {
        self.electorate.is_quorum(reached)
    }

    /// The last majority contact.
    pub fn majority_contact(&self) -> Option<Time> {
        self.contact.stamp()
    }

    /// Hash of all members as this node sees them: equal hashes, equal views.
    pub fn view(&self) -> [u8; 4] {
        self.table.view()
    }

    /// How many claims of peers were refused because they cannot be.
    pub fn refused_claims(&self) -> u64 {
        self.refused
    }

    /// Everything whose size grows with what happens, for checks of its bounds.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            members: self.table.len(),
            news: self.news.len(),
            suspicions: self.suspicions.len(),
            rounds: self.rounds.len(),
            cases: self.bench.len(),
            pending: self.pending.len(),
        }
    }
}

/// How much of each the machine holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    /// Members, whatever their status.
    pub members: usize,
    /// Pieces of news still to be told.
    pub news: usize,
    /// Suspected members.
    pub suspicions: usize,
    /// Probes on their way.
    pub rounds: usize,
    /// Absent members that voters think about.
    pub cases: usize,
    /// Writes whose end is awaited.
    pub pending: usize,
}

impl Status {
    /// How a standing appears outside.
    pub(crate) fn of(standing: Standing) -> Status {
        match standing {
            Standing::Joining | Standing::Alive | Standing::Leaving | Standing::Suspect => {
                Status::Reachable
            }
            Standing::Unknown | Standing::Unreachable => Status::Unreachable,
            Standing::Restarting => Status::Restarting,
            Standing::Down => Status::Down,
            Standing::Left => Status::Left,
        }
    }
}
