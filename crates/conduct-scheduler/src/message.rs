//! What schedulers and hosts say to each other.

use std::sync::Arc;

use conduct_model::{BundleId, InstanceId, Resources, Span, System, Time};
use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::epoch::{Epoch, Version};
use crate::execution::{Execution, Seed, Turn};
use crate::fleet::Refusal;
use crate::terms::Terms;

/// Anything that a scheduler or a host says. All of it travels on streams, none in datagrams.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Message {
    /// To the voters: who wants to own what.
    Claims(Claims),
    /// Back to whoever claimed.
    Votes(Votes),
    /// To the voters: who owns what no more.
    Releases(Vec<(System, Epoch)>),
    /// Back to whoever released: so much of it is on disk.
    Released(Vec<(System, Epoch)>),
    /// From an owner to a host.
    Orders(Vec<Order>),
    /// From a host to an owner.
    News(News),
}

/// Claims of one voter, all that one change of membership brought.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The epoch of the voters as the claimant knows them.
    pub voters: u64,
    /// The claims.
    pub claims: Vec<Claim>,
}

/// A claim to a system.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// Which.
    pub system: System,
    /// Under which epoch; its owner is the claimant.
    pub epoch: Epoch,
    /// The assignment that the claimant has already: only a later one needs telling.
    pub known: Option<Version>,
}

/// Answers to claims.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Votes {
    /// The epoch of the voters as the voter knows them.
    pub voters: u64,
    /// The answers.
    pub votes: Vec<Vote>,
}

/// The answer to a claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// To which system.
    pub system: System,
    /// The epoch that was claimed.
    pub epoch: Epoch,
    /// Yes or no.
    pub answer: Answer,
}

/// Yes or no.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The voter will confirm nothing of an earlier epoch, and has that on disk.
    Promised {
        /// The latest assignment that it has, if the claimant does not have it.
        latest: Option<Arc<Assignment>>,
    },
    /// It promised as much or more to another, or hears from the present holder.
    Refused {
        /// The highest epoch that it knows.
        highest: Epoch,
        /// When it is worth asking again.
        wait: Span,
    },
}

/// What an owner wants of a host. Repeated until it is answered; a repetition does nothing new.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Order {
    /// For which system.
    pub system: System,
    /// The confirmed decision behind it; a host refuses what is behind the latest that it saw.
    pub version: Version,
    /// About which instance.
    pub instance: InstanceId,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What is wanted of a host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Wanted {
    /// Admit an instance, fetch and unpack for it, and say when it is ready.
    Prepare {
        /// What it runs.
        bundle: BundleId,
        /// What it needs.
        terms: Arc<Terms>,
    },
    /// The gate is its own: fork it.
    Start {
        /// What the host said when it was ready last. One that is too old is answered by another,
        /// so that no order that was long on its way lets a process start.
        ready: Time,
        /// The healthy instances of its system, oldest first.
        seeds: Vec<Seed>,
    },
    /// Drain it, then end it.
    Stop,
    /// Say how it is.
    Tell,
}

/// What a host tells an owner, with the host's numbers as they are now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct News {
    /// Orders what the host says of itself.
    pub turn: Turn,
    /// What is neither used nor promised there.
    pub free: Resources,
    /// What happened.
    pub items: Vec<Item>,
}

/// One piece of news.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// About which system.
    pub system: System,
    /// About which instance.
    pub instance: InstanceId,
    /// What.
    pub told: Told,
}

/// What a host says of an instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Told {
    /// It has it.
    Has {
        /// How it is.
        execution: Execution,
        /// Where it waits for the gate: the word that a start has to repeat.
        ready: Option<Time>,
    },
    /// It will not take it. No try: the next candidate is asked at once.
    Declined(Refusal),
    /// It does not have it, and will accept no earlier order for it.
    Unknown,
    /// It cannot say yet: it is still asking its shims.
    Adopting,
    /// The order was of an earlier decision than this one.
    Fenced(Version),
}
