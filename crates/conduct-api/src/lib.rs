//! What the HTTP interfaces say, shared by the daemon that says it and the programs that read it.
//!
//! Every shape is one that old clients parse, so field names, number formats and even the number
//! of colons in a line of an event stream are promises. Fields that old clients do not know come
//! after theirs.
//!
//! * state: [`Bundle`], [`Member`], [`Agent`], [`ServiceHost`], each in a module of its subject
//! * what was asked and what became of it: [`Accepted`], [`LogLine`], [`EventLine`], [`Why`]
//! * how a person names a bundle: [`resolve`]
//! * how events travel: [`sse`]
//! * how archives travel: [`multipart`]

mod accepted;
mod acl;
mod address;
mod agent;
mod bundle;
mod host;
mod line;
mod member;
mod number;
mod timestamp;
mod why;

pub mod multipart;
pub mod resolve;
pub mod sse;

pub use accepted::Accepted;
pub use acl::{Acl, AclError, HttpAcl, HttpRequest, PortAcl};
pub use address::{AgentObserver, Observer, TextUid, UniqueAddress, agent_uri, member_uri};
pub use agent::{Agent, AgentResources};
pub use bundle::{
    Attributes, Bundle, BundleConfig, BundleEndpoint, Execution, ExecutionPorts, Installation,
    Scale,
};
pub use host::ServiceHost;
pub use line::{EventLine, LogLine, Stream};
pub use member::{Member, MemberDetail, MemberStatus, Members, Unreachable, Voters};
pub use number::Cpus;
pub use timestamp::{Timestamp, TimestampError};
pub use why::{Why, WhyNode};
