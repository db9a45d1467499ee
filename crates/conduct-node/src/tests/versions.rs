//! Nodes of different versions: what one does not understand it carries on and leaves alone.

use ::bytes::BytesMut;
use conduct_model::{Digest, NodeKey, Span};
use conduct_state::{Draft, Rank, Reading, RecordKey, State, WriterId};
use conduct_wire::{codec, packet, sections};

use super::Cluster;
use super::commands::bundle;
use super::world::now;
use crate::payload::{MUST, Payload, Report};

/// A node of the next version, as far as its state goes, which has joined under `key`.
fn stranger(key: NodeKey) -> State {
    State::new(key, WriterId::from_u64(99))
}

#[test]
fn records_of_a_kind_that_nobody_knows_reach_everyone() {
    let mut cluster = Cluster::settled(3);
    let mut future = stranger(cluster.key(1));
    let key = RecordKey::other(700, b"rollout").expect("a kind of the future");
    let written = future
        .put(Draft::new(key, Rank::Plain, &b"of the future"[..]))
        .unwrap();
    let _ = future.stored(written.dot.version);
    let delta = future.push(0, 10_000).unwrap();
    let before = cluster.node(0).counts().unwrap().records;
    let bytes = packet::single(3, delta.as_bytes());
    let from = cluster.key(1);
    cluster.packet(0, from, bytes);
    cluster.run(Span::secs(5));
    for n in 0..3 {
        let counts = cluster.node(n).counts().unwrap();
        assert_eq!(counts.records, before + 1, "node {n}");
        assert_eq!(
            counts.unreadable, 0,
            "what has no reader here is not unreadable"
        );
    }
}

#[test]
fn a_record_that_is_not_understood_is_listed_and_its_system_left_to_others() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 1);
    cluster.until_running(web, 1, Span::secs(10));
    let mut row = BytesMut::new();
    sections::write(
        &mut row,
        90 | MUST,
        &codec::encode("what changes everything"),
    );
    let mut future = stranger(cluster.key(1));
    let payload = bundle("web");
    let clock = Reading::Own(now(cluster.time).wall);
    let record = crate::payload::LoadRecord {
        descriptor: std::sync::Arc::new(payload),
        origin: crate::payload::Origin {
            by: cluster.key(1),
            request: conduct_model::RequestId::from_u128(5),
            at: now(cluster.time).wall,
            bundle_bytes: 100,
            configuration_bytes: 0,
        },
        unknown: crate::payload::Unknown::default(),
    };
    let loaded = future.load(clock, web, &record.write()[..]).unwrap();
    let scaled = future.set_scale(clock, web, 3, &row[..]).unwrap();
    let _ = future.stored(loaded.dot.version.max(scaled.dot.version));
    let delta = future.push(0, 10_000).unwrap();
    let from = cluster.key(1);
    cluster.packet(0, from, packet::single(3, delta.as_bytes()));
    cluster.run(Span::secs(5));
    for n in 0..3 {
        assert_eq!(cluster.node(n).counts().unwrap().unreadable, 1, "node {n}");
        assert_eq!(
            cluster.node(n).counts().unwrap().owned_systems,
            0,
            "node {n}"
        );
        assert!(cluster.told(n).contains(&"unreadable"), "node {n}");
    }
    assert_eq!(cluster.processes(web), 1, "what runs goes on");
}

#[test]
fn packets_of_another_version_are_refused_and_unknown_sections_skipped() {
    let mut cluster = Cluster::settled(3);
    let from = cluster.key(1);
    let mut other = packet::single(1, b"whatever").to_vec();
    other[0] = packet::VERSION + 1;
    cluster.packet(0, from, other.into());
    cluster.packet(0, from, packet::single(0x6000, b"of the future"));
    cluster.packet(0, from, packet::single(5, b"\xff\xff broken"));
    cluster.packet(0, from, vec![packet::VERSION, 0].into());
    let strangers = cluster.node(0).counts().unwrap().strangers;
    assert_eq!((strangers.versions, strangers.kinds), (1, 1));
    assert_eq!((strangers.messages, strangers.packets), (1, 1));
    assert!(cluster.told(0).contains(&"unknownVersion"));
}

#[test]
fn who_is_no_member_is_not_listened_to() {
    let mut cluster = Cluster::settled(3);
    let nobody = NodeKey::from_digest(Digest::of(b"nobody"));
    let mut forged = stranger(nobody);
    let web = conduct_model::BundleId::plain(Digest::of(b"forged"));
    let written = forged
        .load(Reading::Own(now(cluster.time).wall), web, &b""[..])
        .unwrap();
    let _ = forged.stored(written.dot.version);
    let delta = forged.push(0, 10_000).unwrap();
    cluster.packet(0, nobody, packet::single(3, delta.as_bytes()));
    cluster.run(Span::secs(2));
    assert!((0..3).all(|n| cluster.view(n).bundles.is_empty()));
}

#[test]
fn the_bytes_of_a_report_do_not_change_by_accident() {
    let report = Report {
        identity: crate::payload::Identity {
            address: "127.0.10.1:9004".parse().expect("an address"),
            duty: crate::config::Duty::Both,
            build: "1.0".to_owned(),
        },
        offer: crate::payload::Offer::default(),
        executions: Default::default(),
        routing: None,
        unknown: crate::payload::Unknown::default(),
    };
    let bytes = report.write();
    assert_eq!(Report::read(&bytes).unwrap(), report);
    let digest = Digest::of(&bytes).short();
    assert_eq!(digest, "604d407", "peers of other versions read {bytes:?}");
}
