//! Images as a whole: hand-made ones for what tools seldom write, and real ones from real tools.
#![cfg(unix)]

mod layouts;
mod real;
mod workshop;
