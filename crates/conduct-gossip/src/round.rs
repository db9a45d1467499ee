//! Probes on their way: one round each, from the first packet until no answer counts any more.

use conduct_model::Time;

use crate::table::Who;

/// Probes on their way at one moment.
pub(crate) const ROUNDS_MAX: usize = 256;
/// How many others may be asked to try.
pub(crate) const RELAYS_MAX: usize = 3;

/// What a probe is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Errand {
    /// The member's turn.
    Turn,
    /// Is the dead back?
    Dead,
    /// A roll-call.
    Roll,
    /// A hint says that its daemon is gone: is it?
    Hint,
    /// A suspect's last chance, by stream.
    Fallback,
}

/// One probe on its way.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) seq: u16,
    pub(crate) target: Who,
    pub(crate) errand: Errand,
    /// When the first packet left: what an answer proves began no earlier.
    pub(crate) sent: Time,
    /// When the next step is due.
    pub(crate) next: Time,
    /// Steps taken.
    pub(crate) step: u8,
    /// How patient this node was with itself when the round began.
    pub(crate) patience: u64,
    pub(crate) chosen: bool,
    /// Whom we asked to try.
    pub(crate) relays: Vec<Who>,
    /// How many of those answered, if only that they had no answer.
    pub(crate) nacks: usize,
}

/// All probes on their way.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    rounds: Vec<Round>,
    seq: u16,
}

impl Rounds {
    /// Begins a round whose first step is due at once.
    pub(crate) fn begin(&mut self, now: Time, target: Who, errand: Errand, patience: u64) -> u16 {
        if self.rounds.len() == ROUNDS_MAX {
            self.rounds.remove(0);
        }
        self.seq = self.seq.wrapping_add(1);
        self.rounds.push(Round {
            seq: self.seq,
            target,
            errand,
            sent: now,
            next: now,
            step: 0,
            patience,
            chosen: false,
            relays: Vec::new(),
            nacks: 0,
        });
        self.seq
    }

    pub(crate) fn get_mut(&mut self, seq: u16) -> Option<&mut Round> {
        self.rounds.iter_mut().find(|round| round.seq == seq)
    }

    /// Ends a round: answered, or past all hope.
    pub(crate) fn take(&mut self, seq: u16) -> Option<Round> {
        let at = self.rounds.iter().position(|round| round.seq == seq)?;
        Some(self.rounds.swap_remove(at))
    }

    /// A round whose next step is due.
    pub(crate) fn due(&self, now: Time) -> Option<u16> {
        self.rounds
            .iter()
            .find(|round| round.next <= now)
            .map(|round| round.seq)
    }

    pub(crate) fn wake(&self) -> Time {
        self.rounds
            .iter()
            .map(|round| round.next)
            .min()
            .unwrap_or(Time::NEVER)
    }

    pub(crate) fn is_under_way(&self, target: Who, errand: Errand) -> bool {
        self.rounds
            .iter()
            .any(|round| round.target == target && round.errand == errand)
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Round) -> bool) {
        self.rounds.retain(keep);
    }

    pub(crate) fn len(&self) -> usize {
        self.rounds.len()
    }
}
