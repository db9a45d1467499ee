//! One seed: its timeline, the rules that were checked, and how fast that was.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use conduct_model::TraceLine;
use conduct_sim::checkers::CHECKED;
use conduct_sim::faults::{Plan, draw, shrink};
use conduct_sim::run::{Outcome, Patience, run as play};
use conduct_sim::watch::{Recording, Violation};

use super::{Args, CpuTime};

/// A failure is made smaller by playing its world at most so often again.
const SHRINK_TRIES_MAX: usize = 60;
const NODES: usize = 5;
const MINUTES: f64 = 10.0;

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let plan = plan(args, args.seed, args.nodes.unwrap_or(NODES), MINUTES)?;
    if !args.quiet {
        print_plan(&plan);
    }
    let recording = match (&args.trace, args.quiet) {
        (Some(_), _) => Recording::Everything,
        (None, false) => Recording::Timeline,
        (None, true) => Recording::Nothing,
    };
    let cpu = CpuTime::start();
    let outcome = play(&plan, Patience::Full, recording, None);
    if let Some(file) = &args.trace {
        write_trace(file, &outcome.trace)?;
    }
    if !args.quiet {
        outcome.lines.iter().for_each(|line| println!("{line}"));
        println!();
    }
    print_speed(&plan, &outcome, &cpu);
    match outcome.violations.first() {
        None => {
            let looked: Vec<&str> = CHECKED.iter().copied().filter(looks_at_one_run).collect();
            println!(
                "None of {} rules was broken: {}.",
                looked.len(),
                looked.join(", ")
            );
            Ok(ExitCode::SUCCESS)
        }
        Some(violation) => {
            explain(args, &plan, violation);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The plan that the command line asks for.
pub(crate) fn plan(args: &Args, seed: u64, nodes: usize, minutes: f64) -> Result<Plan> {
    let plan = draw(seed, nodes, args.safety(minutes), args.faults.as_deref());
    let Some(only) = &args.only else {
        return Ok(plan);
    };
    let numbers = only.split(',').filter(|number| !number.trim().is_empty());
    let places: Result<Vec<usize>, _> = numbers.map(|number| number.trim().parse()).collect();
    Ok(plan.with_only(places.with_context(|| format!("{only:?} is no list of numbers"))?))
}

fn print_plan(plan: &Plan) {
    println!(
        "seed {}, {} nodes, {} s of faults",
        plan.seed, plan.nodes, plan.safety
    );
    println!("\nbundles");
    for (descriptor, program) in &plan.bundles {
        let exclusive = if descriptor.exclusive {
            ", exclusive"
        } else {
            ""
        };
        println!(
            "  {}  system {}{exclusive}, {:?}, then {:?}",
            descriptor.name, descriptor.system, program.opening, program.plot
        );
    }
    println!("\nfaults");
    for (place, fault) in plan.happening() {
        println!("{place:>4}  {fault}");
    }
    println!("\ntimeline (seconds, node, what)");
}

fn print_speed(plan: &Plan, outcome: &Outcome, cpu: &CpuTime) {
    let node_hours = outcome.node_time.as_secs_f64() / 3_600.0;
    let minutes = cpu.elapsed().as_secs_f64() / 60.0;
    println!(
        "{} nodes lived {:.1} min each, {} steps in {:.2} s: {:.0} node-hours per CPU-minute. \
         Fingerprint {:016x}.",
        plan.nodes,
        outcome.node_time.as_secs_f64() / plan.nodes as f64 / 60.0,
        outcome.steps,
        cpu.elapsed().as_secs_f64(),
        node_hours / minutes.max(1e-6),
        outcome.fingerprint
    );
}

/// Says what was broken, how to see it again, and with how little of the plan.
pub(crate) fn explain(args: &Args, plan: &Plan, violation: &Violation) {
    println!("\n{} is broken at {} s:", violation.checker, violation.at);
    println!("  {}", violation.what);
    println!("\nSee it again:\n  {}", replay(args, plan));
    let small = shrink(plan, SHRINK_TRIES_MAX, |smaller| {
        let again = play(smaller, Patience::Full, Recording::Nothing, None);
        again
            .violations
            .first()
            .is_some_and(|found| found.checker == violation.checker)
    });
    let count = small.happening().count();
    if count < plan.happening().count() {
        println!("\nOf the faults {count} are enough:");
        for (place, fault) in small.happening() {
            println!("{place:>4}  {fault}");
        }
        println!("  {}", replay(args, &small));
    }
}

/// The command that plays this plan again.
pub(crate) fn replay(args: &Args, plan: &Plan) -> String {
    let minutes = plan.safety.as_millis() as f64 / 60_000.0;
    let mut command = format!(
        "cargo sim -- --nodes {} --seed {} --minutes {minutes}",
        plan.nodes, plan.seed
    );
    if let Some(families) = &args.faults {
        let names: Vec<&str> = families.iter().map(|family| family.name()).collect();
        let _ = write!(command, " --faults {}", names.join(","));
    }
    if let Some(chosen) = &plan.chosen {
        let numbers: Vec<String> = chosen.iter().map(usize::to_string).collect();
        let _ = write!(command, " --only '{}'", numbers.join(","));
    }
    command
}

fn write_trace(file: &Path, trace: &[TraceLine]) -> Result<()> {
    let mut text = String::new();
    for line in trace {
        text.push_str(&serde_json::to_string(line).context("a trace line is no JSON")?);
        text.push('\n');
    }
    fs::write(file, text).with_context(|| format!("could not write {}", file.display()))
}

/// Some rules compare runs, and some need to see records that nodes do not show yet: of those a single
/// run says nothing.
fn looks_at_one_run(rule: &&str) -> bool {
    !["s04", "s18", "s19", "s20", "v10", "v12"]
        .contains(&rule.split('_').next().unwrap_or_default())
}
