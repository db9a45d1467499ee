//! What must hold after everything that happens.

use std::collections::BTreeMap;

use conduct_model::{BundleId, InstanceId, Span, System, Time};

use crate::assignment::Stage;
use crate::fuzz::hands::Phase;
use crate::fuzz::world::World;

/// So many lines of what went before explain a failure.
const RECENT_LINES_MAX: usize = 80;

/// So long after a node came back that was gone, its surplus may still be on its way out.
const RETURNING: Span = Span::secs(12);

/// So long after fewer are wished for, more may still be on their way out, or be replaced.
const SETTLING: Span = Span::secs(40);

impl World {
    /// What was done and told lately.
    pub fn recent(&self) -> String {
        let told = self.events.iter().map(|(at, event)| {
            let node = event.node.map(|node| node.short()).unwrap_or_default();
            let bundle = event
                .bundle
                .map(|bundle| bundle.short())
                .unwrap_or_default();
            let instance = event
                .instance
                .map(|instance| instance.short())
                .unwrap_or_default();
            (
                *at,
                format!(
                    "  {} {bundle} {instance} {node} {}",
                    event.system, event.what
                ),
            )
        });
        let mut lines: Vec<(Time, String)> = self.story.iter().cloned().chain(told).collect();
        lines.sort_by_key(|(at, _)| *at);
        let recent = lines.iter().rev().take(RECENT_LINES_MAX).rev();
        recent.map(|(at, line)| format!("{at} {line}\n")).collect()
    }

    /// Panics if anything does not hold.
    pub(super) fn check(&self) {
        self.check_records();
        self.check_processes();
        self.check_gate();
    }

    /// S8, by the records of each owner: never more than are wished for.
    fn check_records(&self) {
        for node in self.nodes.iter().filter(|node| node.up) {
            for system in self.wishes.keys() {
                let Some(owner) = node.scheduler.owner(system) else {
                    continue;
                };
                for (bundle, wish) in owner.wishes() {
                    let counted = owner.assignment().counted(*bundle);
                    assert!(
                        counted <= wish.scale,
                        "S8: {counted} of {} counted",
                        wish.scale
                    );
                }
                let granted = owner.assignment().filled();
                let granted = granted
                    .filter(|(_, filled)| filled.stage == Stage::Granted)
                    .count();
                assert!(
                    granted <= 1,
                    "S9: the gate of {system} was granted {granted} times"
                );
            }
        }
    }

    /// S8, by the processes: outside cuts never more than were wished for lately, and exclusive
    /// ones never at all.
    fn check_processes(&self) {
        let moving = self.moving();
        let mut all: BTreeMap<BundleId, u32> = BTreeMap::new();
        let mut wired: BTreeMap<BundleId, u32> = BTreeMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            for (instance, process) in node.hands.living() {
                *all.entry(process.bundle).or_default() += 1;
                let serves = node.up && !node.quarantined && self.counts(at);
                if serves && !process.doomed && !moving.contains(&instance) {
                    *wired.entry(process.bundle).or_default() += 1;
                }
            }
        }
        for (bundle, count) in &wired {
            let most = self.most_allowed(*bundle);
            let (name, now) = (bundle.short(), self.now);
            let told = || self.recent();
            assert!(
                *count <= most,
                "S8: {now} {count} of {name} run, not {most}\n{}",
                told()
            );
        }
        let wishes = self.wishes.values().flatten();
        for (bundle, _) in wishes.filter(|(_, wish)| wish.terms.exclusive) {
            let (count, most) = (all.get(bundle).copied(), self.most_allowed(*bundle));
            let (count, told) = (count.unwrap_or(0), || self.recent());
            assert!(
                count <= most,
                "exclusive: {count} run, not {most}\n{}",
                told()
            );
        }
    }

    /// Whether what runs on a node counts: the node was not given up, nor a moment ago.
    fn counts(&self, node: usize) -> bool {
        !self.gone[node] && self.now.since(self.returned[node]) >= RETURNING
    }

    fn moving(&self) -> Vec<InstanceId> {
        let assignments = self.nodes.iter().flat_map(|node| node.assignments.values());
        let filled = assignments.flat_map(|assignment| assignment.filled());
        filled
            .filter(|(_, filled)| filled.moving)
            .map(|(_, filled)| filled.instance)
            .collect()
    }

    fn most_allowed(&self, bundle: BundleId) -> u32 {
        let allowed = self.allowed.get(&bundle).into_iter().flatten();
        let recent = allowed.filter(|(until, _)| self.now.since(*until) < SETTLING);
        recent.map(|(_, scale)| *scale).max().unwrap_or(0)
    }

    /// S9: on nodes that hear each other at most one instance of a system is starting.
    fn check_gate(&self) {
        let mut starting: Vec<(usize, &System)> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.up) {
            for (_, process) in node.hands.living() {
                if matches!(process.phase, Phase::Starting) && !process.doomed {
                    let system = self
                        .wishes
                        .iter()
                        .find(|(_, w)| w.contains_key(&process.bundle));
                    starting.extend(system.map(|(system, _)| (at, system)));
                }
            }
        }
        for (nth, (a, system)) in starting.iter().enumerate() {
            let also = starting[nth + 1..].iter().filter(|(b, other)| {
                let count = self.counts(*a) && self.counts(*b);
                other == system && count && self.is_wired(*a, *b)
            });
            let also: Vec<_> = also.collect();
            let told = || self.recent();
            assert!(
                also.is_empty(),
                "S9: {system} starts on {a} and {also:?}\n{}",
                told()
            );
        }
    }
}
