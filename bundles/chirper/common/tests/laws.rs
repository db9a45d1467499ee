//! The laws of replicas: whatever is lost, doubled or overtaken on the way, they end up equal.

use chirper_common::replica::{Entry, Log, Origin, Vector};
use proptest::collection::vec;
use proptest::prelude::*;

type Text = String;

/// What may happen among replicas.
#[derive(Clone, Debug)]
enum Step {
    /// A replica writes, its clock saying this.
    Write { at: usize, now: u64 },
    /// One tells its vector; the answer is kept on the way.
    Ask { from: usize, to: usize, max: usize },
    /// A message on the way arrives; it stays on the way, so that it may arrive again.
    Arrive { which: usize },
    /// As `Arrive`, and its entries come in backwards.
    ArriveBackwards { which: usize },
    /// A process ends and a new one goes on with the same disk.
    Restart { at: usize },
    /// One starts on an empty disk.
    Wipe { at: usize },
}

fn step(replicas: usize) -> impl Strategy<Value = Step> {
    let at = 0..replicas;
    prop_oneof![
        4 => (at.clone(), 0..50_u64).prop_map(|(at, now)| Step::Write { at, now }),
        4 => (at.clone(), at.clone(), 1..5_usize)
            .prop_map(|(from, to, max)| Step::Ask { from, to, max }),
        6 => (0..64_usize).prop_map(|which| Step::Arrive { which }),
        2 => (0..64_usize).prop_map(|which| Step::ArriveBackwards { which }),
        1 => at.clone().prop_map(|at| Step::Restart { at }),
        1 => at.prop_map(|at| Step::Wipe { at }),
    ]
}

struct Replica {
    origin: Origin,
    log: Log<Text>,
}

struct World {
    replicas: Vec<Replica>,
    on_the_way: Vec<(usize, Vec<Entry<Text>>)>,
    lives: u64,
}

impl World {
    fn of(replicas: usize) -> World {
        let mut world = World {
            replicas: Vec::new(),
            on_the_way: Vec::new(),
            lives: 0,
        };
        for _ in 0..replicas {
            let origin = world.new_life();
            let log = Log::default();
            world.replicas.push(Replica { origin, log });
        }
        world
    }

    fn new_life(&mut self) -> Origin {
        self.lives += 1;
        Origin::from_number(self.lives)
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Write { at, now } => {
                let Replica { origin, log } = &mut self.replicas[at];
                let entry = log.next(*origin, now, format!("{origin} at {now}"));
                log.put(entry);
            }
            Step::Ask { from, to, max } => {
                let theirs = self.replicas[from].log.vector();
                let entries = self.replicas[to].log.lacking(&theirs, max);
                self.on_the_way.push((from, entries));
            }
            Step::Arrive { which } | Step::ArriveBackwards { which } => {
                let Some((to, mut entries)) = self.on_the_way.get(which).cloned() else {
                    return;
                };
                if matches!(step, Step::ArriveBackwards { .. }) {
                    entries.reverse();
                }
                self.replicas[to].merge(entries);
            }
            Step::Restart { at } => self.replicas[at].origin = self.new_life(),
            Step::Wipe { at } => {
                self.replicas[at].origin = self.new_life();
                self.replicas[at].log = Log::default();
            }
        }
    }

    /// Everybody asks everybody, until nothing is new any more.
    fn settle(&mut self) {
        for _ in 0..1000 {
            let before: Vec<_> = self.replicas.iter().map(|it| it.log.vector()).collect();
            for from in 0..self.replicas.len() {
                for to in 0..self.replicas.len() {
                    self.on_the_way.clear();
                    self.take(&Step::Ask { from, to, max: 3 });
                    self.take(&Step::Arrive { which: 0 });
                }
            }
            let after: Vec<_> = self.replicas.iter().map(|it| it.log.vector()).collect();
            if before == after {
                return;
            }
        }
        panic!("the replicas never settle");
    }
}

impl Replica {
    fn merge(&mut self, entries: Vec<Entry<Text>>) {
        for entry in self.log.fresh(entries) {
            self.log.put(entry);
        }
    }

    fn content(&self) -> Vec<Entry<Text>> {
        self.log.entries().cloned().collect()
    }
}

proptest! {
    #[test]
    fn replicas_that_ask_each_other_become_equal_and_lose_nothing_that_one_still_has(
        steps in vec(step(3), 0..80)
    ) {
        let mut world = World::of(3);
        for step in &steps {
            world.take(step);
        }
        let held: Vec<Entry<Text>> = world.replicas.iter().flat_map(Replica::content).collect();
        world.settle();
        for replica in &world.replicas {
            let content = replica.content();
            prop_assert_eq!(&content, &world.replicas[0].content());
            for entry in &held {
                prop_assert!(content.contains(entry), "{:?} is lost", entry);
            }
        }
    }

    #[test]
    fn a_vector_says_exactly_what_is_there(steps in vec(step(3), 0..80)) {
        let mut world = World::of(3);
        for step in &steps {
            world.take(step);
            for replica in &world.replicas {
                let vector = replica.log.vector();
                prop_assert_eq!(vector.total(), replica.log.entries().count() as u64);
                prop_assert!(replica.log.lacking(&vector, usize::MAX).is_empty());
                for entry in replica.log.entries() {
                    prop_assert!(entry.number <= vector.of(entry.origin));
                }
            }
        }
    }

    #[test]
    fn merging_again_changes_nothing(steps in vec(step(2), 0..60)) {
        let mut world = World::of(2);
        for step in &steps {
            world.take(step);
        }
        let all = world.replicas[0].content();
        world.replicas[1].merge(all.clone());
        let once = world.replicas[1].content();
        world.replicas[1].merge(all);
        prop_assert_eq!(world.replicas[1].content(), once);
    }

    #[test]
    fn what_is_written_is_later_than_all_that_the_writer_had_seen(steps in vec(step(3), 0..80)) {
        let mut world = World::of(3);
        for step in &steps {
            let latest = |world: &World, at: usize| {
                world.replicas[at].log.entries().map(|it| it.time).max().unwrap_or(0)
            };
            let seen = match step {
                Step::Write { at, .. } => Some((*at, latest(&world, *at))),
                _ => None,
            };
            world.take(step);
            if let Some((at, before)) = seen {
                prop_assert!(latest(&world, at) > before);
            }
        }
    }
}

#[test]
fn an_entry_after_a_gap_is_left_out_until_the_gap_is_filled() {
    let origin = Origin::from_number(7);
    let mut writer = Log::default();
    for text in ["one", "two", "three"] {
        writer.put(writer.next(origin, 5, text));
    }
    let all = writer.lacking(&Vector::default(), 9);
    let mut reader = Log::default();
    assert!(reader.fresh(all[1..].to_vec()).is_empty());
    for entry in reader.fresh(all) {
        reader.put(entry);
    }
    assert_eq!(reader.vector(), writer.vector());
    assert!(reader.vector().covers(&writer.vector()));
}
