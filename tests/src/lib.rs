//! Real daemons for tests: a cluster on addresses of its own, bundles to run on it, and requests as
//! they go over the wire.
//!
//! * [`Cluster`] starts any number of nodes, waits for facts, and leaves nothing behind
//! * [`Bundle`] makes the bundles that tests load
//! * [`http`] speaks HTTP byte by byte, so that a test can also say what no client would
//! * [`tools`] knows which programs of the system a test may use
//! * [`transcript`] runs a guide as it stands there

mod addresses;
pub mod bundle;
mod cluster;
pub mod http;
mod node;
mod programs;
pub mod tools;
pub mod transcript;

pub use addresses::Addresses;
pub use bundle::Bundle;
pub use cluster::Cluster;
pub use node::Node;
pub use programs::{Ran, program, run};

use std::time::{Duration, Instant};

/// So long anything may take that is not measured: machines that test are busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until there is an answer. Panics with the last refusal when time is up.
#[track_caller]
pub fn eventually<T>(what: &str, look: impl FnMut() -> Result<T, String>) -> T {
    within(PATIENCE, what, look)
}

/// The same, for as long as said.
#[track_caller]
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        let refusal = match look() {
            Ok(found) => return found,
            Err(refusal) => refusal,
        };
        assert!(
            Instant::now() < deadline,
            "{what} did not come true within {limit:?}: {refusal}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
