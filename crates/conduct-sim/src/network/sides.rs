//! Who can talk to whom: the connected components of the links that work both ways, closed over
//! relays. This is the truth that verdicts of nodes are compared with.

use super::Cables;
use crate::engine::Moment;

/// The side that each machine is on; machines that are not up are on no side.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sides(Vec<Option<u16>>);

/// The sides at every time since the beginning.
#[derive(Clone, Debug, Default)]
pub struct SideLog(Vec<(Moment, Sides)>);

impl Sides {
    /// The sides that these cables leave between the machines that are up.
    pub fn of(cables: &Cables, up: &[bool]) -> Sides {
        let mut sides = vec![None; up.len()];
        let mut next = 0;
        for start in 0..up.len() {
            if !up[start] || sides[start].is_some() {
                continue;
            }
            flood(start, next, cables, up, &mut sides);
            next += 1;
        }
        Sides(sides)
    }

    /// The sides while no link is cut: one.
    pub fn whole(up: &[bool]) -> Sides {
        Sides(up.iter().map(|up| up.then_some(0)).collect())
    }

    /// Whether a message can get from one to the other and back, maybe over others.
    pub fn joined(&self, one: usize, other: usize) -> bool {
        matches!((self.get(one), self.get(other)), (Some(a), Some(b)) if a == b)
    }

    /// The side of `host`.
    pub fn get(&self, host: usize) -> Option<u16> {
        self.0.get(host).copied().flatten()
    }

    /// Everyone on the side of `host`, itself included.
    pub fn peers(&self, host: usize) -> impl Iterator<Item = usize> + '_ {
        let side = self.get(host);
        (0..self.0.len()).filter(move |&other| side.is_some() && self.get(other) == side)
    }

    /// How many sides there are.
    pub fn count(&self) -> usize {
        self.0
            .iter()
            .flatten()
            .max()
            .map_or(0, |&last| usize::from(last) + 1)
    }
}

fn flood(start: usize, side: u16, cables: &Cables, up: &[bool], sides: &mut [Option<u16>]) {
    let mut reached = vec![start];
    sides[start] = Some(side);
    while let Some(host) = reached.pop() {
        for other in 0..up.len() {
            if up[other] && sides[other].is_none() && cables.both_ways(host, other) {
                sides[other] = Some(side);
                reached.push(other);
            }
        }
    }
}

impl SideLog {
    /// Notes that from `now` on the sides are these.
    pub fn note(&mut self, now: Moment, sides: Sides) {
        if self.0.last().is_none_or(|(_, last)| *last != sides) {
            self.0.push((now, sides));
        }
    }

    /// The sides as they are.
    pub fn now(&self) -> Option<&Sides> {
        self.0.last().map(|(_, sides)| sides)
    }

    /// Whether the two could talk at any time since `since`.
    pub fn joined_since(&self, one: usize, other: usize, since: Moment) -> bool {
        self.spans(since).any(|sides| sides.joined(one, other))
    }

    /// Whether the two could talk at all times since `since`.
    pub fn joined_throughout(&self, one: usize, other: usize, since: Moment) -> bool {
        self.spans(since).all(|sides| sides.joined(one, other))
    }

    /// How often the two found each other again since `since`.
    pub fn returns(&self, one: usize, other: usize, since: Moment) -> usize {
        let joined: Vec<bool> = self
            .spans(since)
            .map(|sides| sides.joined(one, other))
            .collect();
        joined.windows(2).filter(|pair| pair[0] && !pair[1]).count()
    }

    /// How often the sides have changed.
    pub fn changes(&self) -> usize {
        self.0.len()
    }

    /// Since when the sides are as they are.
    pub fn unchanged_since(&self) -> Moment {
        self.0.last().map_or(Moment::ZERO, |(at, _)| *at)
    }

    /// Every arrangement that was in force at some time since `since`, newest first.
    fn spans(&self, since: Moment) -> impl Iterator<Item = &Sides> + '_ {
        let mut over = false;
        self.0
            .iter()
            .rev()
            .take_while(move |(at, _)| {
                let keep = !over;
                over |= *at <= since;
                keep
            })
            .map(|(_, sides)| sides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::secs;

    #[test]
    fn a_bridge_joins_two_that_do_not_hear_each_other() {
        let mut cables = Cables::open(4);
        cables.set_cut(1, 2, true);
        let up = [true, true, true, false];
        let sides = Sides::of(&cables, &up);
        assert!(sides.joined(1, 2) && !sides.joined(0, 3));
        assert_eq!(sides.peers(1).collect::<Vec<_>>(), [0, 1, 2]);

        cables.set_cut(0, 2, true);
        assert!(!Sides::of(&cables, &up).joined(1, 2));
        assert_eq!(Sides::of(&cables, &up).count(), 2);
    }

    #[test]
    fn the_log_knows_who_could_talk_when() {
        let mut cables = Cables::open(2);
        let up = [true, true];
        let mut log = SideLog::default();
        log.note(secs(0), Sides::of(&cables, &up));
        cables.set_cut(0, 1, true);
        log.note(secs(10), Sides::of(&cables, &up));
        cables.mend();
        log.note(secs(20), Sides::of(&cables, &up));

        assert!(log.joined_since(0, 1, secs(12)));
        assert!(!log.joined_throughout(0, 1, secs(12)));
        assert!(log.joined_throughout(0, 1, secs(20)));
        assert!(log.joined_throughout(0, 1, secs(25)));
        assert_eq!(log.returns(0, 1, secs(5)), 1);
        assert_eq!(log.returns(0, 1, secs(21)), 0);
    }
}
