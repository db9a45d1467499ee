//! What clients do in a drawn world: load, run, scale, stop, unload, now and then at the same
//! time and through different nodes.

use conduct_model::{Span, System};
use conduct_node::config::ComponentKind;
use conduct_node::descriptor::{Descriptor, Endpoint, OnQuarantine};
use conduct_node::runtime::ExitStatus;

use super::Planned;
use crate::clients::Wish;
use crate::engine::{Dice, Moment, PerMillion, millis, secs};
use crate::machine::{Ending, Herald, Opening, Plot, Program};

/// The names that bundles are given, in order.
const NAMES: [&str; 8] = [
    "web", "shop", "mail", "search", "poison", "report", "chirp", "friend",
];

/// Draws the bundles of a world and what is asked about them.
pub(super) fn draw_workload(
    seed: u64,
    nodes: usize,
    safety: Moment,
) -> (Vec<(Descriptor, Program)>, Vec<Planned>) {
    let mut dice = Dice::of(seed, "workload", 0);
    let bundles: Vec<(Descriptor, Program)> = (0..dice.within(1..5))
        .map(|place| draw_bundle(&mut dice, place as usize))
        .collect();
    let mut operations = Vec::new();
    for bundle in 0..bundles.len() {
        let at = millis(dice.below(4_000));
        let host = dice.below(nodes as u64) as usize;
        operations.push(Planned {
            at,
            host,
            bundle,
            wish: Wish::Load,
        });
        let scale = dice.within(1..4) as u32;
        let wish = Wish::Scale(scale, None);
        operations.push(Planned {
            at: at + secs(1),
            host,
            bundle,
            wish,
        });
    }
    let mut at = secs(6);
    while at < safety {
        draw_operations(&mut dice, at, nodes, bundles.len(), &mut operations);
        at += millis(dice.within(2_000..15_000));
    }
    operations.sort_by_key(|operation| operation.at);
    (bundles, operations)
}

fn draw_operations(
    dice: &mut Dice,
    at: Moment,
    nodes: usize,
    bundles: usize,
    operations: &mut Vec<Planned>,
) {
    let bundle = dice.below(bundles as u64) as usize;
    let host = dice.below(nodes as u64) as usize;
    // Now and then a second client does something else at the same time.
    let at_once = if dice.hits(PerMillion::percent(25)) {
        2
    } else {
        1
    };
    for nth in 0..at_once {
        let wish = match dice.below(12) {
            0 => Wish::Load,
            1 => Wish::Unload,
            2 | 3 => Wish::Offset(if dice.below(2) == 0 { 1 } else { -1 }),
            4 | 5 => Wish::Scale(0, None),
            _ => Wish::Scale(dice.within(1..5) as u32, None),
        };
        let at = at + millis(dice.below(20));
        operations.push(Planned {
            at,
            host: (host + nth) % nodes,
            bundle,
            wish,
        });
        if wish == Wish::Unload {
            // What runs cannot be unloaded, so it is stopped before; later it is loaded again.
            let stop = Wish::Scale(0, None);
            operations.push(Planned {
                at: at.since(secs(5)),
                host,
                bundle,
                wish: stop,
            });
            let again = at + millis(dice.below(8_000));
            operations.push(Planned {
                at: again,
                host,
                bundle,
                wish: Wish::Load,
            });
        }
    }
}

fn draw_bundle(dice: &mut Dice, place: usize) -> (Descriptor, Program) {
    let name = NAMES[place % NAMES.len()];
    // Half of the bundles share a system, and so a gate.
    let system = if dice.hits(PerMillion::percent(50)) {
        "common"
    } else {
        name
    };
    let mut descriptor = descriptor(name, system);
    descriptor.exclusive = dice.hits(PerMillion::percent(15));
    if !descriptor.exclusive && dice.hits(PerMillion::percent(10)) {
        descriptor.on_quarantine = OnQuarantine::Keep;
    }
    descriptor.max_per_node = 1 + dice.below(2) as u32;
    if dice.hits(PerMillion::percent(50)) {
        descriptor.start_timeout = Some(Span::secs(dice.within(5..20)));
    }
    let mut program = Program {
        archive_bytes: dice.within(1 << 10..8 << 20),
        ..Program::default()
    };
    if dice.hits(PerMillion::percent(20)) {
        program.ending = Ending::Ignores;
    }
    if dice.hits(PerMillion::percent(30)) {
        program.herald = Herald::Check;
    }
    match dice.below(12) {
        0 => program.bad_days = PerMillion::percent(30),
        1 => program.opening = Opening::Hangs,
        2 => program.opening = Opening::Ends(millis(10)..millis(900), ExitStatus::Code(0)),
        3 => program.opening = Opening::Unlaunchable,
        4 => program.plot = Plot::Ends(secs(3)..secs(40), ExitStatus::Code(1)),
        5 => program.plot = Plot::OutOfMemory(secs(3)..secs(40)),
        6 => program.plot = Plot::Ends(secs(3)..secs(40), ExitStatus::Code(0)),
        _ => {}
    }
    (descriptor, program)
}

/// A bundle of one plain process with one endpoint.
pub fn descriptor(name: &str, system: &str) -> Descriptor {
    let word = |text: &str| {
        text.parse()
            .expect("the names of simulated bundles are words")
    };
    let mut descriptor = Descriptor::plain(
        name,
        System {
            name: word(system),
            version: word("1"),
        },
    );
    let endpoint = Endpoint {
        protocol: "http".to_owned(),
        bind_port: 0,
        service_name: Some(name.to_owned()),
        acls: String::new(),
    };
    descriptor.endpoints.insert(name.to_owned(), endpoint);
    descriptor.kinds = [ComponentKind::Universal].into();
    descriptor
}
