//! Why a wish is not met: what `conduct why` tells.

use std::fmt;

use conduct_model::{BundleId, NodeKey};

use crate::assignment::{Account, Assignment, Content, Filled, SlotId, Stage};
use crate::execution::Ending;
use crate::fleet::{Ask, Fleet, Refusal};
use crate::terms::Wishes;

/// How a wish stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// How many instances are wished for.
    pub wanted: u32,
    /// How many of them are healthy.
    pub running: u32,
    /// What those that are not there wait for.
    pub waits: Vec<Wait>,
    /// Per node, the first thing that stands against one more instance there; nodes that would
    /// take one are not named.
    pub nodes: Vec<(NodeKey, Refusal)>,
}

/// What an instance waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wait {
    /// It did its work, and waits for somebody to ask for a run.
    Completed,
    /// Its node fetches and unpacks, or it waits for the gate.
    Placed {
        /// Its node.
        on: NodeKey,
        /// The instance that starts now, and so holds the gate.
        behind: Option<(BundleId, NodeKey)>,
    },
    /// It has not signalled yet.
    Starting {
        /// Its node.
        on: NodeKey,
    },
    /// One before it is on its way out.
    Stopping {
        /// On this node.
        on: NodeKey,
    },
    /// The one before it failed, and the next waits for a while.
    BackOff {
        /// How often that happened in a row.
        ends: u32,
    },
    /// Its bundle failed to start and was given up for a while.
    Parked {
        /// After so many tries.
        tries: u32,
        /// How the last ended.
        last: Option<Ending>,
    },
    /// No node can take it.
    NoNode {
        /// How many instances wait so.
        missing: u32,
    },
    /// Its owner has not come to it yet.
    Undecided {
        /// How many instances wait so.
        missing: u32,
    },
}

/// Explains how the wish for a bundle stands. Any node can: it takes what every node holds.
pub fn why(fleet: &Fleet, wishes: &Wishes, assignment: &Assignment, bundle: BundleId) -> Why {
    let Some(wish) = wishes.get(&bundle) else {
        return Why {
            wanted: 0,
            running: 0,
            waits: Vec::new(),
            nodes: Vec::new(),
        };
    };
    let account = assignment.accounts.get(&bundle);
    let gate = assignment
        .filled()
        .find(|(_, filled)| filled.stage == Stage::Granted);
    let mut why = Why {
        wanted: wish.scale,
        running: 0,
        waits: Vec::new(),
        nodes: Vec::new(),
    };
    for (_, slot) in assignment.slots_of(bundle) {
        match &slot.content {
            Content::Filled(filled) => why.count(filled, gate),
            Content::Completed { generation } if *generation == wish.generation => {
                why.waits.push(Wait::Completed);
            }
            Content::Vacant { .. } if slot.quick_ends > 1 => {
                why.waits.push(Wait::BackOff {
                    ends: slot.quick_ends,
                });
            }
            Content::Vacant { .. } | Content::Completed { .. } => {}
        }
    }
    let missing = wish
        .scale
        .saturating_sub(why.running + why.waits.len() as u32);
    if missing > 0 {
        why.waits.push(absent(account, missing));
        let slot = SlotId { bundle, number: 0 };
        why.nodes = fleet.refusals(&Ask {
            bundle,
            terms: &wish.terms,
            affinity: wish.affinity,
            tie: Ask::tie_of(&slot),
            prefer: None,
            avoid: &[],
            skip: &[],
        });
    }
    why
}

/// What instances wait for that have no slot.
fn absent(account: Option<&Account>, missing: u32) -> Wait {
    match account {
        Some(account) if account.is_parked() => Wait::Parked {
            tries: account.failed_starts,
            last: account.last_failure.clone(),
        },
        Some(account) if account.missing > 0 => Wait::NoNode { missing },
        _ => Wait::Undecided { missing },
    }
}

impl Why {
    fn count(&mut self, filled: &Filled, gate: Option<(SlotId, &Filled)>) {
        let on = filled.node;
        let behind = gate.map(|(id, filled)| (id.bundle, filled.node));
        self.waits.push(match filled.stage {
            _ if filled.moving => return,
            Stage::Started => {
                self.running += 1;
                return;
            }
            Stage::Placed => Wait::Placed { on, behind },
            Stage::Granted | Stage::Overdue => Wait::Starting { on },
            Stage::Stopping(_) => Wait::Stopping { on },
        });
    }

    /// Whether everything that is wished for runs.
    pub const fn is_met(&self) -> bool {
        self.running >= self.wanted
    }

    /// The headline, as in `Running 2 of 4: no node can take another`.
    pub fn headline(&self) -> String {
        let (running, wanted) = (self.running, self.wanted);
        match self.waits.last() {
            _ if self.is_met() => format!("Running {running} of {wanted}"),
            None => format!("Running {running} of {wanted}"),
            Some(wait) => format!("Running {running} of {wanted}: {wait}"),
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Completed => f.write_str("finished, and waits to be run again"),
            Wait::Placed { on, behind: None } => {
                write!(f, "{} fetches and unpacks it", on.short())
            }
            Wait::Placed {
                on,
                behind: Some((bundle, node)),
            } => {
                let (bundle, node) = (bundle.short(), node.short());
                write!(
                    f,
                    "{} waits until {bundle} on {node} has started",
                    on.short()
                )
            }
            Wait::Starting { on } => write!(f, "{} has started it, no signal yet", on.short()),
            Wait::Stopping { on } => write!(f, "{} is still ending one", on.short()),
            Wait::BackOff { ends } => write!(f, "ended {ends} times in a row, waits to try again"),
            Wait::Parked { tries, last: None } => write!(f, "given up for now after {tries} tries"),
            Wait::Parked {
                tries,
                last: Some(last),
            } => {
                write!(f, "given up for now after {tries} tries, the last {last}")
            }
            Wait::NoNode { .. } => f.write_str("no node can take another"),
            Wait::Undecided { .. } => f.write_str("about to be placed"),
        }
    }
}

#[cfg(test)]
mod tests;
