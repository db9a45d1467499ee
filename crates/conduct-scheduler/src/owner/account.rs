//! What is remembered of bundles that fail, and how long they wait.

use std::collections::BTreeSet;

use conduct_model::{BundleId, InstanceId, NodeKey, Span, Time};

use crate::assignment::{Account, Assignment, Content};
use crate::event::Happening;
use crate::execution::Ending;
use crate::hash;
use crate::owner::{Owner, OwnerEffect};
use crate::terms::Wishes;

/// The longest that a slot waits between two instances, before it is spread.
const BACK_OFF_MAX: Span = Span::secs(60);

/// How long the next instance waits after the `ends`th quick end in a row: nothing, then 1 s, 2 s,
/// 4 s … 60 s, a fifth more or less so that many do not come back together.
pub(super) fn back_off(ends: u32, instance: InstanceId) -> Span {
    let Some(doublings) = ends.checked_sub(2) else {
        return Span::ZERO;
    };
    let millis = (1_000 << doublings.min(6)).min(BACK_OFF_MAX.as_millis());
    let number = instance.as_u128();
    let spread = hash::mix(number as u64 ^ (number >> 64) as u64) % 401;
    Span::millis(millis * (800 + spread) / 1_000)
}

impl Owner {
    /// The account of a bundle, to be changed.
    pub(super) fn account_mut(&mut self, bundle: BundleId) -> &mut Account {
        let generation = self.wishes.get(&bundle).map_or(0, |wish| wish.generation);
        self.changed = true;
        self.replan = true;
        let accounts = &mut self.assignment.accounts;
        let account = accounts.entry(bundle).or_insert_with(|| Account {
            missing: self.missing.get(&bundle).copied().unwrap_or(0),
            ..Account::new(self.next, generation)
        });
        account.version = self.next;
        account
    }

    /// Counts a failed start. Answers how long the next one waits.
    pub(super) fn count_failed_start(
        &mut self,
        now: Time,
        (bundle, instance, node): (BundleId, InstanceId, NodeKey),
        ending: Ending,
        effects: &mut Vec<OwnerEffect>,
    ) {
        let account = self.account_mut(bundle);
        account.failed_starts = account.failed_starts.saturating_add(1);
        account.reschedules = account.reschedules.saturating_add(1);
        let ending = Ending {
            cause: ending.cause.shortened(),
            ..ending
        };
        account.last_failure = Some(ending.clone());
        account.failed_on.retain(|known| *known != node);
        account.failed_on.push(node);
        if account.failed_on.len() > Account::FAILED_STARTS_MAX as usize {
            account.failed_on.remove(0);
        }
        let (attempt, parked) = (account.failed_starts, account.is_parked());
        let failed = Happening::StartFailed { ending, attempt };
        let event = self.teller.instance(bundle, (instance, node), failed);
        effects.push(OwnerEffect::Event(Box::new(event)));
        if parked {
            let newly = attempt == Account::FAILED_STARTS_MAX;
            self.trials.park(now, bundle, newly);
            let parked = newly.then_some(Happening::Parked { tries: attempt });
            effects
                .extend(parked.map(|parked| {
                    OwnerEffect::Event(Box::new(self.teller.bundle(bundle, parked)))
                }));
        } else {
            self.trials.wait(bundle, now + back_off(attempt, instance));
        }
    }

    /// A start succeeded: what failed before is forgiven, and others may want to try again.
    pub(super) fn count_start(&mut self, bundle: BundleId, effects: &mut Vec<OwnerEffect>) {
        let failed = self
            .assignment
            .accounts
            .get(&bundle)
            .map_or(0, |a| a.failed_starts);
        if failed > 0 {
            let account = self.account_mut(bundle);
            let parked = account.is_parked();
            account.failed_starts = 0;
            account.failed_on.clear();
            account.last_failure = None;
            if parked {
                self.tell(bundle, Happening::Cured, effects);
            }
        }
        self.trials.forgive(bundle);
        self.trials.stir(&self.assignment, Some(bundle));
    }

    /// Counts an instance that is started again through no failure of its start.
    pub(super) fn count_reschedule(&mut self, bundle: BundleId, failure: Option<Ending>) {
        let account = self.account_mut(bundle);
        account.reschedules = account.reschedules.saturating_add(1);
        if let Some(ending) = failure {
            let cause = ending.cause.shortened();
            account.last_failure = Some(Ending { cause, ..ending });
        }
    }

    /// Notes how many instances nobody can take. Others can read it in the account, as long as
    /// there is room for one.
    pub(super) fn count_missing(&mut self, bundle: BundleId, missing: u32) -> bool {
        let before = match missing {
            0 => self.missing.remove(&bundle),
            _ => self.missing.insert(bundle, missing),
        };
        if before.unwrap_or(0) == missing {
            return false;
        }
        let taken = self.assignment.slots_taken(&BTreeSet::new());
        let needs = self.assignment.slots_for(bundle) - 1;
        if self.assignment.accounts.contains_key(&bundle) || taken + needs <= Assignment::SLOTS_MAX
        {
            self.account_mut(bundle).missing = missing;
        }
        true
    }

    /// Takes other wishes. Whoever asked anew gets a new start.
    pub(super) fn take_wishes(
        &mut self,
        now: Time,
        wishes: Wishes,
        effects: &mut Vec<OwnerEffect>,
    ) {
        let before = std::mem::replace(&mut self.wishes, wishes);
        self.replan = true;
        let asked = self.wishes.iter().filter(|(bundle, wish)| {
            before
                .get(bundle)
                .is_none_or(|before| before.generation != wish.generation)
        });
        let asked: Vec<BundleId> = asked.map(|(bundle, _)| *bundle).collect();
        let changed = self
            .wishes
            .iter()
            .filter(|(bundle, wish)| before.get(bundle) != Some(wish));
        let changed: Vec<BundleId> = changed.map(|(bundle, _)| *bundle).collect();
        for bundle in asked {
            self.forgive(now, bundle, effects);
        }
        for bundle in changed {
            self.trials.stir(&self.assignment, Some(bundle));
        }
        let gone = |bundle: &BundleId| !self.wishes.contains_key(bundle);
        let before = self.assignment.accounts.len();
        self.assignment.accounts.retain(|bundle, _| !gone(bundle));
        self.missing.retain(|bundle, _| !gone(bundle));
        self.changed |= before != self.assignment.accounts.len();
    }

    fn forgive(&mut self, now: Time, bundle: BundleId, effects: &mut Vec<OwnerEffect>) {
        let Some(wish) = self.wishes.get(&bundle) else {
            return;
        };
        let generation = wish.generation;
        let Some(account) = self.assignment.accounts.get(&bundle) else {
            return;
        };
        if account.generation == generation {
            return;
        }
        let parked = account.is_parked();
        let account = self.account_mut(bundle);
        *account = Account {
            missing: account.missing,
            reschedules: account.reschedules,
            ..Account::new(account.version, generation)
        };
        self.trials.forgive(bundle);
        let vacant = |content: &Content| matches!(content, Content::Vacant { .. });
        let slots = self
            .assignment
            .slots_of(bundle)
            .filter(|(_, slot)| vacant(&slot.content));
        let waiting: Vec<_> = slots.map(|(id, _)| id).collect();
        for id in waiting {
            if let Some(track) = self.tracks.get_mut(&id) {
                track.resume = now;
            }
            if let Some(slot) = self.slot_mut(id) {
                slot.quick_ends = 0;
            }
        }
        if parked {
            self.tell(bundle, Happening::TriedAgain, effects);
        }
    }
}

/// Bundles of which there are wishes for at least one instance.
pub(super) fn is_wished(wishes: &Wishes, bundle: &BundleId) -> bool {
    wishes.get(bundle).is_some_and(|wish| wish.scale > 0)
}
