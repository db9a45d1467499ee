//! Names of sections and servers: whose they are, in the letters that HAProxy takes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use crate::table::{Claimant, Table};

/// The name of each back end, by its route's place in the table or its port.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) http: Vec<RouteNames>,
    pub(crate) tcp: BTreeMap<NonZeroU16, String>,
    pub(crate) userlists: BTreeMap<Claimant, String>,
}

/// The names of one route.
#[derive(Debug)]
pub(crate) struct RouteNames {
    pub(crate) acl: String,
    pub(crate) backend: String,
}

impl Names {
    pub(crate) fn of(table: &Table) -> Names {
        // Names of bundles hold more letters than HAProxy takes, so two may look alike here.
        let mut stems: BTreeMap<&Claimant, String> = BTreeMap::new();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let http = table.http.iter().map(|route| &route.owner);
        let owners: BTreeSet<&Claimant> =
            http.chain(table.tcp.values().map(|r| &r.owner)).collect();
        for owner in owners {
            let stem = plain(owner);
            let mut candidates = (2..).map(|n: u32| format!("{stem}-{n}x"));
            let mut name = stem.clone();
            while taken.contains(&name) {
                name = candidates.next().expect("numbers do not end");
            }
            taken.insert(name.clone());
            stems.insert(owner, name);
        }
        let mut counts: BTreeMap<&Claimant, u32> = BTreeMap::new();
        let http = table.http.iter().map(|route| {
            let count = counts.entry(&route.owner).or_default();
            *count += 1;
            let stem = &stems[&route.owner];
            RouteNames {
                acl: format!("{stem}-acl-{count}"),
                backend: format!("{stem}-backend-{count}"),
            }
        });
        let http = http.collect();
        let tcp = table.tcp.iter().map(|(port, route)| {
            let stem = &stems[&route.owner];
            (*port, format!("{stem}-tcp-{port}"))
        });
        Names {
            http,
            tcp: tcp.collect(),
            userlists: stems
                .iter()
                .map(|(owner, stem)| ((*owner).clone(), format!("{stem}-users")))
                .collect(),
        }
    }
}

/// `<bundle>-<endpoint>`, with a line below for each letter that HAProxy does not take.
fn plain(owner: &Claimant) -> String {
    let text = format!("{}-{}", owner.name, owner.endpoint);
    let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.chars()
        .map(|c| if known(c) { c } else { '_' })
        .collect()
}

/// A server's name is its address, so that it is the same server in every configuration.
pub(crate) fn server_name(address: SocketAddr) -> String {
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.to_string().replace('.', "-"),
        IpAddr::V6(ip) => ip.to_string().replace(':', "_"),
    };
    format!("s-{ip}-{}", address.port())
}
