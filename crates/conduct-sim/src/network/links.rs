//! Connections between machines: ordered, reliable, sealed, and able to die on one side only.
//!
//! A pair of machines has one link with two ends, and each end believes for itself that the
//! connection stands. What proves a packet is the pair of lives that sealed it: a daemon that was
//! started anew opens nothing that its former life was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

use super::{Meter, Session};
use crate::engine::Moment;

/// Names the link between two machines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LinkId(pub u32);

/// One end of one link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EndId {
    /// The link.
    pub link: LinkId,
    /// Which of its two ends.
    pub side: u8,
}

/// All links that were ever made.
#[derive(Debug, Default)]
pub struct Links {
    /// Per machine, its peers in order, with the link to each.
    index: Vec<Vec<(u32, LinkId)>>,
    links: Vec<Link>,
}

/// What connects two machines.
#[derive(Debug)]
struct Link {
    hosts: [u32; 2],
    ends: [End; 2],
}

/// What one machine's transport knows of a connection.
#[derive(Debug, Default)]
pub struct End {
    /// The node asked for a standing connection.
    pub keep: bool,
    /// How far it is.
    pub state: EndState,
    /// Frames that wait for the connection to be made.
    pub outbox: Vec<Bytes>,
    /// The number of the next packet out; rises for as long as the daemon lives.
    pub number: u64,
    /// The packet numbers of the peer's present life that were taken.
    pub taken: Session,
    /// Acknowledgements owed to the peer.
    pub owed: Meter,
    /// When the last frame on its way arrives; later ones arrive later.
    pub ordered_until: Moment,
    /// Frames that were sent into a cut and are sent again until it heals.
    pub stuck: VecDeque<Bytes>,
    /// When the peer was last heard of.
    pub heard: Moment,
    /// Whether a check of this end is planned.
    pub checked: bool,
    /// Counts the attempts to dial, so that an answer to an old one is known.
    pub attempt: u32,
    /// The pause after the last call that failed.
    pub pause: Moment,
    /// Somebody waits to hear who is at this address.
    pub dialled: Option<SocketAddr>,
}

/// How far an end is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EndState {
    /// There is no connection.
    #[default]
    Closed,
    /// It is being made since that moment.
    Dialing {
        /// When the first hello left.
        since: Moment,
    },
    /// It stands, with that life of the peer.
    Open {
        /// Which life of the peer's daemon.
        peer_life: u32,
    },
}

impl Links {
    /// No links between that many machines.
    pub fn between(hosts: usize) -> Links {
        Links {
            index: vec![Vec::new(); hosts],
            links: Vec::new(),
        }
    }

    /// One machine more.
    pub fn add_host(&mut self) {
        self.index.push(Vec::new());
    }

    /// The end of `host` of the link to `peer`, made if it is not there yet.
    pub fn end(&mut self, host: usize, peer: usize) -> EndId {
        if let Some(end) = self.find(host, peer) {
            return end;
        }
        let link = LinkId(self.links.len() as u32);
        let hosts = [host.min(peer) as u32, host.max(peer) as u32];
        self.links.push(Link {
            hosts,
            ends: [End::default(), End::default()],
        });
        for (one, other) in [(host, peer), (peer, host)] {
            let place = self.index[one].partition_point(|(known, _)| *known < other as u32);
            self.index[one].insert(place, (other as u32, link));
        }
        EndId {
            link,
            side: u8::from(host > peer),
        }
    }

    /// The end of `host` of the link to `peer`, if there is one.
    pub fn find(&self, host: usize, peer: usize) -> Option<EndId> {
        let peers = &self.index[host];
        let place = peers
            .binary_search_by_key(&(peer as u32), |(known, _)| *known)
            .ok()?;
        Some(EndId {
            link: peers[place].1,
            side: u8::from(host > peer),
        })
    }

    /// The end itself.
    pub fn get(&self, end: EndId) -> &End {
        &self.links[end.link.0 as usize].ends[usize::from(end.side)]
    }

    /// The end itself, to change.
    pub fn get_mut(&mut self, end: EndId) -> &mut End {
        &mut self.links[end.link.0 as usize].ends[usize::from(end.side)]
    }

    /// The machine that this end is on.
    pub fn host(&self, end: EndId) -> usize {
        self.links[end.link.0 as usize].hosts[usize::from(end.side)] as usize
    }

    /// The machine at the other end.
    pub fn peer(&self, end: EndId) -> usize {
        self.host(end.other())
    }

    /// Every end that `host` has.
    pub fn ends_of(&self, host: usize) -> impl Iterator<Item = EndId> + '_ {
        self.index[host].iter().map(move |(peer, link)| EndId {
            link: *link,
            side: u8::from(host > *peer as usize),
        })
    }

    /// How many connections stand at `host`.
    pub fn open_at(&self, host: usize) -> usize {
        self.ends_of(host)
            .filter(|end| self.get(*end).is_open())
            .count()
    }
}

impl EndId {
    /// The other end of the same link.
    #[must_use]
    pub const fn other(self) -> EndId {
        EndId {
            link: self.link,
            side: 1 - self.side,
        }
    }
}

impl End {
    /// Whether the connection stands, as far as this end knows.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, EndState::Open { .. })
    }

    /// The daemon is gone, and with it all that its transport knew.
    pub fn forget(&mut self) {
        let (attempt, checked) = (self.attempt + 1, self.checked);
        *self = End {
            attempt,
            checked,
            ..End::default()
        };
    }

    /// The connection is gone.
    pub fn close(&mut self) {
        self.state = EndState::Closed;
        self.outbox.clear();
        self.stuck.clear();
        self.attempt += 1;
    }

    /// The connection stands with this life of the peer. True when it did not before.
    pub fn open(&mut self, peer_life: u32, now: Moment) -> bool {
        let was = self.state;
        self.state = EndState::Open { peer_life };
        self.heard = now;
        if was == self.state {
            return false;
        }
        self.taken = Session::default();
        self.ordered_until = now;
        self.stuck.clear();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::secs;

    #[test]
    fn both_machines_find_their_own_end_of_one_link() {
        let mut links = Links::between(3);
        let one = links.end(2, 0);
        let other = links.end(0, 2);
        assert_eq!(one.other(), other);
        assert_eq!((links.host(one), links.peer(one)), (2, 0));
        assert_eq!(links.find(1, 2), None);
        assert_eq!(links.ends_of(0).collect::<Vec<_>>(), [other]);
    }

    #[test]
    fn a_connection_dies_on_one_side_only_and_numbers_go_on() {
        let mut links = Links::between(2);
        let (one, other) = (links.end(0, 1), links.end(1, 0));
        assert!(links.get_mut(one).open(1, secs(1)));
        assert!(links.get_mut(other).open(1, secs(1)));
        links.get_mut(one).number = 7;
        links.get_mut(one).close();
        assert!(links.get(other).is_open() && !links.get(one).is_open());
        assert!(links.get_mut(one).open(1, secs(2)));
        assert_eq!(links.get(one).number, 7);
        assert!(!links.get_mut(other).open(1, secs(2)), "it never noticed");
    }
}
