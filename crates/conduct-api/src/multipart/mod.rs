//! `multipart/form-data`, read as it arrives.
//!
//! Whoever sends it is a stranger, so everything but the content of parts has a bound, and content
//! is passed on as it comes and never kept.

mod head;
mod parser;

pub use head::{PartHead, boundary};
pub use parser::{Parser, Piece};

/// The bytes of a part's own header.
pub const PART_HEAD_BYTES_MAX: usize = 8 * 1024;
/// What may stand before the first part; nobody sends anything there.
pub const PREAMBLE_BYTES_MAX: usize = 1024;
/// The characters of a boundary, as the standard has them.
pub const BOUNDARY_BYTES_MAX: usize = 70;
/// More parts than any request of ours has.
pub const PARTS_MAX: usize = 64;

/// Why a body is not what it says it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The request does not say that it is one, or names no boundary.
    #[error("the body must be multipart/form-data with a boundary")]
    ContentType,
    /// No part begins where one has to.
    #[error("the body does not begin with its boundary")]
    Preamble,
    /// A part's header is too large.
    #[error("the header of a part has more than {PART_HEAD_BYTES_MAX} bytes")]
    HeadSize,
    /// A part's header says nothing that makes sense.
    #[error("the header of a part is malformed")]
    Head,
    /// More parts than any request of ours has.
    #[error("the body has more than {PARTS_MAX} parts")]
    Parts,
    /// Something else than a line's end or the last mark behind a boundary.
    #[error("a boundary is malformed")]
    Boundary,
    /// It ends in the middle of a part.
    #[error("the body ends in the middle of a part")]
    Truncated,
}
