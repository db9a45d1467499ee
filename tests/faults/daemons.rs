//! Daemons that are killed, stopped, or replaced by a newer program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use conduct_tests::{Bundle, Cluster, eventually, http, run};

use crate::seen::{events, instances};

/// Enough to meet a daemon in any of its moods; a soak does it longer.
const KILLS: usize = 8;

#[test]
fn instances_outlive_a_daemon_however_often_it_is_killed() {
    let mut cluster = Cluster::start(1);
    let ids: Vec<String> = ["one", "two", "three"]
        .map(|name| {
            let bundle = Bundle::web(cluster.folder(), name);
            let id = cluster.load(0, &bundle);
            cluster.run(0, &id, 1);
            id
        })
        .into();
    let seen = |cluster: &Cluster| -> Result<Vec<_>, String> {
        ids.iter().map(|id| instances(&cluster[0], id)).collect()
    };
    let before = seen(&cluster).unwrap();
    for _ in 0..KILLS {
        cluster[0].kill();
        cluster.start_node(0);
        eventually("the same instances are taken on again", || {
            cluster[0].ready()?;
            let now = seen(&cluster)?;
            (now == before)
                .then_some(())
                .ok_or_else(|| format!("{now:?}, not {before:?}"))
        });
    }
}

#[test]
fn a_stopped_daemon_leaves_its_instances_running_and_comes_back_to_them() {
    let mut cluster = Cluster::start(3);
    let web = Bundle::web(cluster.folder(), "web");
    let id = cluster.load(0, &web);
    cluster.run(0, &id, 3);
    let before = instances(&cluster[0], &id).unwrap();
    cluster[2].signal("TERM");
    assert_eq!(cluster[2].ended(), 0);
    cluster.start_node(2);
    cluster.settle();
    eventually("all is as before", || {
        let now = instances(&cluster[0], &id)?;
        (now == before)
            .then_some(())
            .ok_or_else(|| format!("{now:?}, not {before:?}"))
    });
    let told = events(&cluster[0], &id).unwrap();
    let launched = told.iter().filter(|it| it.contains(".launched")).count();
    assert!(launched <= 3, "nothing was started anew: {told:#?}");
}

#[test]
fn an_upgrade_refuses_no_caller_and_restarts_nothing() {
    let cluster = Cluster::start(1);
    let web = Bundle::web(cluster.folder(), "web");
    let id = cluster.load(0, &web);
    cluster.run(0, &id, 1);
    let before = instances(&cluster[0], &id).unwrap();

    let (stop, failed, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
        Arc::new(AtomicU32::new(0)),
    );
    let control = cluster[0].control();
    let caller = {
        let (stop, failed, asked) = (Arc::clone(&stop), Arc::clone(&failed), Arc::clone(&asked));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                asked.fetch_add(1, Ordering::Relaxed);
                let answer = http::request(control, "GET", "/v2/bundles", &[], b"");
                if !answer.is_ok_and(|answer| answer.status == 200) {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    };
    for _ in 0..3 {
        let ran = run(&mut cluster[0].conductd(&["upgrade"]));
        assert!(ran.ok().contains("now runs conductd"));
    }
    eventually("the instance is taken on again", || {
        cluster[0].ready()?;
        let now = instances(&cluster[0], &id)?;
        (now == before)
            .then_some(())
            .ok_or_else(|| format!("{now:?}, not {before:?}"))
    });
    stop.store(true, Ordering::Relaxed);
    caller.join().unwrap();
    assert!(asked.load(Ordering::Relaxed) > 10);
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {asked:?} calls");
}

#[test]
fn a_cluster_that_was_stopped_altogether_comes_back_with_what_it_ran() {
    let mut cluster = Cluster::start(3);
    let web = Bundle::web(cluster.folder(), "web");
    let id = cluster.load(0, &web);
    cluster.run(0, &id, 2);
    for number in 0..3 {
        cluster[number].kill();
    }
    // In another order than before; the first alone is no majority and waits.
    for number in [2, 0, 1] {
        cluster.start_node(number);
    }
    cluster.settle();
    cluster.running(1, &id, 2);
}
