//! Which requests reach which instances.
//!
//! Bundles say with their ACLs which requests their endpoints serve; the cluster knows which of
//! their instances are active. [`Table::of`] makes one routing table of both, and two proxies
//! work by it: the ingress within the daemon finds routes with a [`Router`], HAProxy gets a
//! configuration text from [`haproxy`]. What two bundles both claim is left to one of them or to
//! none, and told as a [`Clash`]; no proxy decides that by chance.
//!
//! Besides it holds what every proxy must read without a doubt, whoever sent it: the framing of
//! requests ([`guard`]) and the header of the PROXY protocol ([`proxy_protocol`]).
//!
//! Nothing here opens a file or a socket, and equal inputs give equal texts.

pub mod guard;
pub mod haproxy;
mod offer;
pub mod proxy_protocol;
mod router;
#[cfg(test)]
mod samples;
mod table;

pub use offer::{Offer, Server};
pub use router::{Chosen, Router};
pub use table::{Claimant, Clash, HttpRoute, Table, TcpRoute};
