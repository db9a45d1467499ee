//! `sandbox`: a whole cluster on one machine, for whoever develops bundles or wants to see what the
//! product does. It needs no root, no container engine and no network beyond loopback.
//!
//! A sandbox is a folder. [`record`] is what is written down in it, [`plan`] turns a person's flags
//! into nodes, [`daemon`] starts them, [`teardown`] ends everything again, from whatever state it is
//! found in. What a person types is in [`commands`], one module each.

mod addresses;
mod commands;
mod daemon;
mod features;
mod folders;
mod groups;
mod interrupts;
mod lock;
mod logs;
mod place;
mod plan;
mod pointer;
mod process;
mod range;
mod ready;
mod record;
mod shape;
mod teardown;

use std::process::ExitCode;

fn main() -> ExitCode {
    conduct_terminal::screen::main(commands::main)
}
