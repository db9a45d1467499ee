//! From what the control API says to what a proxy is made of.

use std::net::SocketAddr;

use conduct_client::answers::{Bundle, Execution};
use conduct_model::{Acl, BundleId, Digest, System, Wall};
use conduct_proxy::{Offer, Server};

/// The endpoints of all bundles. What cannot be read is left out, and told once per change.
pub(crate) fn offers(bundles: &[Bundle]) -> Vec<Offer> {
    bundles.iter().flat_map(of_bundle).collect()
}

fn of_bundle(bundle: &Bundle) -> Vec<Offer> {
    let mut offers = Vec::new();
    for (name, endpoint) in &bundle.bundle_config.endpoints {
        if endpoint.acls.is_empty() {
            continue;
        }
        let read = || -> anyhow::Result<Offer> {
            let attributes = &bundle.attributes;
            let acls = endpoint.acls.iter().map(Acl::try_from);
            let system = attributes
                .system
                .as_deref()
                .unwrap_or(&attributes.bundle_name);
            let version = attributes.system_version.as_deref().unwrap_or("1");
            Ok(Offer {
                // Only a name here; two bundles differ in their whole text.
                bundle: BundleId::plain(Digest::of(bundle.bundle_id.as_bytes())),
                name: attributes.bundle_name.parse()?,
                system: System {
                    name: system.parse()?,
                    version: version.parse()?,
                },
                since: bundle.loaded_at.map_or(Wall::default(), Wall::from_millis),
                endpoint: name.parse()?,
                acls: acls.collect::<Result<_, _>>()?,
                servers: servers(&bundle.bundle_executions, name),
            })
        };
        match read() {
            Ok(offer) => offers.push(offer),
            Err(error) => tracing::warn!(
                bundle = bundle.bundle_id,
                endpoint = name,
                "an endpoint cannot be exposed: {error:#}"
            ),
        }
    }
    offers
}

/// Where the instances that are ready listen.
fn servers(executions: &[Execution], endpoint: &str) -> Vec<Server> {
    let started = executions.iter().filter(|execution| execution.is_started);
    let at = started.filter_map(|execution| {
        let port = execution.endpoints.get(endpoint)?.host_port;
        let ip = execution.host.parse().ok()?;
        (port > 0).then_some(Server(SocketAddr::new(ip, port)))
    });
    at.collect()
}
