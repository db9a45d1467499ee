//! How records look in bytes. What is named often (writers, bundles, nodes, systems) is spelled
//! once and then called by its number; with fresh tables the same code gives the lone record's
//! one and only spelling, which is what is sealed and stored.

mod decode;
mod encode;

pub(crate) use decode::{DecodeTables, Unverified};
pub(crate) use encode::EncodeTables;

// Which of the optional fields a record has, and how it is ranked. The two highest bits are free.
const AMOUNT: u8 = 1;
const GENERATION: u8 = 2;
const AGAINST: u8 = 4;
const EXTRA: u8 = 8;
const COUNTED: u8 = 16;
const STAMPED: u8 = 32;
