//! The rules that must hold, each with its number in its name.
//!
//! Safety (S) is checked after every event: a checker sees each fact at the moment when it
//! happens, keeps what it needs of it, and objects at once. What would cost too much is looked at
//! ten times a second or at the end, as its file says. Liveness (V) is demanded from the moment
//! when all faults stopped: each rule has its bound, and must hold from then on.

mod liveness;
mod opinions;
mod report;
pub mod rules;

mod s01_one_majority;
mod s02_own_incarnation;
mod s03_verdicts_need_evidence;
mod s04_semilattice;
mod s05_same_updates_same_bytes;
mod s06_acked_is_durable;
mod s07_no_resurrection;
mod s08_bounded_running;
mod s09_sequential_gate;
mod s10_quarantine_deadline;
mod s11_at_most_one_supervisor;
mod s12_ready_means_ready;
mod s13_monotonic_stream;
mod s14_digest;
mod s15_no_lost_scale;
mod s16_refused_means_no_effect;
mod s17_authenticated_only;
mod s18_bounded_memory;
mod s19_no_wall_clock;
mod s20_determinism;

mod v01_same_members;
mod v02_same_state;
mod v03_running_as_wished;
mod v04_replicas;
mod v05_out_of_quarantine;
mod v06_nothing_outside_the_core;
mod v07_gates_move;
mod v08_stops_finish;
mod v09_unknowns_resolve;
mod v10_state_shrinks;
mod v11_no_crash_loop;
mod v12_everything_was_reached;

pub use liveness::Liveness;
pub use opinions::{Opinion, Opinions};
pub use report::Report;
pub use s04_semilattice::Merge;
pub use s19_no_wall_clock::{Decision, same_decisions};
pub use s20_determinism::same_run;
pub use v12_everything_was_reached::{REQUIRED, never_reached};

use conduct_node::event::EventKind;

use crate::engine::Moment;
use crate::machine::index_of;
use crate::watch::{Fact, Look, Violation};

/// Every rule that is checked, by name.
pub const CHECKED: [&str; 32] = [
    "s01_one_majority",
    "s02_own_incarnation",
    "s03_verdicts_need_evidence",
    "s04_semilattice",
    "s05_same_updates_same_bytes",
    "s06_acked_is_durable",
    "s07_no_resurrection",
    "s08_bounded_running",
    "s09_sequential_gate",
    "s10_quarantine_deadline",
    "s11_at_most_one_supervisor",
    "s12_ready_means_ready",
    "s13_monotonic_stream",
    "s14_digest",
    "s15_no_lost_scale",
    "s16_refused_means_no_effect",
    "s17_authenticated_only",
    "s18_bounded_memory",
    "s19_no_wall_clock",
    "s20_determinism",
    "v01_same_members",
    "v02_same_state",
    "v03_running_as_wished",
    "v04_replicas",
    "v05_out_of_quarantine",
    "v06_nothing_outside_the_core",
    "v07_gates_move",
    "v08_stops_finish",
    "v09_unknowns_resolve",
    "v10_state_shrinks",
    "v11_no_crash_loop",
    "v12_everything_was_reached",
];

/// How much is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attention {
    Everything,
    Opinions,
    Nothing,
}

/// All of them, with what they keep.
pub struct Checkers {
    attention: Attention,
    looks: u64,
    opinions: Opinions,
    s01: s01_one_majority::OneMajority,
    s02: s02_own_incarnation::OwnIncarnation,
    s03: s03_verdicts_need_evidence::VerdictsNeedEvidence,
    s04: s04_semilattice::Semilattice,
    s05: s05_same_updates_same_bytes::SameUpdatesSameBytes,
    s06: s06_acked_is_durable::AckedIsDurable,
    s07: s07_no_resurrection::NoResurrection,
    s08: s08_bounded_running::BoundedRunning,
    s09: s09_sequential_gate::SequentialGate,
    s10: s10_quarantine_deadline::QuarantineDeadline,
    s11: s11_at_most_one_supervisor::AtMostOneSupervisor,
    s12: s12_ready_means_ready::ReadyMeansReady,
    s13: s13_monotonic_stream::MonotonicStream,
    s18: s18_bounded_memory::BoundedMemory,
    s19: s19_no_wall_clock::NoWallClock,
    liveness: Option<Liveness>,
}

impl Checkers {
    /// Checkers for that many machines.
    pub fn new(hosts: usize) -> Checkers {
        Checkers {
            attention: Attention::Everything,
            looks: 0,
            opinions: Opinions::new(hosts),
            s01: Default::default(),
            s02: Default::default(),
            s03: Default::default(),
            s04: Default::default(),
            s05: Default::default(),
            s06: Default::default(),
            s07: Default::default(),
            s08: Default::default(),
            s09: Default::default(),
            s10: Default::default(),
            s11: Default::default(),
            s12: Default::default(),
            s13: Default::default(),
            s18: Default::default(),
            s19: Default::default(),
            liveness: None,
        }
    }

    /// Checks nothing any more, and keeps the opinions of nodes only if somebody wants them.
    pub fn rest(&mut self, opinions: bool) {
        self.attention = if opinions {
            Attention::Opinions
        } else {
            Attention::Nothing
        };
    }

    /// How every node sees the others, as far as its events tell.
    pub const fn opinions(&self) -> &Opinions {
        &self.opinions
    }

    /// Verdicts against nodes that nothing ailed, on a network that loses packets.
    pub const fn false_downs(&self) -> u64 {
        self.s03.false_downs()
    }

    /// What was decided, without the times: what another clock must not change.
    pub fn decisions(&self) -> &[Decision] {
        self.s19.decisions()
    }

    /// Merges states in this way when checking the laws of merging.
    pub fn merge_like(&mut self, merge: Merge) {
        self.s04.merge_like(merge);
    }

    /// How the liveness rules stand, once they are demanded.
    pub const fn liveness(&self) -> Option<&Liveness> {
        self.liveness.as_ref()
    }

    pub(crate) fn demand_liveness(&mut self, core: &[usize], since: Moment) {
        self.liveness = Some(Liveness::new(core, since));
    }

    pub(crate) fn fact(&mut self, look: &Look<'_>, fact: &Fact<'_>, found: &mut Vec<Violation>) {
        match self.attention {
            Attention::Everything => {}
            Attention::Opinions => return self.opinions.fact(look, fact),
            Attention::Nothing => return,
        }
        let report = &mut Report::new(look.now, found);
        self.s13.fact(&self.opinions, fact, report);
        self.s07.fact(look, &self.opinions, fact, report);
        self.opinions.fact(look, fact);
        if let Fact::Published { host, event } = *fact {
            match event.kind {
                EventKind::Released | EventKind::Reborn { .. } => {
                    self.s02.claimed(look, host, report);
                }
                EventKind::MemberJoined { member, uid } => {
                    self.s02.told(host, index_of(member), uid, report);
                }
                _ => {}
            }
        }
        let opinions = &self.opinions;
        self.s01.fact(look, fact, report);
        self.s03.fact(look, opinions, fact, report);
        self.s06.fact(look, opinions, fact, report);
        self.s08.fact(look, opinions, fact, report);
        self.s09.fact(look, opinions, fact, report);
        self.s10.fact(look, opinions, fact, report);
        self.s11.fact(look, fact, report);
        self.s12.fact(look, opinions, fact, report);
        s14_digest::fact(look, fact, report);
        s17_authenticated_only::fact(fact, report);
        self.s19.fact(look, fact);
    }

    pub(crate) fn stepped(&mut self, look: &Look<'_>, host: usize) {
        if self.attention == Attention::Nothing {
            return;
        }
        self.opinions.stepped(look, host);
    }

    /// Ten times a second; what is dear takes turns.
    pub(crate) fn look(&mut self, look: &Look<'_>, found: &mut Vec<Violation>) {
        if self.attention != Attention::Everything {
            return;
        }
        self.looks += 1;
        let report = &mut Report::new(look.now, found);
        let opinions = &self.opinions;
        self.s05.look(look, report);
        self.s10.look(look, opinions, report);
        self.s12.look(look, opinions, report);
        if self.looks.is_multiple_of(10) {
            self.s08.look(look, opinions, report);
            self.s11.look(look, opinions, report);
        }
        if self.looks.is_multiple_of(50) {
            self.s04.look(look, report);
            self.s13.look(look, opinions, report);
            self.s18.look(look, opinions, report);
        }
        if let Some(liveness) = &mut self.liveness {
            liveness.look(look, opinions, report);
        }
    }

    /// At the end of a run.
    pub(crate) fn finish(&mut self, look: &Look<'_>, found: &mut Vec<Violation>) {
        if self.attention != Attention::Everything {
            return;
        }
        let report = &mut Report::new(look.now, found);
        self.s13.look(look, &self.opinions, report);
        if let Some(liveness) = &mut self.liveness {
            let core = liveness.core().to_vec();
            s15_no_lost_scale::finish(look, &core, report);
            s16_refused_means_no_effect::finish(look, &core, report);
            self.s06.finish(look, &core, report);
            liveness.finish(look, report);
        }
    }
}
