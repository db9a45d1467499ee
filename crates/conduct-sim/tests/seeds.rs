//! Seeds that once failed, and a handful of others.

use conduct_sim::checkers::same_run;
use conduct_sim::faults::draw;
use conduct_sim::run::{Patience, run};
use conduct_sim::watch::Recording;
use conduct_sim::{mins, secs};

/// One line for each world that ever failed: seed, nodes, seconds of faults.
const ONCE_FAILED: &str = include_str!("../seeds.txt");

#[test]
fn no_seed_that_once_failed_fails_again() {
    for line in ONCE_FAILED.lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<u64> = line
            .split_whitespace()
            .take(3)
            .map(|word| word.parse().expect(line))
            .collect();
        let [seed, nodes, safety] = numbers[..] else {
            panic!("{line:?} has not three numbers")
        };
        let plan = draw(seed, nodes as usize, secs(safety), None);
        let outcome = run(&plan, Patience::Full, Recording::Nothing, None);
        assert_eq!(outcome.violations, [], "seed {seed}");
    }
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in [3, 7] {
        let plan = draw(seed, 5, mins(1), None);
        let play = || run(&plan, Patience::Brief, Recording::Nothing, None).fingerprint;
        assert_eq!(same_run(seed, play(), play()), Ok(()));
    }
}

#[test]
fn what_is_recorded_changes_nothing_of_what_happens() {
    let plan = draw(11, 3, mins(1), None);
    let with = run(&plan, Patience::Brief, Recording::Everything, None);
    let without = run(&plan, Patience::Brief, Recording::Nothing, None);
    assert_eq!(with.fingerprint, without.fingerprint);
    assert!(!with.lines.is_empty() && without.lines.is_empty());
}

#[cfg(feature = "open-findings")]
#[test]
fn f4_jumping_wall_clocks_change_no_decision() {
    use conduct_sim::checkers::same_decisions;
    use conduct_sim::faults::Family;

    let plan = draw(5, 3, mins(2), Some(&[Family::Clock, Family::Kill]));
    let jumping = run(&plan, Patience::Brief, Recording::Nothing, None);
    let calm = run(
        &plan.without_wall_jumps(),
        Patience::Brief,
        Recording::Nothing,
        None,
    );
    assert_eq!(same_decisions(&calm.decisions, &jumping.decisions), Ok(()));
}
