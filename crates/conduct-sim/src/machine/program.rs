//! What bundles do once they run: a program is a short life story, and chance fills in its times.

use std::ops::Range;

use conduct_model::InstanceId;
use conduct_node::runtime::ExitStatus;

use crate::engine::{Dice, Moment, PerMillion, micros, millis, secs};

/// How the instances of a bundle behave.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// Fetching aside, how long unpacking takes.
    pub prepare: Range<Moment>,
    /// How it begins.
    pub opening: Opening,
    /// What it does once it is healthy.
    pub plot: Plot,
    /// What it does at SIGTERM.
    pub ending: Ending,
    /// Who says that it is healthy.
    pub herald: Herald,
    /// A start of it ends like this, whatever its opening says, with this chance.
    pub bad_days: PerMillion,
    /// The size of its archive.
    pub archive_bytes: u64,
}

/// How an instance begins.
#[derive(Clone, PartialEq, Debug)]
pub enum Opening {
    /// It signals after so long.
    Signals(Range<Moment>),
    /// It ends before it signals.
    Ends(Range<Moment>, ExitStatus),
    /// It never signals.
    Hangs,
    /// It cannot be launched at all.
    Unlaunchable,
}

/// What an instance does once it is healthy.
#[derive(Clone, PartialEq, Debug)]
pub enum Plot {
    /// It runs until it is told to stop.
    Serves,
    /// It ends of itself after so long.
    Ends(Range<Moment>, ExitStatus),
    /// Its memory runs out after so long.
    OutOfMemory(Range<Moment>),
}

/// What an instance does at SIGTERM.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
    /// It ends after so long.
    Obeys(Range<Moment>),
    /// Nothing: only SIGKILL ends it.
    Ignores,
}

/// Who says that an instance is healthy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Herald {
    /// The program itself, by a call to its node, which it repeats while the node is away.
    Itself,
    /// A check that the runtime makes.
    Check,
}

/// What one instance of a program will do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fate {
    /// When it signals, counted from its launch.
    pub signals: Option<Moment>,
    /// When and how it ends of itself: counted from its launch if it never signals, otherwise from
    /// its signal.
    pub ends: Option<(Moment, ExitStatus, bool)>,
}

impl Default for Program {
    fn default() -> Program {
        Program {
            prepare: millis(20)..millis(60),
            opening: Opening::Signals(millis(200)..millis(600)),
            plot: Plot::Serves,
            ending: Ending::Obeys(millis(5)..millis(200)),
            herald: Herald::Itself,
            bad_days: PerMillion::NEVER,
            archive_bytes: 2 << 20,
        }
    }
}

impl Program {
    /// What this instance will do.
    pub fn fate(&self, dice: &mut Dice) -> Fate {
        if dice.hits(self.bad_days) {
            let after = millis(dice.within(1..500));
            return Fate {
                signals: None,
                ends: Some((after, ExitStatus::Code(1), false)),
            };
        }
        let signals = match &self.opening {
            Opening::Signals(after) => Some(throw(after, dice)),
            Opening::Ends(after, status) => {
                return Fate {
                    signals: None,
                    ends: Some((throw(after, dice), *status, false)),
                };
            }
            Opening::Hangs | Opening::Unlaunchable => {
                return Fate {
                    signals: None,
                    ends: None,
                };
            }
        };
        let ends = match &self.plot {
            Plot::Serves => None,
            Plot::Ends(after, status) => Some((throw(after, dice), *status, false)),
            Plot::OutOfMemory(after) => Some((throw(after, dice), ExitStatus::Signal(9), true)),
        };
        Fate { signals, ends }
    }

    /// How long it takes to end after SIGTERM; never, if it ignores it.
    pub fn obeys_after(&self, dice: &mut Dice) -> Option<Moment> {
        match &self.ending {
            Ending::Obeys(after) => Some(throw(after, dice)),
            Ending::Ignores => None,
        }
    }

    /// The longest that a start of it takes, unpacking and launching included.
    pub fn start_max(&self) -> Moment {
        let signal = match &self.opening {
            Opening::Signals(after) => after.end,
            _ => secs(60),
        };
        self.prepare.end + signal
    }

    /// Whether instances become healthy and stay so.
    pub fn is_sound(&self) -> bool {
        matches!(self.opening, Opening::Signals(_))
            && self.plot == Plot::Serves
            && self.bad_days == PerMillion::NEVER
    }
}

/// The dice of one instance: the same wherever and whenever it runs.
pub fn dice_of(seed: u64, instance: InstanceId) -> Dice {
    let number = instance.as_u128();
    Dice::of(seed, "instance", (number >> 64) as u64 ^ number as u64)
}

/// A moment within the range.
pub fn throw(range: &Range<Moment>, dice: &mut Dice) -> Moment {
    micros(dice.within(range.start.as_micros()..range.end.as_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_program_signals_and_serves() {
        let mut dice = Dice::of(1, "program", 0);
        let fate = Program::default().fate(&mut dice);
        assert!(fate.signals.is_some() && fate.ends.is_none());
        assert!(Program::default().is_sound());
    }

    #[test]
    fn what_ends_before_its_signal_never_signals() {
        let opening = Opening::Ends(millis(1)..millis(2), ExitStatus::Code(0));
        let program = Program {
            opening,
            ..Program::default()
        };
        let fate = program.fate(&mut Dice::of(1, "program", 0));
        assert_eq!(fate.signals, None);
        assert!(fate.ends.is_some() && !program.is_sound());
    }
}
