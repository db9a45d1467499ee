//! The words that every other crate speaks: ids, time, systems, resources, roles, descriptors.
//!
//! Values only. Nothing here decides, waits, or touches the world; whatever could be wrong with a
//! value is refused by the function that makes it, so holding one is the proof that it is right.

mod acl;
mod annotations;
mod bundle_id;
mod check;
mod check_address;
mod check_args;
mod descriptor;
mod digest;
mod endpoint;
mod host_pattern;
mod name;
mod node;
mod path_regex;
mod resources;
mod system;
mod time;
mod trace;
mod uri;
mod voters;
mod word;

pub use acl::{Acl, GroupError, HttpRule, Method, PathMatch, Rewrite, RewritePart, RuleError};
pub use annotations::{Annotation, Annotations};
pub use bundle_id::{BundleId, BundleIdError};
pub use check::{Check, CheckError, Liveness, Needed};
pub use check_address::{Address, AddressError, Target};
pub use descriptor::{Component, Descriptor, FileSystemType, OnQuarantine};
pub use digest::{Digest, DigestError};
pub use endpoint::{BindProtocol, ChoiceError, Endpoint};
pub use host_pattern::{HostPattern, HostPatternError};
pub use name::{
    BundleName, CompatibilityVersion, ComponentName, EndpointName, EnvName, FormatVersion,
    MountPoint, MountPointError, ServiceName, Tag, VolumeName, WordError,
};
pub use node::{Incarnation, InstanceId, NodeKey, NodeKeyError, RequestId, RequestIdError, Uid};
pub use path_regex::{PathRegex, PathRegexError};
pub use resources::{Resources, Role, RoleError, Roles};
pub use system::{NameError, System, SystemName};
pub use time::{Now, Span, Time, Wall};
pub use trace::{Answer, Happening, TraceLine};
pub use uri::{UriError, UriPath, UriQuery};
pub use voters::Voters;
pub use word::{CommandWordError, Part, Word};
