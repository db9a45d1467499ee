//! Draws a plan from a seed: first which kinds of faults exist in this world, then each of them.

use super::workload::draw_workload;
use super::{Family, Fault, Kind, Phase, Plan};
use crate::engine::{Dice, Moment, PerMillion, millis, secs};
use crate::network::Conditions;

/// The plan of this seed. With `families`, only those faults exist.
pub fn draw(seed: u64, nodes: usize, safety: Moment, families: Option<&[Family]>) -> Plan {
    let mut dice = Dice::of(seed, "plan", 0);
    let chosen = match families {
        Some(families) => families.to_vec(),
        None => draw_families(&mut dice),
    };
    let (bundles, operations) = draw_workload(seed, nodes, safety);
    let mut plan = Plan {
        seed,
        nodes,
        safety,
        bundles,
        operations,
        faults: vec![],
        chosen: None,
    };
    if !chosen.is_empty() {
        draw_faults(&mut dice, &chosen, &mut plan);
    }
    plan
}

/// Few in most worlds, all in some.
fn draw_families(dice: &mut Dice) -> Vec<Family> {
    let mut families = Family::ALL.to_vec();
    dice.shuffle(&mut families);
    let many = match dice.below(10) {
        0 => families.len(),
        1..=3 => dice.within(3..8) as usize,
        _ => dice.within(1..4) as usize,
    };
    families.truncate(many);
    families
}

fn draw_faults(dice: &mut Dice, families: &[Family], plan: &mut Plan) {
    let seconds = plan.safety.as_micros() / 1_000_000;
    // One every 8 to 25 s; the first 5 s are quiet, so that there is something to disturb.
    let every = dice.within(8..25);
    let mut at = secs(5) + millis(dice.below(8_000));
    while at + secs(2) < plan.safety {
        let Some(family) = dice.pick(families).copied() else {
            return;
        };
        let left = plan.safety.since(at);
        if let Some(fault) = draw_fault(dice, family, plan.nodes, at, left) {
            plan.faults.push(fault);
        }
        at += millis(dice.within(every * 500..every * 1_500));
        debug_assert!(
            plan.faults.len() as u64 <= seconds,
            "a fault a second is the most"
        );
    }
    if families.contains(&Family::Weather) && dice.hits(PerMillion::percent(30)) {
        let kind = Kind::Weather(draw_weather(dice));
        plan.faults.insert(
            0,
            Fault {
                at: secs(1),
                lasts: plan.safety,
                phase: None,
                kind,
            },
        );
    }
}

fn draw_fault(
    dice: &mut Dice,
    family: Family,
    nodes: usize,
    at: Moment,
    left: Moment,
) -> Option<Fault> {
    let host = dice.below(nodes as u64) as usize;
    let other = (host + 1 + dice.below(nodes as u64 - 1) as usize) % nodes;
    let lasts = draw_length(dice).min(left);
    let moment = Moment::ZERO;
    let (kind, lasts) = match family {
        Family::Cut => (draw_cut(dice, nodes, host, other), lasts),
        Family::Flap => {
            let period = secs([1, 1, 3, 10][dice.below(4) as usize]);
            (Kind::Flap(draw_side(dice, nodes), period), lasts)
        }
        Family::Weather => (Kind::Weather(draw_weather(dice)), lasts),
        Family::Clog => (Kind::Clog(draw_side(dice, nodes)), lasts.min(secs(10))),
        Family::Kill => (Kind::Kill(host), lasts),
        Family::Power => match dice.below(6) {
            0 => (Kind::PowerOffMost, lasts),
            _ => (Kind::PowerOff(host), lasts),
        },
        Family::Pause => match dice.below(8) {
            0 => (Kind::SuspendAll, lasts),
            1 | 2 => (Kind::Suspend(host), lasts),
            _ => (Kind::Freeze(host), lasts),
        },
        Family::Clock => {
            let by = [3_600_000, -3_600_000, 60_000, -60_000, 4_000][dice.below(5) as usize];
            (Kind::WallJump(host, by), lasts)
        }
        Family::Disk => match dice.below(4) {
            0 => (Kind::DiskFull(host), lasts),
            1 => (Kind::DiskBroken(host), lasts),
            _ => (Kind::DiskStall(host), lasts),
        },
        Family::Rot => match dice.below(3) {
            0 => (Kind::RecordRot(host), moment),
            _ => (Kind::ArchiveRot(host), moment),
        },
        Family::Replace => match dice.below(2) {
            0 => (Kind::Wipe(host), lasts.min(secs(20))),
            _ => (Kind::Rollback(host), lasts.min(secs(20))),
        },
        Family::Instance => match dice.below(4) {
            0 => (Kind::KillShim(host), moment),
            _ => (Kind::KillInstance(host), moment),
        },
        Family::Attack => (Kind::Attack, lasts),
        Family::Drain => (Kind::Drain(host), lasts),
        Family::Join => (Kind::Join, moment),
        Family::Poison => (Kind::Poison, moment),
    };
    let phase = draw_phase(dice, &kind);
    Some(Fault {
        at,
        lasts,
        phase,
        kind,
    })
}

/// Most faults that hit one machine hit it when it hurts.
fn draw_phase(dice: &mut Dice, kind: &Kind) -> Option<Phase> {
    kind.host()?;
    if !dice.hits(PerMillion::percent(60)) {
        return None;
    }
    let phases = [
        Phase::Writing,
        Phase::Writing,
        Phase::Starting,
        Phase::Stopping,
        Phase::Receiving,
        Phase::Answering,
    ];
    dice.pick(&phases).copied()
}

/// From a blink to longer than any timeout.
fn draw_length(dice: &mut Dice) -> Moment {
    let [from, to] = match dice.below(5) {
        0 => [200, 1_500],
        1 => [1_500, 4_000],
        2 => [4_000, 10_000],
        3 => [10_000, 20_000],
        _ => [20_000, 45_000],
    };
    millis(dice.within(from..to))
}

fn draw_cut(dice: &mut Dice, nodes: usize, host: usize, other: usize) -> Kind {
    match dice.below(10) {
        0 | 1 => Kind::OneWay(host, other),
        2 => Kind::Bridge(host, other),
        3 if nodes >= 5 => Kind::Ring,
        4 => Kind::Shatter,
        _ => Kind::Cut(draw_side(dice, nodes)),
    }
}

/// Some machines, but not all.
fn draw_side(dice: &mut Dice, nodes: usize) -> Vec<usize> {
    let mut hosts: Vec<usize> = (0..nodes).collect();
    dice.shuffle(&mut hosts);
    hosts.truncate(dice.within(1..nodes.max(2) as u64) as usize);
    hosts.sort_unstable();
    hosts
}

fn draw_weather(dice: &mut Dice) -> Conditions {
    let mut weather = Conditions::LAN;
    let percents = [1, 5, 10, 20, 50];
    if dice.hits(PerMillion::percent(60)) {
        weather.loss = PerMillion::percent(percents[dice.below(5) as usize]);
    }
    if dice.hits(PerMillion::percent(40)) {
        weather.duplicates = PerMillion::percent(percents[dice.below(5) as usize]);
    }
    if dice.hits(PerMillion::percent(40)) {
        weather.reorders = PerMillion::percent(percents[dice.below(5) as usize]);
        weather.reorder_by = millis(dice.within(1..2_000));
    }
    if dice.hits(PerMillion::percent(30)) {
        weather.corrupts = PerMillion(dice.within(100..20_000) as u32);
    }
    if dice.hits(PerMillion::percent(30)) {
        weather.latency = millis(dice.within(1..50));
        weather.jitter = millis(dice.within(1..20));
    }
    weather
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::mins;

    #[test]
    fn a_plan_is_a_function_of_its_seed() {
        let plan = |seed| draw(seed, 5, mins(2), None);
        assert_eq!(plan(7).faults, plan(7).faults);
        assert_eq!(plan(7).operations, plan(7).operations);
        assert!((1..20).any(|seed| plan(seed).faults != plan(7).faults));
    }

    #[test]
    fn most_worlds_have_few_kinds_of_faults_and_some_have_many() {
        let kinds = |seed| {
            let mut dice = Dice::of(seed, "plan", 0);
            draw_families(&mut dice).len()
        };
        let many = (0..1_000)
            .filter(|seed| kinds(*seed) == Family::ALL.len())
            .count();
        let few = (0..1_000).filter(|seed| kinds(*seed) <= 3).count();
        assert!((50..200).contains(&many), "{many}");
        assert!(few > 500, "{few}");
    }

    #[test]
    fn only_the_chosen_families_exist() {
        let plan = draw(3, 5, mins(10), Some(&[Family::Pause]));
        assert!(!plan.faults.is_empty());
        assert!(plan.faults.iter().all(|fault| matches!(
            fault.kind,
            Kind::Freeze(_) | Kind::Suspend(_) | Kind::SuspendAll
        )));
    }
}
