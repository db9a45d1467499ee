//! The control API as its clients use it.
//!
//! A [`Client`] knows one or several nodes of a cluster and asks them in turn until one answers.
//! Changes carry a name of their own, so that asking the next node again has no second effect.
//! Nothing here waits without a bound: each kind of answer has its span in [`Limits`], and what
//! arrives has a size that it must not exceed.
//!
//! * whom to ask and how: [`Target`], and [`Settings`] with credentials and authorities
//! * what is answered: the shapes in [`answers`], read leniently
//! * what takes long: [`Upload`], [`EventStream`], and [`Watch`] for whoever waits for an effect
//! * what does not come from a cluster: [`download`] and [`registry`]

pub mod answers;
pub mod download;
pub mod registry;

mod calls;
mod client;
mod error;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
mod http;
mod request;
mod settings;
mod stream;
mod target;
mod upload;
mod watch;

#[cfg(test)]
mod tests;

pub use calls::{Answered, Followed, LogQuery};
pub use client::{Answer, Client, Limits};
pub use conduct_api::sse::Frame;
pub use error::{Attempt, ClientError};
pub use request::{Method, Request, encode};
pub use settings::{Access, Credentials, Settings, SettingsError};
pub use stream::EventStream;
pub use target::{ApiVersion, CONTROL_PORT, Scheme, Target, TargetError};
pub use upload::{Part, Passed, Upload};
pub use watch::Watch;
