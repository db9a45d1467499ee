//! The programs that people type: `conduct`, `bndl` and `shazar`.
//!
//! A program is a thin `main` over a module here: one file holds a command's arguments and its work.
//! How things look is the business of [`screen`], how they end of [`exit`].

pub use conduct_terminal::{exit, screen};

pub mod bndl;
pub mod conduct;
pub mod output;
pub mod shazar;
