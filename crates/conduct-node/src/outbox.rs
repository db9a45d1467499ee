//! What a step wants to say, put together: one peer gets as few datagrams as its messages fit in.

use std::collections::BTreeMap;

use bytes::Bytes;
use conduct_model::NodeKey;
use conduct_wire::packet::{self, PacketWriter, Strangers};
use conduct_wire::sections::section_bytes;
use conduct_wire::{DATAGRAM_BYTES_MAX, FRAME_BYTES_MAX};

use crate::effect::Effect;
use crate::protocol::Message;

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// In a datagram, where it fits; lost where no connection stands.
    Datagram,
    /// On a stream.
    Stream,
}

/// Messages that wait for the end of the step.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    datagrams: BTreeMap<NodeKey, Vec<(u16, Bytes)>>,
    frames: Vec<(NodeKey, u16, Bytes)>,
    /// What was not understood of what came.
    pub(crate) strangers: Strangers,
    /// Messages too long even for a stream. There should be none.
    pub(crate) dropped: u64,
}

impl Outbox {
    /// Says something to a peer.
    pub(crate) fn send(&mut self, to: NodeKey, way: Way, message: &Message) {
        let (kind, body) = message.encode();
        let fits_datagram = packet::HEADER_BYTES + section_bytes(body.len()) <= DATAGRAM_BYTES_MAX;
        if packet::HEADER_BYTES + section_bytes(body.len()) > FRAME_BYTES_MAX {
            self.dropped += 1;
        } else if way == Way::Datagram && fits_datagram {
            self.datagrams.entry(to).or_default().push((kind, body));
        } else {
            self.frames.push((to, kind, body));
        }
    }

    /// Turns everything into effects.
    pub(crate) fn flush(&mut self, effects: &mut Vec<Effect>) {
        while let Some((to, sections)) = self.datagrams.pop_first() {
            let mut packet = PacketWriter::new(DATAGRAM_BYTES_MAX);
            for (kind, body) in sections {
                if !packet.section(kind, &body) {
                    let full =
                        std::mem::replace(&mut packet, PacketWriter::new(DATAGRAM_BYTES_MAX));
                    effects.push(Effect::Datagram {
                        to,
                        bytes: full.finish(),
                    });
                    let alone = packet.section(kind, &body);
                    debug_assert!(alone, "what fits a datagram fits an empty one");
                }
            }
            effects.push(Effect::Datagram {
                to,
                bytes: packet.finish(),
            });
        }
        for (to, kind, body) in self.frames.drain(..) {
            effects.push(Effect::Frame {
                to,
                bytes: packet::single(kind, &body),
            });
        }
    }
}
