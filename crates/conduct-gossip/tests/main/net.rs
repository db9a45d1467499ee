//! A network of machines in one thread: virtual time, packets that are late or lost, cuts in one
//! or both directions, pauses, disks, and clocks that agree on nothing but their pace.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use conduct_gossip::{
    Ballot, Body, Boot, Card, Class, Command, DiskRecord, Effect, Header, Link, Membership,
    Message, Notice, Profile, Reason, Record, Register, Settings, Short, Slot, Standing, Status,
    Ticket, Token, Update, Verdict,
};
use conduct_model::{Digest, Incarnation, NodeKey, Span, Time};

/// A node of the network, by number.
pub(crate) type No = usize;

/// How long a connection outlives its peer.
const IDLE: u64 = 5_000;
/// Between two attempts to connect.
const RECONNECT: u64 = 1_000;
/// Bytes of a packet around the message: UDP/IP, QUIC header, tag, frame, our own section.
const PACKET_BYTES: u64 = 64;
/// A packet that only acknowledges.
const ACK_BYTES: u64 = 62;

#[derive(Debug)]
enum Event {
    Wake(No, u64),
    Packet {
        to: No,
        from: No,
        message: Box<Message>,
        life: (u64, u64),
    },
    Stored(No, u64, Token, Slot, Option<DiskRecord>),
    Synced(No, u64, Ticket, No),
    Linked(No, No),
    Unlinked(No, No),
    Hint(No, u64, No),
}

/// Something that the layer above was told.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Verdict(Verdict),
    Quarantined(Reason),
    Released,
    Notice(Notice),
    Refused,
    Life(Incarnation),
    Gone,
}

pub(crate) struct Node {
    pub(crate) key: NodeKey,
    pub(crate) machine: Option<Membership>,
    pub(crate) disk: BTreeMap<Slot, DiskRecord>,
    /// Counts the daemon's runs: what was meant for an earlier one is void.
    run: u64,
    /// Its clock is ahead by this.
    skew: u64,
    pub(crate) paused_until: u64,
    pub(crate) host_up: bool,
    kept: BTreeSet<No>,
    pub(crate) sent_bytes: u64,
    pub(crate) sent_packets: u64,
    pub(crate) contact: Option<u64>,
    pub(crate) start_max: u64,
}

pub(crate) struct Net {
    pub(crate) now: u64,
    heap: BinaryHeap<(Reverse<u64>, Reverse<u64>, usize)>,
    events: Vec<Option<Event>>,
    free: Vec<usize>,
    order: u64,
    pub(crate) nodes: Vec<Node>,
    by_key: BTreeMap<NodeKey, No>,
    dice: u64,
    /// Lost datagrams in a thousand.
    pub(crate) loss: u64,
    /// One way, at least and at most.
    pub(crate) delay: (u64, u64),
    pub(crate) disk_delay: (u64, u64),
    pub(crate) sync_delay: (u64, u64),
    /// Directed: from, to.
    pub(crate) cut: BTreeSet<(No, No)>,
    links: BTreeSet<(No, No)>,
    pub(crate) told: Vec<(u64, No, Told)>,
    pub(crate) profile: Profile,
    pub(crate) count_bytes: bool,
    pub(crate) longest_datagram: usize,
    /// What each attempt to change the voters asked to accept, by epoch.
    attempts: BTreeMap<(u64, Ballot), Register>,
    pub(crate) steps: u64,
    steps_now: u64,
    stepped_at: u64,
    out: Vec<Effect>,
}

pub(crate) fn key(no: No) -> NodeKey {
    NodeKey::from_digest(Digest::of(&(no as u64).to_be_bytes()))
}

pub(crate) fn card(no: No) -> Card {
    let address = std::net::SocketAddr::from(([10, 0, (no >> 8) as u8, no as u8], 9004));
    Card {
        address,
        core: true,
        agent: true,
        note: Vec::new(),
    }
}

impl Net {
    pub(crate) fn new(seed: u64) -> Net {
        Net {
            now: 0,
            heap: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            order: 0,
            nodes: Vec::new(),
            by_key: BTreeMap::new(),
            dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678,
            loss: 0,
            delay: (0, 2),
            disk_delay: (1, 5),
            sync_delay: (20, 60),
            cut: BTreeSet::new(),
            links: BTreeSet::new(),
            told: Vec::new(),
            profile: Profile::LAN,
            count_bytes: false,
            longest_datagram: 0,
            attempts: BTreeMap::new(),
            steps: 0,
            steps_now: 0,
            stepped_at: 0,
            out: Vec::new(),
        }
    }

    /// A settled cluster of `count` nodes, the nine oldest of them voters.
    pub(crate) fn settled(seed: u64, count: usize) -> Net {
        let mut net = Net::new(seed);
        for no in 0..count {
            net.add(no);
        }
        let records: Vec<Record> = (0..count)
            .map(|no| Record {
                key: key(no),
                incarnation: Incarnation {
                    start: 1,
                    nonce: (1 + no as u64) << 48,
                },
                refutation: 0,
                standing: Standing::Alive,
                seat: no as u32 + 1,
                card: card(no),
            })
            .collect();
        let voters = (0..count.min(9)).map(key).collect();
        let register = Register::new(7, 1, voters);
        for no in 0..count {
            let node = &mut net.nodes[no];
            node.disk.insert(Slot::Start, DiskRecord::Start(1));
            let voters = DiskRecord::Voters {
                register: register.clone(),
                previous: None,
            };
            node.disk.insert(Slot::Voters, voters);
            if count <= 20 {
                for record in &records {
                    let slot = Slot::Member(record.key);
                    node.disk.insert(slot, DiskRecord::Member(record.clone()));
                }
            }
            let boot = Boot::Warm {
                start: 1,
                register: register.clone(),
                members: records.clone(),
            };
            net.boot(no, (1 + no as u64) << 48, boot, Vec::new());
        }
        net
    }

    /// A machine room with a node in it that is switched off.
    pub(crate) fn add(&mut self, no: No) {
        assert_eq!(no, self.nodes.len());
        self.by_key.insert(key(no), no);
        let skew = self.random(1_000_000_000);
        self.nodes.push(Node {
            key: key(no),
            machine: None,
            disk: BTreeMap::new(),
            run: 0,
            skew,
            paused_until: 0,
            host_up: true,
            kept: BTreeSet::new(),
            sent_bytes: 0,
            sent_packets: 0,
            contact: None,
            start_max: 0,
        });
    }

    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    fn between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.random(most - least + 1)
    }

    fn boot(&mut self, no: No, nonce: u64, boot: Boot, seeds: Vec<No>) {
        let dice = self.random(u64::MAX);
        let node = &mut self.nodes[no];
        node.run += 1;
        node.host_up = true;
        node.contact = None;
        let settings = Settings {
            key: node.key,
            card: card(no),
            profile: self.profile,
            seeds: seeds.into_iter().map(|seed| card(seed).address).collect(),
            nonce,
            dice,
            update_bytes_max: 600,
        };
        let now = Time::from_millis(self.now + node.skew);
        let mut out = Vec::new();
        node.machine = Some(Membership::new(settings, boot, now, &mut out));
        self.perform(no, &mut out);
    }

    /// Starts the daemon with what is on its disk.
    pub(crate) fn start(&mut self, no: No, seeds: &[No]) {
        let disk = self.nodes[no].disk.values().cloned().collect();
        let nonce = self.random(u64::MAX);
        self.boot(no, nonce, Boot::Disk(disk), seeds.to_vec());
    }

    /// Empties a disk.
    pub(crate) fn wipe(&mut self, no: No) {
        self.nodes[no].disk.clear();
        self.nodes[no].start_max = 0;
    }

    /// Ends the daemon at once. With its host nothing answers in its place.
    pub(crate) fn kill(&mut self, no: No, host_too: bool) {
        let node = &mut self.nodes[no];
        node.machine = None;
        node.run += 1;
        node.host_up = !host_too;
        node.kept.clear();
        for other in 0..self.nodes.len() {
            self.watch_link(no, other);
        }
    }

    pub(crate) fn pause(&mut self, no: No, millis: u64) {
        self.nodes[no].paused_until = self.now + millis;
    }

    pub(crate) fn command(&mut self, no: No, command: Command) {
        self.act(no, |machine, now, out| {
            machine.command(now, command, out).unwrap();
        });
    }

    pub(crate) fn machine(&self, no: No) -> &Membership {
        self.nodes[no].machine.as_ref().expect("the daemon runs")
    }

    pub(crate) fn is_up(&self, no: No) -> bool {
        self.nodes[no].machine.is_some()
    }

    pub(crate) fn up(&self) -> Vec<No> {
        (0..self.nodes.len()).filter(|no| self.is_up(*no)).collect()
    }

    pub(crate) fn is_free(&self, no: No) -> bool {
        self.nodes[no]
            .machine
            .as_ref()
            .is_some_and(|machine| !machine.is_quarantined())
    }

    pub(crate) fn status(&self, at: No, of: No) -> Option<Status> {
        self.machine(at).status(&key(of))
    }

    /// Cuts both directions between two groups.
    pub(crate) fn cut(&mut self, one: &[No], two: &[No]) {
        for a in one {
            for b in two {
                self.cut_way(*a, *b);
                self.cut_way(*b, *a);
            }
        }
    }

    pub(crate) fn cut_way(&mut self, from: No, to: No) {
        self.cut.insert((from, to));
        self.watch_link(from, to);
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    fn watch_link(&mut self, one: No, two: No) {
        let pair = (one.min(two), one.max(two));
        if self.links.contains(&pair) {
            self.schedule(IDLE, Event::Unlinked(pair.0, pair.1));
        }
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.order += 1;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            self.events.len() - 1
        });
        self.events[slot] = Some(event);
        self.heap
            .push((Reverse(self.now + after), Reverse(self.order), slot));
    }

    fn path(&self, from: No, to: No) -> bool {
        !self.cut.contains(&(from, to)) && self.is_up(to)
    }

    fn act(&mut self, no: No, act: impl FnOnce(&mut Membership, Time, &mut Vec<Effect>)) {
        let node = &mut self.nodes[no];
        let now = Time::from_millis(self.now + node.skew);
        let Some(machine) = node.machine.as_mut() else {
            return;
        };
        let mut out = std::mem::take(&mut self.out);
        act(machine, now, &mut out);
        self.steps += 1;
        self.steps_now = if self.stepped_at == self.now {
            self.steps_now + 1
        } else {
            0
        };
        self.stepped_at = self.now;
        assert!(self.steps_now < 1_000_000, "time stands still: {machine:?}");
        let start = machine.incarnation().start;
        assert!(
            start >= node.start_max,
            "S2: {no} fell from {} to {start}",
            node.start_max
        );
        node.start_max = start;
        self.perform(no, &mut out);
        self.out = out;
    }

    fn perform(&mut self, no: No, out: &mut Vec<Effect>) {
        let run = self.nodes[no].run;
        let told = (self.now, no);
        for effect in out.drain(..) {
            match effect {
                Effect::Send { to, class, message } => self.transmit(no, to, class, message),
                Effect::Keep(peer) => {
                    if let Some(other) = self.by_key.get(&peer).copied() {
                        self.nodes[no].kept.insert(other);
                        self.connect(no, other);
                    }
                }
                Effect::Release(peer) => {
                    if let Some(other) = self.by_key.get(&peer) {
                        self.nodes[no].kept.remove(other);
                    }
                }
                Effect::Dial(address) => {
                    let found = (0..self.nodes.len()).find(|no| card(*no).address == address);
                    if let Some(other) = found {
                        self.connect(no, other);
                    }
                }
                Effect::AskKernel(peer) => {
                    if let Some(other) = self.by_key.get(&peer).copied()
                        && !self.is_up(other)
                        && self.nodes[other].host_up
                        && !self.cut.contains(&(no, other))
                    {
                        self.schedule(1, Event::Hint(no, run, other));
                    }
                }
                Effect::Persist {
                    token,
                    slot,
                    record,
                } => {
                    let delay = self.between(self.disk_delay);
                    self.schedule(delay, Event::Stored(no, run, token, slot, record));
                }
                Effect::Sync { ticket, with } => {
                    let with = self.by_key[&with];
                    let delay = self.between(self.sync_delay);
                    self.schedule(delay, Event::Synced(no, run, ticket, with));
                }
                Effect::Arm(at) => {
                    let at = at.as_millis() - self.nodes[no].skew;
                    self.schedule(at.saturating_sub(self.now), Event::Wake(no, run));
                }
                Effect::Contact { stamp } => {
                    let stamp = stamp.as_millis().saturating_sub(self.nodes[no].skew);
                    let last = self.nodes[no].contact;
                    assert!(last.is_none_or(|last| last <= stamp), "stamps only rise");
                    assert!(stamp <= self.now);
                    self.nodes[no].contact = Some(stamp);
                }
                Effect::Verdict(verdict) => {
                    self.told.push((told.0, told.1, Told::Verdict(verdict)));
                }
                Effect::Quarantined(why) => {
                    self.told.push((told.0, told.1, Told::Quarantined(why)));
                }
                Effect::Released => self.told.push((told.0, told.1, Told::Released)),
                Effect::Life(life) => self.told.push((told.0, told.1, Told::Life(life))),
                Effect::Notice(notice) => self.told.push((told.0, told.1, Told::Notice(notice))),
                Effect::Refused(_) => self.told.push((told.0, told.1, Told::Refused)),
                Effect::Gone => self.told.push((told.0, told.1, Told::Gone)),
                Effect::Voters(_) => {}
            }
        }
    }

    fn connect(&mut self, one: No, two: No) {
        let pair = (one.min(two), one.max(two));
        if self.links.contains(&pair) && self.path(one, two) && self.path(two, one) {
            let now_up = Event::Linked(pair.0, pair.1);
            self.schedule(0, now_up);
            return;
        }
        if self.path(one, two) && self.path(two, one) {
            let delay = 2 * self.between(self.delay) + 1;
            self.schedule(delay, Event::Linked(pair.0, pair.1));
        } else {
            self.schedule(RECONNECT, Event::Unlinked(pair.0, pair.1));
        }
    }

    fn transmit(&mut self, from: No, to: NodeKey, class: Class, message: Message) {
        let Some(to) = self.by_key.get(&to).copied() else {
            return;
        };
        if self.count_bytes {
            self.charge(from, to, class, &message);
        }
        if let Body::Accept { ballot, register } = &message.body {
            let attempt = (register.epoch, *ballot);
            let first = self
                .attempts
                .entry(attempt)
                .or_insert_with(|| register.clone());
            assert_eq!(first, register, "one attempt for two sets of voters");
        }
        let pair = (from.min(to), from.max(to));
        let linked = self.links.contains(&pair);
        let life = (self.nodes[from].run, self.nodes[to].run);
        let mut delay = self.between(self.delay);
        match class {
            Class::Datagram => {
                if !linked || self.random(1_000) < self.loss {
                    return;
                }
            }
            Class::Stream => {
                // Each loss costs a time-out, and each is longer than the one before.
                let mut wait = 50;
                while self.random(1_000) < self.loss && wait < 3_000 {
                    delay += wait;
                    wait *= 2;
                }
                if !linked {
                    if !(self.path(from, to) && self.path(to, from)) {
                        return;
                    }
                    delay += 2 * self.between(self.delay);
                    self.schedule(delay, Event::Linked(pair.0, pair.1));
                }
            }
        }
        let message = Box::new(message);
        self.schedule(
            delay,
            Event::Packet {
                to,
                from,
                message,
                life,
            },
        );
    }

    fn charge(&mut self, from: No, to: No, class: Class, message: &Message) {
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec(message, config).unwrap();
        if class == Class::Datagram {
            self.longest_datagram = self.longest_datagram.max(bytes.len());
        }
        let node = &mut self.nodes[from];
        node.sent_bytes += bytes.len() as u64 + PACKET_BYTES;
        node.sent_packets += 1;
        // An answer ends the exchange: nothing that follows carries its acknowledgement.
        if let Body::Answer { .. } = message.body {
            self.nodes[to].sent_bytes += ACK_BYTES;
        }
    }

    /// Hands a message to a machine as if `from` had sent it; gives back what it answers.
    pub(crate) fn say(&mut self, to: No, from: No, message: Message) -> Vec<Body> {
        let mut answers = Vec::new();
        let from = key(from);
        self.act(to, |machine, now, out| {
            machine.message(now, from, message, out);
            let sent = out.iter().filter_map(|effect| match effect {
                Effect::Send { to, message, .. } if *to == from => Some(message.body.clone()),
                _ => None,
            });
            answers.extend(sent);
        });
        answers
    }

    /// One member lies to another about a third.
    pub(crate) fn lie(&mut self, liar: No, to: No, about: No, standing: Standing, round: u32) {
        let own = self.machine(liar).incarnation();
        let tag = own.nonce.to_be_bytes();
        let member = Short::of(&key(about));
        let refutation = self.machine(about).refutation() + round % 2;
        let header = Header {
            start: own.start,
            tag: [tag[0], tag[1]],
            refutation: self.machine(liar).refutation(),
            standing: Standing::Alive,
            epoch: 1,
            view: self.machine(liar).view(),
        };
        let updates = vec![Update::Brief {
            member,
            start: 1,
            refutation,
            standing,
        }];
        self.say(
            to,
            liar,
            Message {
                header,
                body: Body::Gossip { updates },
            },
        );
    }

    /// Runs for so many milliseconds.
    pub(crate) fn run(&mut self, millis: u64) {
        self.run_until(self.now + millis, |_| false);
    }

    /// Runs until something is true; tells how long that took.
    pub(crate) fn until(
        &mut self,
        what: &str,
        most: u64,
        is_true: impl FnMut(&Net) -> bool,
    ) -> u64 {
        let began = self.now;
        let done = self.run_until(began + most, is_true);
        assert!(
            done,
            "not within {most} ms: {what}\n{}",
            self.timeline(began)
        );
        self.now - began
    }

    pub(crate) fn run_until(&mut self, end: u64, mut is_true: impl FnMut(&Net) -> bool) -> bool {
        if is_true(self) {
            return true;
        }
        while let Some((Reverse(at), _, _)) = self.heap.peek() {
            if *at > end {
                break;
            }
            let (Reverse(at), _, slot) = self.heap.pop().unwrap();
            let moved = at > self.now;
            self.now = self.now.max(at);
            if moved && is_true(self) {
                let event = self.events[slot].take().unwrap();
                self.free.push(slot);
                self.schedule(0, event);
                return true;
            }
            let event = self.events[slot].take().unwrap();
            self.free.push(slot);
            self.happen(event);
        }
        self.now = self.now.max(end);
        is_true(self)
    }

    fn happen(&mut self, event: Event) {
        let whose = match &event {
            Event::Wake(no, run)
            | Event::Stored(no, run, ..)
            | Event::Synced(no, run, ..)
            | Event::Hint(no, run, _) => Some((*no, *run)),
            Event::Packet { to, life, .. } => Some((*to, life.1)),
            Event::Linked(..) | Event::Unlinked(..) => None,
        };
        if let Some((no, run)) = whose {
            if self.nodes[no].run != run {
                return;
            }
            let until = self.nodes[no].paused_until;
            if until > self.now {
                return self.schedule(until - self.now, event);
            }
        }
        match event {
            Event::Wake(no, _) => self.act(no, Membership::tick),
            Event::Packet {
                to, from, message, ..
            } => {
                if !self.cut.contains(&(from, to)) {
                    let from = key(from);
                    self.act(to, |machine, now, out| {
                        machine.message(now, from, *message, out);
                    });
                }
            }
            Event::Stored(no, _, token, slot, record) => {
                match record {
                    Some(record) => self.nodes[no].disk.insert(slot, record),
                    None => self.nodes[no].disk.remove(&slot),
                };
                self.act(no, |machine, now, out| machine.stored(now, token, out));
            }
            Event::Synced(no, _, ticket, with) => {
                if self.path(no, with) && self.path(with, no) {
                    let with = key(with);
                    self.act(no, |machine, now, out| {
                        machine.synced(now, ticket, with, out);
                    });
                }
            }
            Event::Hint(no, _, other) => {
                let peer = key(other);
                self.act(no, |machine, now, out| {
                    machine.link(now, peer, Link::Refused, out);
                });
            }
            Event::Linked(one, two) => self.link(one, two),
            Event::Unlinked(one, two) => self.unlink(one, two),
        }
    }

    fn link(&mut self, one: No, two: No) {
        if !(self.path(one, two) && self.path(two, one)) {
            return self.unlink(one, two);
        }
        self.links.insert((one, two));
        for (at, peer) in [(one, two), (two, one)] {
            let peer = key(peer);
            self.act(at, |machine, now, out| {
                machine.link(now, peer, Link::Connected, out);
            });
        }
    }

    fn unlink(&mut self, one: No, two: No) {
        let healthy = self.path(one, two) && self.path(two, one);
        let was = self.links.contains(&(one, two));
        if was && healthy {
            return;
        }
        if was {
            self.links.remove(&(one, two));
            for (at, peer) in [(one, two), (two, one)] {
                let peer = key(peer);
                self.act(at, |machine, now, out| {
                    machine.link(now, peer, Link::Lost, out);
                });
            }
        }
        let kept = self.nodes[one].kept.contains(&two) || self.nodes[two].kept.contains(&one);
        if healthy && kept {
            self.schedule(1, Event::Linked(one, two));
        } else if kept {
            self.schedule(RECONNECT, Event::Unlinked(one, two));
        }
    }

    /// At most one side may be able to change anything: whoever could get a quorum's word now
    /// shares a voter with everybody else who could.
    pub(crate) fn check_one_majority(&self) {
        let reach = |no: No| -> BTreeSet<NodeKey> {
            let own = self.machine(no).voters().map_or(0, |voters| voters.epoch);
            let ready = |other: No| {
                let epoch = self
                    .machine(other)
                    .voters()
                    .map_or(0, |voters| voters.epoch);
                let linked = other == no || (self.path(no, other) && self.path(other, no));
                linked && epoch <= own && self.nodes[other].paused_until <= self.now
            };
            self.up()
                .into_iter()
                .filter(|other| ready(*other))
                .map(key)
                .collect()
        };
        let able = |no: No| {
            let reached = reach(no);
            let able = self.is_free(no) && self.machine(no).is_quorum(|key| reached.contains(key));
            able.then_some((no, reached))
        };
        let able: Vec<_> = self.up().into_iter().filter_map(able).collect();
        for (one, reached) in &able {
            for (two, other) in &able {
                let voters = |no: No| self.machine(no).voters().unwrap().keys().to_vec();
                let votes =
                    |key: &&NodeKey| voters(*one).contains(key) || voters(*two).contains(key);
                assert!(
                    reached.intersection(other).any(|key| votes(&key)),
                    "S1: {one} and {two} both count as the majority at {}\n{}",
                    self.now,
                    self.timeline(0)
                );
            }
        }
    }

    /// Runs and checks every tenth of a second.
    pub(crate) fn run_checked(&mut self, millis: u64) {
        for _ in 0..millis / 100 {
            self.run(100);
            self.check_one_majority();
        }
    }

    /// When `of` was first told to be so by every one of `by`, after `since`.
    pub(crate) fn all_told(
        &self,
        since: u64,
        by: &[No],
        is_it: impl Fn(&Told) -> bool,
    ) -> Option<u64> {
        let first = |no: No| {
            let told = self
                .told
                .iter()
                .find(|(at, by, told)| *at >= since && *by == no && is_it(told));
            told.map(|(at, ..)| *at)
        };
        let times: Option<Vec<u64>> = by.iter().map(|no| first(*no)).collect();
        times
            .and_then(|times| times.into_iter().max())
            .map(|at| at - since)
    }

    pub(crate) fn count_told(&self, since: u64, is_it: impl Fn(&Told) -> bool) -> usize {
        self.told
            .iter()
            .filter(|(at, _, told)| *at >= since && is_it(told))
            .count()
    }

    /// Whether all daemons that run see each other as reachable, and are free.
    pub(crate) fn is_whole(&self) -> bool {
        let up = self.up();
        up.iter().all(|at| {
            self.is_free(*at)
                && up
                    .iter()
                    .all(|of| self.status(*at, *of) == Some(Status::Reachable))
        })
    }

    pub(crate) fn timeline(&self, since: u64) -> String {
        let mut lines = String::new();
        for (at, no, told) in self.told.iter().filter(|(at, ..)| *at >= since).take(200) {
            lines += &format!("{at:>8} node {no}: {told:?}\n");
        }
        lines
    }

    pub(crate) fn number(&self, key: &NodeKey) -> No {
        self.by_key[key]
    }
}

pub(crate) fn secs(secs: u64) -> u64 {
    Span::secs(secs).as_millis()
}

/// The value below which `share` in a hundred lie.
pub(crate) fn percentile(values: &mut [u64], share: usize) -> u64 {
    values.sort_unstable();
    values[(values.len() * share).div_ceil(100).max(1) - 1]
}
