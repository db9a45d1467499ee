//! Offers that tests begin from.

use conduct_model::{Acl, BundleId, Digest, HttpRule, PathMatch, System, Wall};

use crate::offer::{Offer, Server};

pub(crate) fn server(number: u16) -> Server {
    Server(([127, 0, 0, 1], 10_000 + number).into())
}

/// A rule out of words: `path=…`, `path-beg=…`, `path-regex=…`, `host=…`, `method=…`,
/// `rewrite=…`.
pub(crate) fn rule(words: &str) -> HttpRule {
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

/// An endpoint of a bundle whose system has its name, with one rule: as above, or `tcp=<port>`.
pub(crate) fn offer(name: &str, endpoint: &str, words: &str, servers: &[u16]) -> Offer {
    let acl = match words.strip_prefix("tcp=") {
        Some(port) => Acl {
            tcp: vec![port.parse().unwrap()],
            ..Acl::default()
        },
        None => Acl {
            http: vec![rule(words)],
            ..Acl::default()
        },
    };
    Offer {
        bundle: BundleId::plain(Digest::of(name.as_bytes())),
        name: name.parse().unwrap(),
        system: System {
            name: name.parse().unwrap(),
            version: "1".parse().unwrap(),
        },
        since: Wall::default(),
        endpoint: endpoint.parse().unwrap(),
        acls: vec![acl],
        servers: servers.iter().copied().map(server).collect(),
    }
}

/// A bundle with every kind of rule, and two others.
pub(crate) fn shop() -> Vec<Offer> {
    let mut shop = offer("shop", "web", "path-beg=/", &[1, 2]);
    shop.acls[0].http = [
        "path-beg=/",
        "path-beg=/orders rewrite=/",
        "path-beg=/orders/old rewrite=/archive",
        "path=/health rewrite=/status%20page",
        "path=/health method=POST",
        "path-regex=^/u/(.*)/f/(.*)$ rewrite=/files/\\1-\\2",
        "path-regex=(?i)/img/([a-z]{2,4}) rewrite=\\1",
        "path-beg=/ host=shop.example.com",
        "path-beg=/ host=*.example.com method=GET",
    ]
    .map(rule)
    .to_vec();
    shop.acls[0].tcp = vec!["7007".parse().unwrap()];
    vec![
        shop,
        offer("feed", "web", "path-beg=/feed", &[3]),
        offer("idle", "web", "path-beg=/idle", &[]),
    ]
}
