//! From offers to the table: who gets what.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use conduct_model::{BundleName, EndpointName, HttpRule, Rewrite, System, Wall};

use super::order::Asked;
use super::{Claimant, Clash, HttpRoute, Table, TcpRoute};
use crate::offer::{Offer, Server};

/// Since when each bundle is loaded, in any of its releases.
type Seniority<'a> = BTreeMap<&'a BundleName, Wall>;

/// A wish for the same requests or the same port.
struct Claim<'a> {
    bundle_since: Wall,
    by: Claimant,
    release_since: Wall,
    rule: Option<&'a HttpRule>,
    servers: &'a [Server],
}

pub(super) fn assemble(offers: &[Offer], reserved: &BTreeSet<NonZeroU16>) -> Table {
    // Only what runs can be reached, and only what is reached can be in the way of others.
    let running: Vec<&Offer> = offers
        .iter()
        .filter(|offer| !offer.servers.is_empty())
        .collect();
    let mut table = Table::default();
    let ambiguous = ambiguous(&running, &mut table.clashes);
    let seniority = seniority(offers);

    let mut requests: BTreeMap<Asked, Vec<Claim<'_>>> = BTreeMap::new();
    let mut ports: BTreeMap<NonZeroU16, Vec<Claim<'_>>> = BTreeMap::new();
    for offer in running {
        if ambiguous.contains(&(&offer.system, &offer.endpoint)) {
            continue;
        }
        for rule in offer.acls.iter().flat_map(|acl| &acl.http) {
            let claim = Claim::of(offer, &seniority, Some(rule));
            requests.entry(Asked::by(rule)).or_default().push(claim);
        }
        for port in offer.acls.iter().flat_map(|acl| &acl.tcp) {
            let claim = Claim::of(offer, &seniority, None);
            ports.entry(*port).or_default().push(claim);
        }
    }
    for claims in requests.into_values() {
        give_requests(claims, &mut table);
    }
    for (port, claims) in ports {
        give_port(port, claims, reserved, &mut table);
    }
    table
}

/// The identities that bundles of different names share.
fn ambiguous<'a>(
    running: &[&'a Offer],
    clashes: &mut Vec<Clash>,
) -> BTreeSet<(&'a System, &'a EndpointName)> {
    let mut names: BTreeMap<(&System, &EndpointName), BTreeSet<&BundleName>> = BTreeMap::new();
    for offer in running {
        let identity = (&offer.system, &offer.endpoint);
        names.entry(identity).or_default().insert(&offer.name);
    }
    names.retain(|_, names| names.len() > 1);
    for ((system, endpoint), names) in &names {
        clashes.push(Clash::Identity {
            system: (*system).clone(),
            endpoint: (*endpoint).clone(),
            bundles: names.iter().map(|name| (*name).clone()).collect(),
        });
    }
    names.into_keys().collect()
}

fn seniority(offers: &[Offer]) -> Seniority<'_> {
    let mut seniority = Seniority::new();
    for offer in offers {
        let since = seniority.entry(&offer.name).or_insert(offer.since);
        *since = offer.since.min(*since);
    }
    seniority
}

fn give_requests(mut claims: Vec<Claim<'_>>, table: &mut Table) {
    claims.sort_by(|a, b| a.rank().cmp(&b.rank()));
    let mut claims = claims.into_iter();
    let Some(first) = claims.next() else {
        return;
    };
    let Some(rule) = first.rule.cloned() else {
        return;
    };
    let mut servers = first.servers.to_vec();
    for claim in claims {
        if claim.by != first.by {
            note(table, &claim.by, |refused| Clash::Requests {
                rule: rule.clone(),
                kept_by: first.by.clone(),
                refused,
            });
        } else if claim.rewrite() == first.rewrite() {
            servers.extend(claim.servers);
        }
        // Another release of the same endpoint with another rewrite waits for its turn: calls
        // have one meaning at a time.
    }
    table.http.push(HttpRoute {
        rule,
        owner: first.by,
        servers: in_order(servers),
    });
}

fn give_port(
    port: NonZeroU16,
    mut claims: Vec<Claim<'_>>,
    reserved: &BTreeSet<NonZeroU16>,
    table: &mut Table,
) {
    claims.sort_by(|a, b| a.rank().cmp(&b.rank()));
    if reserved.contains(&port) {
        for claim in claims {
            note(table, &claim.by, |refused| Clash::Reserved {
                port,
                refused,
            });
        }
        return;
    }
    let mut claims = claims.into_iter();
    let Some(first) = claims.next() else {
        return;
    };
    let mut servers = first.servers.to_vec();
    for claim in claims {
        if claim.by == first.by {
            servers.extend(claim.servers);
        } else {
            note(table, &claim.by, |refused| Clash::Port {
                port,
                kept_by: first.by.clone(),
                refused,
            });
        }
    }
    let route = TcpRoute {
        owner: first.by,
        servers: in_order(servers),
    };
    table.tcp.insert(port, route);
}

/// Notes a clash once, however many releases of the bundle have it.
fn note(table: &mut Table, refused: &Claimant, clash: impl FnOnce(Claimant) -> Clash) {
    let clash = clash(refused.clone());
    if !table.clashes.contains(&clash) {
        table.clashes.push(clash);
    }
}

fn in_order(mut servers: Vec<Server>) -> Vec<Server> {
    servers.sort();
    servers.dedup();
    servers
}

impl<'a> Claim<'a> {
    fn of(offer: &'a Offer, seniority: &Seniority<'_>, rule: Option<&'a HttpRule>) -> Claim<'a> {
        Claim {
            bundle_since: seniority.get(&offer.name).copied().unwrap_or(offer.since),
            by: Claimant {
                name: offer.name.clone(),
                endpoint: offer.endpoint.clone(),
            },
            release_since: offer.since,
            rule,
            servers: &offer.servers,
        }
    }

    fn rewrite(&self) -> Option<&'a Rewrite> {
        self.rule.and_then(HttpRule::rewrite)
    }

    /// The lowest wish is met. Nothing of it depends on the order in which offers came.
    fn rank(&self) -> impl Ord + use<'a, '_> {
        (
            self.bundle_since,
            &self.by,
            self.release_since,
            self.rewrite(),
            self.servers,
        )
    }
}
