//! The service locator: where an instance of a service is.

pub(crate) mod handlers;
mod path;
mod routes;

pub(crate) use handlers::routes;
pub(crate) use routes::{Locator, Routes};
