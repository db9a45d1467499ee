//! What must come true after all faults stopped and a majority was healed.

use conduct_state::WriterId;

use super::{Opinions, Report};
use crate::engine::{Moment, mins, secs};
use crate::watch::{Look, peek};

/// A rule that must hold at its bound and from then on.
pub(crate) struct Demand {
    /// Its name.
    pub(crate) name: &'static str,
    /// When it must hold, counted from the healing.
    pub(crate) within: Moment,
    /// What is wrong, if it does not hold.
    pub(crate) wrong: fn(&Healed<'_>) -> Option<String>,
}

/// What the rules look at.
pub(crate) struct Healed<'a> {
    /// Everything.
    pub(crate) look: &'a Look<'a>,
    /// What nodes hold.
    pub(crate) opinions: &'a Opinions,
    /// The machines that were healed and are kept up.
    pub(crate) core: &'a [usize],
    /// When.
    pub(crate) since: Moment,
    /// When one of them last wrote something that the others are told.
    pub(crate) written: Moment,
}

/// The state of all demands.
#[derive(Debug)]
pub struct Liveness {
    core: Vec<usize>,
    since: Moment,
    looks: u64,
    /// How much each of the core has written, and when that last changed.
    writes: Vec<Option<(WriterId, u64)>>,
    written: Moment,
    met_at: Vec<Option<Moment>>,
}

impl Liveness {
    /// This core was healed at this moment.
    pub fn new(core: &[usize], since: Moment) -> Liveness {
        Liveness {
            core: core.to_vec(),
            since,
            looks: 0,
            writes: Vec::new(),
            written: since,
            met_at: vec![None; demands(10).len()],
        }
    }

    /// The machines that were healed.
    pub fn core(&self) -> &[usize] {
        &self.core
    }

    /// How long after the healing each rule was first seen to hold, by name.
    pub fn met(&self, hosts: usize) -> impl Iterator<Item = (&'static str, Option<Moment>)> + '_ {
        demands(hosts)
            .into_iter()
            .zip(&self.met_at)
            .map(|(demand, met)| (demand.name, met.map(|at| at.since(self.since))))
    }

    /// Whether every demand was due by now.
    pub fn longest(hosts: usize) -> Moment {
        demands(hosts)
            .iter()
            .map(|demand| demand.within)
            .max()
            .unwrap_or_default()
    }

    pub(crate) fn look(&mut self, look: &Look<'_>, opinions: &Opinions, report: &mut Report<'_>) {
        self.looks += 1;
        self.note_writes(look);
        let healed = Healed {
            look,
            opinions,
            core: &self.core,
            since: self.since,
            written: self.written,
        };
        for (place, demand) in demands(look.machines.len()).iter().enumerate() {
            let due = look.now.since(self.since) >= demand.within;
            // Once it held it is looked at again every second, when it is due.
            if self.met_at[place].is_some() && !(due && self.looks.is_multiple_of(10)) {
                continue;
            }
            match (demand.wrong)(&healed) {
                None => {
                    self.met_at[place].get_or_insert(look.now);
                }
                Some(wrong) if due => report.object(
                    demand.name,
                    format!("{} after the healing: {wrong}", look.now.since(self.since)),
                ),
                Some(_) => {}
            }
        }
    }

    /// Nodes write without anybody being told, as when an instance has run for long enough to be
    /// called sound.
    fn note_writes(&mut self, look: &Look<'_>) {
        let of = |host: &usize| look.node(*host).and_then(peek::writes);
        let writes: Vec<_> = self.core.iter().map(of).collect();
        if writes != self.writes {
            (self.writes, self.written) = (writes, look.now);
        }
    }

    pub(crate) fn finish(&self, look: &Look<'_>, report: &mut Report<'_>) {
        super::v11_no_crash_loop::finish(look, report);
    }
}

/// Every rule with its bound for a cluster of this size.
fn demands(hosts: usize) -> Vec<Demand> {
    let (same_view, down) = match hosts {
        0..=10 => (secs(5), secs(8)),
        11..=100 => (secs(8), secs(10)),
        _ => (secs(12), secs(12)),
    };
    let demand = |name, within, wrong| Demand {
        name,
        within,
        wrong,
    };
    vec![
        demand(
            "v01_same_members",
            same_view,
            super::v01_same_members::wrong,
        ),
        demand(
            "v02_same_state",
            same_view + secs(1),
            super::v02_same_state::wrong,
        ),
        demand(
            "v03_running_as_wished",
            down + secs(7),
            super::v03_running_as_wished::wrong,
        ),
        demand("v04_replicas", mins(1), super::v04_replicas::wrong),
        demand(
            "v05_out_of_quarantine",
            same_view,
            super::v05_out_of_quarantine::wrong,
        ),
        demand(
            "v06_nothing_outside_the_core",
            secs(16),
            super::v06_nothing_outside_the_core::wrong,
        ),
        demand("v07_gates_move", secs(75), super::v07_gates_move::wrong),
        demand(
            "v08_stops_finish",
            down + secs(14),
            super::v08_stops_finish::wrong,
        ),
        demand(
            "v09_unknowns_resolve",
            secs(30),
            super::v09_unknowns_resolve::wrong,
        ),
        demand(
            "v10_state_shrinks",
            secs(20),
            super::v10_state_shrinks::wrong,
        ),
    ]
}
