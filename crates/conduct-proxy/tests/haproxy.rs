//! HAProxy itself takes every configuration, and no bundle can write a line of one.

use std::io::Write;
use std::process::Command;

use conduct_model::{Acl, BundleId, Digest, HttpRule, PathMatch, System, Wall};
use conduct_proxy::haproxy::{Credentials, Settings, Tls, render};
use conduct_proxy::{Claimant, Offer, Server, Table};
use proptest::prelude::*;

/// Whether HAProxy is here. Without it the test fails, unless that was said on purpose.
fn is_here() -> bool {
    let without = std::env::var("CONDUCT_WITHOUT_TOOLS").unwrap_or_default();
    if without.split(',').any(|tool| tool == "haproxy") {
        return false;
    }
    let is_here = Command::new("haproxy").arg("-v").output().is_ok();
    assert!(
        is_here,
        "this test needs haproxy: apt-get install haproxy, or set CONDUCT_WITHOUT_TOOLS=haproxy"
    );
    true
}

/// What HAProxy says about a configuration: nothing, if it is right in every respect.
fn judged(text: &str) -> Result<(), String> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    let output = Command::new("haproxy")
        .args(["-c", "-q", "-f"])
        .arg(file.path())
        .output()
        .expect("haproxy runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && !said.contains("WARNING") {
        Ok(())
    } else {
        Err(format!("{said}\n{text}"))
    }
}

fn settings() -> Settings {
    Settings::at(
        "127.0.0.1".parse().expect("an address"),
        "/tmp/never-bound.sock".parse().expect("a path"),
    )
}

/// Texts made of what is syntax to HAProxy, to its regular expressions and to its variables.
const HOSTILE: &str = "[ -~\n\t\u{e4}]{0,12}";

/// Rules out of hostile texts: those that the types of a descriptor let through.
fn any_rule() -> impl Strategy<Value = Option<HttpRule>> {
    let path = "/([a-z0-9._~!&()*+,;=:@%/-]|%20){0,16}";
    let regex = prop_oneof![
        4 => "(\\^)?/[a-z(.)*+?|\\[\\]{}0-9,^$:=!%~@&;<>-]{0,24}",
        1 => HOSTILE,
        1 => Just("-i".to_owned()),
        1 => Just("--".to_owned()),
        1 => Just("^/(a|b)/(?:c)[0-9]{1,3}$".to_owned()),
    ];
    let matcher = prop_oneof![
        path.prop_map(|path| path.parse().ok().map(PathMatch::Exact)),
        path.prop_map(|path| path.parse().ok().map(PathMatch::Prefix)),
        HOSTILE.prop_map(|path| path.parse().ok().map(PathMatch::Prefix)),
        regex.prop_map(|regex| regex.parse().ok().map(PathMatch::Regex)),
    ];
    let method = proptest::option::of("[A-Z-]{1,8}");
    let host = proptest::option::of("(\\*\\.)?[a-z0-9-]{1,8}(\\.[a-z]{1,3})?");
    let rewrite = proptest::option::of("(/[a-z%20.&*()+-]{0,8}(\\\\[1-3])?|\\\\1)");
    (matcher, method, host, rewrite).prop_map(|(matcher, method, host, rewrite)| {
        let method = method.and_then(|method| method.parse().ok());
        let rewrite = rewrite.and_then(|rewrite| rewrite.parse().ok());
        let matcher = matcher?;
        // A rewrite may use groups that the path does not have.
        let rule = HttpRule::new(matcher.clone(), method.clone(), rewrite)
            .or_else(|_| HttpRule::new(matcher, method, None));
        Some(rule.ok()?.at_host(host.and_then(|host| host.parse().ok())))
    })
}

fn any_offer() -> impl Strategy<Value = Offer> {
    let name = prop_oneof![Just("shop".to_owned()), "[a-z\u{e4}\u{f6}.+~@_-]{1,8}"];
    let rules = proptest::collection::vec(any_rule(), 0..4);
    let ports = proptest::collection::vec(20_000_u16..20_050, 0..2);
    let servers = proptest::collection::btree_set(any::<std::net::SocketAddr>(), 0..3);
    (name, "[a-z.-]{1,4}", rules, ports, servers).prop_filter_map(
        "names are checked where they are made",
        |(name, endpoint, rules, ports, servers)| {
            Some(Offer {
                bundle: BundleId::plain(Digest::of(name.as_bytes())),
                system: System {
                    name: name.parse().ok()?,
                    version: "1".parse().ok()?,
                },
                name: name.parse().ok()?,
                since: Wall::default(),
                endpoint: endpoint.parse().ok()?,
                acls: vec![Acl {
                    http: rules.into_iter().flatten().collect(),
                    tcp: ports
                        .iter()
                        .filter_map(|port| (*port).try_into().ok())
                        .collect(),
                    udp: Vec::new(),
                }],
                servers: servers
                    .into_iter()
                    .filter(|at| {
                        at.port() > 0 && !at.ip().is_unspecified() && !at.ip().is_multicast()
                    })
                    .map(|at| Server(std::net::SocketAddr::new(at.ip(), at.port())))
                    .collect(),
            })
        },
    )
}

/// What a configuration is made of: the lines that begin a section, and how many others follow.
fn sections(text: &str) -> usize {
    let begins = [
        "global", "defaults", "frontend", "backend", "userlist", "listen",
    ];
    let first = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    text.lines()
        .filter(|line| begins.contains(&first(line).as_str()))
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn haproxy_takes_every_configuration(offers in proptest::collection::vec(any_offer(), 0..6)) {
        if !is_here() {
            return Ok(());
        }
        let settings = settings();
        let table = Table::of(&offers, &settings.reserved());
        let text = render(&table, &settings);
        // Two sections before, the frontend and the back end for what is not routed, one back end
        // per route, two sections per port: a bundle added none.
        prop_assert_eq!(sections(&text), 4 + table.http.len() + 2 * table.tcp.len());
        let judgement = judged(&text);
        prop_assert!(judgement.is_ok(), "{}", judgement.unwrap_err());
    }
}

#[test]
fn haproxy_takes_what_an_operator_can_set() {
    if !is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("it is mine.pem");
    let made = rcgen::generate_simple_self_signed(["shop.example.com".to_owned()]).unwrap();
    let text = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
    std::fs::write(&pem, text).unwrap();
    let owner = Claimant {
        name: "shop".parse().unwrap(),
        endpoint: "web".parse().unwrap(),
    };
    let mut settings = settings();
    settings.tls = Some(Tls {
        port: 9443.try_into().unwrap(),
        certificate: pem.to_str().unwrap().parse().unwrap(),
    });
    settings.accept_proxy = true;
    settings.trust_forwarded = true;
    settings.stats = Some("127.0.0.1:8999".parse().unwrap());
    settings.send_proxy = [7007.try_into().unwrap()].into();
    settings.protected = [(
        owner,
        vec![
            Credentials::new("me", "a b\" $HOME %[src] # \\").unwrap(),
            Credentials::new("you", "$5$salt$0123456789").unwrap(),
        ],
    )]
    .into();
    let offer = Offer {
        bundle: BundleId::plain(Digest::of(b"shop")),
        name: "shop".parse().unwrap(),
        system: System {
            name: "shop".parse().unwrap(),
            version: "1".parse().unwrap(),
        },
        since: Wall::default(),
        endpoint: "web".parse().unwrap(),
        acls: vec![Acl {
            http: vec![HttpRule::new(PathMatch::Prefix("/".parse().unwrap()), None, None).unwrap()],
            tcp: vec![7007.try_into().unwrap()],
            udp: Vec::new(),
        }],
        servers: vec![Server("127.0.0.1:10001".parse().unwrap())],
    };
    let table = Table::of(&[offer], &settings.reserved());
    judged(&render(&table, &settings)).unwrap();
}

#[test]
fn no_setting_of_an_operator_ends_its_line() {
    use conduct_proxy::haproxy::Setting;
    for text in ["", "a'b", "a\nb", "a\0b"] {
        assert!(text.parse::<Setting>().is_err(), "{text:?}");
    }
    assert!(Credentials::new("a:b", "c").is_err());
    assert!(Credentials::new("a b", "c").is_err());
    assert!(Credentials::new("a", "c'").is_err());
}
