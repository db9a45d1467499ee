use std::collections::BTreeSet;

use conduct_model::Wall;
use proptest::prelude::*;

use super::{Clash, Table};
use crate::offer::Offer;
use crate::router::Router;
use crate::samples::{offer, rule, server, shop};

fn table(offers: &[Offer]) -> Table {
    Table::of(offers, &BTreeSet::new())
}

/// Whose a request is, and its path there.
fn asked(offers: &[Offer], method: &str, host: &str, path: &str) -> Option<(String, String)> {
    let table = table(offers);
    let chosen = Router::new(&table).find(method, host, path)?;
    let owner = &table.http[chosen.place].owner;
    let path = chosen.path.unwrap_or_else(|| path.to_owned());
    Some((owner.name.to_string(), path))
}

fn path(offers: &[Offer], path: &str) -> Option<(String, String)> {
    asked(offers, "GET", "any.host", path)
}

fn to(name: &str, path: &str) -> Option<(String, String)> {
    Some((name.to_owned(), path.to_owned()))
}

#[test]
fn the_more_specific_route_is_tried_first() {
    let offers = shop();
    for (asked, name, there) in [
        ("/", "shop", "/"),
        ("/feed/1", "feed", "/feed/1"),
        ("/orders", "shop", "/"),
        ("/orders/7", "shop", "/7"),
        ("/orders/old/7", "shop", "/archive/7"),
        ("/health", "shop", "/status%20page"),
        ("/u/me/f/a.txt", "shop", "/files/me-a.txt"),
        ("/a/IMG/png/b", "shop", "/png"),
        ("/idle", "shop", "/idle"),
    ] {
        assert_eq!(path(&offers, asked), to(name, there), "{asked}");
    }
}

#[test]
fn a_rule_for_one_method_comes_before_the_one_for_all() {
    let offers = shop();
    assert_eq!(
        asked(&offers, "POST", "a", "/health"),
        to("shop", "/health")
    );
    assert_eq!(
        asked(&offers, "PUT", "a", "/health"),
        to("shop", "/status%20page")
    );
    let only = [offer("one", "web", "path-beg=/ method=GET", &[1])];
    assert_eq!(asked(&only, "POST", "a", "/"), None);
}

#[test]
fn a_host_of_its_own_comes_before_all_hosts() {
    let mut offers = vec![
        offer("any", "web", "path=/", &[1]),
        offer("below", "web", "path-beg=/ host=*.example.com", &[2]),
        offer("one", "web", "path-beg=/ host=a.example.com", &[3]),
    ];
    assert_eq!(asked(&offers, "GET", "A.example.com", "/"), to("one", "/"));
    assert_eq!(
        asked(&offers, "GET", "b.example.com", "/"),
        to("below", "/")
    );
    assert_eq!(asked(&offers, "GET", "example.com", "/"), to("any", "/"));
    offers[2].servers.clear();
    assert_eq!(
        asked(&offers, "GET", "a.example.com", "/"),
        to("below", "/")
    );
}

#[test]
fn an_endpoint_without_active_instances_has_no_route() {
    let idle = [offer("idle", "web", "path-beg=/", &[])];
    assert_eq!(table(&idle), Table::default());
}

#[test]
fn releases_of_one_endpoint_share_their_calls() {
    let mut new = offer("shop", "web", "path-beg=/", &[2]);
    new.bundle = conduct_model::BundleId::plain(conduct_model::Digest::of(b"new"));
    new.since = Wall::from_millis(5);
    let mut offers = vec![new, offer("shop", "web", "path-beg=/", &[1])];
    let shared = table(&offers);
    assert_eq!(shared.http[0].servers, [server(1), server(2)]);
    assert_eq!(shared.clashes, []);

    // Another rewrite is another meaning: the old one keeps it as long as there is one.
    offers[0].acls[0].http = vec![rule("path-beg=/ rewrite=/new")];
    assert_eq!(table(&offers).http[0].servers, [server(1)]);
    offers.pop();
    assert_eq!(table(&offers).http[0].servers, [server(2)]);
}

#[test]
fn of_two_bundles_with_the_same_requests_the_first_keeps_them_and_the_other_is_told() {
    let mut late = offer("late", "web", "path-beg=/a", &[2]);
    late.since = Wall::from_millis(5);
    let mut offers = vec![late, offer("early", "web", "path-beg=/a", &[1])];
    assert_eq!(path(&offers, "/a"), to("early", "/a"));
    let clashes = table(&offers).clashes;
    assert_eq!(
        clashes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["/a… goes to web of early, which was there first, and not to web of late"]
    );
    assert!(clashes[0].concerns("late") && !clashes[0].concerns("early"));
    offers[1].servers.clear();
    assert_eq!(
        path(&offers, "/a"),
        to("late", "/a"),
        "what does not run is in nobody's way"
    );
}

#[test]
fn of_two_bundles_with_the_same_port_the_first_keeps_it() {
    let mut late = offer("late", "raw", "tcp=7000", &[2]);
    late.since = Wall::from_millis(5);
    let table = table(&[late, offer("early", "raw", "tcp=7000", &[1])]);
    assert_eq!(table.tcp.len(), 1);
    assert_eq!(table.tcp.values().next().unwrap().servers, [server(1)]);
    assert!(matches!(&table.clashes[..], [Clash::Port { .. }]));
}

#[test]
fn bundles_that_cannot_be_told_apart_are_both_left_out() {
    let mut other = offer("other", "web", "path-beg=/other", &[2]);
    other.system = offer("shop", "web", "path-beg=/", &[]).system;
    let both = [offer("shop", "web", "path-beg=/", &[1]), other];
    let table = table(&both);
    assert_eq!(table.http, []);
    assert_eq!(
        table.clashes[0].to_string(),
        "other and shop all have the endpoint web in system shop 1: none of them is reached \
         through it; give them systems of their own"
    );
}

#[test]
fn a_prefix_and_its_rewrite_share_the_slash_between_them() {
    for (from, to_path, asked, there) in [
        ("/a", "/", "/a/b", "/b"),
        ("/a", "/", "/a", "/"),
        ("/a", "/x", "/a/b", "/x/b"),
        ("/a", "/x", "/ab", "/xb"),
        ("/a/", "/", "/a/b", "/b"),
        ("/a/", "/x", "/a/b", "/xb"),
        ("/", "/x/", "/b", "/x/b"),
    ] {
        let words = format!("path-beg={from} rewrite={to_path}");
        let offers = [offer("one", "web", &words, &[1])];
        assert_eq!(path(&offers, asked), to("one", there), "{words} {asked}");
    }
}

fn any_rule() -> impl Strategy<Value = String> {
    let path = "(/[ab.]{0,2}){1,3}";
    let matcher = prop_oneof![
        path.prop_map(|path| format!("path={path}")),
        path.prop_map(|path| format!("path-beg={path}")),
        Just("path-regex=^/(a+)/(.*)$".to_owned()),
        Just("path-regex=b+".to_owned()),
    ];
    let host = prop_oneof![Just(""), Just(" host=a.b"), Just(" host=*.b")];
    let method = prop_oneof![Just(""), Just(" method=GET")];
    let rewrite = prop_oneof![Just(""), Just(" rewrite=/r"), Just(" rewrite=/")];
    (matcher, host, method, rewrite).prop_map(|(a, b, c, d)| format!("{a}{b}{c}{d}"))
}

pub(crate) fn any_offers() -> impl Strategy<Value = Vec<Offer>> {
    let name = prop_oneof![Just("one"), Just("two"), Just("three")];
    let words =
        prop_oneof![4 => any_rule(), 1 => (7000_u16..7003).prop_map(|p| format!("tcp={p}"))];
    let servers = proptest::collection::btree_set(1_u16..9, 0..3);
    let one = (
        name,
        prop_oneof![Just("web"), Just("raw")],
        words,
        servers,
        0_u64..3,
    );
    let one = one.prop_map(|(name, endpoint, words, servers, since)| {
        let servers: Vec<u16> = servers.into_iter().collect();
        let mut offer = offer(name, endpoint, &words, &servers);
        offer.since = Wall::from_millis(since);
        offer
    });
    proptest::collection::vec(one, 0..8)
}

proptest! {
    #[test]
    fn the_order_of_offers_makes_no_difference(
        (offers, shuffled) in any_offers().prop_flat_map(|offers| {
            (Just(offers.clone()), Just(offers).prop_shuffle())
        }),
    ) {
        let sorted = |mut table: Table| {
            table.clashes.sort_by_key(ToString::to_string);
            table
        };
        prop_assert_eq!(sorted(table(&offers)), sorted(table(&shuffled)));
    }

    #[test]
    fn every_route_has_servers_that_were_offered_and_nobody_else_gets_calls(offers in any_offers()) {
        let table = table(&offers);
        for route in &table.http {
            prop_assert!(!route.servers.is_empty());
            for server in &route.servers {
                let is_offered = offers.iter().any(|offer| {
                    offer.name == route.owner.name
                        && offer.endpoint == route.owner.endpoint
                        && offer.servers.contains(server)
                });
                prop_assert!(is_offered);
            }
        }
    }

    #[test]
    fn whoever_runs_alone_gets_what_it_asks_for(words in any_rule(), path in "(/[ab]{0,2}){1,3}") {
        let offers = [offer("one", "web", &words, &[1])];
        let table = table(&offers);
        prop_assert_eq!(table.http.len(), 1);
        let found = Router::new(&table).find("GET", "x.b", &path);
        if let Some(chosen) = found {
            let begins = chosen.path.is_none_or(|path| path.starts_with('/'));
            prop_assert!(begins);
        }
    }
}
