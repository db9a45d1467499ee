//! What can go wrong between nodes, as far as someone would act on it.

use std::io;
use std::net::SocketAddr;

use conduct_model::NodeKey;

use crate::join::JoinRefusal;

/// Why something could not be carried.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The port is taken, or the address is not this machine's.
    #[error("could not open udp {address}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// A key or certificate could not be made, read or signed.
    #[error("could not {what}")]
    Certificate {
        /// What was tried.
        what: &'static str,
        /// What the library said.
        source: rcgen::Error,
    },
    /// A key or certificate is there, and is not one.
    #[error("{what} is not readable as PEM")]
    Pem {
        /// Which part of which file.
        what: &'static str,
    },
    /// Keys and certificates that TLS cannot work with.
    #[error("the node's certificate cannot be used")]
    Tls(#[from] rustls::Error),
    /// No answer, or one that broke off.
    #[error("could not reach {address}: {why}")]
    Unreachable {
        /// Who was called.
        address: SocketAddr,
        /// How it ended, in words of the transport.
        why: String,
    },
    /// What answers there was not made a node by the authority that the token names.
    #[error("{address} belongs to another cluster than the token")]
    OtherCluster {
        /// Who was called.
        address: SocketAddr,
    },
    /// Somebody else answers at this address.
    #[error("{address} is {actual:?}, not {expected:?}")]
    Stranger {
        /// Who was called.
        address: SocketAddr,
        /// Who should have answered.
        expected: NodeKey,
        /// Who did.
        actual: NodeKey,
    },
    /// The node's address is not known.
    #[error("no address is known for {0:?}")]
    Unknown(NodeKey),
    /// The cluster does not want this node.
    #[error("the cluster refused")]
    Refused(#[from] JoinRefusal),
    /// The peer does not hold the archive, or not so much of it.
    #[error("the peer does not hold this archive")]
    NoArchive,
    /// A peer that does not speak as agreed.
    #[error("the peer broke the protocol: {0}")]
    Protocol(&'static str),
}
