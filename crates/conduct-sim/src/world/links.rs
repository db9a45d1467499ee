//! Connections are made, checked and lost.

use std::net::SocketAddr;

use conduct_node::input::{Hint, Input, LinkNews};

use super::{LineStep, Occurrence, World};
use crate::engine::{Moment, millis, secs};
use crate::machine::index_at;
use crate::network::{
    ACK_BYTES, ANSWERING_BYTES, EndId, EndState, OPENING_BYTES, PACKET_BYTES, Traffic,
};

/// The hellos of one call, counted from its beginning.
const HELLOS: [Moment; 3] = [Moment::ZERO, millis(300), millis(900)];
/// A call that nobody has answered by then has failed.
const CALL_PATIENCE: Moment = secs(2);
/// Between two calls to a peer that does not answer: at first, and at most.
const RECALL_FIRST: Moment = millis(100);
const RECALL_LAST: Moment = millis(500);
/// A connection by which nothing came for so long is dead.
const IDLE: Moment = secs(20);
/// A kept connection that is silent for so long is tried.
const KEEP_ALIVE: Moment = secs(8);

impl World {
    pub(crate) fn keep(&mut self, host: usize, peer: usize) {
        if host == peer || peer >= self.machines.len() {
            return;
        }
        let end = self.links.end(host, peer);
        let here = self.links.get_mut(end);
        here.keep = true;
        if here.state == EndState::Closed {
            self.call(end);
        }
    }

    pub(crate) fn release(&mut self, host: usize, peer: usize) {
        if let Some(end) = self.links.find(host, peer) {
            self.links.get_mut(end).keep = false;
        }
    }

    pub(crate) fn dial_address(&mut self, host: usize, address: SocketAddr) {
        let known = index_at(address).filter(|&peer| peer < self.machines.len() && peer != host);
        let Some(peer) = known else {
            self.tell_in(host, CALL_PATIENCE, Input::DialFailed { address });
            return;
        };
        let end = self.links.end(host, peer);
        if self.links.get(end).is_open() {
            self.news(end, LinkNews::Connected { address });
            return;
        }
        self.links.get_mut(end).dialled = Some(address);
        if self.links.get(end).state == EndState::Closed {
            self.call(end);
        }
    }

    /// Begins a call, the first of a row.
    pub(crate) fn call(&mut self, end: EndId) {
        let now = self.now;
        let here = self.links.get_mut(end);
        here.state = EndState::Dialing { since: now };
        here.attempt += 1;
        let attempt = here.attempt;
        self.news(end, LinkNews::Connecting);
        self.step_in(end, Moment::ZERO, LineStep::Call { attempt, hello: 0 });
    }

    pub(crate) fn line(&mut self, end: EndId, step: LineStep) {
        let host = self.links.host(end);
        if self.machines[host].daemon.is_none() {
            return;
        }
        let waiting = self.defer(host, Occurrence::Line { end, step });
        if waiting.is_none() {
            return;
        }
        match step {
            LineStep::Call { attempt, hello } => self.say_hello(end, attempt, hello),
            LineStep::Hello { caller, attempt } => self.answer(end, caller, attempt),
            LineStep::Answer { attempt, answerer } => self.answered(end, attempt, answerer),
            LineStep::Finish { caller, called } => {
                if called == self.machines[host].life {
                    self.stands(end, caller);
                }
            }
            LineStep::Reset { called } => self.was_reset(end, called),
            LineStep::Check => self.check(end),
            LineStep::Flush => self.flush(end),
            LineStep::Hint { asker } => {
                if asker == self.machines[host].life {
                    self.news(end, LinkNews::Hinted(Hint::DaemonGone));
                }
            }
        }
    }

    fn say_hello(&mut self, end: EndId, attempt: u32, hello: u8) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        let here = self.links.get(end);
        let EndState::Dialing { since } = here.state else {
            return;
        };
        if here.attempt != attempt {
            return;
        }
        if self.now.since(since) >= CALL_PATIENCE {
            self.call_failed(end, since);
            return;
        }
        let caller = self.machines[host].life;
        self.charge(host, Traffic::Handshakes, OPENING_BYTES);
        if let Some(at) = self.one_way(host, peer) {
            let step = LineStep::Hello { caller, attempt };
            self.schedule.plan(
                at,
                Occurrence::Line {
                    end: end.other(),
                    step,
                },
            );
        }
        let next = HELLOS
            .get(usize::from(hello) + 1)
            .copied()
            .unwrap_or(CALL_PATIENCE);
        let step = LineStep::Call {
            attempt,
            hello: hello + 1,
        };
        self.schedule
            .plan(since + next, Occurrence::Line { end, step });
    }

    /// Nobody answered. Whoever wants the connection goes on calling.
    fn call_failed(&mut self, end: EndId, since: Moment) {
        let here = self.links.get_mut(end);
        here.close();
        let (keep, dialled, host) = (here.keep, here.dialled.take(), self.links.host(end));
        if let Some(address) = dialled {
            self.tell_in(host, Moment::ZERO, Input::DialFailed { address });
        }
        if !keep {
            self.news(end, LinkNews::Lost);
            return;
        }
        let here = self.links.get_mut(end);
        here.pause = here.pause.times(2).max(RECALL_FIRST).min(RECALL_LAST);
        here.attempt += 1;
        let (attempt, pause) = (here.attempt, here.pause);
        let again = since.max(self.now) + pause;
        here.state = EndState::Dialing { since: again };
        let step = LineStep::Call { attempt, hello: 0 };
        self.schedule.plan(again, Occurrence::Line { end, step });
    }

    fn answer(&mut self, end: EndId, caller: u32, attempt: u32) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        self.charge(host, Traffic::Handshakes, ANSWERING_BYTES);
        let answerer = self.machines[host].life;
        if self.machines[peer].life != caller {
            return;
        }
        if let Some(at) = self.one_way(host, peer) {
            let step = LineStep::Answer { attempt, answerer };
            self.schedule.plan(
                at,
                Occurrence::Line {
                    end: end.other(),
                    step,
                },
            );
        }
    }

    fn answered(&mut self, end: EndId, attempt: u32, answerer: u32) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        let here = self.links.get(end);
        if here.attempt != attempt || !matches!(here.state, EndState::Dialing { .. }) {
            return;
        }
        let caller = self.machines[host].life;
        if self.passes(host, peer) {
            let conditions = self.conditions_of(host, peer);
            let at = conditions.carry_surely(self.now, millis(100), &mut self.net_dice);
            let step = LineStep::Finish {
                caller,
                called: answerer,
            };
            self.schedule.plan(
                at,
                Occurrence::Line {
                    end: end.other(),
                    step,
                },
            );
        }
        self.stands(end, answerer);
    }

    /// The connection stands at this end, with that life of the peer.
    fn stands(&mut self, end: EndId, peer_life: u32) {
        let now = self.now;
        let peer = self.links.peer(end);
        let address = self.machines[peer].config.address;
        let here = self.links.get_mut(end);
        let before = here.state;
        here.dialled = None;
        here.pause = Moment::ZERO;
        if !here.open(peer_life, now) {
            return;
        }
        let outbox = std::mem::take(&mut here.outbox);
        let unchecked = !std::mem::replace(&mut here.checked, true);
        if matches!(before, EndState::Open { .. }) {
            self.news(end, LinkNews::Lost);
        }
        self.news(end, LinkNews::Connected { address });
        for bytes in outbox {
            self.send(self.links.host(end), peer, super::Class::Frame, bytes);
        }
        if unchecked {
            self.step_in(end, KEEP_ALIVE, LineStep::Check);
        }
    }

    /// The peer's daemon is another one than this connection was made with, or has given it up.
    fn was_reset(&mut self, end: EndId, called: u32) {
        if self.links.get(end).state == (EndState::Open { peer_life: called }) {
            self.lose(end);
        }
    }

    /// The connection is gone at this end.
    fn lose(&mut self, end: EndId) {
        let here = self.links.get_mut(end);
        here.close();
        let keep = here.keep;
        self.news(end, LinkNews::Lost);
        if keep {
            self.call(end);
        }
    }

    /// Looks whether the peer was heard of lately, and tries it if not.
    fn check(&mut self, end: EndId) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        let here = self.links.get_mut(end);
        if !here.is_open() {
            here.checked = false;
            return;
        }
        let silent = self.now.since(here.heard);
        if silent >= IDLE {
            here.checked = false;
            self.lose(end);
            return;
        }
        if silent >= KEEP_ALIVE && here.keep {
            self.charge(host, Traffic::Datagrams, PACKET_BYTES);
            if self.passes(host, peer) && self.passes(peer, host) && self.answers(end) {
                self.charge(peer, Traffic::Acks, ACK_BYTES);
                self.links.get_mut(end).heard = self.now;
                self.links.get_mut(end.other()).heard = self.now;
            }
        }
        let heard = self.links.get(end).heard;
        let next = if self.now.since(heard) < KEEP_ALIVE {
            KEEP_ALIVE
        } else {
            IDLE
        };
        let at = (heard + next).max(self.now + secs(1));
        self.schedule.plan(
            at,
            Occurrence::Line {
                end,
                step: LineStep::Check,
            },
        );
    }

    fn answers(&self, end: EndId) -> bool {
        let peer = self.links.peer(end);
        self.machines[peer].is_awake() && self.links.get(end.other()).is_open()
    }

    pub(crate) fn ask_kernel(&mut self, host: usize, peer: usize) {
        let Some(there) = self.machines.get(peer) else {
            return;
        };
        if !there.powered || there.daemon.is_some() || host == peer {
            return;
        }
        if let (Some(_), Some(at)) = (self.one_way(host, peer), self.one_way(peer, host)) {
            let end = self.links.end(host, peer);
            let step = LineStep::Hint {
                asker: self.machines[host].life,
            };
            self.schedule
                .plan(at + millis(1), Occurrence::Line { end, step });
        }
    }

    /// The daemon is gone and its connections with it, without a word to its peers.
    pub(crate) fn hang_up(&mut self, host: usize) {
        let ends: Vec<EndId> = self.links.ends_of(host).collect();
        for end in ends {
            self.links.get_mut(end).forget();
        }
    }

    /// The daemon closes its connections before it ends.
    pub(crate) fn say_goodbye(&mut self, host: usize) {
        let called = self.machines[host].life;
        let ends: Vec<EndId> = self.links.ends_of(host).collect();
        for end in ends {
            if self.links.get(end).is_open()
                && let Some(at) = self.one_way(host, self.links.peer(end))
            {
                let step = LineStep::Reset { called };
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

    fn one_way(&mut self, from: usize, to: usize) -> Option<Moment> {
        if !self.passes(from, to) {
            return None;
        }
        let conditions = self.conditions_of(from, to);
        let [arrival, _] = conditions.carry(self.now, &mut self.net_dice);
        arrival
            .filter(|arrival| arrival.intact)
            .map(|arrival| arrival.at)
    }

    fn step_in(&mut self, end: EndId, delay: Moment, step: LineStep) {
        self.schedule
            .plan(self.now + delay, Occurrence::Line { end, step });
    }

    /// Tells the node of its connection, in a step of its own.
    fn news(&mut self, end: EndId, news: LinkNews) {
        let (host, peer) = (self.links.host(end), self.links.peer(end));
        let peer = self.machines[peer].key();
        self.tell_in(host, Moment::ZERO, Input::Link { peer, news });
    }
}
