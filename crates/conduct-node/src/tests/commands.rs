//! Loading, wishing, unloading: what clients are told, and what comes of it.

use conduct_model::{RequestId, Span, System};

use super::Cluster;
use crate::command::{Command, Refusal, Reply};
use crate::descriptor::{Descriptor, OnQuarantine};

pub(super) fn bundle(name: &str) -> Descriptor {
    let word = |text: &str| text.parse().expect("a name");
    Descriptor::plain(
        name,
        System {
            name: word(name),
            version: word("1"),
        },
    )
}

#[test]
fn what_is_loaded_is_copied_and_runs_one_after_the_other() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.until("every node has a copy", Span::secs(15), |cluster| {
        (0..3).all(|n| cluster.view(n).bundles[&web].installations.len() == 3)
    });
    assert!(matches!(
        cluster.scale(1, web, 3),
        Reply::Acknowledged { durability: 2.. }
    ));
    cluster.until_running(web, 3, Span::secs(10));
    let mut seeds: Vec<usize> = cluster
        .machines
        .values()
        .flat_map(|m| m.hands.values().map(|hand| hand.seeds))
        .collect();
    seeds.sort_unstable();
    assert_eq!(
        seeds,
        [0, 1, 2],
        "the first is alone, each later one is told of those before"
    );
}

#[test]
fn a_single_node_acknowledges_on_its_one_disk() {
    let mut cluster = Cluster::settled(1);
    let web = cluster.load(0, &bundle("web"));
    assert_eq!(
        cluster.scale(0, web, 1),
        Reply::Acknowledged { durability: 1 }
    );
    cluster.until_running(web, 1, Span::secs(5));
}

#[test]
fn scaling_down_ends_instances_and_unloading_forgets_the_bundle() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 3);
    cluster.until_running(web, 3, Span::secs(10));
    let refused = cluster.tell(1, Command::Unload { bundle: web });
    let still = Refusal::StillRunning {
        bundle: web,
        instances: 3,
    };
    assert_eq!(refused, Reply::Refused(still));
    cluster.scale(2, web, 0);
    cluster.until("nothing runs", Span::secs(15), |cluster| {
        cluster.processes(web) == 0
    });
    cluster.until("nothing is assigned", Span::secs(5), |cluster| {
        (0..3).all(|n| cluster.view(n).bundles[&web].executions.is_empty())
    });
    let unloaded = cluster.tell(1, Command::Unload { bundle: web });
    assert!(
        matches!(unloaded, Reply::Acknowledged { .. }),
        "{unloaded:?}"
    );
    cluster.until("nobody knows it", Span::secs(5), |cluster| {
        (0..3).all(|n| cluster.view(n).bundles.is_empty())
    });
    let again = cluster.scale(0, web, 1);
    assert_eq!(again, Reply::Refused(Refusal::NotLoaded(web)));
}

#[test]
fn two_offsets_on_two_nodes_both_count() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 1);
    cluster.run(Span::secs(2));
    let first = cluster.ask(0, Command::Offset { bundle: web, by: 1 });
    let second = cluster.ask(1, Command::Offset { bundle: web, by: 1 });
    cluster.until_running(web, 3, Span::secs(10));
    for (n, client) in [(0, first), (1, second)] {
        assert!(matches!(
            cluster.reply(n, client),
            Some(Reply::Acknowledged { .. })
        ));
    }
    let offset = cluster.tell(
        2,
        Command::Offset {
            bundle: web,
            by: -5,
        },
    );
    assert!(matches!(offset, Reply::Acknowledged { .. }));
    cluster.until("nothing runs", Span::secs(10), |cluster| {
        cluster.processes(web) == 0
    });
}

#[test]
fn a_repeated_request_has_one_effect_and_the_same_answer() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    let id = RequestId::from_u128(77);
    let offset = Command::Offset { bundle: web, by: 2 };
    for n in [0, 0, 1] {
        let client = cluster.ask_as(n, id, offset.clone());
        cluster.run(Span::secs(3));
        assert!(
            matches!(cluster.reply(n, client), Some(Reply::Acknowledged { .. })),
            "node {n}"
        );
    }
    assert_eq!(
        cluster.view(2).bundles[&web].wish.map(|wish| wish.scale),
        Some(2)
    );
    let other = cluster.ask_as(0, id, Command::Offset { bundle: web, by: 3 });
    assert_eq!(
        cluster.reply(0, other),
        Some(Reply::Refused(Refusal::RequestIdReused))
    );
}

#[test]
fn a_request_is_remembered_over_a_restart() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    let id = RequestId::from_u128(78);
    let scale = Command::Scale {
        bundle: web,
        scale: 2,
        affinity: None,
    };
    let client = cluster.ask_as(0, id, scale.clone());
    cluster.run(Span::secs(2));
    assert!(matches!(
        cluster.reply(0, client),
        Some(Reply::Acknowledged { .. })
    ));
    cluster.scale(1, web, 1);
    cluster.kill(0);
    cluster.start(0);
    cluster.until("it takes part again", Span::secs(15), |c| {
        c.view(0).quarantine.is_none()
    });
    let client = cluster.ask_as(0, id, scale);
    cluster.run(Span::secs(3));
    assert!(matches!(
        cluster.reply(0, client),
        Some(Reply::Acknowledged { .. })
    ));
    assert_eq!(
        cluster.view(0).bundles[&web].wish.map(|wish| wish.scale),
        Some(1)
    );
}

#[test]
fn of_two_scales_at_once_one_holds_and_the_loser_is_told() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.run(Span::secs(2));
    let scale = |scale| Command::Scale {
        bundle: web,
        scale,
        affinity: None,
    };
    let first = cluster.ask(0, scale(1));
    let second = cluster.ask(1, scale(3));
    cluster.run(Span::secs(3));
    for (n, client) in [(0, first), (1, second)] {
        assert!(matches!(
            cluster.reply(n, client),
            Some(Reply::Acknowledged { .. })
        ));
    }
    let scales: Vec<_> = (0..3)
        .map(|n| {
            cluster.view(n).bundles[&web]
                .wish
                .map_or(0, |wish| wish.scale)
        })
        .collect();
    assert!(scales == [1, 1, 1] || scales == [3, 3, 3], "{scales:?}");
    let loser = usize::from(scales[0] == 1);
    assert!(
        cluster.told(loser).contains(&"superseded"),
        "{:?}",
        cluster.told(loser)
    );
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    let (other, _) = cluster.upload(1, &bundle("other"));
    assert_eq!(
        cluster.tell(
            0,
            Command::Scale {
                bundle: web,
                scale: 2_000,
                affinity: None
            }
        ),
        Reply::Refused(Refusal::ScaleSize {
            wanted: 2_000,
            max: 1_000
        })
    );
    assert_eq!(
        cluster.tell(
            0,
            Command::Scale {
                bundle: web,
                scale: 1,
                affinity: Some(other)
            }
        ),
        Reply::Refused(Refusal::AffinityNotLoaded(other))
    );
    let stranger = super::cluster::key_of(9);
    assert_eq!(
        cluster.tell(0, Command::Drain { node: stranger }),
        Reply::Refused(Refusal::NoSuchNode(stranger))
    );
    let mut twice = bundle("twice");
    (twice.exclusive, twice.on_quarantine) = (true, OnQuarantine::Keep);
    let (_, load) = cluster.upload(0, &twice);
    assert_eq!(
        cluster.tell(0, load),
        Reply::Refused(Refusal::ExclusiveKept)
    );
    let (absent, load) = cluster.upload(0, &bundle("absent"));
    assert_eq!(
        cluster.tell(2, load),
        Reply::Refused(Refusal::ArchiveMissing(absent))
    );
}

#[test]
fn a_node_without_majority_refuses_changes_and_names_who_takes_them() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.run(Span::secs(1));
    cluster.cut(&[2], &[0, 1]);
    cluster.until("it notices", Span::secs(5), |c| {
        c.view(2).quarantine.is_some()
    });
    let refused = cluster.scale(2, web, 2);
    let Reply::Quarantined(quarantined) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(quarantined.voters, 3);
    assert!(matches!(
        cluster.scale(0, web, 2),
        Reply::Acknowledged { .. }
    ));
    cluster.heal();
    cluster.until("it is back", Span::secs(15), |c| {
        c.view(2).quarantine.is_none() && c.view(2).bundles[&web].wish.is_some()
    });
    assert!(matches!(
        cluster.scale(2, web, 1),
        Reply::Acknowledged { .. }
    ));
}

#[test]
fn an_unload_that_is_repeated_through_another_node_gets_the_same_answer() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    let id = RequestId::from_u128(79);
    let unload = Command::Unload { bundle: web };
    for n in [0, 1, 2] {
        let client = cluster.ask_as(n, id, unload.clone());
        cluster.run(Span::secs(3));
        assert!(
            matches!(cluster.reply(n, client), Some(Reply::Acknowledged { .. })),
            "node {n}: {:?}",
            cluster.reply(n, client)
        );
    }
    assert_eq!(
        cluster.tell(1, unload),
        Reply::Refused(Refusal::NotLoaded(web)),
        "another request is another matter"
    );
    // Loaded anew, it is not unloaded by a request that had its effect before.
    let web = cluster.load(0, &bundle("web"));
    cluster.run(Span::secs(1));
    let client = cluster.ask_as(2, id, Command::Unload { bundle: web });
    cluster.run(Span::secs(3));
    assert!(matches!(
        cluster.reply(2, client),
        Some(Reply::Acknowledged { .. })
    ));
    assert!(cluster.view(1).bundles.contains_key(&web));
}
