//! The checkers must notice what they are there for: bugs that are planted around the product.

use conduct_sim::checkers::same_run;
use conduct_sim::clients::Wish;
use conduct_sim::faults::{Bug, draw};
use conduct_sim::machine::Pause;
use conduct_sim::run::{Patience, run};
use conduct_sim::watch::Recording;
use conduct_sim::{Sim, bundle, mins, secs};

/// The rules that object while `story` is told with `bug` planted; none without it.
fn objections(bug: Bug, story: impl Fn(&mut Sim)) -> Vec<&'static str> {
    let tell = |bug: Option<Bug>| {
        let mut sim = Sim::with_seed(23).nodes(3).settled().whatever_happens();
        if let Some(bug) = bug {
            sim.world().plant(bug);
        }
        story(&mut sim);
        sim.world().finish();
        sim.world()
            .watch()
            .violations()
            .iter()
            .map(|found| found.checker)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        tell(None),
        Vec::<&str>::new(),
        "without the bug all is well"
    );
    tell(Some(bug))
}

fn assert_caught(bug: Bug, by: &[&str], story: impl Fn(&mut Sim)) {
    let found = objections(bug, story);
    assert!(
        found.iter().any(|rule| by.contains(rule)),
        "{bug:?} was noticed by {found:?}"
    );
}

fn runs_two(sim: &mut Sim) {
    let web = sim.publish(bundle("web").scale(2));
    sim.ask(0, web, Wish::Load);
    sim.run(secs(3));
    sim.ask(0, web, Wish::Scale(2, None));
    sim.run(secs(60));
}

#[test]
fn an_instance_that_is_started_twice_is_noticed() {
    assert_caught(
        Bug::DoubleInstance,
        &["s08_bounded_running", "s11_at_most_one_supervisor"],
        runs_two,
    );
}

#[test]
fn an_acknowledgement_without_a_write_is_noticed() {
    assert_caught(Bug::LostWrite, &["s06_acked_is_durable"], runs_two);
}

#[test]
fn a_gate_that_lets_two_through_is_noticed() {
    assert_caught(Bug::BrokenGate, &["s09_sequential_gate"], |sim| {
        sim.run(secs(40));
        let web = sim.publish(bundle("web").per_node(3));
        sim.ask(0, web, Wish::Load);
        sim.run(secs(3));
        sim.ask(0, web, Wish::Scale(9, None));
        sim.run(secs(30));
    });
}

#[cfg(feature = "open-findings")]
#[test]
fn an_endpoint_that_stays_after_its_instance_is_noticed() {
    assert_caught(Bug::StaleEndpoint, &["s12_ready_means_ready"], |sim| {
        sim.run(secs(20));
        let web = sim.publish(bundle("web"));
        sim.ask(0, web, Wish::Load);
        sim.run(secs(3));
        sim.ask(0, web, Wish::Scale(1, None));
        sim.run(secs(10));
        sim.ask(0, web, Wish::Scale(0, None));
        sim.run(secs(15));
    });
}

#[cfg(feature = "open-findings")]
#[test]
fn a_removal_that_is_forgotten_is_noticed() {
    assert_caught(Bug::DroppedRemoval, &["s07_no_resurrection"], |sim| {
        let web = sim.publish(bundle("web"));
        sim.ask(0, web, Wish::Load);
        sim.run(secs(5));
        sim.ask(0, web, Wish::Unload);
        sim.run(secs(30));
    });
}

#[cfg(feature = "open-findings")]
#[test]
fn a_merge_that_depends_on_the_order_is_noticed() {
    assert_caught(Bug::OneSidedMerge, &["s04_semilattice"], |sim| {
        let web = sim.publish(bundle("web"));
        for _ in 0..6 {
            sim.cut(&[0], &[1, 2]);
            sim.run(secs(1));
            sim.ask(1, web, Wish::Load);
            sim.run(secs(2));
            sim.heal();
            sim.run(secs(4));
        }
    });
}

#[test]
fn a_packet_that_is_taken_twice_is_noticed() {
    assert_caught(Bug::AcceptedReplay, &["s17_authenticated_only"], |sim| {
        sim.world().attack(true);
        sim.run(mins(2));
    });
}

#[test]
fn a_packet_that_nobody_sealed_is_noticed() {
    assert_caught(Bug::AcceptedForgery, &["s17_authenticated_only"], |sim| {
        sim.world().attack(true);
        sim.run(mins(2));
    });
}

#[test]
fn a_lease_that_does_not_end_is_noticed() {
    assert_caught(Bug::EndlessLease, &["s10_quarantine_deadline"], |sim| {
        runs_two(sim);
        for host in 0..3 {
            sim.world().pause(host, Pause::Daemon);
        }
        sim.run(secs(20));
    });
}

#[test]
fn a_command_that_is_acknowledged_and_thrown_away_is_noticed() {
    assert_caught(
        Bug::LostCommand,
        &["s06_acked_is_durable", "s15_no_lost_scale"],
        runs_two,
    );
}

#[test]
fn an_event_that_is_missing_from_a_stream_is_noticed() {
    assert_caught(Bug::StreamGap, &["s13_monotonic_stream"], |sim| {
        runs_two(sim);
        sim.cut(&[0], &[1, 2]);
        sim.run(secs(10));
        sim.heal();
        sim.run(secs(10));
    });
}

#[test]
fn damaged_bytes_that_are_run_are_noticed() {
    assert_caught(Bug::UnverifiedArchive, &["s14_digest"], |sim| {
        let web = sim.publish(bundle("web"));
        sim.ask(0, web, Wish::Load);
        sim.run(secs(10));
        for host in 0..3 {
            sim.world().rot_archive(host);
        }
        sim.ask(0, web, Wish::Scale(3, None));
        sim.run(secs(10));
    });
}

#[test]
fn an_instance_that_is_called_healthy_before_it_is_is_noticed() {
    assert_caught(Bug::EarlyReady, &["s12_ready_means_ready"], runs_two);
}

#[cfg(feature = "open-findings")]
#[test]
fn a_verdict_against_a_healthy_node_is_noticed() {
    assert_caught(Bug::SecretCut, &["s03_verdicts_need_evidence"], |sim| {
        sim.run(secs(60));
    });
}

#[test]
fn an_acknowledgement_on_the_wrong_side_of_a_cut_is_noticed() {
    let rules = ["s01_one_majority", "s10_quarantine_deadline"];
    assert_caught(Bug::TwoMajorities, &rules, |sim| {
        let web = sim.publish(bundle("web"));
        sim.ask(0, web, Wish::Load);
        sim.run(secs(5));
        sim.cut(&[2], &[0, 1]);
        sim.run(secs(10));
        sim.ask(0, web, Wish::Offset(1));
        sim.ask(2, web, Wish::Offset(1));
        sim.run(secs(10));
    });
}

#[cfg(feature = "open-findings")]
#[test]
fn a_signal_that_goes_by_pid_alone_is_noticed() {
    assert_caught(Bug::SignalByPid, &["s11_at_most_one_supervisor"], |sim| {
        let web = sim.publish(bundle("web"));
        sim.ask(0, web, Wish::Load);
        sim.run(secs(3));
        for _ in 0..10 {
            sim.ask(0, web, Wish::Scale(3, None));
            sim.run(secs(8));
            sim.ask(0, web, Wish::Scale(0, None));
            sim.run(secs(14));
        }
    });
}

#[cfg(feature = "open-findings")]
#[test]
fn timeouts_that_look_at_the_wall_clock_are_noticed() {
    let plan = draw(5, 3, mins(1), Some(&[Family::Clock]));
    let bug = Some(Bug::WallClockTimeouts);
    let jumping = run(&plan, Patience::Brief, Recording::Nothing, bug);
    let calm = run(
        &plan.without_wall_jumps(),
        Patience::Brief,
        Recording::Nothing,
        bug,
    );
    let differ = same_decisions(&calm.decisions, &jumping.decisions).is_err();
    assert!(differ || jumping.violations != calm.violations);
}

#[test]
fn a_run_that_depends_on_more_than_its_seed_is_noticed() {
    let play = |seed| {
        let plan = draw(seed, 3, secs(10), Some(&[]));
        run(&plan, Patience::Brief, Recording::Nothing, None).fingerprint
    };
    assert!(same_run(1, play(1), play(2)).is_err());
}
