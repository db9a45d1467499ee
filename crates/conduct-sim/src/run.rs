//! One seed from beginning to end: things go wrong, then they stop, and all must be well.

use std::time::Duration;

use crate::checkers::{Decision, Liveness};
use crate::engine::{Dice, Moment, PerMillion, secs};
use crate::faults::{Bug, Kind, Plan};
use crate::machine::{address_of, settled};
use crate::watch::{Coverage, Line, Recording, Violation, Watch};
use crate::world::World;

/// How much is demanded after the healing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Patience {
    /// What is due within half a minute.
    #[default]
    Brief,
    /// Everything, replicas and slow gates included.
    Full,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rules that were broken; empty is what everybody hopes for.
    pub violations: Vec<Violation>,
    /// Two runs share it only if they were the same.
    pub fingerprint: u64,
    /// What was reached.
    pub coverage: Coverage,
    /// What was decided.
    pub decisions: Vec<Decision>,
    /// The timeline, if it was recorded.
    pub lines: Vec<Line>,
    /// The trace, if it was recorded.
    pub trace: Vec<conduct_model::TraceLine>,
    /// How often nodes were stepped.
    pub steps: u64,
    /// How much time passed in the simulation, for all nodes together.
    pub node_time: Duration,
    /// How long after the healing each liveness rule first held.
    pub met: Vec<(&'static str, Option<Moment>)>,
    /// Verdicts against nodes that nothing ailed but packets that got lost.
    pub false_downs: u64,
}

/// Up to so many nodes join one after the other.
const JOINING_MAX: usize = 12;
/// A cluster has so long to come together before anything goes wrong.
const GATHER_MAX: Moment = secs(20);
/// After the healing, most of what is demanded is due within this.
const BRIEF: Moment = secs(32);
/// And everything within this.
const FULL: Moment = secs(80);
/// Clients ask again for what they do not know, so long after the healing.
const RESOLVE_AFTER: Moment = secs(6);

/// Runs a plan.
pub fn run(plan: &Plan, patience: Patience, recording: Recording, bug: Option<Bug>) -> Outcome {
    let mut world = World::new(plan.seed, plan.nodes, Watch::new(plan.nodes, recording));
    if let Some(bug) = bug {
        world.plant(bug);
    }
    let mut dice = Dice::of(plan.seed, "run", 0);
    gather(&mut world);
    for (descriptor, program) in &plan.bundles {
        world.publish(descriptor.clone(), program.clone());
    }
    world.follow(plan);
    let begun = world.now();
    if world.run_until(begun + plan.safety) {
        liven(&mut world, plan, patience, &mut dice);
    }
    world.finish();
    outcome(&world)
}

/// All machines become one cluster: small ones by joining, large ones as if they had long been
/// one.
pub fn gather(world: &mut World) {
    let hosts = world.machines().len();
    if hosts > JOINING_MAX {
        let cluster = settled(world.machines());
        for host in 0..hosts {
            world.start_settled(host, &cluster);
        }
    } else {
        for host in 0..hosts {
            if host != 0 {
                world.set_seeds(host, vec![address_of(0)]);
            }
            world.start_daemon(host);
        }
    }
    let limit = world.now() + GATHER_MAX;
    let gathered = world.run_until_fact(limit, World::is_gathered);
    // Whoever loses its disk finds the others again, the first one too.
    world.set_seeds(0, (1..hosts.min(4)).map(address_of).collect());
    if !gathered && world.watch().is_content() {
        world.object("gather", "the nodes did not become one cluster".to_owned());
    }
}

/// Stops all faults, heals some majority, or all, and demands that all be well.
fn liven(world: &mut World, plan: &Plan, patience: Patience, dice: &mut Dice) {
    let all = dice.hits(PerMillion::percent(60));
    let core = if all {
        world.staying()
    } else {
        world.some_quorum(dice)
    };
    world.heal(&core, all);
    world.demand_liveness(&core);
    let since = world.now();
    if !world.run_until(since + RESOLVE_AFTER) {
        return;
    }
    world.resolve_unknowns(core[0]);
    let long = match patience {
        Patience::Brief => BRIEF,
        Patience::Full => FULL.max(Liveness::longest(plan.nodes)),
    };
    world.run_until(since + long);
}

fn outcome(world: &World) -> Outcome {
    let watch = world.watch();
    let nodes = world.machines().len() as u64;
    let hosts = world.machines().len();
    let checkers = watch.checkers();
    Outcome {
        violations: watch.violations().to_vec(),
        fingerprint: watch.fingerprint(),
        coverage: watch.coverage().clone(),
        decisions: checkers.decisions().to_vec(),
        lines: watch.record().lines().to_vec(),
        trace: watch.record().trace().to_vec(),
        steps: world.steps(),
        node_time: Duration::from_micros(world.now().as_micros() * nodes),
        met: checkers
            .liveness()
            .map(|l| l.met(hosts).collect())
            .unwrap_or_default(),
        false_downs: checkers.false_downs(),
    }
}

/// Whether a plan sets wall clocks.
pub fn sets_wall_clocks(plan: &Plan) -> bool {
    plan.happening()
        .any(|(_, fault)| matches!(fault.kind, Kind::WallJump(..)))
}
