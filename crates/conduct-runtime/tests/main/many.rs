//! Many instances at once.

use std::collections::BTreeSet;
use std::time::Instant;

use conduct_node::runtime::RuntimeEvent;

use crate::host::{Host, next_instance, orders};
use crate::tools::alive;

const MANY: usize = 200;

#[tokio::test]
async fn two_hundred_instances_run_at_once_and_end_without_a_trace() {
    let mut host = Host::new().await;
    // They have no endpoint: a test has but twenty ports.
    let conf = format!(
        "{} components.one {{ description = x, file-system-type = universal, endpoints {{}}
          start-command = [sleep, \"1000\"] }}",
        crate::host::CONF
    );
    let mut packing = crate::host::packing();
    packing
        .bytes("bundle.conf", conduct_bundle::archive::Mode::FILE, conf)
        .unwrap();
    let bundle = conduct_model::BundleId::plain(host.folder.store(&packing));
    let begun = Instant::now();
    let mut waiting = BTreeSet::new();
    for _ in 0..MANY {
        let instance = next_instance();
        for order in orders(instance, bundle, None, Vec::new()) {
            host.runtime.order(order);
        }
        waiting.insert(instance);
    }
    let all = waiting.clone();
    let mut pids = Vec::new();
    while !waiting.is_empty() {
        let (instance, pid) = host
            .wait(|event| match event {
                RuntimeEvent::Launched { instance, pid, .. } => Some((*instance, *pid)),
                _ => None,
            })
            .await;
        waiting.remove(&instance);
        pids.push(pid);
    }
    println!("{MANY} instances launched in {:?}", begun.elapsed());
    assert!(pids.iter().all(|pid| alive(*pid)));
    for instance in &all {
        host.stop(*instance, conduct_model::Span::secs(5));
    }
    let begun = Instant::now();
    for _ in &all {
        host.wait(|event| matches!(event, RuntimeEvent::Ended { .. }).then_some(()))
            .await;
    }
    println!("{MANY} instances ended in {:?}", begun.elapsed());
    assert!(!pids.into_iter().any(alive));
    host.nothing_is_left().await;
}
