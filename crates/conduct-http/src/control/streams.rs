//! Streams of events.

use std::collections::BTreeSet;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use conduct_api::UniqueAddress;
use conduct_api::sse::Frame;
use conduct_model::NodeKey;
use conduct_node::event::{Event, EventKind};

use super::journal::event_line;
use crate::app::App;
use crate::error::ApiError;
use crate::feed::{Entry, Follow, Told, last_event_id};
use crate::query::values;
use crate::render;

/// Follows what becomes of bundles: `event` is its name and `data` the id of the bundle. Only what
/// happens from now on is told, or what happened behind the `Last-Event-ID`. `lagged` says that
/// something is missing, and ends the stream.
#[utoipa::path(get, path = "/bundles/events", tag = "bundles", operation_id = "followBundles",
    params(
        ("events" = Option<Vec<String>>, Query,
            description = "Only these types: config, error, execution, info, installation"),
        ("Last-Event-ID" = Option<String>, Header, description = "What was seen last")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 429, description = "Too many streams are open")))]
pub(crate) async fn bundle_events(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted: BTreeSet<String> = values(query.as_deref(), "events")
        .map(|value| value.to_ascii_lowercase())
        .collect();
    let render = move |entry: &Entry| match &entry.told {
        Told::Event(event) => bundle_frames(event, &wanted),
        _ => Vec::new(),
    };
    app.subscribers.follow(Follow {
        last_event_id: last_event_id(&headers),
        render: Box::new(render),
    })
}

/// The type by which clients filter, and the names under which they know it, one after the other.
fn bundle_event(kind: &EventKind) -> Option<(&'static str, &'static [&'static str])> {
    use EventKind as K;
    Some(match kind {
        // The conf is known as soon as the bundle is.
        K::BundleAdded { .. } => ("info", &["bundleInfoAdded", "bundleConfigAdded"]),
        K::BundleRemoved => ("info", &["bundleConfigRemoved", "bundleInfoRemoved"]),
        K::InstallationAdded { .. } => ("installation", &["bundleInstallationAdded"]),
        K::InstallationRemoved { .. } => ("installation", &["bundleInstallationRemoved"]),
        K::ExecutionAdded { .. } => ("execution", &["bundleExecutionAdded"]),
        K::ExecutionChanged { .. } => ("execution", &["bundleExecutionChanged"]),
        K::ExecutionRemoved { .. } => ("execution", &["bundleExecutionRemoved"]),
        K::ErrorRaised { .. } => ("error", &["bundleErrorOccurred"]),
        K::ErrorCleared => ("error", &["bundleErrorCleared"]),
        _ => return None,
    })
}

fn bundle_frames(event: &Event, wanted: &BTreeSet<String>) -> Vec<Frame> {
    let (Some((kind, names)), Some(bundle)) = (bundle_event(&event.kind), event.bundle) else {
        return Vec::new();
    };
    let is_wanted = |name: &&&str| {
        let kind = if name.starts_with("bundleConfig") {
            "config"
        } else {
            kind
        };
        wanted.is_empty() || wanted.contains(kind)
    };
    let frame = |name: &&str| Frame::event(*name, bundle.to_string());
    names.iter().filter(is_wanted).map(frame).collect()
}

/// Follows members: `memberUp`, `memberReachable`, `memberUnreachable`, `memberRestarting`,
/// `memberDown`, `memberLeft`; `data` is the member.
#[utoipa::path(get, path = "/members/events", tag = "members", operation_id = "followMembers",
    params(("Last-Event-ID" = Option<String>, Header, description = "What was seen last")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 429, description = "Too many streams are open")))]
pub(crate) async fn member_events(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let views = app.node.views();
    let render = move |entry: &Entry| {
        let Told::Event(event) = &entry.told else {
            return Vec::new();
        };
        let Some(member) = member_of(&event.kind) else {
            return Vec::new();
        };
        let address = render::unique_address(&views.borrow(), member);
        vec![Frame::event(event.kind.name(), json(&address))]
    };
    app.subscribers.follow(Follow {
        last_event_id: last_event_id(&headers),
        render: Box::new(render),
    })
}

fn member_of(kind: &EventKind) -> Option<NodeKey> {
    use EventKind as K;
    match kind {
        K::MemberJoined { member, .. }
        | K::MemberReachable { member }
        | K::MemberUnreachable { member }
        | K::MemberRestarting { member }
        | K::MemberDown { member }
        | K::MemberLeft { member } => Some(*member),
        _ => None,
    }
}

fn json(address: &UniqueAddress) -> String {
    serde_json::to_string(address).expect("an address is a text and a number")
}

/// Follows the nodes that run instances: `agentAdded`, `agentRemoved`; `data` is the node.
#[utoipa::path(get, path = "/agents/events", tag = "members", operation_id = "followAgents",
    params(("Last-Event-ID" = Option<String>, Header, description = "What was seen last")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 429, description = "Too many streams are open")))]
pub(crate) async fn agent_events(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let render = |entry: &Entry| match &entry.told {
        Told::Agent { added, node } => {
            let name = if *added { "agentAdded" } else { "agentRemoved" };
            vec![Frame::event(name, json(node))]
        }
        _ => Vec::new(),
    };
    app.subscribers.follow(Follow {
        last_event_id: last_event_id(&headers),
        render: Box::new(render),
    })
}

/// Follows everything that the node that is asked tells: `event` is the name and `data` an event
/// as `/v2/events` lists them.
#[utoipa::path(get, path = "/events/stream", tag = "events", operation_id = "followEvents",
    params(("Last-Event-ID" = Option<String>, Header, description = "What was seen last")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 429, description = "Too many streams are open")))]
pub(crate) async fn all_events(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let views = app.node.views();
    let render = move |entry: &Entry| {
        let Told::Event(event) = &entry.told else {
            return Vec::new();
        };
        let line = event_line(&views.borrow(), event);
        let data = serde_json::to_string(&line).expect("an event is texts");
        vec![Frame::event(event.kind.name(), data)]
    };
    app.subscribers.follow(Follow {
        last_event_id: last_event_id(&headers),
        render: Box::new(render),
    })
}
