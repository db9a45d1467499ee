//! The programs as people run them: real processes, real files, real images.
#![cfg(unix)]

mod defaults;
mod flags;
mod guide;
mod images;
mod inputs;
mod outputs;
mod pipes;
mod shazar;
mod transcript;
mod validation;
mod world;
