//! Events as lines.

use conduct_api::{EventLine, Timestamp};
use conduct_node::event::{Event, EventKind};
use conduct_node::view::View;

use crate::render;

/// An event as clients read it.
pub(crate) fn event_line(view: &View, event: &Event) -> EventLine {
    EventLine {
        timestamp: Timestamp(event.at),
        event: format!("conductr.{}.{}", component(&event.kind), event.kind.name()),
        description: event.to_string(),
        node: event.node.to_string(),
        host: render::host(view, event.node),
        request_id: event.request.map(|request| request.to_string()),
        bundle_id: event.bundle.map(|bundle| bundle.to_string()),
        instance: event.instance.map(|instance| instance.to_string()),
    }
}

/// Whether every node tells it, since every node sees the same change. One of them is enough.
pub(super) fn is_told_by_all(kind: &EventKind) -> bool {
    matches!(component(kind), "state" | "cluster")
}

/// Which part of a node tells it.
fn component(kind: &EventKind) -> &'static str {
    use EventKind as K;
    match kind {
        K::BundleAdded { .. }
        | K::BundleRemoved
        | K::InstallationAdded { .. }
        | K::InstallationRemoved { .. }
        | K::ExecutionAdded { .. }
        | K::ExecutionChanged { .. }
        | K::ExecutionRemoved { .. }
        | K::ErrorRaised { .. }
        | K::ErrorCleared => "state",
        K::MemberJoined { .. }
        | K::MemberReachable { .. }
        | K::MemberUnreachable { .. }
        | K::MemberRestarting { .. }
        | K::MemberDown { .. }
        | K::MemberLeft { .. }
        | K::VotersChanged { .. } => "cluster",
        K::Requested { .. } | K::Rejected { .. } | K::Written { .. } | K::Superseded { .. } => {
            "requests"
        }
        K::ReplicationStarted { .. }
        | K::ArchiveVerified { .. }
        | K::ReplicationFailed { .. }
        | K::ArchiveLost { .. }
        | K::ArchiveDeleted { .. } => "replicator",
        K::Owning { .. }
        | K::Disowned { .. }
        | K::Placed { .. }
        | K::Declined { .. }
        | K::Unplaced { .. }
        | K::Parked { .. }
        | K::Draining { .. }
        | K::Surplus => "scaleScheduler",
        K::Starting { .. }
        | K::Launched { .. }
        | K::Started { .. }
        | K::StartFailed { .. }
        | K::Stopping { .. }
        | K::Exited { .. }
        | K::ChildOutOfMemory => "executor",
        _ => "node",
    }
}
