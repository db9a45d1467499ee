//! What a record is about.

use std::fmt;
use std::sync::Arc;

use conduct_model::{BundleId, NodeKey, RequestId, System};
use serde::{Deserialize, Serialize};

use crate::WriterId;

/// The number of a kind of record. Merging never looks at it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Kind(pub(crate) u16);

/// What a record is about. Two records with one key are two words on one subject, of which the
/// one with the higher rank is read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RecordKey {
    /// What a node says of itself; it alone writes it.
    NodeReport(NodeKey),
    /// That a bundle is loaded: one record for each load.
    Bundle(BundleId),
    /// How many executions of a bundle there should be.
    WishScale(BundleId),
    /// How a bundle is to be rolled out and kept.
    WishPolicy(BundleId),
    /// By how many a request moved the scale.
    Offset(BundleId, RequestId),
    /// Offsets of one writer, added up when they are too old to be repeated.
    OffsetSum(BundleId, WriterId),
    /// Which slots of a system run where.
    Assignment(System),
    /// The nodes that count for a majority.
    Voters,
    /// What operators asked of a node, such as to drain.
    NodeWish(NodeKey),
    /// Writers of which nothing is left: what they wrote is covered for ever.
    Forgotten,
    /// A kind that this version does not know. It is kept and handed on as it came.
    Other(OtherKey),
}

/// A key of a kind that this crate has no word for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OtherKey {
    kind: Kind,
    name: Arc<[u8]>,
}

impl Kind {
    /// [`RecordKey::NodeReport`].
    pub const NODE_REPORT: Kind = Kind(1);
    /// [`RecordKey::Bundle`].
    pub const BUNDLE: Kind = Kind(2);
    /// [`RecordKey::WishScale`].
    pub const WISH_SCALE: Kind = Kind(3);
    /// [`RecordKey::WishPolicy`].
    pub const WISH_POLICY: Kind = Kind(4);
    /// [`RecordKey::Offset`].
    pub const OFFSET: Kind = Kind(5);
    /// [`RecordKey::OffsetSum`].
    pub const OFFSET_SUM: Kind = Kind(6);
    /// [`RecordKey::Assignment`].
    pub const ASSIGNMENT: Kind = Kind(7);
    /// [`RecordKey::Voters`].
    pub const VOTERS: Kind = Kind(8);
    /// [`RecordKey::NodeWish`].
    pub const NODE_WISH: Kind = Kind(9);
    /// [`RecordKey::Forgotten`].
    pub const FORGOTTEN: Kind = Kind(10);
    /// The first kind whose keys travel as bare bytes. A version that adds a kind takes a number
    /// from here on, so that older nodes can read past it.
    pub const OTHER_FIRST: Kind = Kind(11);

    /// The number itself.
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

impl RecordKey {
    /// Longest name of a key of another kind.
    pub const NAME_BYTES_MAX: usize = 1024;

    /// A key of a kind this crate has no word for, or none where it has one or the name is longer
    /// than [`NAME_BYTES_MAX`](RecordKey::NAME_BYTES_MAX).
    pub fn other(kind: u16, name: &[u8]) -> Option<RecordKey> {
        (kind >= Kind::OTHER_FIRST.0 && name.len() <= RecordKey::NAME_BYTES_MAX).then(|| {
            RecordKey::Other(OtherKey {
                kind: Kind(kind),
                name: name.into(),
            })
        })
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        match self {
            RecordKey::NodeReport(_) => Kind::NODE_REPORT,
            RecordKey::Bundle(_) => Kind::BUNDLE,
            RecordKey::WishScale(_) => Kind::WISH_SCALE,
            RecordKey::WishPolicy(_) => Kind::WISH_POLICY,
            RecordKey::Offset(..) => Kind::OFFSET,
            RecordKey::OffsetSum(..) => Kind::OFFSET_SUM,
            RecordKey::Assignment(_) => Kind::ASSIGNMENT,
            RecordKey::Voters => Kind::VOTERS,
            RecordKey::NodeWish(_) => Kind::NODE_WISH,
            RecordKey::Forgotten => Kind::FORGOTTEN,
            RecordKey::Other(other) => other.kind,
        }
    }

    /// The bundle that this is about, if it is about one.
    pub fn bundle(&self) -> Option<BundleId> {
        match self {
            RecordKey::Bundle(bundle)
            | RecordKey::WishScale(bundle)
            | RecordKey::WishPolicy(bundle)
            | RecordKey::Offset(bundle, _)
            | RecordKey::OffsetSum(bundle, _) => Some(*bundle),
            _ => None,
        }
    }
}

impl OtherKey {
    /// The kind's number.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it is about, in the words of those who know the kind.
    pub fn name(&self) -> &[u8] {
        &self.name
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordKey::NodeReport(node) => write!(f, "report of {}", node.short()),
            RecordKey::Bundle(bundle) => write!(f, "bundle {}", bundle.short()),
            RecordKey::WishScale(bundle) => write!(f, "scale of {}", bundle.short()),
            RecordKey::WishPolicy(bundle) => write!(f, "policy of {}", bundle.short()),
            RecordKey::Offset(bundle, request) => {
                write!(f, "offset {request} of {}", bundle.short())
            }
            RecordKey::OffsetSum(bundle, writer) => {
                write!(f, "offsets of {} by {writer}", bundle.short())
            }
            RecordKey::Assignment(system) => write!(f, "assignment of {system}"),
            RecordKey::Voters => f.write_str("voters"),
            RecordKey::NodeWish(node) => write!(f, "wish for {}", node.short()),
            RecordKey::Forgotten => f.write_str("forgotten writers"),
            RecordKey::Other(other) => write!(f, "record of kind {}", other.kind.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_with_a_word_has_no_second_spelling() {
        assert_eq!(RecordKey::other(Kind::VOTERS.as_u16(), b""), None);
        assert!(RecordKey::other(Kind::OTHER_FIRST.as_u16(), b"x").is_some());
        assert_eq!(
            RecordKey::other(99, &[0; RecordKey::NAME_BYTES_MAX + 1]),
            None
        );
    }
}
