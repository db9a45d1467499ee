//! Bundles as clients read them.

use std::path::Path;

use conduct_api::resolve::Named;
use conduct_api::{
    Acl, Attributes, Bundle, BundleConfig, BundleEndpoint, Cpus, Execution, ExecutionPorts,
    Installation, Scale, Timestamp,
};
use conduct_model::{BundleId, Digest, InstanceId, NodeKey, Wall};
use conduct_node::descriptor::{Descriptor, Endpoint};
use conduct_node::view::{BundleView, ExecutionState, ExecutionView, View};

use super::unique_address;

/// What stands in place of what this node cannot read.
const UNREADABLE: &str = "unreadable";

/// All bundles. `folder` is where archives lie, as clients are shown it.
pub(crate) fn bundles(view: &View, folder: &Path) -> Vec<Bundle> {
    view.bundles
        .iter()
        .map(|(id, bundle)| render(view, *id, bundle, folder))
        .collect()
}

/// All bundles, by what they can be named by.
pub(crate) fn named(view: &View) -> impl Iterator<Item = Named<'_>> + Clone {
    view.bundles.iter().map(|(id, bundle)| {
        let descriptor = bundle.descriptor.as_deref();
        Named {
            id: *id,
            name: descriptor.map_or(UNREADABLE, |descriptor| &descriptor.name),
            tags: descriptor.map_or(&[], |descriptor| &descriptor.tags),
        }
    })
}

fn render(view: &View, id: BundleId, bundle: &BundleView, folder: &Path) -> Bundle {
    let descriptor = bundle.descriptor.as_deref();
    let unreadable = || "this node cannot read the bundle's record".to_owned();
    let error = bundle
        .error
        .clone()
        .or_else(|| descriptor.is_none().then(unreadable));
    Bundle {
        bundle_id: id.to_string(),
        bundle_digest: id.bundle.to_string(),
        configuration_digest: id.configuration.map(|digest| digest.to_string()),
        attributes: descriptor.map_or_else(no_attributes, attributes),
        bundle_config: descriptor.map(bundle_config).unwrap_or_default(),
        bundle_scale: bundle.wish.map(|wish| Scale {
            scale: wish.scale,
            affinity: wish.affinity.map(|bundle| bundle.to_string()),
            nr_of_reschedules: bundle.reschedules,
        }),
        bundle_executions: executions(bundle),
        bundle_installations: installations(view, id, bundle, folder),
        has_error: error.is_some(),
        error,
        preparing: bundle
            .executions
            .values()
            .filter(|it| is_preparing(it.state))
            .count() as u32,
    }
}

fn attributes(descriptor: &Descriptor) -> Attributes {
    Attributes {
        bundle_name: descriptor.name.clone(),
        compatibility_version: descriptor.compatibility_version.clone(),
        system: descriptor.system.name.to_string(),
        system_version: descriptor.system.version.to_string(),
        nr_of_cpus: Cpus {
            millis: descriptor.needs.cpu_millis,
        },
        memory: descriptor.needs.memory_bytes,
        disk_space: descriptor.needs.disk_bytes,
        roles: descriptor.roles.iter().map(ToString::to_string).collect(),
        tags: descriptor.tags.clone(),
        // Whoever loaded it wrote this text; what another version wrote may be no object.
        annotations: serde_json::from_str(&descriptor.annotations).unwrap_or_default(),
    }
}

fn no_attributes() -> Attributes {
    Attributes {
        bundle_name: UNREADABLE.to_owned(),
        compatibility_version: String::new(),
        system: String::new(),
        system_version: String::new(),
        nr_of_cpus: Cpus::default(),
        memory: 0,
        disk_space: 0,
        roles: Vec::new(),
        tags: Vec::new(),
        annotations: serde_json::Map::new(),
    }
}

fn bundle_config(descriptor: &Descriptor) -> BundleConfig {
    let endpoint = |endpoint: &Endpoint| {
        let acls: Option<Vec<Acl>> = serde_json::from_str(&endpoint.acls).ok();
        BundleEndpoint {
            bind_protocol: endpoint.protocol.clone(),
            service_name: endpoint.service_name.clone(),
            acls,
        }
    };
    let endpoints = descriptor.endpoints.iter();
    BundleConfig {
        endpoints: endpoints
            .map(|(name, it)| (name.clone(), endpoint(it)))
            .collect(),
    }
}

/// Whether it is on its way and has no process yet: clients count only what has one.
const fn is_preparing(state: ExecutionState) -> bool {
    matches!(state, ExecutionState::Preparing | ExecutionState::Prepared)
}

pub(crate) const fn state_name(state: ExecutionState) -> &'static str {
    match state {
        ExecutionState::Preparing => "preparing",
        ExecutionState::Prepared => "prepared",
        ExecutionState::Starting => "starting",
        ExecutionState::Running => "running",
        ExecutionState::Unhealthy => "unhealthy",
        ExecutionState::Stopping => "stopping",
        ExecutionState::Ended => "ended",
    }
}

/// Those with processes, the oldest first: backups go by the first one's start.
fn executions(bundle: &BundleView) -> Vec<Execution> {
    let mut shown: Vec<(&InstanceId, &ExecutionView)> = bundle
        .executions
        .iter()
        .filter(|(_, it)| !is_preparing(it.state) && it.state != ExecutionState::Ended)
        .collect();
    shown.sort_by_key(|(id, it)| (it.since, **id));
    shown
        .into_iter()
        .map(|(id, it)| execution(*id, it))
        .collect()
}

fn execution(id: InstanceId, execution: &ExecutionView) -> Execution {
    let ports = execution.endpoints.iter().map(|(name, ports)| {
        let ports = ExecutionPorts {
            bind_port: ports.bind,
            host_port: ports.host,
        };
        (name.clone(), ports)
    });
    Execution {
        host: execution
            .host
            .map(|host| host.to_string())
            .unwrap_or_default(),
        pid: execution.pid,
        start_time: (execution.since > Wall::default()).then_some(Timestamp(execution.since)),
        endpoints: ports.collect(),
        is_started: execution.active,
        is_active: execution.active,
        instance: id.to_string(),
        node: execution.node.to_string(),
        state: state_name(execution.state).to_owned(),
    }
}

fn installations(
    view: &View,
    id: BundleId,
    bundle: &BundleView,
    folder: &Path,
) -> Vec<Installation> {
    let file = |digest: Digest| format!("file://{}/{digest}.zip", folder.display());
    let installation = |node: &NodeKey| Installation {
        unique_address: unique_address(view, *node),
        bundle_file: file(id.bundle),
        configuration_file: id.configuration.map(file),
    };
    bundle.installations.iter().map(installation).collect()
}
