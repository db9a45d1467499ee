//! All of a voter's scheduling in one machine: who owns what, and the owners that are here.
//!
//! It routes what is told to the owners that it concerns, and what they decide to the outside.
//! Nodes that do not vote own nothing; for them it only remembers who does.

mod owners;
mod route;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conduct_model::{BundleId, NodeKey, System, Time, Voters};

use crate::assignment::Assignment;
use crate::epoch::{Epoch, Version};
use crate::event::Event;
use crate::fleet::{Fleet, HostReport, RoleRule, Standing};
use crate::message::Message;
use crate::owner::Owner;
use crate::ownership::{Ownership, Part, Promise};
use crate::terms::Wishes;
use crate::token::Token;

/// The scheduler of one node.
#[derive(Clone, Debug)]
pub struct Scheduler {
    me: NodeKey,
    start: u64,
    rule: RoleRule,
    voters: Voters,
    ownership: Ownership,
    fleet: Fleet,
    wishes: BTreeMap<System, Wishes>,
    /// Systems whose assignment still names something.
    assigned: BTreeSet<System>,
    barred: BTreeSet<System>,
    owners: BTreeMap<System, Owner>,
    /// Which system a bundle belongs to, for all that owners here have or want.
    systems: BTreeMap<BundleId, System>,
    /// Systems in which a change of the fleet may help.
    hopeful: BTreeSet<System>,
    due: BTreeSet<(Time, System)>,
    dues: BTreeMap<System, Time>,
    armed: Option<Time>,
}

/// What can happen to a scheduler.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The moment of the last [`Effect::Arm`] has come.
    Timer,
    /// The register of voters, first and whenever it changes.
    Voters(Voters),
    /// What this node takes part in; it begins suspended.
    Part(Part),
    /// What the cluster holds of a node, this one among them. Only what a voter is told matters;
    /// a node that becomes one asks for all of it by [`Effect::Refill`].
    Standing {
        /// Which node.
        node: NodeKey,
        /// What.
        standing: Standing,
    },
    /// What a node says of itself, this one among them. As for `Standing`.
    Report {
        /// Which node.
        node: NodeKey,
        /// What it says.
        report: Arc<HostReport>,
    },
    /// A node is no member any more, and no assignment names it.
    Forgotten(NodeKey),
    /// What is wished for in a system: an entry for each of its bundles that is loaded, none when
    /// nothing is. As for `Standing`.
    Wishes {
        /// Which system.
        system: System,
        /// All of its wishes.
        wishes: Wishes,
    },
    /// The assignment of a system as this node holds it now, merged and not yet on its disk;
    /// `None` when it went, as nothing of the system is loaded.
    Assignment {
        /// Which system.
        system: System,
        /// The assignment.
        assignment: Option<Arc<Assignment>>,
    },
    /// This node cannot read something of a system, and leaves it to others.
    Barred {
        /// Which system.
        system: System,
        /// Whether that is so.
        barred: bool,
    },
    /// A message of this crate from another node or, from its own host, this one.
    Message {
        /// Who wrote it; proven by the transport.
        from: NodeKey,
        /// What it says.
        message: Message,
    },
    /// A write is on disk.
    Stored(Token),
    /// A proposal is on the disks of a quorum of the voters.
    Confirmed {
        /// Of which system.
        system: System,
        /// Which proposal.
        version: Version,
    },
    /// A voter would not confirm a proposal: it promised this epoch.
    Outvoted {
        /// Of which system.
        system: System,
        /// What it promised.
        epoch: Epoch,
    },
}

/// What a scheduler does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Send on a stream. Orders may be for this node's own host.
    Send {
        /// To whom.
        to: NodeKey,
        /// What.
        message: Message,
    },
    /// Write to disk, then [`Input::Stored`].
    Persist {
        /// The write.
        token: Token,
        /// The promises; `None` removes one.
        promises: Vec<(System, Option<Promise>)>,
    },
    /// Put this on the disks of a quorum of voters, then [`Input::Confirmed`]. Each voter asks its
    /// own [`Scheduler::may_confirm`] first. May come again.
    Propose {
        /// Of which system.
        system: System,
        /// The whole decision.
        assignment: Arc<Assignment>,
    },
    /// Tell whoever listens.
    Event(Box<Event>),
    /// This node votes now: hand over standing and report of every node, and the wishes of every
    /// system.
    Refill,
    /// Hand over [`Input::Timer`] at this moment; replaces the one armed before.
    Arm(Time),
}

impl Scheduler {
    /// So many orders go into one message.
    pub const ORDERS_MAX: usize = 64;

    /// The scheduler of `me` in its life `start`, with the promises that are on its disk.
    pub fn new(
        now: Time,
        (me, start): (NodeKey, u64),
        rule: RoleRule,
        promises: Vec<(System, Promise)>,
    ) -> Scheduler {
        Scheduler {
            me,
            start,
            rule,
            voters: Voters::default(),
            ownership: Ownership::new(now, me, promises),
            fleet: Fleet::new(rule),
            wishes: BTreeMap::new(),
            assigned: BTreeSet::new(),
            barred: BTreeSet::new(),
            owners: BTreeMap::new(),
            systems: BTreeMap::new(),
            hopeful: BTreeSet::new(),
            due: BTreeSet::new(),
            dues: BTreeMap::new(),
            armed: None,
        }
    }

    /// Something came from `node`: holders that are heard from keep what they hold. To be called
    /// for whatever comes from a voter.
    pub fn heard(&mut self, now: Time, node: NodeKey) {
        self.ownership.heard(now, node);
    }

    /// Whether an assignment of `epoch` may be acknowledged to its owner by this voter. An
    /// acknowledgement without asking this would let two owners decide at once.
    pub fn may_confirm(&self, system: &System, epoch: Epoch) -> bool {
        self.ownership.may_confirm(system, epoch)
    }

    /// The highest epoch known of a system: what a refusal to confirm tells.
    pub fn highest(&self, system: &System) -> Option<Epoch> {
        self.ownership.highest(system)
    }

    /// Who decides for a system, as far as this node knows.
    pub fn holder(&self, system: &System) -> Option<NodeKey> {
        self.ownership.holder(system)
    }

    /// The owner of a system, if this node is.
    pub fn owner(&self, system: &System) -> Option<&Owner> {
        self.owners.get(system)
    }

    /// How often others named numbers that cannot be. Nothing came of them.
    pub const fn refused(&self) -> u64 {
        self.ownership.refused()
    }

    /// The nodes as the owners here see them.
    pub const fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Whether standings, reports and wishes matter to it.
    pub fn votes(&self) -> bool {
        self.voters.contains(&self.me)
    }

    /// Takes one input and appends what follows from it.
    pub fn step(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        self.route(now, input, effects);
        self.run_due(now, effects);
        self.arm(effects);
    }
}

#[cfg(test)]
mod tests;
