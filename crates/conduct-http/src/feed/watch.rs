//! Filling the row: the brain's events as they come, and what can be seen by comparing two views.

use std::collections::BTreeSet;
use std::sync::Arc;

use conduct_api::{ServiceHost, UniqueAddress};
use conduct_node::view::View;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::{Feed, Told};
use crate::handle::NodeHandle;
use crate::locator::Routes;
use crate::metrics::Metrics;
use crate::render;

/// An instance of a service takes calls, or does not any more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct HostChange {
    /// Whether it does.
    pub(crate) running: bool,
    /// The service.
    pub(crate) service: String,
    /// Where.
    pub(crate) host: ServiceHost,
}

/// What is compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    agents: BTreeSet<UniqueAddress>,
    hosts: BTreeSet<(String, ServiceHost)>,
}

impl Seen {
    fn of(view: &View) -> Seen {
        let agents = render::agents(view)
            .into_iter()
            .filter(|agent| !agent.observed_by.is_empty());
        let agent = |agent: conduct_api::Agent| UniqueAddress {
            uid: agent
                .address
                .rsplit_once('#')
                .and_then(|(_, uid)| uid.parse().ok())
                .unwrap_or(0),
            address: agent.address,
        };
        Seen {
            agents: agents.map(agent).collect(),
            hosts: Routes::of(view).hosts().collect(),
        }
    }

    /// What has to be told after `before`: first what went, then what came.
    fn since<'a>(&'a self, before: &'a Seen) -> impl Iterator<Item = Told> + 'a {
        let agent = |added| {
            move |node: &UniqueAddress| Told::Agent {
                added,
                node: node.clone(),
            }
        };
        let host = |running| {
            move |(service, host): &(String, ServiceHost)| {
                let (service, host) = (service.clone(), host.clone());
                Told::Host(HostChange {
                    running,
                    service,
                    host,
                })
            }
        };
        let went = before.agents.difference(&self.agents).map(agent(false));
        let came = self.agents.difference(&before.agents).map(agent(true));
        let stopped = before.hosts.difference(&self.hosts).map(host(false));
        let running = self.hosts.difference(&before.hosts).map(host(true));
        went.chain(came).chain(stopped).chain(running)
    }
}

/// Fills the row until the daemon stops.
pub(crate) async fn run(
    node: NodeHandle,
    feed: Arc<Feed>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) {
    let mut events = node.events();
    let mut views = node.views();
    let mut seen = Seen::of(&views.borrow_and_update().clone());
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => {
                    metrics.saw(&event);
                    feed.push(Told::Event(event));
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "events came faster than they could be kept");
                    feed.push(Told::Gap);
                }
                Err(RecvError::Closed) => return,
            },
            changed = views.changed() => {
                if changed.is_err() {
                    return;
                }
                let view = views.borrow_and_update().clone();
                let now = Seen::of(&view);
                now.since(&seen).for_each(|told| feed.push(told));
                seen = now;
            }
            () = shutdown.cancelled() => return,
        }
    }
}
