//! Daemons that stand still for a while and do not know it.

use std::time::{Duration, Instant};

use conduct_tests::{Bundle, Cluster, eventually};

use crate::seen::{instances, is_alive, number_of};

/// From the last contact with a majority to the end of what runs, and a second for a busy machine.
const LEASE_MAX: Duration = Duration::from_secs(16);

#[test]
fn a_frozen_node_loses_its_instances_in_time_and_comes_back_without_a_surplus() {
    let cluster = Cluster::start(3);
    let web = Bundle::web(cluster.folder(), "web");
    let id = cluster.load(0, &web);
    cluster.run(0, &id, 2);
    let lost = instances(&cluster[0], &id).unwrap()[0].clone();
    let frozen = number_of(&cluster, &lost.host);
    let watcher = (frozen + 1) % 3;

    cluster[frozen].signal("STOP");
    let since = Instant::now();
    eventually("its lease has ended the instance", || {
        (!is_alive(lost.pid))
            .then_some(())
            .ok_or_else(|| "it runs".to_owned())
    });
    let ended = since.elapsed();
    assert!(ended <= LEASE_MAX, "ended after {ended:?}");
    eventually("the others have replaced it", || {
        let now = instances(&cluster[watcher], &id)?;
        let fine = now.len() == 2 && now.iter().all(|it| it.started && it.host != lost.host);
        fine.then_some(()).ok_or_else(|| format!("{now:?}"))
    });
    println!(
        "ended after {ended:?}, replaced within {:?}",
        since.elapsed()
    );

    cluster[frozen].signal("CONT");
    cluster.settle();
    cluster.running(frozen, &id, 2);
    cluster.running(watcher, &id, 2);
}

#[test]
fn a_short_pause_starts_and_stops_nothing() {
    let cluster = Cluster::start(3);
    let web = Bundle::web(cluster.folder(), "web");
    let id = cluster.load(0, &web);
    cluster.run(0, &id, 3);
    let before = instances(&cluster[0], &id).unwrap();
    cluster[2].signal("STOP");
    eventually("the others miss it", || {
        let members = cluster[0].json("/v2/members")?;
        let missed = members["unreachable"]
            .as_array()
            .is_some_and(|it| !it.is_empty());
        missed.then_some(()).ok_or_else(|| members.to_string())
    });
    cluster[2].signal("CONT");
    cluster.settle();
    eventually("all is as before", || {
        let now = instances(&cluster[2], &id)?;
        (now == before)
            .then_some(())
            .ok_or_else(|| format!("{now:?}, not {before:?}"))
    });
}
