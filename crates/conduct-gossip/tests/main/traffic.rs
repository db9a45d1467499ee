//! What membership costs while nothing happens.

use crate::net::{Net, secs};

/// Bytes per second and node, sent while idle: on average, and by the busiest.
fn idle(count: usize, span: u64) -> (u64, u64) {
    let mut net = Net::settled(1, count);
    net.run(12_000);
    net.count_bytes = true;
    net.run(secs(span));
    let sent = net.nodes.iter().map(|node| node.sent_bytes / span);
    (
        sent.clone().sum::<u64>() / count as u64,
        sent.max().unwrap_or_default(),
    )
}

#[test]
fn idle_membership_costs_less_than_a_kilobyte_a_second_at_any_size() {
    for (count, span) in [
        (3, 60),
        (5, 60),
        (9, 60),
        (10, 60),
        (20, 30),
        (100, 15),
        (1_000, 3),
    ] {
        let (mean, most) = idle(count, span);
        println!("{count} nodes: {mean} B/s on average, {most} B/s at most");
        assert!(mean <= 1_000, "{count} nodes: {mean}");
    }
}

#[test]
fn every_datagram_fits() {
    let mut net = Net::settled(3, 40);
    net.run(3_000);
    net.count_bytes = true;
    for no in 30..40 {
        net.kill(no, true);
    }
    net.run(secs(12));
    for no in 30..40 {
        net.start(no, &[0]);
    }
    net.run(secs(10));
    println!("the longest datagram has {} bytes", net.longest_datagram);
    assert!(net.longest_datagram <= 1_000);
}
