//! How the programs that people type speak.
//!
//! A [`Screen`](screen::Screen) takes results and talk, a [`Failure`](exit::Failure) says what went
//! wrong and what to do next, and an [`Exit`](exit::Exit) is the number that scripts rely on. What
//! the words are is decided by the commands.

pub mod exit;
pub mod plain;
pub mod screen;
pub mod table;
