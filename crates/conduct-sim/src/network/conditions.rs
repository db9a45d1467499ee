//! How well a link carries: the fate of one packet.

use crate::engine::{Dice, Moment, PerMillion, micros};

/// What a link does to what it carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conditions {
    /// The shortest way across.
    pub latency: Moment,
    /// What chance adds to it, at most.
    pub jitter: Moment,
    /// Packets that never arrive.
    pub loss: PerMillion,
    /// Packets that arrive twice.
    pub duplicates: PerMillion,
    /// Packets that are held back for up to `reorder_by`, so that later ones overtake them.
    pub reorders: PerMillion,
    /// The longest that one is held back.
    pub reorder_by: Moment,
    /// Packets that arrive with a flipped bit, cut short, or with a wrong length.
    pub corrupts: PerMillion,
}

/// A packet at the far end of its link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// When.
    pub at: Moment,
    /// Whether it is what was sent.
    pub intact: bool,
}

impl Conditions {
    /// A switched local network on a good day.
    pub const LAN: Conditions = Conditions {
        latency: micros(150),
        jitter: micros(250),
        loss: PerMillion::NEVER,
        duplicates: PerMillion::NEVER,
        reorders: PerMillion::NEVER,
        reorder_by: Moment::ZERO,
        corrupts: PerMillion::NEVER,
    };

    /// The local network, losing that much.
    pub const fn losing(loss: PerMillion) -> Conditions {
        Conditions {
            loss,
            ..Conditions::LAN
        }
    }

    /// The fate of a packet that is sent now: it arrives not at all, once, or twice.
    pub fn carry(&self, now: Moment, dice: &mut Dice) -> [Option<Arrival>; 2] {
        let first = self.carry_once(now, dice);
        let second = if dice.hits(self.duplicates) {
            self.carry_once(now, dice)
        } else {
            None
        };
        [first, second]
    }

    /// When something that is sent now, and sent again each time it is lost, gets across.
    pub fn carry_surely(&self, now: Moment, retry: Moment, dice: &mut Dice) -> Moment {
        let mut sent = now;
        let mut wait = retry;
        while dice.hits(self.loss) || dice.hits(self.corrupts) {
            sent += wait;
            wait = wait.times(2);
        }
        sent + self.transit(dice)
    }

    fn carry_once(&self, now: Moment, dice: &mut Dice) -> Option<Arrival> {
        if dice.hits(self.loss) {
            return None;
        }
        let mut at = now + self.transit(dice);
        if dice.hits(self.reorders) {
            at += micros(dice.below(self.reorder_by.as_micros() + 1));
        }
        Some(Arrival {
            at,
            intact: !dice.hits(self.corrupts),
        })
    }

    fn transit(&self, dice: &mut Dice) -> Moment {
        self.latency + micros(dice.below(self.jitter.as_micros() + 1))
    }
}

impl std::fmt::Display for Conditions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut said = Vec::new();
        for (chance, what) in [
            (self.loss, "lost"),
            (self.duplicates, "doubled"),
            (self.reorders, "reordered"),
            (self.corrupts, "corrupted"),
        ] {
            if chance != PerMillion::NEVER {
                said.push(format!("{} % {what}", f64::from(chance.0) / 10_000.0));
            }
        }
        if self.latency > Conditions::LAN.latency {
            said.push(format!(
                "{} to {} s late",
                self.latency,
                self.latency + self.jitter
            ));
        }
        f.write_str(&said.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{millis, secs};

    #[test]
    fn a_good_link_carries_everything_once_and_in_time() {
        let mut dice = Dice::of(1, "test", 0);
        for _ in 0..1_000 {
            let [first, second] = Conditions::LAN.carry(secs(1), &mut dice);
            let arrival = first.expect("a good link loses nothing");
            assert!(arrival.intact && arrival.at <= secs(1) + micros(400));
            assert_eq!(second, None);
        }
    }

    #[test]
    fn what_must_arrive_arrives_later_on_a_bad_link() {
        let mut dice = Dice::of(1, "test", 0);
        let bad = Conditions::losing(PerMillion::percent(50));
        let late = (0..1_000)
            .filter(|_| bad.carry_surely(Moment::ZERO, millis(30), &mut dice) > millis(30))
            .count();
        assert!((400..600).contains(&late), "{late}");
    }
}
