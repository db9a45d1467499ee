//! Bundles: what `bundle.conf` says, and the archives it travels in.

pub mod archive;
pub mod conf;
#[doc(hidden)]
pub mod fuzz;
