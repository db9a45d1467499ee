//! The voters as this node knows them, what it has from each, and whether that is enough.
//!
//! A register is in force when a quorum of the voters before it and a quorum of its own have it
//! on disk. Until this node knows that, it counts by both. So a side that still counts by the old
//! register alone has, among any quorum of it, a voter that tells of the new one.

use conduct_model::{NodeKey, Time};

use crate::register::{Register, VOTERS_MAX};

/// Voters of two neighbouring epochs.
pub(crate) const SEATS_MAX: usize = 2 * VOTERS_MAX;

/// One voter of the current or the previous register.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) key: NodeKey,
    /// The latest round trip with it began then.
    pub(crate) round_trip: Option<Time>,
    /// The highest epoch that it has on disk, as far as we heard.
    pub(crate) epoch: u64,
}

/// A set of seats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Seats(u32);

/// Who counts.
#[derive(Debug, Default)]
pub(crate) struct Electorate {
    register: Option<Register>,
    previous: Option<Register>,
    seats: Vec<Seat>,
    /// The epoch that is on our own disk: the only one that we tell.
    pub(crate) stored: u64,
    unsaved: bool,
}

impl Seats {
    pub(crate) fn add(&mut self, seat: usize) {
        debug_assert!(seat < SEATS_MAX, "there are no more seats");
        self.0 |= 1 << seat;
    }

    pub(crate) fn has(self, seat: usize) -> bool {
        self.0 & 1 << seat != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Electorate {
    pub(crate) fn register(&self) -> Option<&Register> {
        self.register.as_ref()
    }

    /// The register before, while the current one is not known to be in force.
    pub(crate) fn previous(&self) -> Option<&Register> {
        self.previous.as_ref()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.register.as_ref().map_or(0, |register| register.epoch)
    }

    pub(crate) fn cluster(&self) -> u64 {
        self.register
            .as_ref()
            .map_or(0, |register| register.cluster)
    }

    /// The voters of the current register.
    pub(crate) fn keys(&self) -> &[NodeKey] {
        self.register.as_ref().map_or(&[], Register::keys)
    }

    /// Everybody who counts by the current or the previous register.
    pub(crate) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    pub(crate) fn seat(&self, key: &NodeKey) -> Option<usize> {
        self.seats.iter().position(|seat| seat.key == *key)
    }

    pub(crate) fn is_voter(&self, key: &NodeKey) -> bool {
        self.register
            .as_ref()
            .is_some_and(|register| register.contains(key))
    }

    /// Counts by `register` from now on; every round trip of before counts no more.
    pub(crate) fn adopt(&mut self, register: Register, previous: Option<Register>) {
        let mut keys = register.keys().to_vec();
        keys.extend(previous.iter().flat_map(Register::keys));
        keys.sort_unstable();
        keys.dedup();
        let epoch = |key: &NodeKey| self.seat(key).map_or(0, |seat| self.seats[seat].epoch);
        let seat = |key| Seat {
            key,
            round_trip: None,
            epoch: epoch(&key),
        };
        self.seats = keys.into_iter().map(seat).collect();
        assert!(
            self.seats.len() <= SEATS_MAX,
            "two registers have no more voters"
        );
        self.register = Some(register);
        self.previous = previous;
    }

    /// This voter has the register of `epoch` on disk.
    pub(crate) fn has_stored(&mut self, key: &NodeKey, epoch: u64) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.key == *key) {
            seat.epoch = seat.epoch.max(epoch);
        }
    }

    /// What was answered, was answered to another life.
    pub(crate) fn forget_round_trips(&mut self) {
        for seat in &mut self.seats {
            seat.round_trip = None;
        }
    }

    /// The register could not be written: it is written again before it is told.
    pub(crate) fn set_unsaved(&mut self) {
        self.unsaved = true;
    }

    pub(crate) fn take_unsaved(&mut self) -> bool {
        std::mem::take(&mut self.unsaved)
    }

    /// Drops the previous register once the current one is in force; tells whether it did.
    pub(crate) fn settle(&mut self) -> bool {
        let (Some(register), Some(previous)) = (&self.register, &self.previous) else {
            return false;
        };
        let has = |key: &NodeKey| {
            self.seat(key)
                .is_some_and(|seat| self.seats[seat].epoch >= register.epoch)
        };
        let settled = previous.is_quorum(has) && register.is_quorum(has);
        if settled {
            self.forget_previous();
        }
        settled
    }

    /// Somebody knows that `register`, if it is ours, is in force; tells whether that is news.
    pub(crate) fn settle_on(&mut self, register: &Register) -> bool {
        let news = self.register.as_ref() == Some(register) && self.previous.is_some();
        if news {
            self.forget_previous();
        }
        news
    }

    /// Who voted only before has no seat any more. All other seats may move.
    fn forget_previous(&mut self) {
        self.previous = None;
        if let Some(register) = &self.register {
            self.seats.retain(|seat| register.contains(&seat.key));
        }
    }

    /// A round trip with this voter, begun at `sent`.
    pub(crate) fn round_trip(&mut self, seat: usize, sent: Time) {
        let seat = &mut self.seats[seat];
        seat.round_trip = seat.round_trip.max(Some(sent));
    }

    /// Whether those that `reached` accepts are enough, by both registers while both count.
    pub(crate) fn is_quorum(&self, reached: impl Fn(&NodeKey) -> bool) -> bool {
        let by = |register: &Register| register.is_quorum(&reached);
        self.register.as_ref().is_some_and(by) && self.previous.as_ref().is_none_or(by)
    }

    /// Whether these seats are enough.
    pub(crate) fn is_quorum_of(&self, seats: Seats) -> bool {
        self.is_quorum(|key| self.seat(key).is_some_and(|seat| seats.has(seat)))
    }

    /// The latest time at or after which a quorum's round trips began. `me` always counts itself.
    pub(crate) fn contact(&self, me: &NodeKey) -> Option<Time> {
        let began = |key: &NodeKey| {
            if key == me {
                return Some(Time::NEVER);
            }
            self.seat(key).and_then(|seat| self.seats[seat].round_trip)
        };
        let current = stamp(self.register.as_ref()?.keys(), began)?;
        match &self.previous {
            None => Some(current),
            Some(previous) => Some(current.min(stamp(previous.keys(), began)?)),
        }
    }
}

/// The latest time at or after which a quorum of `voters` began something, as `began` tells.
fn stamp(voters: &[NodeKey], began: impl Fn(&NodeKey) -> Option<Time>) -> Option<Time> {
    let (lowest, others) = voters.split_first()?;
    let lowest = began(lowest);
    let mut times = [None; VOTERS_MAX];
    for (time, key) in times.iter_mut().zip(others) {
        *time = began(key);
    }
    let others = &mut times[..others.len()];
    others.sort_unstable_by(|one, two| two.cmp(one));
    let newest = |count: usize| match count {
        0 => Some(Time::NEVER),
        count => others.get(count - 1).copied().flatten(),
    };
    let half = voters.len() / 2;
    let with_lowest = if voters.len().is_multiple_of(2) {
        half - 1
    } else {
        half
    };
    let without = newest(half + 1);
    let with = lowest.and_then(|lowest| Some(lowest.min(newest(with_lowest)?)));
    with.max(without)
}

#[cfg(test)]
mod tests {
    use conduct_model::Digest;

    use super::*;

    fn keys(count: usize) -> Vec<NodeKey> {
        let key = |number: usize| NodeKey::from_digest(Digest::of(&number.to_be_bytes()));
        let mut keys: Vec<NodeKey> = (0..count).map(key).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn the_stamp_is_the_latest_since_when_a_quorum_answered() {
        for count in 1..=6 {
            let keys = keys(count);
            let register = Register::new(1, 1, keys.clone());
            for pattern in 0..4_usize.pow(u32::try_from(count).unwrap()) {
                let time = |key: &NodeKey| {
                    let place = keys.binary_search(key).unwrap();
                    match pattern >> (2 * place) & 3 {
                        0 => None,
                        at => Some(Time::from_millis(at as u64)),
                    }
                };
                let since = |at: u64| {
                    register.is_quorum(|key| time(key).is_some_and(|time| time.as_millis() >= at))
                };
                let expected = (1..=3).rev().find(|at| since(*at)).map(Time::from_millis);
                assert_eq!(
                    stamp(&keys, time),
                    expected,
                    "{count} voters, pattern {pattern:b}"
                );
            }
        }
    }

    #[test]
    fn until_the_new_voters_are_in_force_both_registers_count() {
        let keys = keys(4);
        let old = Register::new(1, 1, keys[..3].to_vec());
        let new = Register::new(1, 2, keys.clone());
        let mut electorate = Electorate::default();
        electorate.adopt(new, Some(old));
        let reached = |set: &[NodeKey]| {
            let set = set.to_vec();
            electorate.is_quorum(move |key| set.contains(key))
        };
        assert!(
            !reached(&[keys[0], keys[3]]),
            "half of the new, but only one of the old"
        );
        assert!(
            reached(&[keys[0], keys[1]]),
            "half of the new with the lowest, two of the old"
        );
        for key in &keys[..2] {
            assert!(!electorate.settle());
            electorate.has_stored(key, 2);
        }
        assert!(electorate.settle());
        assert!(electorate.is_quorum(|key| [keys[0], keys[3]].contains(key)));
    }

    #[test]
    fn counting_starts_again_under_a_new_register() {
        let keys = keys(3);
        let mut electorate = Electorate::default();
        electorate.adopt(Register::new(1, 1, keys.clone()), None);
        let seat = electorate.seat(&keys[1]).unwrap();
        electorate.round_trip(seat, Time::from_millis(5));
        assert_eq!(electorate.contact(&keys[0]), Some(Time::from_millis(5)));
        electorate.adopt(Register::new(1, 2, keys.clone()), None);
        assert_eq!(electorate.contact(&keys[0]), None);
    }
}
