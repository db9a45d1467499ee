//! Clocks that are wrong.

use conduct_sim::clients::Wish;
use conduct_sim::{Sim, bundle, mins, secs};

const HOUR_MILLIS: i64 = 3_600_000;

#[test]
fn f1_a_wall_clock_that_jumps_an_hour_changes_nothing_and_is_told_of() {
    for by in [HOUR_MILLIS, -HOUR_MILLIS] {
        let mut sim = Sim::with_seed(1).nodes(3).settled();
        let web = sim.load(bundle("web").scale(3));
        sim.world().jump_wall(1, by);
        sim.until(secs(10), "an event of it", |world| {
            world.watch().coverage().times("clockSkew") > 0
        });
        sim.run(mins(2));
        assert_eq!(sim.published("memberUnreachable"), 0);
        assert!((0..3).all(|host| !sim.is_quarantined(host)));
        assert_eq!(sim.forks(web), 3);
    }
}

#[test]
fn f2_the_later_of_two_commands_wins_although_the_earlier_came_through_a_fast_clock() {
    let mut sim = Sim::with_seed(2).nodes(3).settled();
    let web = sim.load(bundle("web").scale(1));
    sim.world().jump_wall(1, HOUR_MILLIS);
    sim.ask(1, web, Wish::Scale(5, None));
    sim.run(secs(3));
    sim.ok(2, web, Wish::Scale(2, None));
    sim.until(secs(2), "the same everywhere", |world| {
        (0..3).all(|host| {
            let view = world.view(host).expect("it runs");
            view.bundles[&web].wish.is_some_and(|wish| wish.scale == 2)
        })
    });
}
