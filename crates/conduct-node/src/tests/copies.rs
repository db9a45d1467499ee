//! Archives: as many copies as wanted, repaired, and gone when nothing names them.

use conduct_model::Span;

use super::Cluster;
use super::commands::bundle;
use crate::archive::{ArchiveEvent, GoneWhy};
use crate::command::Command;
use crate::input::Input;

#[test]
fn a_load_is_acknowledged_with_its_archive_on_two_disks() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    let copies = cluster
        .machines
        .values()
        .filter(|m| m.archives.contains_key(&web.bundle))
        .count();
    assert!(copies >= 2, "{copies}");
}

#[test]
fn an_upload_is_sent_on_while_it_arrives_and_asked_for_only_once() {
    let mut cluster = Cluster::settled(3);
    let descriptor = bundle("web");
    let digest = conduct_model::Digest::of(b"web");
    let key = cluster.key(0);
    cluster.input(
        key,
        Input::Archive(ArchiveEvent::Arriving {
            digest,
            bytes: Some(100),
        }),
    );
    cluster.load(0, &descriptor);
    let fetched: u32 = cluster
        .machines
        .values()
        .map(|machine| machine.fetched)
        .sum();
    assert_eq!(fetched, 0, "the second copy came along with the first");
}

#[test]
fn of_five_nodes_three_have_copies_and_a_lost_one_is_replaced() {
    let mut cluster = Cluster::settled(5);
    let web = cluster.load(0, &bundle("web"));
    cluster.until("there are three copies", Span::secs(20), |cluster| {
        cluster.view(0).bundles[&web].installations.len() == 3
    });
    cluster.run(Span::secs(10));
    let copies = |cluster: &Cluster| {
        cluster
            .machines
            .values()
            .filter(|m| m.archives.contains_key(&web.bundle))
            .count()
    };
    assert_eq!(copies(&cluster), 3, "and no more");
    let holder = (1..5)
        .find(|n| cluster.machine(*n).archives.contains_key(&web.bundle))
        .expect("another has it");
    cluster.kill(holder);
    cluster.until("a copy takes its place", Span::secs(40), |cluster| {
        cluster.view(0).bundles[&web].installations.len() == 3
    });
}

#[test]
fn a_damaged_archive_is_fetched_again() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.until("every node has a copy", Span::secs(15), |cluster| {
        cluster.view(0).bundles[&web].installations.len() == 3
    });
    let digest = web.bundle;
    cluster.machine(1).archives.remove(&digest);
    let key = cluster.key(1);
    let why = GoneWhy::Damaged;
    cluster.input(key, Input::Archive(ArchiveEvent::Gone { digest, why }));
    cluster.run(Span::secs(3));
    assert!(cluster.machine(1).archives.contains_key(&digest));
}

#[test]
fn an_archive_stays_for_a_minute_after_its_bundle_is_unloaded() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.run(Span::secs(20));
    cluster.tell(1, Command::Unload { bundle: web });
    cluster.run(Span::secs(55));
    let copies = |cluster: &Cluster| {
        cluster
            .machines
            .values()
            .filter(|m| m.archives.contains_key(&web.bundle))
            .count()
    };
    assert_eq!(copies(&cluster), 3);
    cluster.run(Span::secs(10));
    assert_eq!(copies(&cluster), 0);
}

#[test]
fn a_bundle_that_is_loaded_again_in_time_keeps_its_archive() {
    let mut cluster = Cluster::settled(3);
    let descriptor = bundle("web");
    let web = cluster.load(0, &descriptor);
    cluster.run(Span::secs(20));
    cluster.tell(0, Command::Unload { bundle: web });
    cluster.run(Span::secs(30));
    cluster.load(0, &descriptor);
    cluster.run(Span::secs(90));
    assert!(
        cluster
            .machines
            .values()
            .all(|machine| machine.deleted.is_empty())
    );
    assert_eq!(cluster.view(1).bundles.len(), 1);
}
