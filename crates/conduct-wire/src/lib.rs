//! What nodes say to each other, as bytes.
//!
//! A [`packet`] is a version and then [`sections`], each of which has a kind and a length. A node
//! that does not know a version refuses the packet; one that does not know a kind skips the
//! section and reads on, so that a newer node can say more than an older one understands. Records
//! that are stored and handed on use the same sections inside, for the same reason.
//!
//! The [`codec`] turns one section's message into bytes and back; it is the only place that knows
//! which encoding that is. Nothing in here knows what any message means.

pub mod codec;
pub mod fuzz;
pub mod packet;
pub mod sections;

/// The longest datagram, header included: what a fresh connection surely carries.
pub const DATAGRAM_BYTES_MAX: usize = 1_100;

/// The longest message on a stream, header included.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
