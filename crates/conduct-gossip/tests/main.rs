//! Whole clusters of machines in one thread, seen from outside.

#[path = "main/net.rs"]
mod net;

use conduct_gossip::{Status, Verdict};
use net::{Net, Told, key, percentile, secs};

#[test]
fn smoke() {
    for n in [2usize, 3, 5, 10] {
        let mut unreach = Vec::new();
        let mut downs = Vec::new();
        for seed in 0..100 {
            let mut net = Net::settled(seed, n);
            net.run(5_000 + seed * 7);
            let at = net.now;
            assert_eq!(net.count_told(1, |_| true), 0, "{}", net.timeline(1));
            let victim = n - 1;
            net.kill(victim, true);
            net.run(secs(12));
            let rest = net.up();
            let who = key(victim);
            let u = net.all_told(
                at,
                &rest,
                |t| matches!(t, Told::Verdict(Verdict::Unreachable(k)) if *k == who),
            );
            let d = net.all_told(
                at,
                &rest,
                |t| matches!(t, Told::Verdict(Verdict::Down{key: k,..}) if *k == who),
            );
            unreach.push(u.unwrap_or(99_999));
            downs.push(d.unwrap_or(99_999));
        }
        println!(
            "n={n} U p50 {} p99 {} D p50 {} p99 {}",
            percentile(&mut unreach, 50),
            percentile(&mut unreach, 99),
            percentile(&mut downs, 50),
            percentile(&mut downs, 99)
        );
    }
    let _ = Status::Reachable;
}
