//! Images from registries that speak the OCI distribution protocol, as all of them do.
//!
//! What was fetched is kept by its digest, so it is fetched once, whatever it is called; and what a
//! name meant last is kept, so that it can be had again without a network.

mod cache;
mod challenge;
mod manifest;
mod pull;
mod reference;
mod session;

pub use cache::ImageCache;
pub use pull::{Pull, Pulled, Wanted};
pub use reference::{ImageName, ImageNameError};
