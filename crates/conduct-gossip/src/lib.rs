//! Who is here, who is not, and whether we count: one state machine without a socket or clock.

mod ballot;
mod boot;
mod claims;
mod comparing;
mod contact;
mod damping;
mod dice;
mod effect;
mod electorate;
#[doc(hidden)]
pub mod fuzz;
mod gossip;
mod identity;
mod intake;
mod interface;
mod joining;
mod judging;
mod leaving;
mod links;
mod membership;
mod message;
mod news;
mod notices;
mod pause;
mod probing;
mod profile;
mod proposing;
mod quarantine;
mod reading;
mod refuting;
mod register;
mod relays;
mod rollcall;
mod rotation;
mod round;
mod suspicion;
mod table;

pub use ballot::{Accepted, Acceptor, Ballot};
pub use effect::{DiskRecord, Effect, Notice, Reason, Slot, Ticket, Token, Verdict};
pub use identity::{Card, Record, Short, Standing};
pub use interface::{Boot, Command, CommandError, Link, Member, Settings, Status};
pub use membership::Membership;
pub use message::{Body, Class, Found, Header, Message, Opinion, Refusal, Update, Vote};
pub use profile::Profile;
pub use reading::Sizes;
pub use register::{Decision, Register, VOTERS_MAX, decide};
