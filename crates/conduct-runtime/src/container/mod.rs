//! Containers, through `runc`.
//!
//! A container begins as any component does: a script in the instance's session, whose output the
//! shim takes. Instead of the program the script ends with the daemon's own binary in the mode
//! `container`, which writes what the container may do, makes it and lets it run. The container's
//! first process is then a child of the shim, like any other component.

mod foreign;
mod kinds;
mod make;
mod plan;
mod runc;
mod seccomp;
mod spec;

pub use kinds::{Abilities, abilities};
pub use plan::{Account, ContainerRoot, Ids, ImageFailure, ImageRequest, Images, Owner};

pub(crate) use foreign::read as read_foreign;
pub(crate) use make::container_main;
pub(crate) use plan::{Plan, Volume};
pub(crate) use runc::{CREATE_MAX, Runc, found, wait};
pub(crate) use spec::{FOLDERS, HOST_FILES};
