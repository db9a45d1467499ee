//! Leaving, shutting down, stopping.

use conduct_model::Span;

use super::Cluster;
use super::commands::bundle;
use crate::command::{Command, Reply};
use crate::effect::End;
use crate::view::Verdict;

#[test]
fn a_node_that_leaves_gives_away_its_instances_and_its_vote() {
    let mut cluster = Cluster::settled(4);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 3);
    cluster.until("three run", Span::secs(15), |cluster| {
        cluster.running(0, web) == 3
    });
    let leaver = (1..4)
        .find(|n| cluster.machine(*n).processes(web) == 1)
        .expect("one runs it");
    let client = cluster.ask(leaver, Command::Leave);
    let key = cluster.key(leaver);
    cluster.until("it has left", Span::secs(30), |c| {
        c.machines[&key].ended.is_some()
    });
    assert_eq!(cluster.machine(leaver).ended, Some(End::Left));
    assert_eq!(cluster.reply(leaver, client), Some(Reply::Done));
    assert_eq!(cluster.machine(leaver).processes(web), 0);
    cluster.run(Span::secs(5));
    assert!(!cluster.view(0).voters.contains(&key));
    assert_eq!(cluster.running(0, web), 3);
}

#[test]
fn a_daemon_that_stops_leaves_its_instances_alone() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 3);
    cluster.until_running(web, 3, Span::secs(10));
    let client = cluster.ask(1, Command::StopDaemon);
    assert_eq!(cluster.reply(1, client), Some(Reply::Done));
    assert_eq!(cluster.machine(1).ended, Some(End::Stopped));
    cluster.kill(1);
    cluster.run(Span::secs(5));
    let key = cluster.key(1);
    assert_ne!(cluster.view(0).members[&key].verdict, Verdict::Down);
    assert_eq!(cluster.processes(web), 3);
    cluster.start(1);
    cluster.until("it takes part again", Span::secs(15), |c| {
        c.view(1).quarantine.is_none()
    });
    cluster.run(Span::secs(5));
    assert_eq!(cluster.processes(web), 3);
}

#[test]
fn a_machine_that_shuts_down_is_emptied_first() {
    let mut cluster = Cluster::settled(3);
    let web = cluster.load(0, &bundle("web"));
    cluster.scale(0, web, 2);
    cluster.until_running(web, 2, Span::secs(10));
    let host = (0..3)
        .find(|n| cluster.machine(*n).processes(web) == 1)
        .expect("one runs it");
    cluster.ask(host, Command::Shutdown);
    let key = cluster.key(host);
    cluster.until("it has stopped", Span::secs(20), |c| {
        c.machines[&key].ended.is_some()
    });
    assert_eq!(cluster.machine(host).processes(web), 0);
    assert_eq!(cluster.processes(web), 2);
}
