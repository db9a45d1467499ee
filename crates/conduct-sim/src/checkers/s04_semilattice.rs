//! S4: merging is commutative, associative and idempotent. Two nodes' states of the moment are
//! merged in both orders, twice, and must come to the same.

use conduct_node::Node;
use conduct_state::{State, Summary};

use super::Report;
use crate::watch::{Look, peek};

const NAME: &str = "s04_semilattice";

/// How states are merged when the laws are checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Merge {
    /// As the product does.
    #[default]
    Product,
    /// Wrongly: what is there already about a key stays.
    OneSided,
}

/// Takes turns among the pairs of nodes.
#[derive(Debug, Default)]
pub(crate) struct Semilattice {
    merge: Merge,
    turn: usize,
}

/// A merge of two states of a simulation takes fewer deltas than this.
const DELTAS_MAX: usize = 64;

impl Semilattice {
    pub(crate) fn merge_like(&mut self, merge: Merge) {
        self.merge = merge;
    }

    pub(crate) fn look(&mut self, look: &Look<'_>, report: &mut Report<'_>) {
        let awake: Vec<(usize, &Node)> = look.all_awake().collect();
        if awake.len() < 2 {
            return;
        }
        self.turn += 1;
        let (one, a) = awake[self.turn % awake.len()];
        let (other, b) = awake[(self.turn + 1 + self.turn / awake.len()) % awake.len()];
        let (Some(a), Some(b)) = (peek::state(a), peek::state(b)) else {
            return;
        };
        if one != other {
            self.check((one, a), (other, b), report);
        }
    }

    fn check(&self, a: (usize, &State), b: (usize, &State), report: &mut Report<'_>) {
        let (Some(ab), Some(ba)) = (self.merged(a.1, b.1), self.merged(b.1, a.1)) else {
            return;
        };
        if said(&ab) != said(&ba) {
            report.object(
                NAME,
                format!("n{} and n{} merge differently in either order", a.0, b.0),
            );
            return;
        }
        let again = self.merged(&ab, b.1).map(|again| said(&again));
        if again != Some(said(&ab)) {
            report.object(
                NAME,
                format!(
                    "merging n{} into n{} twice is not merging it once",
                    b.0, a.0
                ),
            );
        }
    }

    /// `into` with everything that `from` tells.
    fn merged(&self, into: &State, from: &State) -> Option<State> {
        if self.merge == Merge::OneSided && !into.is_empty() {
            return Some(into.clone());
        }
        let mut merged = into.clone();
        for _ in 0..DELTAS_MAX {
            match from.delta(&merged.digest(), usize::MAX) {
                Ok(Some(delta)) => {
                    let _ = merged.apply(&delta).ok()?;
                }
                Ok(None) => return Some(merged),
                Err(_) => return None,
            }
        }
        None
    }
}

/// What a state tells others: how far it knows every writer, and the records under that.
fn said(state: &State) -> (Vec<(u64, u64)>, u64) {
    let Summary { records, .. } = state.summary();
    let vector = state
        .digest()
        .vector()
        .iter()
        .map(|(w, v)| (w.as_u64(), v))
        .collect();
    (vector, records)
}
