//! The programs as people run them: real processes, real files, real images.
#![cfg(unix)]

mod defaults;
mod flags;
mod images;
mod inputs;
mod outputs;
mod pipes;
mod shazar;
mod validation;
mod world;
