//! Which instances take calls, by service.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use conduct_api::ServiceHost;
use conduct_node::view::{BundleView, View};

use crate::external::{ExternalAddress, host_at};
use crate::per_view::PerView;

/// Where the services of a view are.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    services: BTreeMap<String, Vec<Instance>>,
}

/// An instance that takes calls.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    ip: IpAddr,
    is_here: bool,
    host: ServiceHost,
}

/// Finds instances for callers.
#[derive(Debug)]
pub(crate) struct Locator {
    routes: PerView<Routes>,
    external: BTreeMap<String, Vec<ExternalAddress>>,
    turn: AtomicUsize,
}

impl Routes {
    pub(crate) fn of(view: &View) -> Routes {
        let mut services: BTreeMap<String, Vec<Instance>> = BTreeMap::new();
        for bundle in view.bundles.values() {
            for (service, instance) in instances(view, bundle) {
                services
                    .entry(service.to_owned())
                    .or_default()
                    .push(instance);
            }
        }
        for instances in services.values_mut() {
            instances.sort_by(|a, b| a.host.cmp(&b.host));
            instances.dedup_by(|a, b| a.host == b.host);
        }
        Routes { services }
    }

    /// Every instance of every service.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (String, ServiceHost)> {
        self.services.iter().flat_map(|(service, instances)| {
            instances
                .iter()
                .map(|instance| (service.clone(), instance.host.clone()))
        })
    }

    /// The instances of a service.
    pub(crate) fn all(&self, service: &str) -> impl Iterator<Item = &ServiceHost> {
        self.services
            .get(service)
            .into_iter()
            .flatten()
            .map(|instance| &instance.host)
    }

    /// The instance to which a caller is sent: one on its own host, if there is one, else any; in
    /// turn.
    fn choose(&self, service: &str, caller: IpAddr, turn: usize) -> Option<&ServiceHost> {
        let all = self.services.get(service)?;
        let caller = caller.to_canonical();
        // On loopback every node has an address of its own, and so has none of its callers.
        let is_near = |it: &&Instance| it.ip == caller || (caller.is_loopback() && it.is_here);
        let near: Vec<&Instance> = all.iter().filter(is_near).collect();
        let among = if near.is_empty() {
            all.iter().collect()
        } else {
            near
        };
        among
            .get(turn % among.len().max(1))
            .map(|instance| &instance.host)
    }
}

fn instances<'a>(
    view: &'a View,
    bundle: &'a BundleView,
) -> impl Iterator<Item = (&'a str, Instance)> {
    let descriptor = bundle.descriptor.as_deref();
    let endpoints = descriptor
        .into_iter()
        .flat_map(|descriptor| &descriptor.endpoints);
    endpoints.flat_map(move |(name, endpoint)| {
        let active = bundle
            .executions
            .values()
            .filter(|execution| execution.active);
        active.filter_map(move |execution| {
            let service = endpoint
                .service_name
                .as_deref()
                .filter(|name| !name.is_empty())?;
            let ip = execution.host?.to_canonical();
            let ports = execution.endpoints.get(name)?;
            let host = host_at(&endpoint.protocol, ip, ports.host);
            Some((
                service,
                Instance {
                    ip,
                    is_here: execution.node == view.node,
                    host,
                },
            ))
        })
    })
}

impl Locator {
    pub(crate) fn new(external: BTreeMap<String, Vec<ExternalAddress>>) -> Locator {
        Locator {
            routes: PerView::default(),
            external,
            turn: AtomicUsize::new(0),
        }
    }

    /// Where the services of a view are; made once per view.
    pub(crate) fn routes(&self, view: &Arc<View>) -> Arc<Routes> {
        self.routes.get(view, Routes::of)
    }

    /// The instance to which a caller is sent. Services of the cluster come before those outside.
    pub(crate) async fn locate(
        &self,
        view: &Arc<View>,
        service: &str,
        caller: IpAddr,
    ) -> Option<ServiceHost> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let routes = self.routes(view);
        if let Some(host) = routes.choose(service, caller, turn) {
            return Some(host.clone());
        }
        let outside = self.outside(service).await;
        outside.get(turn % outside.len().max(1)).cloned()
    }

    /// Every instance of a service, or where it is outside the cluster.
    pub(crate) async fn hosts(&self, view: &Arc<View>, service: &str) -> Vec<ServiceHost> {
        let inside: Vec<ServiceHost> = self.routes(view).all(service).cloned().collect();
        if inside.is_empty() {
            self.outside(service).await
        } else {
            inside
        }
    }

    async fn outside(&self, service: &str) -> Vec<ServiceHost> {
        let mut hosts = Vec::new();
        for address in self.external.get(service).into_iter().flatten() {
            hosts.extend(address.hosts().await);
        }
        hosts
    }
}
