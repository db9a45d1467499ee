//! How large a simulation may be, and how fast one is.

use std::fs;
use std::time::Duration;

use conduct_sim::faults::draw;
use conduct_sim::machine::settled;
use conduct_sim::run::{Patience, run};
use conduct_sim::watch::{Recording, Watch};
use conduct_sim::world::World;
use conduct_sim::{mins, secs};

use super::{Row, Target};
use crate::command::CpuTime;

const NODES: usize = 5_000;
const GIGABYTE: f64 = 1_073_741_824.0;

pub(crate) fn measure(tell: &mut impl FnMut(Row)) {
    tell(Row {
        what: "node-hours per CPU-minute, 3 to 7 nodes, all checkers".to_owned(),
        measured: speed(),
        target: Target::AtLeast(200.0),
        unit: "",
        samples: 20,
    });
    tell(Row {
        what: format!("memory of a simulation of {NODES} nodes, at its peak"),
        measured: memory(),
        target: Target::AtMost(4.0),
        unit: "GiB",
        samples: 1,
    });
}

fn speed() -> f64 {
    let cpu = CpuTime::start();
    let mut lived = Duration::ZERO;
    for seed in 1..=20 {
        let plan = draw(seed, 3 + (seed % 5) as usize, mins(4), None);
        lived += run(&plan, Patience::Full, Recording::Nothing, None).node_time;
    }
    lived.as_secs_f64() / 3_600.0 / (cpu.elapsed().as_secs_f64() / 60.0).max(1e-6)
}

/// Five thousand settled nodes live for a while and lose one of them.
fn memory() -> f64 {
    let watch = Watch::new(NODES, Recording::Nothing).without_checkers(false);
    let mut world = World::new(1, NODES, watch);
    let members = settled(world.machines());
    for host in 0..NODES {
        world.start_settled(host, &members);
    }
    world.run_until(secs(8));
    world.power_off(NODES - 1);
    world.run_until(secs(20));
    peak_bytes() as f64 / GIGABYTE
}

/// The most memory that this process ever had.
fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or(u64::MAX, |kilobytes| kilobytes * 1_024)
}
