//! Random days of a cluster, and the good day after.

use std::fmt::Write as _;

use conduct_model::Span;

use crate::fuzz::{Conduct, Sample, World};

/// What a script does to the world at each of its steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    Crash(usize),
    PowerOff(usize),
    Revive(usize),
    Kill(usize, usize),
    Scale(usize, u32),
    Cut(u64),
    Heal,
    Drain(usize, bool),
    Behave(usize, u64),
    Sicken(usize, usize),
    Unload(usize),
    Wait(u64),
}

/// Interprets any bytes as a script. Panics if anything that must hold does not.
pub fn fuzz_script(bytes: &[u8]) {
    let seed = bytes
        .iter()
        .take(4)
        .fold(7, |seed: u64, byte| seed * 251 + u64::from(*byte));
    let words: Vec<u64> = bytes
        .chunks(2)
        .map(|pair| {
            pair.iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte))
        })
        .collect();
    fuzz_words(seed, &words);
}

/// Plays a script of at most 64 words in a cluster of three or five, then stops every fault and
/// demands that everything wished for comes to run.
pub fn fuzz_words(seed: u64, words: &[u64]) {
    let nodes = if seed.is_multiple_of(3) { 5 } else { 3 };
    let mut world = World::of(nodes, seed);
    let samples = samples();
    for sample in &samples {
        world.wish(sample, 2.min(sample.most()), 1);
    }
    world.loss = if seed.is_multiple_of(5) { 5 } else { 0 };
    for (step, word) in words.iter().take(64).enumerate() {
        let word = Word::of(*word, nodes);
        world.story.push((world.now(), format!("{word:?}")));
        word.play(&mut world, &samples, step as u64 + 2);
        world.run(Span::millis(50));
    }
    calm(&mut world, &samples, nodes);
}

/// Stops every fault, and waits until all is well.
fn calm(world: &mut World, samples: &[Sample], nodes: usize) {
    world.loss = 0;
    world.heal();
    for node in 0..nodes {
        world.revive(node);
        world.drain(node, false);
    }
    for sample in samples {
        world.behave(sample, Conduct::Good(Span::millis(100)));
    }
    // Whatever was started on a bad day comes to its own end first.
    world.run(Span::secs(70));
    for sample in samples {
        world.wish(sample, sample.most().min(2), 1_000);
    }
    let well = |world: &World| {
        samples
            .iter()
            .all(|s| world.healthy(s.bundle) == s.most().min(2) as usize)
    };
    let took = world.run_until(Span::secs(150), well);
    assert!(
        took.is_some(),
        "V3: not everything came to run: {}",
        world.describe(samples)
    );
    world.run(Span::secs(45));
    assert!(
        well(world),
        "V3: it did not stay so: {}",
        world.describe(samples)
    );
}

/// Two bundles of one system, one of another, and an exclusive one.
fn samples() -> Vec<Sample> {
    let mut exclusive = Sample::of("ledger", "bank");
    exclusive.terms.exclusive = true;
    vec![
        Sample::of("web", "shop"),
        Sample::of("cart", "shop"),
        Sample::of("mail", "post"),
        exclusive,
    ]
}

impl Sample {
    /// How many instances scripts wish for at most.
    const fn most(&self) -> u32 {
        if self.terms.exclusive { 1 } else { 3 }
    }
}

impl Word {
    fn of(word: u64, nodes: usize) -> Word {
        let (kind, rest) = (word % 16, word / 16);
        let node = (rest % nodes as u64) as usize;
        let sample = (rest / 8 % 4) as usize;
        match kind {
            0 => Word::Crash(node),
            1 => Word::PowerOff(node),
            2 | 3 => Word::Revive(node),
            4 => Word::Kill(node, sample),
            5 | 6 => Word::Scale(sample, (rest % 4) as u32),
            7 => Word::Cut(rest),
            8 => Word::Heal,
            9 => Word::Drain(node, !rest.is_multiple_of(3)),
            10 => Word::Behave(sample, rest / 32),
            11 => Word::Sicken(node, sample),
            12 => Word::Unload(sample),
            _ => Word::Wait(rest % 12_000),
        }
    }

    fn play(self, world: &mut World, samples: &[Sample], generation: u64) {
        match self {
            Word::Crash(node) => world.crash(node),
            Word::PowerOff(node) => world.power_off(node),
            Word::Revive(node) => world.revive(node),
            Word::Kill(node, sample) => {
                world.kill_instance(node, samples[sample].bundle);
            }
            Word::Scale(sample, scale) => {
                let sample = &samples[sample];
                world.wish(sample, scale.min(sample.most()), generation);
            }
            Word::Cut(sides) => {
                let sides: Vec<u8> = (0..world.nodes.len())
                    .map(|node| (sides >> node & 1) as u8)
                    .collect();
                world.cut(&sides);
            }
            Word::Heal => world.heal(),
            Word::Drain(node, draining) => world.drain(node, draining),
            Word::Behave(sample, how) => world.behave(&samples[sample], conduct(how)),
            Word::Sicken(node, sample) => world.sicken(node, samples[sample].bundle),
            Word::Unload(sample) => world.unload(&samples[sample]),
            Word::Wait(millis) => world.run(Span::millis(millis)),
        }
    }
}

const fn conduct(how: u64) -> Conduct {
    match how % 6 {
        0 => Conduct::FailsToStart(1, Span::millis(50)),
        1 => Conduct::Silent,
        2 => Conduct::Ends(0, Span::secs(3)),
        3 => Conduct::Ends(1, Span::secs(2)),
        4 => Conduct::Broken,
        _ => Conduct::Good(Span::millis(20)),
    }
}

impl World {
    /// What runs and what was decided, for failures.
    fn describe(&self, samples: &[Sample]) -> String {
        let mut text = String::new();
        for sample in samples {
            let _ = writeln!(
                text,
                "{} healthy {} running {:?} owner {:?}",
                sample.terms.name,
                self.healthy(sample.bundle),
                self.running(sample.bundle),
                self.owner(&sample.system),
            );
            let owner = self
                .owner(&sample.system)
                .and_then(|node| self.nodes[node].scheduler.owner(&sample.system));
            if let Some(owner) = owner {
                let _ = writeln!(text, "{:#?}", owner.assignment());
            }
        }
        text + &self.recent()
    }
}
