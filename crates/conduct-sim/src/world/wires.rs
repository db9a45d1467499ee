//! Cutting, clogging and mending the wires, and the sides that this makes.

use super::{LineStep, Occurrence, World};
use crate::engine::{Moment, micros, millis};
use crate::machine::Machine;
use crate::network::{Conditions, EndId, Sides};

/// Once a cut heals, what was stuck in it is sent again within this.
const RESEND_WITHIN: Moment = millis(500);

impl World {
    /// Cuts every link between the two groups, both ways.
    pub fn cut(&mut self, one: &[usize], other: &[usize]) {
        self.cut_one_way(one, other);
        self.cut_one_way(other, one);
    }

    /// Cuts every link from the first group to the second.
    pub fn cut_one_way(&mut self, from: &[usize], to: &[usize]) {
        for &sender in from {
            for &receiver in to {
                self.cables.set_cut(sender, receiver, true);
            }
        }
        self.wires_changed(from, to);
    }

    /// Opens every link between the two groups again.
    pub fn join(&mut self, one: &[usize], other: &[usize]) {
        for &a in one {
            for &b in other {
                self.cables.set_cut(a, b, false);
                self.cables.set_cut(b, a, false);
            }
        }
        self.wires_changed(one, other);
        self.unstick();
    }

    /// Clogs or clears the way from each of the first group to each of the second.
    pub fn clog(&mut self, from: &[usize], to: &[usize], clogged: bool) {
        for &sender in from {
            for &receiver in to {
                self.cables.set_clogged(sender, receiver, clogged);
            }
        }
        self.wires_changed(from, to);
        if !clogged {
            self.unstick();
        }
    }

    /// Opens every link and makes it as good as new.
    pub fn mend(&mut self) {
        self.cables.mend();
        self.conditions = Conditions::LAN;
        self.odd_links.clear();
        let everyone: Vec<usize> = (0..self.machines.len()).collect();
        self.wires_changed(&everyone, &[]);
        self.unstick();
    }

    /// From now on all links are like this.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
        self.disturb_all();
    }

    /// From now on the way from one machine to the other is like this.
    pub fn set_link(&mut self, from: usize, to: usize, conditions: Conditions) {
        self.odd_links.insert((from, to), conditions);
        self.wires_changed(&[from], &[to]);
    }

    /// How the way from one machine to the other is.
    pub(crate) fn conditions_of(&self, from: usize, to: usize) -> Conditions {
        if self.odd_links.is_empty() {
            return self.conditions;
        }
        self.odd_links
            .get(&(from, to))
            .copied()
            .unwrap_or(self.conditions)
    }

    /// Whether packets get from one to the other now.
    pub(crate) fn passes(&self, from: usize, to: usize) -> bool {
        self.cables.is_open(from, to)
            && !self.cables.is_clogged(from, to)
            && !self.sabotage.is_secretly_cut(from, to)
    }

    /// Something was done to this machine.
    pub(crate) fn disturb(&mut self, host: usize) {
        self.truth.disturbed = self.now;
        self.truth.troubled[host] = self.now;
    }

    pub(crate) fn disturb_all(&mut self) {
        for host in 0..self.machines.len() {
            self.disturb(host);
        }
    }

    /// Notes who can talk to whom from now on.
    pub(crate) fn note_sides(&mut self) {
        let awake: Vec<bool> = self.machines.iter().map(Machine::is_awake).collect();
        if self.cables.is_whole() {
            self.truth.sides.note(self.now, Sides::whole(&awake));
        } else {
            self.truth
                .sides
                .note(self.now, Sides::of(&self.cables, &awake));
        }
    }

    fn wires_changed(&mut self, one: &[usize], other: &[usize]) {
        for &host in one.iter().chain(other) {
            self.disturb(host);
        }
        self.note_sides();
    }

    /// What waited in a cut gets through where the cut is gone.
    fn unstick(&mut self) {
        let stuck: Vec<EndId> = std::mem::take(&mut self.stuck_ends);
        for end in stuck {
            let delay = micros(self.net_dice.below(RESEND_WITHIN.as_micros()));
            self.schedule.plan(
                self.now + delay,
                Occurrence::Line {
                    end,
                    step: LineStep::Flush,
                },
            );
        }
    }
}
