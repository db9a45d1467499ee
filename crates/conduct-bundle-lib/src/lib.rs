//! What a bundle written in Rust says to the node that runs it.
//!
//! A bundle is an ordinary program. The node tells it where to listen, who else of its system is
//! there and where services are found, all by environment variables; the program tells the node
//! one thing: *I have started*. This crate reads the ones and says the other:
//!
//! | you want | take |
//! |---|---|
//! | to know where to listen, and who the others are | [`Environment::endpoint`], [`Endpoint::others`] |
//! | to say that you are ready, or to end | [`started_or_exit`], [`started`] |
//! | to find a service | [`Locator`] |
//! | to be told to end | [`termination`] |
//! | log lines with the right severity | [`log::init`] |
//!
//! Nothing of it needs a node. Without `BUNDLE_ID` in the environment a program runs on its own:
//! no call is made, and every question is answered with the fallback that the caller gives.
//!
//! ```
//! use conduct_bundle_lib::{Environment, Locator, Signalled, started};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = Environment::from_pairs([("HOME", "/home/me")]); // no BUNDLE_ID
//! let endpoint = environment.endpoint("web")?;
//! let listen = endpoint.map_or("127.0.0.1:8080".parse()?, |endpoint| endpoint.bind);
//! assert_eq!(listen.to_string(), "127.0.0.1:8080");
//!
//! // … bind, connect, load: whatever must be done before anyone may call …
//!
//! assert_eq!(started(&environment).await?, Signalled::Unmanaged);
//!
//! let locator = Locator::new(&environment);
//! let friend = locator.lookup("friend", "http://127.0.0.1:8101").await?;
//! assert_eq!(friend.as_deref(), Some("http://127.0.0.1:8101"));
//! # Ok(())
//! # }
//! ```

mod environment;
mod locator;
#[cfg(feature = "log")]
pub mod log;
mod plain_http;
mod seeds;
mod signal;
mod termination;

pub use environment::{Endpoint, Environment, EnvironmentError};
pub use locator::{Host, Locator, LookupError};
pub use seeds::{Seed, SeedError};
pub use signal::{
    EXIT_NOT_SIGNALLED, Patience, SignalError, Signalled, started, started_or_exit, started_within,
};
pub use termination::{Termination, termination};
