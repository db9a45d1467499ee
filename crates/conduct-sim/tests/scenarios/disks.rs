//! Disks and what is on them.

use conduct_sim::clients::{Outcome, Wish};
use conduct_sim::machine::DiskFault;
use conduct_sim::{Sim, bundle, mins, secs};

#[test]
fn g1_a_full_disk_refuses_commands_and_nothing_else() {
    let mut sim = Sim::with_seed(1).nodes(3).settled();
    let web = sim.load(bundle("web").scale(3));
    sim.world().break_disk(0, DiskFault::Full);
    sim.run(secs(20));
    assert_eq!(sim.published("memberUnreachable"), 0);
    assert_eq!(sim.forks(web), 3);
    sim.world().break_disk(0, DiskFault::None);
    sim.run(secs(5));
    sim.ok(0, web, Wish::Scale(2, None));
}

#[test]
fn g3_a_disk_whose_syncs_fail_acknowledges_nothing_by_itself() {
    let mut sim = Sim::with_seed(3).nodes(3).settled();
    let web = sim.load(bundle("web").scale(1));
    for host in 0..3 {
        sim.world().break_disk(host, DiskFault::Broken);
    }
    let scale = sim.ask(0, web, Wish::Scale(2, None));
    sim.run(secs(12));
    assert_ne!(sim.outcome(scale), Outcome::Ok);
    for host in 0..3 {
        sim.world().break_disk(host, DiskFault::None);
    }
    sim.run(secs(10));
    sim.ok(1, web, Wish::Scale(3, None));
}

#[cfg(feature = "open-findings")]
#[test]
fn g6_a_node_with_a_new_disk_comes_back_and_its_copies_are_made_again() {
    let mut sim = Sim::with_seed(6).nodes(3).settled();
    let web = sim.load(bundle("web").scale(2));
    sim.run(secs(10));
    sim.world().kill_daemon(2);
    sim.world().wipe_disk(2);
    sim.run(secs(3));
    let seeds = vec![conduct_sim::machine::address_of(0)];
    sim.world().set_seeds(2, seeds);
    sim.world().start_daemon(2);
    sim.gathers_within(secs(20));
    sim.until(mins(1), "three copies", |world| {
        world
            .machines()
            .iter()
            .filter(|machine| machine.archives.is_good(web.bundle))
            .count()
            == 3
    });
}

#[test]
fn g7_a_rotten_archive_is_never_run_and_is_replaced_by_a_good_one() {
    let mut sim = Sim::with_seed(7).nodes(3).settled();
    let web = sim.publish(bundle("web"));
    sim.ok(0, web, Wish::Load);
    sim.until(mins(1), "three copies", |world| {
        world
            .machines()
            .iter()
            .filter(|machine| machine.archives.is_good(web.bundle))
            .count()
            == 3
    });
    sim.world().rot_archive(0);
    sim.world().rot_archive(1);
    sim.ok(2, web, Wish::Scale(3, None));
    sim.until(mins(1), "three good copies", |world| {
        world
            .machines()
            .iter()
            .filter(|machine| machine.archives.is_good(web.bundle))
            .count()
            == 3
    });
    sim.until(secs(30), "three instances", |world| {
        let live = world.truth().live().filter(|(_, real)| real.bundle == web);
        live.filter(|(_, real)| real.started.is_some()).count() == 3
    });
}

#[cfg(feature = "open-findings")]
#[test]
fn g10_an_old_copy_of_the_state_brings_nothing_back() {
    let mut sim = Sim::with_seed(10).nodes(3).settled();
    let web = sim.load(bundle("web").scale(1));
    sim.run(secs(5));
    sim.world().back_up(2);
    sim.ok(0, web, Wish::Scale(0, None));
    sim.run(secs(15));
    sim.ok(0, web, Wish::Unload);
    sim.run(secs(5));
    sim.world().kill_daemon(2);
    sim.world().restore_backup(2);
    sim.run(millis(500));
    sim.world().start_daemon(2);
    sim.gathers_within(secs(10));
    sim.run(secs(10));
    for host in 0..3 {
        assert!(!sim.view(host).bundles.contains_key(&web), "n{host}");
    }
}
