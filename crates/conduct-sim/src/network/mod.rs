//! The wires between the machines: what arrives, when, in which state, and what it cost.

mod cables;
mod conditions;
mod cost;
mod links;
mod session;
mod sides;

pub use cables::Cables;
pub use conditions::{Arrival, Conditions};
pub use cost::{
    ACK_BYTES, ANSWERING_BYTES, Charge, Cost, Meter, OPENING_BYTES, PACKET_BYTES, Traffic,
};
pub use links::{End, EndId, EndState, LinkId, Links};
pub use session::{Forgery, Gate, Refusal, Session};
pub use sides::{SideLog, Sides};
