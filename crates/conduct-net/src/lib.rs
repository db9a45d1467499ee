//! Sockets and TLS between nodes.
//!
//! One QUIC endpoint per node carries everything: datagrams (probes, gossip), frames on an ordered
//! stream per peer (sync, commands), archives on connections of their own that yield to probes, and
//! the one exchange that a stranger may have: joining with a token. The key of a certificate *is*
//! the node, so whoever reads [`NetEvent::Datagram`] or [`NetEvent::Frame`] may trust `from`.
//!
//! This crate knows no meaning: bytes come in with a name on them and go out to a name.

mod archive;
mod authority;
mod endpoint;
mod error;
mod filter;
mod hint;
mod identity;
mod join;
mod links;
mod pace;
mod questions;
mod tls;
mod token;

pub use archive::{ArchiveReader, ArchiveSource, Offer};
pub use authority::Authority;
pub use endpoint::{Config, Counters, LinkNews, Net, NetEvent};
pub use error::NetError;
pub use hint::Hint;
pub use identity::{Identity, IdentityRequest};
pub use join::{JoinDesk, JoinRefusal, Welcome, join};
pub use questions::Answers;
pub use token::{JoinToken, TokenError};
