//! Instances: gates, failures, drains, nodes that go and come back.

use std::collections::BTreeMap;

use conduct_model::Span;

use super::Cluster;
use super::cluster::Behaviour;
use super::commands::bundle;
use crate::command::Command;
use crate::descriptor::Endpoint;

#[test]
fn an_instance_that_ends_is_started_again() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 2);
    cluster.until_running(web, 2, Span::secs(10));
    let (key, instance) = cluster
        .machines
        .iter()
        .find_map(|(key, machine)| Some((*key, *machine.hands.keys().next()?)))
        .expect("something runs");
    cluster.exit(key, instance, 1);
    cluster.until("another runs", Span::secs(2), |cluster| {
        let view = cluster.view(0);
        let held = &view.bundles[&web].executions;
        cluster.running(0, web) == 2 && !held.contains_key(&instance)
    });
    assert_eq!(cluster.view(1).bundles[&web].reschedules, 1);
}

#[test]
fn a_program_that_never_signals_holds_its_gate_no_longer_than_its_time() {
    let mut cluster = Cluster::settled(3);
    cluster
        .behaviour
        .insert("mute".to_owned(), Behaviour::NeverSignals);
    let mut mute = bundle("mute");
    mute.start_timeout = Some(Span::secs(3));
    let mut web = bundle("web");
    web.system = mute.system.clone();
    let (mute, web) = (cluster.load(0, &mute), cluster.load(0, &web));
    cluster.scale(0, mute, 1);
    cluster.until("it starts", Span::secs(5), |cluster| {
        cluster.processes(mute) == 1
    });
    cluster.scale(0, web, 1);
    cluster.run(Span::secs(1));
    assert_eq!(cluster.processes(web), 0, "the gate is held");
    cluster.until_running(web, 1, Span::secs(15));
}

#[test]
fn a_program_that_fails_at_once_is_given_up_and_said_to_be_in_trouble() {
    let mut cluster = Cluster::settled(3);
    cluster
        .behaviour
        .insert("bad".to_owned(), Behaviour::Exits(1));
    let bad = cluster.load(0, &bundle("bad"));
    cluster.scale(0, bad, 1);
    cluster.until("it is given up", Span::secs(30), |cluster| {
        (0..3).all(|n| cluster.view(n).bundles[&bad].error.is_some())
    });
    assert!((0..3).any(|n| cluster.told(n).contains(&"parked")));
    let why = cluster
        .node(1)
        .why(super::world::now(cluster.time), bad)
        .expect("it is not met");
    assert!(
        why.waits.iter().any(|wait| wait.contains("exited with 1")),
        "{why:?}"
    );
}

#[test]
fn a_wish_that_no_node_can_meet_says_why_for_each() {
    let mut cluster = Cluster::settled(3);
    let mut huge = bundle("huge");
    huge.needs.memory_bytes = 1 << 40;
    let huge = cluster.load(0, &huge);
    cluster.scale(0, huge, 1);
    cluster.until("people are told", Span::secs(5), |cluster| {
        (0..3).any(|n| cluster.told(n).contains(&"unplaced"))
    });
    let why = cluster
        .node(0)
        .why(super::world::now(cluster.time), huge)
        .expect("it is not met");
    assert_eq!((why.missing, why.nodes.len()), (1, 3), "{why:?}");
}

#[test]
fn what_ran_on_a_node_that_is_gone_is_replaced_and_its_return_changes_nothing() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 2);
    cluster.until_running(web, 2, Span::secs(10));
    let host = (0..3)
        .find(|n| cluster.machine(*n).processes(web) == 1)
        .expect("one runs it");
    cluster.kill(host);
    cluster.machine(host).hands.clear();
    cluster.until_running(web, 2, Span::secs(20));
    cluster.start(host);
    cluster.until("it is back", Span::secs(20), |c| {
        c.view(host).quarantine.is_none()
    });
    cluster.run(Span::secs(5));
    assert_eq!(cluster.processes(web), 2);
}

#[test]
fn a_daemon_that_restarts_adopts_what_it_ran() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 3);
    cluster.until_running(web, 3, Span::secs(10));
    let before: Vec<_> = cluster
        .machines
        .values()
        .flat_map(|m| m.hands.keys().copied())
        .collect();
    cluster.kill(1);
    cluster.run(Span::secs(2));
    cluster.start(1);
    cluster.until("it takes part again", Span::secs(15), |c| {
        c.view(1).quarantine.is_none()
    });
    cluster.run(Span::secs(10));
    let after: Vec<_> = cluster
        .machines
        .values()
        .flat_map(|m| m.hands.keys().copied())
        .collect();
    assert_eq!(before, after, "nothing was started or stopped");
    cluster.until_running(web, 3, Span::secs(5));
}

#[test]
fn a_drained_node_gives_its_instances_away_and_takes_them_again_later() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 2);
    cluster.until_running(web, 2, Span::secs(10));
    let host = (0..3)
        .find(|n| cluster.machine(*n).processes(web) == 1)
        .expect("one runs it");
    let node = cluster.key(host);
    let other = (host + 1) % 3;
    cluster.tell(other, Command::Drain { node });
    cluster.until("it is empty", Span::secs(15), |cluster| {
        cluster.machines[&node].processes(web) == 0 && cluster.running(other, web) == 2
    });
    cluster.tell(other, Command::Undrain { node });
    cluster.scale(other, web, 3);
    cluster.until_running(web, 3, Span::secs(15));
}

#[test]
fn later_instances_are_told_where_the_earlier_ones_listen() {
    let mut cluster = Cluster::settled(3);
    let mut web = bundle("web");
    let endpoint = Endpoint {
        protocol: "http".to_owned(),
        ..Endpoint::default()
    };
    web.endpoints = BTreeMap::from([("http".to_owned(), endpoint)]);
    let web = cluster.load(0, &web);
    cluster.scale(0, web, 2);
    cluster.until_running(web, 2, Span::secs(10));
    let view = cluster.view(2);
    for held in view.bundles[&web].executions.values() {
        assert_eq!(held.endpoints["http"].host, 10_000);
        assert!(held.host.is_some() && held.pid == Some(7));
    }
}

#[test]
fn a_proxy_is_waited_for_before_an_instance_is_told_to_end() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 1);
    cluster.until_running(web, 1, Span::secs(10));
    let version = cluster.view(2).routing_version;
    cluster.ask(2, Command::RoutingApplied { version });
    cluster.run(Span::secs(1));
    cluster.ask(
        0,
        Command::Scale {
            bundle: web,
            scale: 0,
            affinity: None,
        },
    );
    cluster.until("it gets no calls", Span::secs(5), |cluster| {
        cluster.running(2, web) == 0
    });
    cluster.run(Span::millis(500));
    assert_eq!(
        cluster.processes(web),
        1,
        "the proxy has not said that it knows"
    );
    let version = cluster.view(2).routing_version;
    cluster.ask(2, Command::RoutingApplied { version });
    cluster.until("it ends", Span::millis(800), |cluster| {
        cluster.processes(web) == 0
    });
}
