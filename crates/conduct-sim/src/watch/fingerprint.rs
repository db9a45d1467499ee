//! One number for a whole run. Everything that happens and everything that a node does is mixed
//! in, so two runs that differ anywhere differ here.

use bytes::Bytes;
use conduct_node::effect::Effect;

use crate::engine::Moment;
use crate::world::Occurrence;

/// The number so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Fingerprint {
        Fingerprint(0x9e37_79b9_7f4a_7c15)
    }
}

impl Fingerprint {
    /// The number.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Mixes a number in.
    pub fn mix(&mut self, value: u64) {
        let folded = u128::from(self.0 ^ value) * 0xd6e8_feb8_6659_fd93_u128;
        self.0 = (folded as u64) ^ ((folded >> 64) as u64) ^ self.0.rotate_left(23);
    }

    /// Mixes in that something happens.
    pub fn occurrence(&mut self, at: Moment, occurrence: &Occurrence) {
        self.mix(at.as_micros());
        self.mix(match occurrence {
            Occurrence::Timer { host, .. } => 1 << 32 | u64::from(*host),
            Occurrence::Tell { host, .. } => 2 << 32 | u64::from(*host),
            Occurrence::Packet(packet) => 3 << 32 ^ packet.number,
            Occurrence::Line { end, .. } => 4 << 32 | u64::from(end.link.0),
            Occurrence::Disk { n, .. } => 5 << 32 ^ *n,
            Occurrence::Hand { instance, .. } => 6 << 32 ^ instance.as_u128() as u64,
            Occurrence::Lease { host, .. } => 7 << 32 | u64::from(*host),
            Occurrence::Archive { transfer, .. } => 8 << 32 ^ *transfer,
            Occurrence::Client(_) => 9 << 32,
            Occurrence::Fault(_) => 10 << 32,
            Occurrence::Look => 11 << 32,
        });
    }

    /// Mixes in what a node does.
    pub fn effect(&mut self, host: usize, effect: &Effect) {
        self.mix(host as u64);
        match effect {
            Effect::Datagram { bytes, .. } => self.bytes(1, bytes),
            Effect::Frame { bytes, .. } => self.bytes(2, bytes),
            Effect::Link(order) => self.mix(3 << 32 ^ kind_of(order)),
            Effect::Persist { n, writes } => {
                self.mix(4 << 32 ^ *n);
                for write in writes {
                    self.bytes(4, &write.key);
                    self.bytes(4, write.value.as_ref().unwrap_or(&Bytes::new()));
                }
            }
            Effect::Runtime(_) => self.mix(5 << 32),
            Effect::Archive(_) => self.mix(6 << 32),
            Effect::Publish(event) => self.mix(7 << 32 ^ event.sequence),
            Effect::Reply { client, .. } => self.mix(8 << 32 ^ client.0),
            Effect::End(_) => self.mix(10 << 32),
            Effect::Arm(time) => self.mix(9 << 32 ^ time.as_millis()),
        }
    }

    fn bytes(&mut self, kind: u64, bytes: &Bytes) {
        self.mix(kind << 32 ^ bytes.len() as u64);
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        let mut last = [0; 8];
        last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        self.mix(u64::from_le_bytes(last));
    }
}

fn kind_of(order: &conduct_node::effect::LinkOrder) -> u64 {
    use conduct_node::effect::LinkOrder;
    match order {
        LinkOrder::Address { .. } => 1,
        LinkOrder::Keep { .. } => 2,
        LinkOrder::Release { .. } => 3,
        LinkOrder::Dial { .. } => 4,
        LinkOrder::AskKernel { .. } => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_value_both_count() {
        let of = |values: &[u64]| {
            let mut fingerprint = Fingerprint::default();
            values.iter().for_each(|value| fingerprint.mix(*value));
            fingerprint.value()
        };
        assert_eq!(of(&[1, 2]), of(&[1, 2]));
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_ne!(of(&[0]), of(&[0, 0]));
    }
}
