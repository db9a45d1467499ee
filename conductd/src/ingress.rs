//! The ingress of this node: it is fed from what the node knows, and the node is told which
//! routing it has applied, so that instances are ended only once no caller is sent to them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use conduct_api::Acl;
use conduct_http::NodeHandle;
use conduct_ingress::{Ingress, Listeners, Routing};
use conduct_model::{BundleId, RequestId, Wall};
use conduct_node::command::Command;
use conduct_node::view::{BundleView, View};
use conduct_proxy::{Clash, Offer, Server, Table};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::settings::{IngressSettings, Settings};

/// Serves until the doors are closed.
pub(crate) fn start(
    served: conduct_ingress::Settings,
    own_ports: BTreeSet<NonZeroU16>,
    listeners: Listeners,
    node: NodeHandle,
    doors: &CancellationToken,
) -> anyhow::Result<Ingress> {
    let views = node.views();
    let first = Arc::new(routing(&views.borrow(), &own_ports));
    let (told, routing) = watch::channel(first);
    let ingress = conduct_ingress::serve(served, listeners, routing, doors.clone())?;
    tokio::spawn(feed(views, told, own_ports, doors.clone()));
    tokio::spawn(acknowledge(ingress.applied(), node, doors.clone()));
    Ok(ingress)
}

/// Ports that no bundle gets: ours.
pub(crate) fn reserved(settings: &Settings, ingress: &IngressSettings) -> BTreeSet<NonZeroU16> {
    let own = [
        ingress.port,
        ingress.status_port,
        settings.control_port,
        settings.status_port,
        settings.locator_port,
    ];
    let https = ingress.https_port;
    own.into_iter()
        .chain(https)
        .filter_map(NonZeroU16::new)
        .collect()
}

/// Tells the ingress of each change.
async fn feed(
    mut views: watch::Receiver<Arc<View>>,
    told: watch::Sender<Arc<Routing>>,
    reserved: BTreeSet<NonZeroU16>,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            changed = views.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = shutdown.cancelled() => return,
        }
        let view = Arc::clone(&views.borrow_and_update());
        if told.borrow().version == view.routing_version {
            continue;
        }
        let new = routing(&view, &reserved);
        tell_clashes(&told.borrow().table.clashes, &new.table.clashes);
        told.send_replace(Arc::new(new));
    }
}

fn tell_clashes(before: &[Clash], now: &[Clash]) {
    for clash in now.iter().filter(|clash| !before.contains(clash)) {
        tracing::warn!("{clash}");
    }
}

/// Tells the node which routing is applied.
async fn acknowledge(
    mut applied: watch::Receiver<u64>,
    node: NodeHandle,
    shutdown: CancellationToken,
) {
    loop {
        let version = *applied.borrow_and_update();
        let id = RequestId::from_u128(u128::from(crate::draw()) << 64 | u128::from(crate::draw()));
        // The node may be on its way out; then nobody waits for this.
        if node
            .command(id, Command::RoutingApplied { version })
            .await
            .is_err()
        {
            return;
        }
        tokio::select! {
            changed = applied.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = shutdown.cancelled() => return,
        }
    }
}

fn routing(view: &View, reserved: &BTreeSet<NonZeroU16>) -> Routing {
    Routing {
        version: view.routing_version,
        table: Table::of(&offers(view), reserved),
    }
}

/// What all bundles offer.
pub(crate) fn offers(view: &View) -> Vec<Offer> {
    let bundles = view.bundles.iter();
    bundles
        .flat_map(|(id, bundle)| offers_of(*id, bundle))
        .collect()
}

fn offers_of(id: BundleId, bundle: &BundleView) -> Vec<Offer> {
    let Some(descriptor) = bundle.descriptor.as_deref() else {
        return Vec::new();
    };
    let since = bundle.loads.iter().map(|(_, at)| *at).min();
    let mut offers = Vec::new();
    for (name, endpoint) in &descriptor.endpoints {
        if endpoint.acls.is_empty() {
            continue;
        }
        let read = || -> anyhow::Result<Offer> {
            let acls: Vec<Acl> = serde_json::from_str(&endpoint.acls)?;
            let acls = acls.iter().map(conduct_model::Acl::try_from);
            Ok(Offer {
                bundle: id,
                name: descriptor.name.parse()?,
                system: descriptor.system.clone(),
                since: since.unwrap_or(Wall::default()),
                endpoint: name.parse()?,
                acls: acls.collect::<Result<_, _>>()?,
                servers: servers(bundle, name),
            })
        };
        match read() {
            Ok(offer) => offers.push(offer),
            // Whoever loaded it had a program that understands more than this one.
            Err(error) => {
                let bundle = id.short();
                tracing::warn!(
                    bundle,
                    endpoint = name,
                    "an endpoint cannot be exposed: {error:#}"
                );
            }
        }
    }
    offers
}

fn servers(bundle: &BundleView, endpoint: &str) -> Vec<Server> {
    let active = bundle
        .executions
        .values()
        .filter(|execution| execution.active);
    let at = active.filter_map(|execution| {
        let port = execution.endpoints.get(endpoint)?.host;
        let ip = execution.host?.to_canonical();
        (port > 0).then_some(Server(SocketAddr::new(ip, port)))
    });
    at.collect()
}
