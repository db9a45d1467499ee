//! Loads, and the wishes made against them.

use std::sync::Arc;

use conduct_model::{BundleId, Wall};

use super::{State, Written};
use crate::event::KILLS_MAX;
use crate::{
    AGAINST_DOTS_MAX, Dot, Draft, Kind, Rank, Reading, Record, RecordKey, Stamp, StateError,
};

/// From so many live loads of one bundle on, one more takes out the oldest.
pub const LOADS_PER_BUNDLE_MAX: usize = 32;

const _: () = assert!(LOADS_PER_BUNDLE_MAX <= AGAINST_DOTS_MAX);

impl State {
    /// The bundles that a live load names, in order.
    pub fn bundles(&self) -> impl Iterator<Item = BundleId> + '_ {
        self.of_kind(Kind::BUNDLE)
            .filter_map(|record| record.key().bundle())
    }

    /// The live loads of a bundle.
    pub fn loads(&self, bundle: BundleId) -> impl Iterator<Item = &Arc<Record>> {
        self.store
            .about(&RecordKey::Bundle(bundle))
            .iter()
            .filter(|record| self.is_visible(record.dot()))
    }

    /// Loads a bundle: always a fresh dot, which no unload that is on its way has seen.
    pub fn load(
        &mut self,
        clock: Reading,
        bundle: BundleId,
        payload: impl Into<Arc<[u8]>>,
    ) -> Result<Written, StateError> {
        let key = RecordKey::Bundle(bundle);
        let oldest = self.surplus_loads(bundle)?;
        let rank = self.stamped(clock, &key);
        self.commit(Some(Draft::new(key, rank, payload)), oldest)
    }

    /// The loads that one more takes out: the oldest, but none that a wish depends on alone, or
    /// loading what runs already would stop it one day.
    fn surplus_loads(&self, bundle: BundleId) -> Result<Vec<Dot>, StateError> {
        let mut loads: Vec<(Rank, Dot)> = self
            .loads(bundle)
            .map(|record| (record.rank(), record.dot()))
            .collect();
        if loads.len() < LOADS_PER_BUNDLE_MAX {
            return Ok(Vec::new());
        }
        loads.sort_unstable();
        let oldest = loads
            .iter()
            .map(|load| load.1)
            .find(|load| !self.is_needed(*load));
        match oldest {
            Some(oldest) => Ok(vec![oldest]),
            None if loads.len() < AGAINST_DOTS_MAX => Ok(Vec::new()),
            None => Err(StateError::Full {
                what: "loads",
                max: AGAINST_DOTS_MAX,
            }),
        }
    }

    /// Whether a wish would be void without `load`.
    fn is_needed(&self, load: Dot) -> bool {
        let depends = |wish: &Arc<Record>| {
            !wish
                .against()
                .iter()
                .any(|other| *other != load && self.alive(*other))
        };
        self.store
            .made_against(load)
            .filter_map(|wish| self.record(wish))
            .any(depends)
    }

    /// Unloads a bundle: takes out the loads that are known here, and with them what was wished
    /// for it. A load that is not known here stays.
    pub fn unload(&mut self, bundle: BundleId) -> Result<Written, StateError> {
        self.remove(&RecordKey::Bundle(bundle))?
            .ok_or(StateError::NotLoaded(bundle))
    }

    /// Asks for `base` executions of a bundle. A new generation: offsets known here go, and those
    /// that are not yet known here will not count.
    pub fn set_scale(
        &mut self,
        clock: Reading,
        bundle: BundleId,
        base: u32,
        payload: impl Into<Arc<[u8]>>,
    ) -> Result<Written, StateError> {
        let key = RecordKey::WishScale(bundle);
        let mut draft = self.wish(clock, bundle, key, payload)?;
        draft.amount = i64::from(base);
        let replaced = self.about(&draft.key).chain(self.offsets(bundle));
        let replaced = replaced
            .map(|record| record.dot())
            .take(KILLS_MAX)
            .collect();
        self.commit(Some(draft), replaced)
    }

    /// Says how a bundle is to be rolled out and kept.
    pub fn set_policy(
        &mut self,
        clock: Reading,
        bundle: BundleId,
        payload: impl Into<Arc<[u8]>>,
    ) -> Result<Written, StateError> {
        let draft = self.wish(clock, bundle, RecordKey::WishPolicy(bundle), payload)?;
        self.put(draft)
    }

    /// A wish against all loads of `bundle` that are known here.
    pub(super) fn wish(
        &mut self,
        clock: Reading,
        bundle: BundleId,
        key: RecordKey,
        payload: impl Into<Arc<[u8]>>,
    ) -> Result<Draft, StateError> {
        let loads: Vec<Dot> = self
            .loads(bundle)
            .map(|record| record.dot())
            .take(AGAINST_DOTS_MAX)
            .collect();
        if loads.is_empty() {
            return Err(StateError::NotLoaded(bundle));
        }
        let rank = self.stamped(clock, &key);
        let mut draft = Draft::new(key, rank, payload);
        draft.against = loads;
        Ok(draft)
    }

    /// Stamps an own wish anew by the clock of a peer that refused its stamp. Until it is
    /// acknowledged a wish may change its stamp, and so its name. None if it is gone
    /// already, or no own wish.
    pub fn restamp(&mut self, wish: Dot, clock: Wall) -> Result<Option<Written>, StateError> {
        let mine =
            |record: &&Arc<Record>| wish.writer == self.own.writer && record.stamp().is_some();
        let Some(record) = self.record(wish).filter(mine).cloned() else {
            return Ok(None);
        };
        let mut draft = record.draft().clone();
        let others = self.about(record.key()).filter(|other| other.dot() != wish);
        let replaces = others
            .filter_map(|other| other.stamp())
            .map(|stamp| stamp.hlc)
            .max();
        let hlc = self
            .clock
            .issue(Reading::Peer(clock), replaces, self.own.version + 1);
        draft.rank = Rank::Stamped(Stamp { hlc, node: self.me });
        self.commit(Some(draft), vec![wish]).map(Some)
    }

    /// The stamp of a word on `key` that is written now.
    pub(super) fn stamped(&mut self, clock: Reading, key: &RecordKey) -> Rank {
        let known = self.about(key).filter_map(|record| record.stamp());
        let replaces = known.map(|stamp| stamp.hlc).max();
        let hlc = self.clock.issue(clock, replaces, self.own.version + 1);
        Rank::Stamped(Stamp { hlc, node: self.me })
    }
}
