//! The routing that is in force, and the word that it is.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use conduct_proxy::{Clash, Router, Server, Table};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::settings::Settings;
use crate::upstream::Upstream;

/// How often it is looked whether the requests of those who left are answered.
const LOOK: Duration = Duration::from_millis(5);
/// How often connections that were kept for too long are closed.
const SWEEP: Duration = Duration::from_secs(1);

/// Where requests go from now on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Routing {
    /// What the node calls it.
    pub version: u64,
    /// The routes.
    pub table: Table,
}

/// A routing, ready for requests.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) version: u64,
    /// Whether there was any routing yet.
    pub(crate) is_told: bool,
    pub(crate) router: Router,
    /// By the place of the route.
    pub(crate) http: Vec<Backend>,
    pub(crate) tcp: BTreeMap<NonZeroU16, Backend>,
    pub(crate) clashes: Vec<Clash>,
    pub(crate) servers: usize,
}

type Upstreams = BTreeMap<Server, Arc<Upstream>>;

/// Follows the routing until the shutdown begins.
pub(crate) async fn follow(
    mut routing: watch::Receiver<Arc<Routing>>,
    live: watch::Sender<Arc<Live>>,
    applied: watch::Sender<u64>,
    settings: Arc<Settings>,
    shutdown: CancellationToken,
) {
    let mut upstreams = Upstreams::new();
    let mut leaving: Vec<(Arc<Upstream>, Instant)> = Vec::new();
    let mut version = 0;
    // What is there already is in force from the beginning.
    routing.mark_changed();
    loop {
        let wait = if leaving.is_empty() { SWEEP } else { LOOK };
        tokio::select! {
            changed = routing.changed() => {
                if changed.is_err() {
                    return;
                }
                let new = Arc::clone(&routing.borrow_and_update());
                version = new.version;
                let gone = apply(&new, &mut upstreams, &live);
                let until = Instant::now() + settings.limits.drain_time_max;
                leaving.extend(gone.into_iter().map(|upstream| (upstream, until)));
            }
            () = tokio::time::sleep(wait) => {
                for upstream in upstreams.values() {
                    upstream.close_old(settings.limits.kept_time_max);
                }
            }
            () = shutdown.cancelled() => return,
        }
        let now = Instant::now();
        leaving.retain(|(upstream, until)| upstream.is_busy() && *until > now);
        // Said once nobody uses what this version took away.
        if leaving.is_empty() && *applied.borrow() != version {
            applied.send_replace(version);
        }
    }
}

/// Puts a routing in force; answers who is no longer in it.
fn apply(
    routing: &Routing,
    upstreams: &mut Upstreams,
    live: &watch::Sender<Arc<Live>>,
) -> Vec<Arc<Upstream>> {
    let servers = routing.table.servers();
    for server in &servers {
        upstreams
            .entry(*server)
            .or_insert_with(|| Arc::new(Upstream::new(*server)));
    }
    let new = ready(routing, upstreams);
    for (place, why) in new.router.unusable() {
        let rule = &routing.table.http[*place];
        tracing::warn!(owner = %rule.owner, why, "a route's expression cannot be used");
    }
    live.send_replace(Arc::new(new));
    let gone: Vec<Server> = upstreams
        .keys()
        .filter(|server| !servers.contains(server))
        .copied()
        .collect();
    let gone = gone.iter().filter_map(|server| upstreams.remove(server));
    gone.inspect(|upstream| upstream.retire()).collect()
}

fn ready(routing: &Routing, upstreams: &Upstreams) -> Live {
    let backend = |owner: &conduct_proxy::Claimant, servers: &[Server]| {
        let upstreams = servers.iter().filter_map(|server| upstreams.get(server));
        Backend::new(owner.to_string(), upstreams.cloned().collect())
    };
    let table = &routing.table;
    let http = table.http.iter();
    let tcp = table.tcp.iter();
    Live {
        version: routing.version,
        is_told: true,
        router: Router::new(table),
        http: http.map(|r| backend(&r.owner, &r.servers)).collect(),
        tcp: tcp
            .map(|(port, r)| (*port, backend(&r.owner, &r.servers)))
            .collect(),
        clashes: table.clashes.clone(),
        servers: table.servers().len(),
    }
}
