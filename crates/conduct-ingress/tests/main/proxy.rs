//! The two proxies, each with the same routes.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use conduct_ingress::{Ingress, Limits, Listeners, Routing, Settings};
use conduct_model::{Acl, BundleId, Digest, HttpRule, PathMatch, System, Wall};
use conduct_proxy::{Offer, Server, Table, haproxy};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::within;

/// A proxy that is running.
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) http: SocketAddr,
    _life: Life,
}

enum Life {
    Embedded { _it: Box<Embedded> },
    Other { _it: HaProxy },
}

/// The ingress of the daemon, and how it is told of changes.
pub(crate) struct Embedded {
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) status: SocketAddr,
    pub(crate) routing: watch::Sender<Arc<Routing>>,
    pub(crate) ingress: Ingress,
    life: DropGuard,
}

struct HaProxy {
    child: Child,
    _folder: TempDir,
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both proxies with these offers, or the one that is here.
pub(crate) async fn both(offers: &[Offer]) -> Vec<Proxy> {
    let mut proxies = vec![first(offers).await];
    proxies.extend(second(offers).await);
    proxies
}

/// The ingress of the daemon.
pub(crate) async fn first(offers: &[Offer]) -> Proxy {
    let embedded = embedded(offers, settings()).await;
    Proxy {
        name: "embedded",
        http: embedded.http,
        _life: Life::Embedded {
            _it: Box::new(embedded),
        },
    }
}

/// HAProxy with the configuration of these offers, if it is here.
pub(crate) async fn second(offers: &[Offer]) -> Option<Proxy> {
    let without = std::env::var("CONDUCT_WITHOUT_TOOLS").unwrap_or_default();
    if without.split(',').any(|tool| tool == "haproxy") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let socket = socket.to_str().unwrap().parse().unwrap();
    let http = free_port();
    let mut settings = haproxy::Settings::at(Ipv4Addr::LOCALHOST.into(), socket);
    settings.http_port = http.port().try_into().unwrap();
    let table = Table::of(offers, &settings.reserved());
    let file = folder.path().join("haproxy.cfg");
    std::fs::write(&file, haproxy::render(&table, &settings)).unwrap();
    let child = Command::new("haproxy")
        .args(["-db", "-f"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let child = child.expect(
        "this test needs haproxy: apt-get install haproxy, or set CONDUCT_WITHOUT_TOOLS=haproxy",
    );
    let life = HaProxy {
        child,
        _folder: folder,
    };
    within(async {
        while TcpStream::connect(http).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    Some(Proxy {
        name: "haproxy",
        http,
        _life: Life::Other { _it: life },
    })
}

/// As usual, but nobody has time to wait.
pub(crate) fn settings() -> Settings {
    Settings {
        limits: Limits {
            farewell_time_max: Duration::from_millis(500),
            ..Limits::default()
        },
        ..Settings::at(Ipv4Addr::LOCALHOST.into())
    }
}

pub(crate) fn routing(version: u64, offers: &[Offer]) -> Arc<Routing> {
    Arc::new(Routing {
        version,
        table: Table::of(offers, &BTreeSet::new()),
    })
}

pub(crate) async fn embedded(offers: &[Offer], settings: Settings) -> Embedded {
    let bind = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (http, status) = (bind().await, bind().await);
    let https = match settings.tls {
        Some(_) => vec![bind().await],
        None => Vec::new(),
    };
    let (routing, told) = watch::channel(routing(1, offers));
    let stop = CancellationToken::new();
    let at = |listener: &TcpListener| listener.local_addr().unwrap();
    let (http_at, https_at, status_at) = (at(&http), https.first().map(at), at(&status));
    let listeners = Listeners {
        http: vec![http],
        https,
        status: Some(status),
    };
    let ingress = conduct_ingress::serve(settings, listeners, told, stop.clone()).unwrap();
    let embedded = Embedded {
        http: http_at,
        https: https_at,
        status: status_at,
        routing,
        ingress,
        life: stop.drop_guard(),
    };
    embedded.applies(1).await;
    embedded
}

impl Embedded {
    /// Waits until it says that it has applied this version.
    pub(crate) async fn applies(&self, version: u64) {
        let mut applied = self.ingress.applied();
        let told = within(applied.wait_for(|now| *now == version)).await;
        assert!(told.is_ok(), "the ingress goes on");
    }

    /// Tells it to stop.
    pub(crate) fn stop(self) -> Ingress {
        drop(self.life);
        self.ingress
    }

    /// Tells it of other routes.
    pub(crate) fn tell(&self, version: u64, offers: &[Offer]) {
        self.routing.send_replace(routing(version, offers));
    }
}

/// An address that nobody listens on now.
pub(crate) fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// An endpoint with these rules (see [`rule`]) and instances. A rule `tcp=<port>` opens a port.
pub(crate) fn offer(name: &str, rules: &[&str], servers: &[SocketAddr]) -> Offer {
    let (tcp, http): (Vec<&str>, Vec<&str>) =
        rules.iter().partition(|rule| rule.starts_with("tcp="));
    let port = |rule: &str| rule["tcp=".len()..].parse().unwrap();
    Offer {
        bundle: BundleId::plain(Digest::of(name.as_bytes())),
        name: name.parse().unwrap(),
        system: System {
            name: name.parse().unwrap(),
            version: "1".parse().unwrap(),
        },
        since: Wall::default(),
        endpoint: "web".parse().unwrap(),
        acls: vec![Acl {
            http: http.into_iter().map(rule).collect(),
            tcp: tcp.into_iter().map(port).collect(),
            udp: Vec::new(),
        }],
        servers: servers.iter().copied().map(Server).collect(),
    }
}

/// A rule out of words: `path=…`, `path-beg=…`, `path-regex=…`, `host=…`, `method=…`,
/// `rewrite=…`.
fn rule(words: &str) -> HttpRule {
    let (mut matcher, mut host, mut method, mut rewrite) = (None, None, None, None);
    for word in words.split(' ') {
        let (key, value) = word.split_once('=').expect("key=value");
        match key {
            "path" => matcher = Some(PathMatch::Exact(value.parse().unwrap())),
            "path-beg" => matcher = Some(PathMatch::Prefix(value.parse().unwrap())),
            "path-regex" => matcher = Some(PathMatch::Regex(value.parse().unwrap())),
            "host" => host = Some(value.parse().unwrap()),
            "method" => method = Some(value.parse().unwrap()),
            "rewrite" => rewrite = Some(value.parse().unwrap()),
            other => panic!("no rule has {other}"),
        }
    }
    let rule = HttpRule::new(matcher.expect("a path"), method, rewrite).unwrap();
    rule.at_host(host)
}
