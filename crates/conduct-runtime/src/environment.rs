//! The variables that every component of an instance is given.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use conduct_model::{BundleId, Descriptor, FileSystemType};
use conduct_node::runtime::{Ports, Seed};

use crate::config::{RuntimeConfig, Service};

/// Variables of the daemon that instances get as well; the rest stays with the daemon.
const INHERITED: &[&str] = &[
    "HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "TMPDIR",
    "TZ",
    "USER",
    "JAVA_HOME",
];

/// Where programs are found when the daemon itself was not told.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Marks every process of an instance, so that what is left of it can be found.
pub(crate) const INSTANCE_VARIABLE: &str = "CONDUCT_INSTANCE";

pub(crate) struct Instance<'a> {
    pub(crate) bundle: BundleId,
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) ports: &'a BTreeMap<String, Ports>,
    pub(crate) seeds: &'a [Seed],
}

/// All variables, by name.
pub(crate) fn environment(
    config: &RuntimeConfig,
    instance: &Instance<'_>,
) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut set = |name: &str, value: String| {
        all.insert(name.to_owned(), value);
    };
    let descriptor = instance.descriptor;
    set("BUNDLE_ID", instance.bundle.to_string());
    set("BUNDLE_NAME", descriptor.name.to_string());
    set(
        "BUNDLE_COMPATIBILITY_VERSION",
        descriptor.compatibility_version.to_string(),
    );
    set("BUNDLE_SYSTEM", descriptor.system.name.to_string());
    set(
        "BUNDLE_SYSTEM_VERSION",
        descriptor.system.version.to_string(),
    );
    let tags: Vec<String> = descriptor.tags.iter().map(ToString::to_string).collect();
    set("BUNDLE_TAGS", tags.join(","));
    set("BUNDLE_HOST_IP", config.host_ip.to_string());
    service(&mut set, "CONDUCTR_CONTROL", config.control, "");
    service(&mut set, "CONDUCTR_STATUS", config.status, "");
    service(&mut set, "SERVICE_LOCATOR", config.locator, "/services");
    set("SERVICE_PROXY_IP", config.host_ip.to_string());
    let endpoints = descriptor.components.values().flat_map(|component| {
        let kind = component.file_system_type;
        let endpoints = component.endpoints.iter();
        endpoints.map(move |(name, endpoint)| (kind, name, endpoint))
    });
    for (kind, name, endpoint) in endpoints {
        // A container with a network of its own has an address that nobody else knows.
        let bind_ip = match kind {
            FileSystemType::Docker => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            _ => config.host_ip,
        };
        let prefix = name.env_prefix();
        let ports = instance.ports.get(name.as_str()).copied();
        let ports = ports.unwrap_or(Ports { bind: 0, host: 0 });
        let protocol = endpoint.bind_protocol.as_str();
        set(&format!("{prefix}_PROTOCOL"), protocol.to_owned());
        set(
            &format!("{prefix}_HOST"),
            format!(
                "{protocol}://{}",
                SocketAddr::new(config.host_ip, ports.host)
            ),
        );
        set(&format!("{prefix}_HOST_PORT"), ports.host.to_string());
        set(&format!("{prefix}_BIND_IP"), bind_ip.to_string());
        set(&format!("{prefix}_BIND_PORT"), ports.bind.to_string());
        others(&mut set, &prefix, name.as_str(), instance.seeds);
    }
    // What containers see as well: all that is said to the instance, nothing of the host's own.
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let container = names.join(":");
    all.insert("CONTAINER_ENV".to_owned(), container);
    for name in INHERITED {
        if let Ok(value) = std::env::var(name) {
            all.entry((*name).to_owned()).or_insert(value);
        }
    }
    all.entry("PATH".to_owned())
        .or_insert_with(|| PATH_DEFAULT.to_owned());
    all
}

fn service(set: &mut impl FnMut(&str, String), name: &str, service: Service, suffix: &str) {
    set(
        name,
        format!(
            "http://{}{suffix}",
            SocketAddr::new(service.ip, service.port)
        ),
    );
    set(&format!("{name}_PROTOCOL"), "http".to_owned());
    set(&format!("{name}_IP"), service.ip.to_string());
    set(&format!("{name}_PORT"), service.port.to_string());
}

/// Where the same endpoint is found at others of the system. Empty means: you are the first.
fn others(set: &mut impl FnMut(&str, String), prefix: &str, endpoint: &str, seeds: &[Seed]) {
    let found: Vec<_> = seeds
        .iter()
        .filter_map(|seed| Some((seed.host, seed.endpoints.get(endpoint)?)))
        .collect();
    let list =
        |part: &dyn Fn(usize) -> String| (0..found.len()).map(part).collect::<Vec<_>>().join(":");
    set(
        &format!("{prefix}_OTHER_PROTOCOLS"),
        list(&|at| found[at].1.protocol.clone()),
    );
    set(
        &format!("{prefix}_OTHER_IPS"),
        list(&|at| found[at].0.to_string()),
    );
    set(
        &format!("{prefix}_OTHER_PORTS"),
        list(&|at| found[at].1.port.to_string()),
    );
}
