//! Putting a daemon together: folder, keys, disk, network, runtime, brain.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use conduct_http::{Services, UploadStore};
use conduct_model::FileSystemType;
use conduct_net::{Config as NetConfig, JoinDesk, Net};
use conduct_node::Node;
use conduct_node::archive::ArchiveEvent;
use conduct_node::config::{ComponentKind, Config};
use conduct_node::input::Input;
use conduct_node::restored::{Folder, Restored};
use conduct_runtime::{Runtime, RuntimeConfig, Service, abilities};
use conduct_store::{Archives, Records, Reserve, StateFolder};
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::brain::{Brain, Panicked};
use crate::crashes::Crashes;
use crate::cuts;
use crate::daemon::{Daemon, Sources};
use crate::desk::{Desk, Tries, Views};
use crate::edges::Edges;
use crate::fetch::{Fetcher, Shelf};
use crate::images::UnpackedImages;
use crate::journal::{ClusterJournal, KeptEvents, Logs, Reading};
use crate::keys::{Keys, KeysError};
use crate::machine;
use crate::seeds::Seeds;
use crate::settings::Settings;
use crate::signals::InstanceSignals;
use crate::tokens::Tokens;
use crate::uploads::Uploads;
use crate::watchdog::Beat;

/// Events that wait for the loop; those who bring them wait when it is full, but for datagrams,
/// which are dropped.
const NET_EVENTS_MAX: usize = 4096;
const EDGE_EVENTS_MAX: usize = 1024;

/// A daemon that is ready to run, and what HTTP needs of it.
pub(crate) struct Ready {
    pub(crate) daemon: Daemon,
    pub(crate) sources: Sources,
    pub(crate) services: Services,
    pub(crate) net: Net,
    /// Where the events that HTTP keeps are to be found once it serves.
    pub(crate) kept_events: watch::Sender<Option<KeptEvents>>,
    /// Held as long as the daemon lives.
    pub(crate) folder: StateFolder,
}

/// Puts everything together; nothing has left this machine yet.
pub(crate) async fn start(
    settings: &Settings,
    beat: Beat,
    shutdown: CancellationToken,
) -> anyhow::Result<Result<Ready, Panicked>> {
    let folder = StateFolder::take(&settings.state_dir)?;
    let keys = Keys::of(&settings.state_dir);
    let identity = keys.identity()?;
    let key = identity.node();
    let archives = Arc::new(Archives::open(&folder, settings.archive_bytes_max)?);

    let (records_sender, records_news) = mpsc::unbounded_channel();
    let tell = move |news| {
        // The loop has ended; what was written is on the disk all the same.
        let _ = records_sender.send(news);
    };
    let reserve = Reserve::take(folder.path());
    let (records, on_disk) = Records::open(&folder, reserve, tell)?;

    let views: Views = Arc::default();
    let (kept_events, told) = watch::channel(None);
    let logs = Logs {
        runs: settings.state_dir.join("runs"),
    };
    let reading = Reading {
        logs: logs.clone(),
        events: told,
    };
    let (net_sender, net_events) = mpsc::channel(NET_EVENTS_MAX);
    let net_config = NetConfig {
        bind: (settings.ip, settings.cluster_port).into(),
        identity,
        archives: Arc::new(Shelf(Arc::clone(&archives))),
        desk: desk(settings, &keys, &views)?,
        answers: Some(Arc::new(reading)),
    };
    let net = Net::open(net_config, net_sender)?;
    if let Some(file) = &settings.cut_file {
        cuts::follow(file.clone(), net.clone());
    }
    let address = net.address().context("the cluster port has no address")?;

    let (archive_sender, archive_events) = mpsc::channel(EDGE_EVENTS_MAX);
    let holdings = archives.holdings()?;
    archive_sender
        .send(ArchiveEvent::Holdings { archives: holdings })
        .await?;
    let free_bytes = archives.free_bytes()?;
    archive_sender
        .send(ArchiveEvent::Space { free_bytes })
        .await?;
    let fetcher = Fetcher::new(net.clone(), Arc::clone(&archives), archive_sender.clone());

    let (runtime_sender, runtime_events) = mpsc::channel(EDGE_EVENTS_MAX);
    let runtime = Runtime::open(runtime_config(settings, &archives)?, runtime_sender).await?;

    let crashes = Crashes::of(&settings.state_dir);
    let restored = Restored {
        records: on_disk.entries,
        folder: if on_disk.damaged.is_some() {
            Folder::Repaired
        } else {
            Folder::Intact
        },
        crashes: crashes.read(),
        ..Restored::default()
    };
    let config = node_config(settings, key, address)?;
    let mut brain = Brain::new(Node::new(config, crate::draw(), restored), crashes);
    let begun = match brain.step(Input::Start) {
        Ok(begun) => begun,
        Err(panicked) => return Ok(Err(panicked)),
    };
    let (handle, ends) = conduct_http::handle(brain.view());
    // Nobody else sets it.
    let _ = views.set(handle.views());
    let uploads = Arc::new(Uploads {
        archives: Arc::clone(&archives),
        net: net.clone(),
        news: archive_sender,
    });
    let services = Services {
        node: handle,
        uploads: Arc::clone(&uploads) as Arc<dyn UploadStore>,
        archives: uploads,
        journal: Arc::new(ClusterJournal {
            own: key,
            net: net.clone(),
            logs,
        }),
        signals: Arc::new(InstanceSignals(runtime.clone())),
        registry: Registry::default(),
    };
    let (hint_sender, hints) = mpsc::channel(EDGE_EVENTS_MAX);
    let edges = Edges::new(
        net.clone(),
        records,
        runtime,
        fetcher,
        ends.events,
        hint_sender,
    );
    Ok(Ok(Ready {
        daemon: Daemon::new(brain, begun, edges, ends.views, beat),
        sources: Sources {
            net: net_events,
            hints,
            asked: ends.asked,
            runtime: runtime_events,
            archives: archive_events,
            records: records_news,
            shutdown,
        },
        services,
        net,
        kept_events,
        folder,
    }))
}

/// Only a node that holds the authority's key can let others in.
fn desk(
    settings: &Settings,
    keys: &Keys,
    views: &Views,
) -> anyhow::Result<Option<Arc<dyn JoinDesk>>> {
    let authority = match keys.authority() {
        Err(KeysError::NoAuthority { .. }) => return Ok(None),
        authority => authority?,
    };
    Ok(Some(Arc::new(Desk {
        tokens: Tokens::of(&settings.state_dir),
        authority,
        own: (settings.ip, settings.cluster_port).into(),
        views: Arc::clone(views),
        tries: Tries::default(),
    })))
}

fn runtime_config(settings: &Settings, archives: &Arc<Archives>) -> anyhow::Result<RuntimeConfig> {
    let program: PathBuf = std::env::current_exe().context("this program has no path")?;
    let archives = Arc::clone(archives);
    let service = |port| Service {
        ip: settings.control_ip,
        port,
    };
    Ok(RuntimeConfig {
        runs: settings.state_dir.join("runs"),
        program,
        host_ip: settings.ip,
        ports: settings.endpoint_ports.clone(),
        control: service(settings.control_port),
        status: service(settings.status_port),
        locator: service(settings.locator_port),
        archive: Box::new(move |digest| archives.path(digest)),
        name: format!("{}-{}", settings.ip, settings.cluster_port),
        volumes: settings.state_dir.join("volumes"),
        runc: PathBuf::from(&settings.runc),
        docker: PathBuf::from(&settings.docker),
        images: Some(Box::new(UnpackedImages {
            cache: settings.state_dir.join("images"),
        })),
        limits: settings.limits,
    })
}

/// What this machine can run. What it cannot is said once, here.
fn kinds(settings: &Settings) -> BTreeSet<ComponentKind> {
    let found = abilities(settings.runc.as_ref(), settings.docker.as_ref());
    for note in found.notes {
        tracing::warn!("{note}");
    }
    let kind = |kind| match kind {
        FileSystemType::Universal => ComponentKind::Universal,
        FileSystemType::OciImage => ComponentKind::OciImage,
        FileSystemType::OciBundle => ComponentKind::OciBundle,
        FileSystemType::Docker => ComponentKind::Docker,
    };
    found.kinds.into_iter().map(kind).collect()
}

fn node_config(
    settings: &Settings,
    key: conduct_model::NodeKey,
    address: std::net::SocketAddr,
) -> anyhow::Result<Config> {
    let mut seeds = settings.seeds.clone();
    if seeds.is_empty() {
        seeds = Seeds::of(&settings.state_dir).read()?;
    }
    Ok(Config {
        duty: settings.duty,
        roles: settings.roles.clone(),
        capacity: settings
            .capacity
            .over(machine::resources(&settings.state_dir)),
        kinds: kinds(settings),
        role_matching: settings.role_matching,
        profile: settings.profile,
        nr_of_replicas: settings.replicas,
        start_timeout: settings.start_timeout,
        stop_grace: settings.stop_grace,
        retain: settings.retain,
        seeds,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        ..Config::local(key, address)
    })
}
