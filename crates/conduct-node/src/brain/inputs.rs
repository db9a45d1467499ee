//! What comes in, told apart.

use bytes::Bytes;
use conduct_gossip::{Link, Status};
use conduct_model::NodeKey;
use conduct_wire::packet::{self, PacketError};

use super::Brain;
use crate::disk::DiskNews;
use crate::event::EventKind;
use crate::input::{Hint, Input, LinkNews};
use crate::protocol::{Message, Stranger};

impl Brain {
    pub(super) fn take(&mut self, input: Input) {
        match input {
            Input::Start => self.awake(),
            // What is due is done in every step, and membership dials again by itself.
            Input::Timer | Input::DialFailed { .. } => {}
            Input::Datagram { from, bytes } | Input::Frame { from, bytes } => {
                self.take_packet(from, &bytes);
            }
            Input::Link { peer, news } => self.take_link(peer, news),
            Input::Request(request) => self.take_request(request),
            Input::Runtime(event) => self.take_runtime(event),
            Input::Archive(event) => self.take_archive(event),
            Input::Stored(n) => self.take_stored(n),
            Input::StoreFailed { n, why } => {
                if self.disk.failed(self.now.time, n, why) == Some(DiskNews::Failing) {
                    self.tell(EventKind::DiskFailing);
                }
                self.refuse_unstored();
                self.abandon_own_writes();
            }
        }
    }

    fn take_stored(&mut self, n: u64) {
        let (released, news) = self.disk.stored(n);
        for held in released {
            self.release(held);
        }
        if news == Some(DiskNews::Recovered) {
            self.tell(EventKind::DiskRecovered);
            self.own.everything_changed();
        }
    }

    fn take_link(&mut self, peer: NodeKey, news: LinkNews) {
        let link = match news {
            LinkNews::Connected { .. } => Link::Connected,
            LinkNews::Connecting => Link::Connecting,
            LinkNews::Lost => {
                self.sync.lost(&peer);
                self.forget_known_by(&peer);
                Link::Lost
            }
            LinkNews::Hinted(Hint::DaemonGone) => Link::Refused,
            // No way to a host says nothing about it.
            LinkNews::Hinted(Hint::NoRoute) => return,
        };
        let time = self.now.time;
        self.with_membership(|membership, out| membership.link(time, peer, link, out));
    }

    fn take_packet(&mut self, from: NodeKey, bytes: &Bytes) {
        if from == self.me {
            return;
        }
        let sections = match packet::read(bytes) {
            Ok(sections) => sections,
            Err(PacketError::UnknownVersion(version)) => return self.tell_stranger(from, version),
            Err(PacketError::Empty | PacketError::Sections(_)) => {
                self.outbox.strangers.packets += 1;
                return;
            }
        };
        for section in sections {
            if self.is_poison(&section.body) {
                continue;
            }
            self.poison.begin_section(&section.body);
            match Message::decode(&section) {
                Ok(message) => self.take_message(from, message),
                Err(Stranger::Kind) => self.outbox.strangers.kinds += 1,
                Err(Stranger::Body) => self.outbox.strangers.messages += 1,
            }
            self.poison.end_section();
        }
    }

    /// Whether an input crashed this node too often to be looked at again.
    pub(super) fn is_poison(&mut self, input: &[u8]) -> bool {
        let Some(fingerprint) = self.poison.skips(input) else {
            return false;
        };
        if self.poison.tell(fingerprint) {
            self.tell(EventKind::PoisonSkipped {
                fingerprint: fingerprint.0,
            });
        }
        true
    }

    fn take_message(&mut self, from: NodeKey, message: Message) {
        let time = self.now.time;
        if let Message::Membership(message) = message {
            self.heard(from);
            return self.with_membership(|membership, out| {
                membership.message(time, from, message, out);
            });
        }
        // Whoever is no member, or has been declared down, is answered by membership alone.
        if !matches!(
            self.membership.status(&from),
            Some(Status::Reachable | Status::Unreachable | Status::Restarting)
        ) {
            return;
        }
        self.heard(from);
        match message {
            Message::Membership(_) => {}
            Message::Scheduling(message) => self.take_scheduling(from, message),
            Message::Fresh(delta) => self.take_news(from, &delta),
            Message::Compare(compare) => self.take_compare(from, compare),
            Message::Pull(digest) => self.take_pull(from, &digest),
            Message::Pulled(delta) => self.take_pulled(from, delta.as_ref()),
            Message::Outdated => self.begin_state_anew(),
            Message::Push(push) => self.take_push(from, push),
            Message::Pushed(pushed) => self.take_pushed(from, pushed),
            Message::Copy(copy) => self.take_copy(&copy),
            Message::Declined(bundle) => self.take_declined(from, bundle),
        }
    }

    /// Holders of systems that are heard from keep what they hold.
    fn heard(&mut self, from: NodeKey) {
        if self
            .membership
            .voters()
            .is_some_and(|register| register.contains(&from))
        {
            self.scheduler.heard(self.now.time, from);
        }
    }
}
