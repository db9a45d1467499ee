//! Who decides for a system, which node runs what, in which order, and why not.
//!
//! For each system one voter is its *owner*: a quorum of voters promised it so ([`Ownership`]).
//! The owner ([`Owner`]) compares what is wished for with what it decided before and what nodes
//! report, and changes its *assignment*: slots filled by instances on nodes. [`plan`](plan()) says
//! what is missing and what is too much, over a [`Fleet`] that knows every node and its load; the
//! owner adds the order in time: one start of a system at a time, back-off after failures, drains.
//! Every change is on the disks of a quorum before a node is ordered anything, and a node obeys no
//! owner that was replaced. The node's side is a [`Host`], which admits, prepares, forks and ends,
//! and has the last word on its room.
//!
//! [`Scheduler`] holds all of a voter's side in one machine. `Scheduler` and `Host` are what a
//! node drives; both are values: inputs and time go in, effects come out.
//!
//! Instances with a lease end by themselves on a node that lost the majority. Those of bundles
//! that ask to keep running have none. An owner treats both alike: once a node is down its slots
//! are given again, so of a bundle that keeps running there may be more than asked for until the
//! cut heals; then those that the assignment does not name end as surplus. For an exclusive bundle
//! the slot is given again only when the lease has surely run out, which is why loading refuses a
//! bundle that is exclusive and keeps running.

mod assignment;
mod epoch;
mod event;
mod execution;
mod fleet;
pub mod fuzz;
mod hash;
mod host;
mod message;
mod owner;
mod ownership;
mod plan;
mod scheduler;
mod terms;
mod token;
mod why;

pub use assignment::{Account, Assignment, Content, Filled, Slot, SlotId, Stage, StopReason};
pub use epoch::{Epoch, Version};
pub use event::{Event, Happening};
pub use execution::{Cause, Ending, Execution, Meaning, Seed, SeedEndpoint, State, Turn};
pub use fleet::{Ask, Closed, Fleet, HostReport, Refusal, Resource, RoleRule, Standing};
pub use host::{
    ExecutionRecord, Found, Host, HostDuty, HostEffect, HostInput, HostRestored, HostSettings,
    HostWrite, RuntimeNews,
};
pub use message::{Answer, Claim, Claims, Item, Message, News, Order, Told, Vote, Votes, Wanted};
pub use owner::{Owner, OwnerEffect, OwnerInput};
pub use ownership::{Ownership, OwnershipEffect, Part, Promise};
pub use plan::{Moving, Pauses, Plan, Shortage, Situation, Start, plan};
pub use scheduler::{Effect, Input, Scheduler};
pub use terms::{Kind, Kinds, Terms, Wish, Wishes};
pub use token::Token;
pub use why::{Wait, Why, why};
