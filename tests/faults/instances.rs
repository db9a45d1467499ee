//! Instances that end, never begin, or are killed.

use std::time::{Duration, Instant};

use conduct_tests::{Bundle, Cluster, eventually, http};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::seen::{bundle, events, instances, is_alive};

/// Says that it is ready and ends well when it is told to by a file.
const WORKER: &str = r#"
import os, time, urllib.request
status = "%s/bundles/%s?isStarted=true" % (os.environ["CONDUCTR_STATUS"], os.environ["BUNDLE_ID"])
urllib.request.urlopen(urllib.request.Request(status, method="PUT")).read()
print("working", flush=True)
time.sleep(0.5)
"#;

#[test]
fn an_instance_that_is_killed_is_missed_at_once_and_has_a_successor() {
    let cluster = Cluster::start(1);
    let web = Bundle::web(cluster.folder(), "web");
    let id = cluster.load(0, &web);
    cluster.run(0, &id, 1);
    let first = instances(&cluster[0], &id).unwrap()[0].clone();

    kill(Pid::from_raw(first.pid as i32), Signal::SIGKILL).unwrap();
    let killed = Instant::now();
    eventually("its end is seen", || {
        let now = instances(&cluster[0], &id)?;
        let gone = now.iter().all(|it| it.pid != first.pid);
        gone.then_some(()).ok_or_else(|| format!("{now:?}"))
    });
    let seen = killed.elapsed();
    eventually("a successor runs", || {
        let now = instances(&cluster[0], &id)?;
        let runs = now.len() == 1 && now[0].started && now[0].pid != first.pid;
        runs.then_some(()).ok_or_else(|| format!("{now:?}"))
    });
    println!(
        "seen after {seen:?}, healthy again after {:?}",
        killed.elapsed()
    );
    let told = events(&cluster[0], &id).unwrap();
    assert!(
        told.iter()
            .any(|it| it.contains("SIGKILL") || it.contains("signal 9")),
        "{told:#?}"
    );
}

#[test]
fn an_instance_that_ends_well_after_its_signal_is_left_alone() {
    let cluster = Cluster::start(1);
    let worker = Bundle::python(cluster.folder(), "worker", WORKER, "");
    let id = cluster.load(0, &worker);
    let path = format!("/v2/bundles/{id}?scale=1");
    let answer = http::request(cluster[0].control(), "PUT", &path, &[], b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("it has worked and ended", || {
        let told = events(&cluster[0], &id)?;
        let ended = told.iter().any(|it| it.contains("exited"));
        ended.then_some(()).ok_or_else(|| format!("{told:#?}"))
    });
    let started = |told: &[String]| told.iter().filter(|it| it.contains(".launched")).count();
    let told = events(&cluster[0], &id).unwrap();
    assert_eq!(started(&told), 1, "{told:#?}");
    // Longer than any restart would take to begin: another bundle starts meanwhile and is seen.
    let web = Bundle::web(cluster.folder(), "web");
    let other = cluster.load(0, &web);
    cluster.run(0, &other, 1);
    let told = events(&cluster[0], &id).unwrap();
    assert_eq!(started(&told), 1, "{told:#?}");
    assert_eq!(
        bundle(&cluster[0].json("/v2/bundles").unwrap(), &id).unwrap()["hasError"],
        false
    );
}

#[test]
fn a_bundle_that_cannot_start_is_given_up_with_its_reason_and_holds_nobody_up() {
    let cluster = Cluster::start(1);
    let shop = Bundle::failing(cluster.folder(), "shop");
    let id = cluster.load(0, &shop);
    let path = format!("/v2/bundles/{id}?scale=1");
    http::request(cluster[0].control(), "PUT", &path, &[], b"").unwrap();
    eventually("it is marked", || {
        let list = cluster[0].json("/v2/bundles")?;
        let marked = bundle(&list, &id)?["hasError"] == true;
        marked.then_some(()).ok_or_else(|| list.to_string())
    });
    let told = events(&cluster[0], &id).unwrap();
    assert!(told.iter().any(|it| it.contains("parked")), "{told:#?}");
    let why = cluster[0].get(&format!("/v2/bundles/{id}/why")).unwrap();
    assert_eq!(why.status, 200, "{}", why.text());
    let web = Bundle::web(cluster.folder(), "web");
    let other = cluster.load(0, &web);
    cluster.run(0, &other, 1);
}

#[test]
fn whoever_ignores_the_word_to_end_is_killed_with_all_that_it_started() {
    let stubborn = r#"
import os, signal, subprocess, time, urllib.request
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
status = "%s/bundles/%s?isStarted=true" % (os.environ["CONDUCTR_STATUS"], os.environ["BUNDLE_ID"])
urllib.request.urlopen(urllib.request.Request(status, method="PUT")).read()
print("child", child.pid, flush=True)
time.sleep(1000)
"#;
    let cluster = Cluster::with(1, &["conduct.stop-grace=1s"]);
    let bundle = Bundle::python(cluster.folder(), "stubborn", stubborn, "");
    let id = cluster.load(0, &bundle);
    cluster.run(0, &id, 1);
    let pid = instances(&cluster[0], &id).unwrap()[0].pid;
    let child: u64 = eventually("it says what it started", || {
        let lines = cluster[0].json(&format!("/v2/bundles/{id}/logs"))?;
        let mut all = lines.as_array().into_iter().flatten();
        all.find_map(|line| {
            line["message"]
                .as_str()?
                .strip_prefix("child ")?
                .parse()
                .ok()
        })
        .ok_or_else(|| lines.to_string())
    });
    assert!(is_alive(pid) && is_alive(child));
    let begun = Instant::now();
    cluster.run(0, &id, 0);
    eventually("nothing of it is left", || {
        let left: Vec<u64> = [pid, child]
            .into_iter()
            .filter(|pid| is_alive(*pid))
            .collect();
        left.is_empty()
            .then_some(())
            .ok_or_else(|| format!("{left:?}"))
    });
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "it had a second to end by itself"
    );
}
