//! Real processes and containers under real shims.

mod adoption;
mod checks;
mod containers;
mod crashes;
mod docker;
mod driver;
mod failing_runc;
mod host;
mod image;
mod limits;
mod many;
mod output;
mod starting;
mod stopping;
mod tools;
