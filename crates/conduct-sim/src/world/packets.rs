//! Packets: sealed, charged, carried, opened.

use bytes::Bytes;
use conduct_node::input::Input;

use super::{Class, LineStep, Occurrence, Packet, World};
use crate::engine::{Moment, micros, millis, secs};
use crate::network::{Arrival, Charge, EndId, EndState, Forgery, Gate, PACKET_BYTES, Traffic};
use crate::watch::Fact;

/// What a packet of a stream carries at most.
const STREAM_PACKET_BYTES: u64 = 1_200;
/// What was lost of a stream is sent again after this, at first.
const RESEND_AFTER: Moment = millis(30);
/// Frames that wait for a connection or a heal.
const FRAMES_WAITING_MAX: usize = 256;

impl World {
    /// Sends something from a daemon to another machine's.
    pub(crate) fn send(&mut self, host: usize, peer: usize, class: Class, bytes: Bytes) {
        if host == peer || peer >= self.machines.len() {
            return;
        }
        let end = self.links.end(host, peer);
        let EndState::Open { peer_life } = self.links.get(end).state else {
            if class == Class::Frame {
                self.send_once_connected(end, bytes);
            }
            return;
        };
        self.charge_sending(end, class, bytes.len() as u64);
        match class {
            Class::Datagram => self.carry_datagram(end, peer_life, bytes),
            Class::Frame if self.passes(host, peer) && self.links.get(end).stuck.is_empty() => {
                self.carry_frame(end, peer_life, bytes);
            }
            Class::Frame => self.stick(end, bytes),
        }
    }

    fn send_once_connected(&mut self, end: EndId, bytes: Bytes) {
        let here = self.links.get_mut(end);
        if here.outbox.len() < FRAMES_WAITING_MAX {
            here.outbox.push(bytes);
        }
        if here.state == EndState::Closed {
            self.call(end);
        }
    }

    fn carry_datagram(&mut self, end: EndId, to_life: u32, bytes: Bytes) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        let number = self.next_number(end);
        let packet = Packet {
            to: end.other(),
            from_life: self.machines[host].life,
            to_life,
            number,
            forgery: None,
            class: Class::Datagram,
            bytes,
        };
        if let Some((at, stolen)) = self.attacker.taps(self.now, &packet) {
            self.schedule.plan(at, Occurrence::Packet(Box::new(stolen)));
        }
        if !self.passes(host, peer) {
            return;
        }
        let conditions = self.conditions_of(host, peer);
        let [first, second] = conditions.carry(self.now, &mut self.net_dice);
        if let Some(arrival) = second {
            self.plan_arrival(packet.clone(), arrival);
        }
        if let Some(arrival) = first {
            self.plan_arrival(packet, arrival);
        }
    }

    fn plan_arrival(&mut self, mut packet: Packet, arrival: Arrival) {
        if !arrival.intact {
            packet.forgery = Some(Forgery::Flipped);
        }
        self.schedule
            .plan(arrival.at, Occurrence::Packet(Box::new(packet)));
    }

    fn carry_frame(&mut self, end: EndId, to_life: u32, bytes: Bytes) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        let transmission = micros(bytes.len() as u64 / 100);
        let conditions = self.conditions_of(host, peer);
        let crossed = conditions.carry_surely(self.now, RESEND_AFTER, &mut self.net_dice);
        let number = self.next_number(end);
        let here = self.links.get_mut(end);
        let at = (crossed + transmission).max(here.ordered_until + micros(1));
        here.ordered_until = at;
        let packet = Packet {
            to: end.other(),
            from_life: self.machines[host].life,
            to_life,
            number,
            forgery: None,
            class: Class::Frame,
            bytes,
        };
        self.schedule.plan(at, Occurrence::Packet(Box::new(packet)));
    }

    fn stick(&mut self, end: EndId, bytes: Bytes) {
        let here = self.links.get_mut(end);
        if here.stuck.len() >= FRAMES_WAITING_MAX {
            self.watch.cover("frame dropped");
            return;
        }
        let first = here.stuck.is_empty();
        here.stuck.push_back(bytes);
        if first {
            self.stuck_ends.push(end);
        }
    }

    /// What was stuck gets through, unless the way is cut (again).
    pub(crate) fn flush(&mut self, end: EndId) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        let EndState::Open { peer_life } = self.links.get(end).state else {
            return;
        };
        if !self.passes(host, peer) {
            if !self.links.get(end).stuck.is_empty() {
                self.stuck_ends.push(end);
            }
            return;
        }
        for bytes in std::mem::take(&mut self.links.get_mut(end).stuck) {
            self.carry_frame(end, peer_life, bytes);
        }
    }

    /// A packet arrives at a machine.
    pub(crate) fn arrive(&mut self, packet: Packet) {
        let host = self.links.host(packet.to);
        if self.machines[host].daemon.is_none() {
            return;
        }
        let waiting = self.defer(host, Occurrence::Packet(Box::new(packet)));
        let Some(Occurrence::Packet(packet)) = waiting else {
            return;
        };
        let packet = *packet;
        let from = self.links.peer(packet.to);
        let Some(meddled) = self.opens(host, &packet) else {
            return;
        };
        self.heard(packet.to);
        if let Some(forgery) = meddled {
            self.fact(&Fact::Admitted { host, forgery });
        }
        let from = self.machines[from].key();
        let input = match packet.class {
            Class::Datagram => Input::Datagram {
                from,
                bytes: packet.bytes,
            },
            Class::Frame => Input::Frame {
                from,
                bytes: packet.bytes,
            },
        };
        self.step(host, input);
    }

    /// Takes the packet if its seal holds: the right lives, unbroken bytes, a number that is new.
    /// Says what is wrong with one that the gate lets through all the same.
    ///
    /// What a member sealed and nobody has taken yet is as good from an attacker's hands as from
    /// its own; a replay is what was taken before.
    fn opens(&mut self, host: usize, packet: &Packet) -> Option<Option<Forgery>> {
        let life = self.machines[host].life;
        let here = self.links.get_mut(packet.to);
        let state = here.state;
        let known = packet.to_life == life
            && matches!(state, EndState::Open { peer_life } if peer_life == packet.from_life);
        let sealed = !matches!(packet.forgery, Some(Forgery::Forged | Forgery::Flipped));
        if known && sealed && here.taken.take(packet.number).is_ok() {
            return Some(None);
        }
        let closed = state == EndState::Closed && self.now.since(here.heard) > secs(2);
        let stale = packet.to_life != life || closed;
        if packet.forgery.is_none() && !known && stale {
            self.reset(packet.to, packet.to_life);
        }
        let forgery = packet.forgery?;
        let slack = match self.gate {
            Gate::Strict => false,
            Gate::TakesReplays => forgery == Forgery::Replay,
            Gate::TakesForgeries => forgery != Forgery::Replay,
        };
        self.watch.refused(forgery, slack);
        slack.then_some(Some(forgery))
    }

    fn next_number(&mut self, end: EndId) -> u64 {
        let here = self.links.get_mut(end);
        here.number += 1;
        here.number
    }

    /// Something of the peer came in by this end; its transport will acknowledge.
    fn heard(&mut self, end: EndId) {
        let now = self.now;
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        let here = self.links.get_mut(end);
        here.heard = now;
        let bytes = here.owed.receive(now);
        self.charge(host, Traffic::Acks, bytes);
        if self.passes(host, peer) {
            self.links.get_mut(end.other()).heard = now;
        }
    }

    fn charge_sending(&mut self, end: EndId, class: Class, bytes: u64) {
        let host = self.links.host(end);
        let acks = self.links.get_mut(end).owed.send(self.now);
        let (traffic, packets) = match class {
            Class::Datagram => (Traffic::Datagrams, 1),
            Class::Frame => (Traffic::Frames, bytes.div_ceil(STREAM_PACKET_BYTES).max(1)),
        };
        self.charge(host, traffic, bytes + packets * PACKET_BYTES);
        self.charge(host, Traffic::Acks, acks);
    }

    pub(crate) fn charge(&mut self, host: usize, traffic: Traffic, bytes: u64) {
        if bytes != 0 {
            self.costs[host].charge(Charge { traffic, bytes });
        }
    }

    /// Tells the sender that nothing here knows its connection.
    fn reset(&mut self, end: EndId, called: u32) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        if self.passes(host, peer) {
            let step = LineStep::Reset { called };
            let at = self.now + self.conditions_of(host, peer).latency;
            self.schedule.plan(
                at,
                Occurrence::Line {
                    end: end.other(),
                    step,
                },
            );
        }
    }
}
