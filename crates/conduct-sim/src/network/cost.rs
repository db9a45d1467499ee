//! What a packet weighs on the wire. The product counts its own bytes; the network charges
//! what the transport adds: headers, sealing, acknowledgements, handshakes.

use crate::engine::{Moment, millis};

/// IP and UDP headers, a short QUIC header, the seal and a frame header.
pub const PACKET_BYTES: u64 = 28 + 11 + 16 + 3;
/// A packet that holds nothing but an acknowledgement.
pub const ACK_BYTES: u64 = 28 + 11 + 16 + 6;
/// An acknowledgement that rides in a packet which goes there anyway.
const ACK_RIDING_BYTES: u64 = 6;
/// What the opener of a connection sends: a padded hello, its certificate, acknowledgements.
pub const OPENING_BYTES: u64 = 1_228 + 1_300 + 3 * ACK_BYTES;
/// What the other side sends: a padded hello with its certificate, a ticket, acknowledgements.
pub const ANSWERING_BYTES: u64 = 1_228 + 1_100 + 250 + 2 * ACK_BYTES;
/// A receiver acknowledges at the latest after this.
const ACK_DELAY: Moment = millis(25);
/// A receiver acknowledges at once when so many packets wait for it.
const ACK_AFTER_PACKETS: u8 = 2;

/// What the packets of a charge were for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Traffic {
    /// Probes, their answers, and what rides along.
    Datagrams,
    /// Sync, commands, agreements.
    Frames,
    /// Opening connections.
    Handshakes,
    /// Acknowledgements of the transport.
    Acks,
    /// Archives.
    Archives,
}

/// Bytes that a machine has put on the wire, by purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// Datagrams with their headers.
    pub datagrams: u64,
    /// Stream frames with their headers.
    pub frames: u64,
    /// Handshakes.
    pub handshakes: u64,
    /// Acknowledgements.
    pub acks: u64,
    /// Archives with their headers.
    pub archives: u64,
    /// Packets of all kinds.
    pub packets: u64,
}

/// An amount to charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charge {
    /// What for.
    pub traffic: Traffic,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// What one side of a connection owes the other: acknowledgements that no packet has carried yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    owed: u8,
    since: Moment,
}

impl Cost {
    /// Adds a charge.
    pub fn charge(&mut self, charge: Charge) {
        let purse = match charge.traffic {
            Traffic::Datagrams => &mut self.datagrams,
            Traffic::Frames => &mut self.frames,
            Traffic::Handshakes => &mut self.handshakes,
            Traffic::Acks => &mut self.acks,
            Traffic::Archives => &mut self.archives,
        };
        *purse += charge.bytes;
        self.packets += 1;
    }

    /// Everything but archives, which are as large as people make them.
    pub fn talk(&self) -> u64 {
        self.datagrams + self.frames + self.handshakes + self.acks
    }

    /// What was spent since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Cost) -> Cost {
        Cost {
            datagrams: self.datagrams - earlier.datagrams,
            frames: self.frames - earlier.frames,
            handshakes: self.handshakes - earlier.handshakes,
            acks: self.acks - earlier.acks,
            archives: self.archives - earlier.archives,
            packets: self.packets - earlier.packets,
        }
    }
}

impl Meter {
    /// A packet came in that must be acknowledged. The bytes that this costs at once.
    pub fn receive(&mut self, now: Moment) -> u64 {
        let mut spent = self.settle(now);
        if self.owed == 0 {
            self.since = now;
        }
        self.owed += 1;
        if self.owed >= ACK_AFTER_PACKETS {
            self.owed = 0;
            spent += ACK_BYTES;
        }
        spent
    }

    /// A packet goes out, and what is owed rides along. The bytes that acknowledging costs.
    pub fn send(&mut self, now: Moment) -> u64 {
        let spent = self.settle(now);
        if self.owed == 0 {
            return spent;
        }
        self.owed = 0;
        spent + ACK_RIDING_BYTES
    }

    /// What waited too long went out in a packet of its own; found out only now.
    fn settle(&mut self, now: Moment) -> u64 {
        if self.owed != 0 && now.since(self.since) > ACK_DELAY {
            self.owed = 0;
            ACK_BYTES
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_the_acknowledgement_and_silence_pays_for_its_own() {
        let mut meter = Meter::default();
        assert_eq!(meter.receive(millis(0)), 0);
        assert_eq!(meter.send(millis(1)), ACK_RIDING_BYTES);
        assert_eq!(meter.send(millis(2)), 0);
        assert_eq!(meter.receive(millis(10)), 0);
        assert_eq!(meter.send(millis(100)), ACK_BYTES);
    }

    #[test]
    fn every_second_packet_is_acknowledged_at_once() {
        let mut meter = Meter::default();
        assert_eq!(meter.receive(millis(0)), 0);
        assert_eq!(meter.receive(millis(1)), ACK_BYTES);
        assert_eq!(meter.receive(millis(2)), 0);
    }
}
