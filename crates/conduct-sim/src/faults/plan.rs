//! A plan: what will be asked and what will go wrong, before anything has happened.

use conduct_node::descriptor::Descriptor;

use super::{Fault, Kind};
use crate::clients::Wish;
use crate::engine::Moment;
use crate::machine::Program;

/// Everything about a run that its seed decides.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The machines at the beginning.
    pub nodes: usize,
    /// How long things go wrong.
    pub safety: Moment,
    /// The bundles that clients have, and what their instances do.
    pub bundles: Vec<(Descriptor, Program)>,
    /// What clients ask.
    pub operations: Vec<Planned>,
    /// What goes wrong, in the order of its beginning.
    pub faults: Vec<Fault>,
    /// Which of the faults happen; all, if nobody chose.
    pub chosen: Option<Vec<usize>>,
}

/// Something that a client will ask.
#[derive(Clone, PartialEq, Debug)]
pub struct Planned {
    /// When.
    pub at: Moment,
    /// Which machine.
    pub host: usize,
    /// About which of the plan's bundles.
    pub bundle: usize,
    /// For what.
    pub wish: Wish,
}

impl Plan {
    /// The faults that happen, with their places in the list.
    pub fn happening(&self) -> impl Iterator<Item = (usize, &Fault)> {
        self.faults.iter().enumerate().filter(|(place, _)| {
            self.chosen
                .as_ref()
                .is_none_or(|chosen| chosen.contains(place))
        })
    }

    /// The same plan with these faults alone.
    #[must_use]
    pub fn with_only(&self, places: Vec<usize>) -> Plan {
        Plan {
            chosen: Some(places),
            ..self.clone()
        }
    }

    /// The same plan without jumping wall clocks.
    #[must_use]
    pub fn without_wall_jumps(&self) -> Plan {
        let places = self
            .happening()
            .filter(|(_, f)| !matches!(f.kind, Kind::WallJump(..)));
        self.with_only(places.map(|(place, _)| place).collect())
    }
}
