//! Giving up: a release frees voters at once that would else wait for the holder to fall silent.

use conduct_model::{NodeKey, System, Time};

use crate::epoch::Epoch;
use crate::ownership::seat::Stance;
use crate::ownership::{After, Ownership, OwnershipEffect, Promise};

impl Ownership {
    /// Releases whatever this node claimed or held, and sees to it that every voter learns so.
    pub(super) fn give_up(&mut self, system: &System) {
        let me = self.me;
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let stance = std::mem::replace(&mut seat.stance, Stance::Idle);
        let epoch = match stance {
            Stance::Claiming(campaign) => Some(campaign.epoch),
            Stance::Holding(epoch) => Some(epoch),
            Stance::Idle => seat.highest().filter(|highest| highest.owner == me),
        };
        let Some(epoch) = epoch else { return };
        let others = self
            .voters
            .keys
            .iter()
            .copied()
            .filter(|voter| *voter != me);
        seat.releasing = Some((epoch, others.collect()));
        seat.note_release(epoch);
        seat.release_told = None;
        if seat.promised
            == Some(Promise {
                epoch,
                released: false,
            })
        {
            let promise = Promise {
                epoch,
                released: true,
            };
            seat.promised = Some(promise);
            self.outbox.write(system, promise, None);
        }
    }

    /// Tells voters that have not acknowledged it that this node released its epoch.
    pub(super) fn tell_releases(&mut self, now: Time, system: &System) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        seat.releasing.take_if(|(_, left)| left.is_empty());
        let Some((epoch, left)) = &seat.releasing else {
            return;
        };
        if seat
            .release_told
            .is_some_and(|told| now.since(told) < Ownership::STAGGER)
        {
            return;
        }
        seat.release_told = Some(now);
        for voter in left.iter().filter(|voter| !self.silent.contains(voter)) {
            self.outbox
                .to(*voter)
                .releases
                .push((system.clone(), *epoch));
        }
    }

    /// A voter has a release on disk.
    pub(super) fn released(&mut self, from: NodeKey, system: &System, epoch: Epoch) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        if let Some((released, left)) = &mut seat.releasing
            && *released == epoch
        {
            left.remove(&from);
        }
        self.sweep(system);
    }

    /// A holder, or one that wanted to be, gives up.
    pub(super) fn take_release(
        &mut self,
        now: Time,
        from: NodeKey,
        (system, epoch): (System, Epoch),
        effects: &mut Vec<OwnershipEffect>,
    ) {
        if epoch.owner != from {
            return;
        }
        let Some(seat) = self.seats.get_mut(&system) else {
            return self.outbox.to(from).released.push((system, epoch));
        };
        seat.note_release(epoch);
        if seat.promised
            == Some(Promise {
                epoch,
                released: false,
            })
        {
            let promise = Promise {
                epoch,
                released: true,
            };
            seat.promised = Some(promise);
            let (to, named) = (from, system.clone());
            let after = After::Acknowledge {
                to,
                system: named,
                epoch,
            };
            self.outbox.write(&system, promise, Some(after));
        } else {
            self.outbox.to(from).released.push((system.clone(), epoch));
        }
        self.evaluate(now, &system, effects);
    }

    /// Nothing of a system is left anywhere: forgets it, once every voter that answers knows that
    /// this node gave it up.
    pub fn forget(&mut self, system: &System, effects: &mut Vec<OwnershipEffect>) {
        if let Some(seat) = self.seats.get_mut(system) {
            seat.forgotten = true;
        }
        self.sweep(system);
        self.flush(effects);
    }

    pub(super) fn sweep(&mut self, system: &System) {
        let Some(seat) = self.seats.get_mut(system) else {
            return;
        };
        let told = seat
            .releasing
            .as_ref()
            .is_none_or(|(_, left)| left.iter().all(|voter| self.silent.contains(voter)));
        if !seat.forgotten || !told || seat.stance != Stance::Idle {
            return;
        }
        if let Some(at) = seat.due {
            self.due.remove(&(at, system.clone()));
        }
        if seat.promised.is_some() {
            self.outbox.erase(system);
        }
        self.seats.remove(system);
    }
}
