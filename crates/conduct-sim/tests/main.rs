//! Stories, seeds and planted bugs.

mod planted;
mod scenarios;
mod seeds;
