//! Who is here, who is not, and whether we count: one state machine without a socket or clock.

mod ballot;
mod effect;
mod identity;
mod membership;
mod message;
mod profile;
mod register;

pub use ballot::{Accepted, Acceptor, Ballot};
pub use effect::{DiskRecord, Effect, Notice, Reason, Slot, Ticket, Token, Verdict};
pub use identity::{Card, Record, Short, Standing};
pub use membership::{Boot, Command, CommandError, Link, Member, Membership, Settings, Status};
pub use message::{Body, Class, Found, Header, Message, Opinion, Refusal, Update, Vote};
pub use profile::Profile;
pub use register::{Decision, Register, VOTERS_MAX, decide};
