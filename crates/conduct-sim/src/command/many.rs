//! Many seeds, on a few threads, and a summary.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use conduct_sim::checkers::{CHECKED, never_reached, same_decisions, same_run};
use conduct_sim::faults::Plan;
use conduct_sim::run::{Outcome, Patience, run as play, sets_wall_clocks};
use conduct_sim::watch::{Coverage, Recording, Violation};

use super::one::{explain, plan};
use super::{Args, CpuTime, SeedRange};

const MINUTES: f64 = 1.0;
/// Every so manieth seed is played twice and must come to the same.
const TWICE_EVERY: u64 = 20;
/// Every so manieth seed waits until everything is due that is demanded of a healed cluster.
const PATIENT_EVERY: u64 = 8;
/// Of each rule that was broken so many worlds are shown.
const SHOWN_PER_RULE: usize = 5;
/// With so many seeds everything must have been reached.
const REACH_ALL: u64 = 1_000;

/// What all threads add up.
#[derive(Default)]
struct Sum {
    seeds: u64,
    steps: u64,
    node_time: Duration,
    coverage: Coverage,
    failures: Vec<(Plan, Violation)>,
}

pub(crate) fn run(args: &Args, range: &SeedRange, seconds: Option<u64>) -> Result<ExitCode> {
    let cpu = CpuTime::start();
    let next = AtomicU64::new(range.from);
    let stop = AtomicBool::new(false);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..args.threads.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let late = seconds.is_some_and(|limit| cpu.wall().as_secs() >= limit);
                    if seed >= range.to || late {
                        return;
                    }
                    if !play_one(args, seed, &sum) && !args.keep_going {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let sum = sum
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(summarise(args, &sum, &cpu))
}

/// Plays a seed; false when it failed.
fn play_one(args: &Args, seed: u64, sum: &Mutex<Sum>) -> bool {
    let nodes = args.nodes.unwrap_or(3 + (seed % 5) as usize);
    let plan = match plan(args, seed, nodes, MINUTES) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("error: {error:#}");
            return false;
        }
    };
    let patience = if seed.is_multiple_of(PATIENT_EVERY) {
        Patience::Full
    } else {
        Patience::Brief
    };
    let outcome = play(&plan, patience, Recording::Nothing, None);
    let mut found = outcome.violations.first().cloned();
    if found.is_none() && seed.is_multiple_of(TWICE_EVERY) {
        found = differs(&plan, patience, &outcome);
    }
    let mut sum = sum
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    sum.seeds += 1;
    sum.steps += outcome.steps;
    sum.node_time += outcome.node_time;
    sum.coverage.add(&outcome.coverage);
    match found {
        None => true,
        Some(violation) => {
            sum.failures.push((plan, violation));
            false
        }
    }
}

/// Plays the same seed again, as it was and with right wall clocks.
fn differs(plan: &Plan, patience: Patience, first: &Outcome) -> Option<Violation> {
    let again = play(plan, patience, Recording::Nothing, None);
    let mut verdict = same_run(plan.seed, first.fingerprint, again.fingerprint);
    let mut checker = "s20_determinism";
    if verdict.is_ok() && sets_wall_clocks(plan) {
        let calm = play(
            &plan.without_wall_jumps(),
            patience,
            Recording::Nothing,
            None,
        );
        verdict = same_decisions(&calm.decisions, &first.decisions);
        checker = "s19_no_wall_clock";
    }
    let at = conduct_sim::Moment::ZERO;
    verdict.err().map(|what| Violation { checker, at, what })
}

/// How often each rule was broken, and in which worlds first.
fn count_failures(failures: &[(Plan, Violation)]) {
    let mut rules: BTreeMap<&str, Vec<&(Plan, Violation)>> = BTreeMap::new();
    for failure in failures {
        rules.entry(failure.1.checker).or_default().push(failure);
    }
    for (rule, broken) in rules {
        println!("\n{rule}: {} times", broken.len());
        for (plan, violation) in broken.iter().take(SHOWN_PER_RULE) {
            println!(
                "  seed {} nodes {} at {}: {}",
                plan.seed, plan.nodes, violation.at, violation.what
            );
        }
    }
}

fn summarise(args: &Args, sum: &Sum, cpu: &CpuTime) -> ExitCode {
    let node_hours = sum.node_time.as_secs_f64() / 3_600.0;
    let speed = node_hours / (cpu.elapsed().as_secs_f64() / 60.0).max(1e-6);
    println!(
        "{} seeds, {} rules, {node_hours:.0} node-hours, {} steps in {:.0} s: \
         {speed:.0} node-hours per CPU-minute, {} failed.",
        sum.seeds,
        CHECKED.len(),
        sum.steps,
        cpu.wall().as_secs_f64(),
        sum.failures.len()
    );
    if !args.quiet {
        for (label, times) in sum.coverage.iter() {
            println!("  {times:>8}  {label}");
        }
    }
    if args.keep_going && !sum.failures.is_empty() {
        count_failures(&sum.failures);
        return ExitCode::FAILURE;
    }
    if let Some((plan, violation)) = sum.failures.first() {
        println!("\nseed {} fails.", plan.seed);
        explain(args, plan, violation);
        println!(
            "\nKeep it: add {} {} {} to crates/conduct-sim/seeds.txt",
            plan.seed,
            plan.nodes,
            plan.safety.as_millis() / 1_000
        );
        return ExitCode::FAILURE;
    }
    let missed = never_reached(&sum.coverage);
    if sum.seeds >= REACH_ALL && args.faults.is_none() && !missed.is_empty() {
        println!("\nv12_everything_was_reached is broken:");
        missed.iter().for_each(|missed| println!("  {missed}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
