//! Disks that stall, refuse, and come back.

use conduct_model::Span;

use super::Cluster;
use super::commands::bundle;
use crate::command::{Command, Refusal, Reply};

#[test]
fn nothing_is_acknowledged_while_too_few_disks_have_it() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.run(Span::secs(1));
    for n in [1, 2] {
        cluster.machine(n).stalled = true;
    }
    let client = cluster.ask(
        0,
        Command::Scale {
            bundle: web,
            scale: 1,
            affinity: None,
        },
    );
    cluster.run(Span::secs(9));
    assert_eq!(cluster.reply(0, client), None);
    let members = cluster.view(0).members;
    assert!(
        members
            .values()
            .all(|member| member.verdict == crate::view::Verdict::Reachable),
        "a stalled disk delays no heartbeat"
    );
    cluster.run(Span::secs(2));
    assert_eq!(
        cluster.reply(0, client),
        Some(Reply::Unknown { durability: 1 })
    );
}

#[test]
fn a_voter_whose_disk_stalls_is_replaced_by_the_next() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.run(Span::secs(1));
    for stalled in [1, 2] {
        cluster.machine(stalled).stalled = true;
        let client = cluster.ask(
            0,
            Command::Scale {
                bundle: web,
                scale: 1,
                affinity: None,
            },
        );
        cluster.until("it is sure", Span::millis(2_500), |c| {
            c.reply(0, client).is_some()
        });
        assert!(matches!(
            cluster.reply(0, client),
            Some(Reply::Acknowledged { durability: 2 })
        ));
        cluster.machine(stalled).stalled = false;
        cluster.run(Span::secs(1));
    }
}

#[test]
fn what_a_crash_takes_back_nobody_was_told() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.run(Span::secs(1));
    cluster.machine(0).stalled = true;
    cluster.ask(
        0,
        Command::Scale {
            bundle: web,
            scale: 3,
            affinity: None,
        },
    );
    cluster.run(Span::secs(3));
    assert_eq!(
        cluster.view(0).bundles[&web].wish.map(|wish| wish.scale),
        Some(3)
    );
    assert!(
        cluster.view(1).bundles[&web].wish.is_none(),
        "it is not on the first disk yet"
    );
    cluster.kill(0);
    cluster.machine(0).stalled = false;
    cluster.start(0);
    cluster.until("it takes part again", Span::secs(15), |c| {
        c.view(0).quarantine.is_none()
    });
    cluster.run(Span::secs(2));
    assert!((0..3).all(|n| cluster.view(n).bundles[&web].wish.is_none()));
}

#[test]
fn a_full_disk_refuses_changes_and_takes_them_again_when_there_is_room() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.run(Span::secs(1));
    cluster.machine(0).failing = true;
    let refused = cluster.scale(0, web, 2);
    assert_eq!(refused, Reply::Refused(Refusal::DiskFailed));
    cluster.run(Span::secs(1));
    assert_eq!(
        cluster.scale(0, web, 2),
        Reply::Refused(Refusal::DiskFailed)
    );
    assert!(
        cluster.view(0).quarantine.is_none(),
        "it is still one of them"
    );
    cluster.machine(0).failing = false;
    cluster.run(Span::secs(3));
    assert!(matches!(
        cluster.scale(0, web, 1),
        Reply::Acknowledged { .. }
    ));
    assert!(cluster.told(0).contains(&"diskRecovered"));
    cluster.until_running(web, 1, Span::secs(10));
}

#[test]
fn a_cluster_that_was_stopped_as_a_whole_comes_back_with_what_it_knew() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 2);
    cluster.until_running(web, 2, Span::secs(10));
    for n in 0..3 {
        cluster.kill(n);
        cluster.machine(n).hands.clear();
    }
    cluster.run(Span::secs(30));
    for n in [2, 0, 1] {
        cluster.start(n);
        cluster.run(Span::millis(700));
    }
    cluster.until_running(web, 2, Span::secs(40));
    assert_eq!(cluster.processes(web), 2);
}

#[test]
fn a_node_whose_disk_was_replaced_is_filled_by_the_others() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 1);
    cluster.until_running(web, 1, Span::secs(10));
    let lost = (0..3)
        .find(|n| cluster.machine(*n).processes(web) == 0)
        .expect("an idle one");
    cluster.kill(lost);
    cluster.machine(lost).disk.clear();
    cluster.machine(lost).archives.clear();
    let seed = cluster.machine((lost + 1) % 3).config.address;
    cluster.machine(lost).config.seeds = vec![seed];
    // As long as its former life is not known to be over, it would be taken for a copy.
    cluster.run(Span::secs(15));
    cluster.start(lost);
    cluster.until("it knows all again", Span::secs(40), |cluster| {
        let view = cluster.view(lost);
        view.quarantine.is_none()
            && view
                .bundles
                .get(&web)
                .is_some_and(|held| held.installations.len() == 3)
    });
}
