//! Bundles that failed to start: when they are tried again without standing in anyone's way.

use std::collections::{BTreeMap, BTreeSet};

use conduct_model::{BundleId, Span, Time};

use crate::assignment::{Assignment, Stage};
use crate::event::Happening;
use crate::fleet::Fleet;
use crate::owner::account::is_wished;
use crate::owner::{Owner, OwnerEffect};

/// How often one parked bundle of a system is tried.
const EVERY: Span = Span::secs(300);

/// How soon after the last try another is made because something else has changed.
const GAP: Span = Span::secs(20);

/// How soon after a bundle was given up any is tried: its three starts were one minute's worth.
const FIRST_GAP: Span = Span::secs(60);

/// The tries of one system.
#[derive(Clone, Debug)]
pub(super) struct Trials {
    /// Bundles between two of their first tries.
    resumes: BTreeMap<BundleId, Time>,
    /// The parked bundle that is being tried.
    trying: Option<BundleId>,
    /// When one was tried or given up last.
    last: Time,
    /// Nothing is tried before.
    not_before: Time,
    /// The one tried last: the next is tried next.
    cursor: Option<BundleId>,
    /// Parked bundles for which something has changed that is not their own doing.
    stirred: BTreeSet<BundleId>,
    /// The nodes as they were.
    landscape: Option<u64>,
}

impl Trials {
    pub(super) const fn new(now: Time) -> Trials {
        Trials {
            resumes: BTreeMap::new(),
            trying: None,
            last: now,
            not_before: now,
            cursor: None,
            stirred: BTreeSet::new(),
            landscape: None,
        }
    }

    pub(super) fn is_trying(&self, bundle: BundleId) -> bool {
        self.trying == Some(bundle)
    }

    /// When a bundle may start again after a failed start.
    pub(super) fn resumes(&self, bundle: BundleId) -> Time {
        self.resumes.get(&bundle).copied().unwrap_or_default()
    }

    pub(super) fn wait(&mut self, bundle: BundleId, until: Time) {
        self.resumes.insert(bundle, until);
    }

    /// Gives a bundle up for a while, for the first time in a row if it is `newly`.
    pub(super) fn park(&mut self, now: Time, bundle: BundleId, newly: bool) {
        self.resumes.remove(&bundle);
        self.stirred.remove(&bundle);
        self.last = now;
        if newly {
            self.not_before = now + FIRST_GAP;
        }
        self.give_up(bundle);
    }

    /// The try is over, or there is nothing to try it on.
    pub(super) fn give_up(&mut self, bundle: BundleId) {
        self.trying.take_if(|trying| *trying == bundle);
    }

    pub(super) fn forgive(&mut self, bundle: BundleId) {
        self.resumes.remove(&bundle);
        self.stirred.remove(&bundle);
        self.give_up(bundle);
    }

    /// Something changed that is the doing of `source`, or of no bundle.
    pub(super) fn stir(&mut self, assignment: &Assignment, source: Option<BundleId>) {
        let parked = assignment
            .accounts
            .iter()
            .filter(|(_, account)| account.is_parked());
        let others = parked
            .map(|(bundle, _)| *bundle)
            .filter(|bundle| Some(*bundle) != source);
        self.stirred.extend(others);
    }

    /// When something is to be tried.
    pub(super) fn next_due(&self, now: Time, parked: &BTreeSet<BundleId>) -> Option<Time> {
        let waiting = self.resumes.values().filter(|at| **at > now).min().copied();
        let try_at = match (
            parked.is_empty() || self.trying.is_some(),
            self.stirred.is_empty(),
        ) {
            (true, _) => None,
            (false, true) => Some(self.last + EVERY),
            (false, false) => Some((self.last + GAP).max(self.not_before)),
        };
        waiting.into_iter().chain(try_at).min()
    }
}

impl Owner {
    /// The bundles that were given up and are still wished for.
    pub(super) fn parked(&self) -> BTreeSet<BundleId> {
        let accounts = self.assignment.accounts.iter();
        let parked = accounts.filter(|(_, account)| account.is_parked());
        parked
            .map(|(bundle, _)| *bundle)
            .filter(|bundle| is_wished(&self.wishes, bundle))
            .collect()
    }

    /// Tries one parked bundle, if it is time.
    pub(super) fn try_parked(&mut self, now: Time, fleet: &Fleet, effects: &mut Vec<OwnerEffect>) {
        if self.trials.landscape.replace(fleet.landscape()) != Some(fleet.landscape()) {
            self.trials.stir(&self.assignment, None);
        }
        let parked = self.parked();
        self.trials.stirred.retain(|bundle| parked.contains(bundle));
        if let Some(bundle) = self
            .trials
            .trying
            .filter(|bundle| !self.is_under_way(*bundle))
        {
            self.trials.give_up(bundle);
        }
        let Some(bundle) = self.next_try(now, &parked) else {
            return;
        };
        self.trials.trying = Some(bundle);
        self.trials.cursor = Some(bundle);
        self.trials.last = now;
        self.trials.stirred.remove(&bundle);
        self.replan = true;
        self.tell(bundle, Happening::TriedAgain, effects);
    }

    fn next_try(&self, now: Time, parked: &BTreeSet<BundleId>) -> Option<BundleId> {
        let trials = &self.trials;
        let waited = now.since(trials.last);
        let from = if waited >= EVERY {
            parked
        } else {
            &trials.stirred
        };
        if trials.trying.is_some() || waited < GAP || now < trials.not_before {
            return None;
        }
        let after = from.iter().find(|bundle| Some(**bundle) > trials.cursor);
        after.or(from.first()).copied()
    }

    /// Whether an instance of it is on its way up.
    fn is_under_way(&self, bundle: BundleId) -> bool {
        let mut filled = self
            .assignment
            .slots_of(bundle)
            .filter_map(|(_, slot)| slot.filled());
        filled.any(|filled| filled.counts() && filled.stage != Stage::Started)
    }
}
