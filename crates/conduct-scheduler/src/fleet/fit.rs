//! Which node an instance goes to, and what stands against the others.
//!
//! The conditions are checked in one place and in one order, so that what `why` tells is what
//! decided.

use conduct_model::{BundleId, NodeKey, Resources};

use crate::fleet::member::Member;
use crate::fleet::{Closed, Fleet, Presence, Refusal, Resource, Standing};
use crate::hash;
use crate::terms::{Kinds, Terms};

/// So far above the least loaded node, in ten thousandths, and a node is as good: without this,
/// owners that do not know of each other would all choose the same one.
const SPREAD: u32 = 1_000;

/// What is to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Which bundle.
    pub bundle: BundleId,
    /// What it needs.
    pub terms: &'a Terms,
    /// Only beside this one.
    pub affinity: Option<BundleId>,
    /// Breaks ties; see [`Ask::tie_of`].
    pub tie: u64,
    /// Taken if it fits, whatever its load: the archive is unpacked and the volumes are there.
    pub prefer: Option<NodeKey>,
    /// Taken only when no other fits: it failed there.
    pub avoid: &'a [NodeKey],
    /// Not taken: they declined a moment ago.
    pub skip: &'a [(NodeKey, Refusal)],
}

/// The first thing that stands against a node, before it is put into words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Obstacle {
    Standing(Standing),
    Unsettled,
    Unreported,
    Closed(Closed),
    Kinds(Kinds),
    Roles,
    Occupied,
    Affinity,
    Short(Resource, u64, u64),
}

/// The best candidate so far: its load, its tie-breaker, who it is.
#[derive(Clone, Copy)]
struct Best {
    lowest: u32,
    tie: (u64, NodeKey),
}

impl Ask<'_> {
    /// What breaks ties for a slot.
    pub fn tie_of(slot: &crate::SlotId) -> u64 {
        hash::slot(slot)
    }
}

impl Fleet {
    /// The node that gets it: least loaded, and of those that are as good, the one that the slot's
    /// hash says.
    pub fn choose(&self, ask: &Ask<'_>) -> Option<NodeKey> {
        let preferred = ask
            .prefer
            .filter(|node| self.obstacle_of(node, ask).is_none());
        if let Some(node) = preferred.filter(|node| !ask.skips(node)) {
            return Some(node);
        }
        let there = self.presence.get(&ask.bundle);
        let (mut good, mut avoided): (Option<Best>, Option<Best>) = (None, None);
        for &(load, number) in &self.by_load {
            if good.is_some_and(|best| load > best.lowest + SPREAD) {
                break;
            }
            let Some(member) = &self.members[number as usize] else {
                continue;
            };
            let presence = there
                .and_then(|hosts| hosts.get(&number))
                .copied()
                .unwrap_or_default();
            if self.obstacle(number, member, presence, ask).is_some() || ask.skips(&member.key) {
                continue;
            }
            let best = if ask.avoid.contains(&member.key) {
                &mut avoided
            } else {
                &mut good
            };
            Best::improve(best, load, (hash::mix(ask.tie ^ member.hash), member.key));
        }
        good.or(avoided).map(|best| best.tie.1)
    }

    /// The first thing that stands against a node, if anything does.
    pub fn refusal(&self, node: &NodeKey, ask: &Ask<'_>) -> Option<Refusal> {
        if let Some((_, refusal)) = ask.skip.iter().find(|(skipped, _)| skipped == node) {
            return Some(refusal.clone());
        }
        Some(self.in_words(self.obstacle_of(node, ask)?, ask))
    }

    /// What stands against each node against which something does.
    pub fn refusals(&self, ask: &Ask<'_>) -> Vec<(NodeKey, Refusal)> {
        self.nodes()
            .filter_map(|node| Some((node, self.refusal(&node, ask)?)))
            .collect()
    }

    fn obstacle_of(&self, node: &NodeKey, ask: &Ask<'_>) -> Option<Obstacle> {
        let Some(&number) = self.numbers.get(node) else {
            return Some(Obstacle::Unreported);
        };
        let member = self.members[number as usize].as_ref()?;
        let there = self
            .presence
            .get(&ask.bundle)
            .and_then(|hosts| hosts.get(&number));
        self.obstacle(number, member, there.copied().unwrap_or_default(), ask)
    }

    fn obstacle(
        &self,
        number: u32,
        member: &Member,
        there: Presence,
        ask: &Ask<'_>,
    ) -> Option<Obstacle> {
        if member.standing != Standing::Reachable {
            return Some(Obstacle::Standing(member.standing));
        }
        if member.settles.is_some() {
            return Some(Obstacle::Unsettled);
        }
        if !member.reported {
            return Some(Obstacle::Unreported);
        }
        if let Some(closed) = member.closed {
            return Some(Obstacle::Closed(closed));
        }
        let lacking = member.kinds.lacking(ask.terms.kinds);
        if !lacking.is_empty() {
            return Some(Obstacle::Kinds(lacking));
        }
        if !self.rule.allows(&member.roles, &ask.terms.roles) {
            return Some(Obstacle::Roles);
        }
        if there.live >= ask.terms.max_per_node {
            return Some(Obstacle::Occupied);
        }
        if ask
            .affinity
            .is_some_and(|company| !self.is_active(number, &company))
        {
            return Some(Obstacle::Affinity);
        }
        short_of(&ask.terms.needs, &member.free())
    }

    fn is_active(&self, number: u32, bundle: &BundleId) -> bool {
        let presence = self
            .presence
            .get(bundle)
            .and_then(|hosts| hosts.get(&number));
        presence.is_some_and(|presence| presence.active > 0)
    }

    fn in_words(&self, obstacle: Obstacle, ask: &Ask<'_>) -> Refusal {
        let terms = ask.terms;
        match obstacle {
            Obstacle::Standing(Standing::Gone { .. }) => Refusal::Gone,
            Obstacle::Standing(Standing::Restarting) => Refusal::Restarting,
            Obstacle::Standing(_) => Refusal::Unreachable,
            Obstacle::Unsettled => Refusal::Unsettled,
            Obstacle::Unreported => Refusal::Unreported,
            Obstacle::Closed(closed) => Refusal::Closed(closed),
            Obstacle::Kinds(lacking) => Refusal::Kinds { lacking },
            Obstacle::Roles => Refusal::Roles {
                wanted: terms.roles.clone(),
                rule: self.rule,
            },
            Obstacle::Occupied => {
                let (name, max_per_node) = (terms.name.clone(), terms.max_per_node);
                Refusal::Occupied { name, max_per_node }
            }
            Obstacle::Affinity => {
                let company = ask
                    .affinity
                    .map(|bundle| bundle.short())
                    .unwrap_or_default();
                Refusal::Affinity {
                    name: company.into(),
                }
            }
            Obstacle::Short(of, needs, free) => Refusal::Short { of, needs, free },
        }
    }
}

impl Ask<'_> {
    fn skips(&self, node: &NodeKey) -> bool {
        self.skip.iter().any(|(skipped, _)| skipped == node)
    }
}

impl Best {
    fn improve(best: &mut Option<Best>, load: u32, tie: (u64, NodeKey)) {
        match best {
            None => *best = Some(Best { lowest: load, tie }),
            Some(best) if load <= best.lowest + SPREAD && tie > best.tie => best.tie = tie,
            Some(_) => {}
        }
    }
}

fn short_of(needs: &Resources, free: &Resources) -> Option<Obstacle> {
    let table = [
        (Resource::Cpu, needs.cpu_millis, free.cpu_millis),
        (Resource::Memory, needs.memory_bytes, free.memory_bytes),
        (Resource::Disk, needs.disk_bytes, free.disk_bytes),
    ];
    let short = table.into_iter().find(|(_, needs, free)| needs > free);
    short.map(|(of, needs, free)| Obstacle::Short(of, needs, free))
}

/// What stands against admitting an instance into `free`, as hosts check it for themselves.
pub(crate) fn shortage(needs: &Resources, free: &Resources) -> Option<Refusal> {
    match short_of(needs, free)? {
        Obstacle::Short(of, needs, free) => Some(Refusal::Short { of, needs, free }),
        _ => None,
    }
}
