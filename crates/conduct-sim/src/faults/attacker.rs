//! Somebody on the wire without a key: records packets, sends them again later, changes them, and
//! makes up others.

use bytes::Bytes;

use crate::engine::{Dice, Moment, PerMillion, millis, secs};
use crate::network::Forgery;
use crate::world::Packet;

/// The attacker.
#[derive(Debug)]
pub struct Attacker {
    active: bool,
    dice: Dice,
    recorded: Vec<Packet>,
}

/// Packets kept for later.
const RECORDED_PACKETS_MAX: usize = 64;

impl Attacker {
    /// Somebody who does nothing yet.
    pub fn new(seed: u64) -> Attacker {
        Attacker {
            active: false,
            dice: Dice::of(seed, "attacker", 0),
            recorded: Vec::new(),
        }
    }

    /// Begins or stops.
    pub fn set_active(&mut self, active: bool) {
        self.active = active;
    }

    /// Whether it is at work.
    pub const fn is_active(&self) -> bool {
        self.active
    }

    /// A packet goes by. What the attacker sends on account of it, and when.
    pub(crate) fn taps(&mut self, now: Moment, packet: &Packet) -> Option<(Moment, Packet)> {
        if !self.active || !self.dice.hits(PerMillion::percent(2)) {
            return None;
        }
        if self.recorded.len() < RECORDED_PACKETS_MAX {
            self.recorded.push(packet.clone());
        } else {
            let place = self.dice.below(RECORDED_PACKETS_MAX as u64) as usize;
            self.recorded[place] = packet.clone();
        }
        let place = self.dice.below(self.recorded.len() as u64) as usize;
        let mut stolen = self.recorded[place].clone();
        if self.dice.hits(PerMillion::percent(50)) {
            stolen.forgery = Some(Forgery::Replay);
        } else {
            stolen.forgery = Some(Forgery::Forged);
            stolen.number += 1 + self.dice.below(100);
            stolen.bytes = flipped(&stolen.bytes, &mut self.dice);
        }
        let delay = match self.dice.below(3) {
            0 => millis(self.dice.below(50)),
            1 => secs(1),
            _ => secs(self.dice.within(2..60)),
        };
        Some((now + delay, stolen))
    }
}

fn flipped(bytes: &Bytes, dice: &mut Dice) -> Bytes {
    let mut bytes = bytes.to_vec();
    let place = dice.below(bytes.len() as u64) as usize;
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 1 << dice.below(8);
    }
    Bytes::from(bytes)
}
