//! The words that every other crate speaks: ids, time, systems, resources, roles.
//!
//! Values only. Nothing here decides, waits, or touches the world; whatever could be wrong with a
//! value is refused by the function that makes it, so holding one is the proof that it is right.

mod bundle_id;
mod digest;
mod node;
mod resources;
mod system;
mod time;
mod voters;

pub use bundle_id::{BundleId, BundleIdError};
pub use digest::{Digest, DigestError};
pub use node::{Incarnation, InstanceId, NodeKey, NodeKeyError, RequestId, RequestIdError, Uid};
pub use resources::{Resources, Role, RoleError, Roles};
pub use system::{NameError, System, SystemName};
pub use time::{Now, Span, Time, Wall};
pub use voters::Voters;
