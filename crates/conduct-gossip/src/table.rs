//! All members in little room: one entry each, found by key, named by a handle inside.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::Index;

use conduct_model::{Incarnation, NodeKey, Span, Time};

use crate::dice::mix;
use crate::identity::{Card, Record, Short, Standing};
use crate::interface::Status;

/// More members than this are not let in.
pub(crate) const MEMBERS_MAX: usize = 8_192;
/// Views are compared by this many hashes.
pub(crate) const GROUPS: usize = 32;

/// Names a member inside one machine for as long as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Who(u32);

/// What is known of one member.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: NodeKey,
    pub(crate) incarnation: Incarnation,
    /// When the member itself was heard last; `Time::NEVER` if it never was.
    heard: Time,
    ip: [u8; 16],
    pub(crate) refutation: u32,
    pub(crate) seat: u32,
    port: u16,
    pub(crate) core: bool,
    pub(crate) agent: bool,
    pub(crate) standing: Standing,
    /// What the layer above was told last.
    pub(crate) shown: Status,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    first: u32,
    who: Who,
}

/// All members.
#[derive(Debug, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// In the order of the keys. The first bytes of the key stand beside the handle, so that a
    /// search stays in one small piece of memory.
    order: Vec<Place>,
    free: Vec<Who>,
    notes: BTreeMap<Who, Box<[u8]>>,
    groups: [u32; GROUPS],
    present: usize,
    seat_max: u32,
}

impl Index<Who> for Table {
    type Output = Entry;

    fn index(&self, who: Who) -> &Entry {
        &self.entries[who.0 as usize]
    }
}

impl Entry {
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(
            IpAddr::V6(Ipv6Addr::from(self.ip)).to_canonical(),
            self.port,
        )
    }

    pub(crate) fn tag(&self) -> [u8; 2] {
        tag(self.incarnation.nonce)
    }

    pub(crate) fn heard(&self) -> Option<Time> {
        (self.heard != Time::NEVER).then_some(self.heard)
    }

    /// Whether the member itself was heard within the last `span`.
    pub(crate) fn heard_within(&self, now: Time, span: Span) -> bool {
        self.heard().is_some_and(|heard| now.since(heard) < span)
    }

    fn set_address(&mut self, address: SocketAddr) {
        self.ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        self.port = address.port();
    }

    /// What this entry adds to the hash of the view. Who is only known from disk or is gone for
    /// good adds nothing, so that forgetting it changes no view; suspicion passes too quickly to
    /// be compared.
    fn hash(&self, note: &[u8]) -> u32 {
        let class = match self.standing {
            Standing::Unknown | Standing::Down | Standing::Left => return 0,
            Standing::Suspect => Standing::Alive as u64,
            other => other as u64,
        };
        let mut hash = u64::from_be_bytes(Short::of(&self.key).0);
        let roles = u64::from(self.core) << 1 | u64::from(self.agent);
        let (high, low) = self.ip.split_at(8);
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte))
        };
        for part in [
            self.incarnation.start,
            self.incarnation.nonce,
            u64::from(self.refutation) << 8 | class,
            number(high),
            number(low),
            u64::from(self.port) << 2 | roles,
        ] {
            hash = mix(hash ^ part);
        }
        for chunk in note.chunks(8) {
            hash = mix(hash ^ number(chunk));
        }
        (hash >> 32) as u32
    }
}

/// The two bytes of a nonce that travel in every header.
pub(crate) fn tag(nonce: u64) -> [u8; 2] {
    let bytes = nonce.to_be_bytes();
    [bytes[0], bytes[1]]
}

fn first(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |first, byte| first << 8 | u32::from(*byte))
}

fn group(key: &NodeKey) -> usize {
    usize::from(key.digest().as_bytes()[0]) * GROUPS / 256
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Members that take part.
    pub(crate) fn present(&self) -> usize {
        self.present
    }

    pub(crate) fn seat_max(&self) -> u32 {
        self.seat_max
    }

    pub(crate) fn find(&self, key: &NodeKey) -> Option<Who> {
        let places = self.places_from(first(&key.digest().as_bytes()[..4]));
        places
            .map(|place| place.who)
            .find(|who| self[*who].key == *key)
    }

    pub(crate) fn find_short(&self, short: Short) -> Option<Who> {
        let places = self.places_from(first(&short.0[..4]));
        places
            .map(|place| place.who)
            .find(|who| Short::of(&self[*who].key) == short)
    }

    /// All places whose keys begin with these bytes.
    fn places_from(&self, first: u32) -> impl Iterator<Item = &Place> {
        let at = self.order.partition_point(|place| place.first < first);
        self.order[at..]
            .iter()
            .take_while(move |place| place.first == first)
    }

    /// The present member that follows `key` in the order of keys, round the corner if need be.
    pub(crate) fn successor(&self, key: &NodeKey) -> Option<Who> {
        let at = self
            .order
            .partition_point(|place| self[place.who].key <= *key);
        let mut after = self.order[at..]
            .iter()
            .chain(&self.order[..at])
            .map(|place| place.who);
        after.find(|who| self[*who].standing.is_present() && self[*who].key != *key)
    }

    /// In the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Who, &Entry)> {
        self.order.iter().map(|place| (place.who, &self[place.who]))
    }

    /// Adds a member that is not there yet.
    pub(crate) fn insert(&mut self, record: &Record, shown: Status) -> Who {
        assert!(self.len() < MEMBERS_MAX, "whoever inserts makes room first");
        let mut entry = Entry {
            key: record.key,
            incarnation: record.incarnation,
            heard: Time::NEVER,
            ip: [0; 16],
            refutation: record.refutation,
            seat: record.seat,
            port: 0,
            core: record.card.core,
            agent: record.card.agent,
            standing: record.standing,
            shown,
        };
        entry.set_address(record.card.address);
        let place = self
            .order
            .partition_point(|place| self[place.who].key < record.key);
        let who = if let Some(who) = self.free.pop() {
            self.entries[who.0 as usize] = entry;
            who
        } else {
            self.entries.push(entry);
            Who(u32::try_from(self.entries.len() - 1).expect("at most MEMBERS_MAX"))
        };
        let first = first(&record.key.digest().as_bytes()[..4]);
        self.order.insert(place, Place { first, who });
        self.set_note(who, &record.card.note);
        self.seat_max = self.seat_max.max(record.seat);
        self.present += usize::from(record.standing.is_present());
        self.toggle(who);
        who
    }

    /// Forgets a member. Its handle may name another one from now on.
    pub(crate) fn remove(&mut self, who: Who) {
        self.toggle(who);
        self.present -= usize::from(self[who].standing.is_present());
        self.notes.remove(&who);
        self.order.retain(|place| place.who != who);
        self.free.push(who);
    }

    /// Changes an entry and keeps hashes and counts true.
    pub(crate) fn change(&mut self, who: Who, change: impl FnOnce(&mut Entry)) {
        self.toggle(who);
        let entry = &mut self.entries[who.0 as usize];
        let before = entry.standing.is_present();
        change(entry);
        let after = entry.standing.is_present();
        self.seat_max = self.seat_max.max(entry.seat);
        self.present = self.present + usize::from(after) - usize::from(before);
        self.toggle(who);
    }

    /// The member itself was heard, or must be taken as never heard.
    pub(crate) fn set_heard(&mut self, who: Who, heard: Option<Time>) {
        self.entries[who.0 as usize].heard = heard.unwrap_or(Time::NEVER);
    }

    pub(crate) fn set_shown(&mut self, who: Who, shown: Status) {
        self.entries[who.0 as usize].shown = shown;
    }

    /// Replaces what the member says of itself; tells whether that is anything new.
    pub(crate) fn set_card(&mut self, who: Who, card: &Card) -> bool {
        if self.card(who) == *card {
            return false;
        }
        self.toggle(who);
        let entry = &mut self.entries[who.0 as usize];
        entry.set_address(card.address);
        entry.core = card.core;
        entry.agent = card.agent;
        self.set_note(who, &card.note);
        self.toggle(who);
        true
    }

    pub(crate) fn card(&self, who: Who) -> Card {
        let entry = &self[who];
        let note = self.note(who).to_vec();
        Card {
            address: entry.address(),
            core: entry.core,
            agent: entry.agent,
            note,
        }
    }

    /// The member in full, as it is told to others.
    pub(crate) fn record(&self, who: Who) -> Record {
        let entry = &self[who];
        Record {
            key: entry.key,
            incarnation: entry.incarnation,
            refutation: entry.refutation,
            standing: entry.standing,
            seat: entry.seat,
            card: self.card(who),
        }
    }

    /// Hash of all that is worth comparing.
    pub(crate) fn view(&self) -> [u8; 4] {
        self.groups
            .iter()
            .fold(0, |sum, group| sum ^ group)
            .to_be_bytes()
    }

    pub(crate) fn groups(&self) -> Vec<[u8; 4]> {
        self.groups
            .iter()
            .map(|group| group.to_be_bytes())
            .collect()
    }

    /// Everything known about the members of some groups.
    pub(crate) fn records_in(&self, groups: u32) -> impl Iterator<Item = Record> + '_ {
        self.iter()
            .filter(move |(_, entry)| groups & 1 << group(&entry.key) != 0)
            .filter(|(_, entry)| entry.standing != Standing::Unknown)
            .map(|(who, _)| self.record(who))
    }

    fn note(&self, who: Who) -> &[u8] {
        self.notes.get(&who).map_or(&[], |note| note)
    }

    fn set_note(&mut self, who: Who, note: &[u8]) {
        if note.is_empty() {
            self.notes.remove(&who);
        } else {
            self.notes.insert(who, note.into());
        }
    }

    /// Takes an entry's part out of its group's hash, or puts it back.
    fn toggle(&mut self, who: Who) {
        let hash = self[who].hash(self.note(who));
        self.groups[group(&self[who].key)] ^= hash;
    }
}

#[cfg(test)]
mod tests {
    use conduct_model::Digest;

    use super::*;

    fn record(name: &str) -> Record {
        Record {
            key: NodeKey::from_digest(Digest::of(name.as_bytes())),
            incarnation: Incarnation { start: 1, nonce: 9 },
            refutation: 0,
            standing: Standing::Alive,
            seat: 1,
            card: Card {
                address: "127.0.0.1:9004".parse().unwrap(),
                core: true,
                agent: false,
                note: b"note".to_vec(),
            },
        }
    }

    #[test]
    fn a_member_takes_less_than_a_hundred_bytes() {
        assert!(
            size_of::<Entry>() + size_of::<Place>() <= 100,
            "{}",
            size_of::<Entry>()
        );
    }

    #[test]
    fn members_are_found_by_key_and_short_key_whatever_came_and_went() {
        let mut table = Table::default();
        let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        for name in &names {
            table.insert(&record(name), Status::Reachable);
        }
        table.remove(table.find(&record("7").key).unwrap());
        table.insert(&record("new"), Status::Reachable);
        assert_eq!(table.len(), 50);
        assert_eq!(table.present(), 50);
        for name in names.iter().filter(|name| *name != "7") {
            let key = record(name).key;
            let who = table.find(&key).unwrap();
            assert_eq!(table.find_short(Short::of(&key)), Some(who));
            assert_eq!(table.record(who), record(name));
        }
        assert_eq!(table.find(&record("7").key), None);
        assert_eq!(table.find_short(Short::of(&record("7").key)), None);
    }

    #[test]
    fn views_are_equal_when_members_are_however_they_came_about() {
        let mut one = Table::default();
        let mut two = Table::default();
        for name in ["a", "b", "c"] {
            one.insert(&record(name), Status::Reachable);
        }
        for name in ["c", "x", "a", "b"] {
            two.insert(&record(name), Status::Reachable);
        }
        assert_ne!(one.view(), two.view());
        let stranger = two.find(&record("x").key).unwrap();
        two.change(stranger, |entry| entry.standing = Standing::Down);
        assert_eq!(one.view(), two.view(), "who is down is not compared");
        two.remove(stranger);
        assert_eq!(one.view(), two.view(), "so forgetting it changes nothing");

        let who = one.find(&record("a").key).unwrap();
        one.change(who, |entry| entry.standing = Standing::Suspect);
        assert_eq!(one.view(), two.view(), "suspicion is not compared either");
        one.change(who, |entry| entry.refutation = 1);
        assert_ne!(one.view(), two.view());
    }

    #[test]
    fn the_successor_goes_round_and_skips_the_absent() {
        let mut table = Table::default();
        for name in ["a", "b", "c"] {
            table.insert(&record(name), Status::Reachable);
        }
        let mut keys: Vec<NodeKey> = table.iter().map(|(_, entry)| entry.key).collect();
        keys.sort_unstable();
        let next = |table: &Table, key| table.successor(key).map(|who| table[who].key);
        assert_eq!(next(&table, &keys[2]), Some(keys[0]));
        let first = table.find(&keys[0]).unwrap();
        table.change(first, |entry| entry.standing = Standing::Unreachable);
        assert_eq!(next(&table, &keys[2]), Some(keys[1]));
    }
}
