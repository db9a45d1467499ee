//! How large the numbers of the protocol may be, and how far one may jump on a peer's word.
//!
//! All of them only rise, and whoever holds the highest is right. A peer that lies or is broken
//! must therefore not be able to name one that leaves no room above it: the cluster could never
//! again count further, or would count over the edge. What is beyond a bound is refused where it
//! comes in and counted, so everything behind may add to a number without a thought.

use conduct_model::NodeKey;

use crate::effect::Notice;
use crate::identity::{Card, Record, Standing};
use crate::membership::{Cx, Membership};
use crate::register::Register;
use crate::table::Who;

/// Lives of one node: one a millisecond for thousands of years.
pub(crate) const START_MAX: u64 = 1 << 48;
/// So many lives of one member do not pass unheard.
pub(crate) const START_JUMP_MAX: u64 = 1 << 20;
/// Refutations of one life.
pub(crate) const REFUTATION_MAX: u32 = 1 << 30;
/// A refutation that jumps further was not made by its member.
pub(crate) const REFUTATION_JUMP_MAX: u32 = 1_000;
/// Places in the order of joining; whoever comes after that many shares the last one.
pub(crate) const SEAT_MAX: u32 = 1 << 30;
/// Changes of the voters.
pub(crate) const EPOCH_MAX: u64 = 1 << 48;
/// So many changes of the voters no member misses, even if an operator forced hundreds of them,
/// each of which is a jump of its own.
pub(crate) const EPOCH_JUMP_MAX: u64 = 1 << 20;
/// Attempts to decide one epoch. They begin anew with each, and come seconds apart.
pub(crate) const ROUND_MAX: u32 = 1 << 30;

impl Membership {
    /// Whether this can be what a member says of itself at all.
    pub(crate) fn is_sound_record(record: &Record) -> bool {
        record.standing != Standing::Unknown
            && record.card.note.len() <= Card::NOTE_BYTES_MAX
            && (1..=START_MAX).contains(&record.incarnation.start)
            && record.refutation <= REFUTATION_MAX
            && record.seat <= SEAT_MAX
    }

    /// Whether this can be what somebody else says of a member. The member itself may have lived
    /// as often as it likes; nobody else may use up its lives.
    pub(crate) fn is_likely_record(&self, record: &Record) -> bool {
        let held = self.table.find(&record.key);
        let held = held.map_or(0, |who| self.table[who].incarnation.start);
        record.incarnation.start.saturating_sub(held) <= START_JUMP_MAX
    }

    /// Whether a member may be at this epoch of the voters. Whoever knows none yet has nothing to
    /// compare with.
    pub(crate) fn is_likely_epoch(&self, epoch: u64) -> bool {
        let own = self.electorate.epoch();
        epoch <= EPOCH_MAX && (own == 0 || epoch.saturating_sub(own) <= EPOCH_JUMP_MAX)
    }

    /// Whether these voters may be true.
    pub(crate) fn is_likely_register(&self, register: &Register) -> bool {
        register.is_sound() && self.is_likely_epoch(register.epoch)
    }

    /// A peer claimed what cannot be.
    pub(crate) fn refuse_forged(&mut self, cx: &mut Cx<'_>, from: NodeKey) {
        self.refused = self.refused.saturating_add(1);
        self.notice(cx, Notice::Forged(from));
    }

    pub(crate) fn notice_forged(&mut self, cx: &mut Cx<'_>, source: Option<Who>) {
        if let Some(source) = source {
            let key = self.table[source].key;
            self.refuse_forged(cx, key);
        }
    }
}
