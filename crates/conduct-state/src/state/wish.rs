//! Loads and the wishes made against them: what should run, and how much of it.

use std::sync::Arc;

use conduct_model::{BundleId, NodeKey, RequestId, Span, System, Wall};

use super::{State, Written};
use crate::event::KILLS_MAX;
use crate::record::AGAINST_DOTS_MAX;
use crate::{Dot, Draft, Kind, Rank, Reading, Record, RecordKey, Stamp, StateError, WriterId};

/// From so many live loads of one bundle on, one more takes out the oldest.
pub const LOADS_PER_BUNDLE_MAX: usize = 32;
/// Most offsets of one bundle that count one by one.
pub const OFFSETS_PER_BUNDLE_MAX: usize = 1024;
/// A node adds its offsets of one bundle up when it has more than this many of them …
pub const OFFSETS_UNFOLDED_MAX: usize = 64;
/// … and only those older than this: until then a client may repeat the request elsewhere.
pub const OFFSET_REPEATED_WITHIN: Span = Span::secs(600);

const _: () = assert!(LOADS_PER_BUNDLE_MAX <= AGAINST_DOTS_MAX);
const _: () = assert!(OFFSETS_PER_BUNDLE_MAX * 2 < KILLS_MAX);

/// How many executions of a bundle should run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scale {
    /// The last absolute scale.
    pub base: i64,
    /// What the offsets of its generation add up to.
    pub offsets: i64,
    /// Both together, but never less than none.
    pub effective: u32,
    /// The register with the base, unless only offsets were asked for.
    pub record: Option<Arc<Record>>,
}

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

    /// Moves the scale of a bundle by `delta`. None if this request is counted already.
    pub fn offset(
        &mut self,
        clock: Reading,
        bundle: BundleId,
        request: RequestId,
        delta: i32,
    ) -> Result<Option<Written>, StateError> {
        let key = RecordKey::Offset(bundle, request);
        if self.get(&key).is_some() {
            return Ok(None);
        }
        if self.offsets(bundle).count() >= OFFSETS_PER_BUNDLE_MAX {
            return Err(StateError::Full {
                what: "offsets",
                max: OFFSETS_PER_BUNDLE_MAX,
            });
        }
        let mut draft = self.wish(clock, bundle, key, Vec::new())?;
        draft.amount = i64::from(delta);
        draft.generation = self.generation(bundle);
        self.put(draft).map(Some)
    }

    /// How many executions of a bundle should run; none if nobody asked for any, or it is not
    /// loaded.
    pub fn scale(&self, bundle: BundleId) -> Option<Scale> {
        let record = self.get(&RecordKey::WishScale(bundle)).cloned();
        let generation = record.as_ref().and_then(|record| record.stamp());
        let moves = self
            .offsets(bundle)
            .filter(|offset| offset.generation() == generation && self.counts_once(offset));
        let (mut offsets, mut asked) = (0i64, record.is_some());
        for offset in moves {
            offsets = offsets.saturating_add(offset.amount());
            asked = true;
        }
        let base = record.as_ref().map_or(0, |record| record.amount());
        let effective = base.saturating_add(offsets).clamp(0, i64::from(u32::MAX)) as u32;
        asked.then_some(Scale {
            base,
            offsets,
            effective,
            record,
        })
    }

    /// Whether an offset is the one that counts of its request, which two nodes may have taken.
    fn counts_once(&self, offset: &Arc<Record>) -> bool {
        match offset.key() {
            RecordKey::OffsetSum(..) => self.counts(offset),
            key => self.get(key).is_some_and(|one| one.dot() == offset.dot()),
        }
    }

    /// Adds the old offsets up that this node wrote for `bundle`. None if there are few. Each
    /// offset is added up by its own writer alone, so none is lost and none counts twice.
    pub fn fold_offsets(
        &mut self,
        now: Wall,
        bundle: BundleId,
    ) -> Result<Option<Written>, StateError> {
        let generation = self.generation(bundle);
        let own: Vec<&Arc<Record>> = self
            .offsets(bundle)
            .filter(|r| r.dot().writer == self.own.writer && r.generation() == generation)
            .collect();
        let is_sum = |record: &Record| record.key().kind() == Kind::OFFSET_SUM;
        if own.iter().filter(|record| !is_sum(record)).count() <= OFFSETS_UNFOLDED_MAX {
            return Ok(None);
        }
        let old = |record: &Record| {
            let age = |s: Stamp| now.as_millis().saturating_sub(s.hlc.wall().as_millis());
            record
                .stamp()
                .is_some_and(|s| age(s) > OFFSET_REPEATED_WITHIN.as_millis())
        };
        let ripe = |r: &Record| !is_sum(r) && old(r) && self.store.about(r.key()).len() == 1;
        let Some(first) = own.iter().find(|record| ripe(record)) else {
            return Ok(None);
        };
        // What was made against other loads goes when those go, so it is not added to these.
        let together = own
            .iter()
            .filter(|record| record.against() == first.against())
            .filter(|record| is_sum(record) || ripe(record));
        let (mut amount, mut dots) = (0i64, Vec::new());
        for record in together {
            amount = amount.saturating_add(record.amount());
            dots.push(record.dot());
        }
        let key = RecordKey::OffsetSum(bundle, self.own.writer);
        let against = first.against().to_vec();
        let rank = self.stamped(Reading::Own(now), &key);
        let mut draft = Draft::new(key, rank, Vec::new());
        draft.amount = amount;
        draft.generation = generation;
        draft.against = against;
        self.commit(Some(draft), dots).map(Some)
    }

    /// All that moves the scale of a bundle, of whatever generation, in the order of the keys.
    pub(super) fn offsets(&self, bundle: BundleId) -> impl Iterator<Item = &Arc<Record>> {
        let single = self.store.between(
            &RecordKey::Offset(bundle, RequestId::from_u128(0)),
            &RecordKey::Offset(bundle, RequestId::from_u128(u128::MAX)),
        );
        let sums = self.store.between(
            &RecordKey::OffsetSum(bundle, WriterId::from_u64(0)),
            &RecordKey::OffsetSum(bundle, WriterId::from_u64(u64::MAX)),
        );
        single
            .iter()
            .chain(sums)
            .filter(|record| self.is_visible(record.dot()))
    }

    fn generation(&self, bundle: BundleId) -> Option<Stamp> {
        self.get(&RecordKey::WishScale(bundle))
            .and_then(|record| record.stamp())
    }

    /// A wish against all loads of `bundle` that are known here.
    fn wish(
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
    /// acknowledged a wish may change its stamp, and so its name. None if it is gone already.
    pub fn restamp(&mut self, wish: Dot, clock: Wall) -> Result<Option<Written>, StateError> {
        let Some(record) = self.record(wish).cloned() else {
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
    fn stamped(&mut self, clock: Reading, key: &RecordKey) -> Rank {
        let replaces = self
            .get(key)
            .and_then(|record| record.stamp())
            .map(|stamp| stamp.hlc);
        let hlc = self.clock.issue(clock, replaces, self.own.version + 1);
        Rank::Stamped(Stamp { hlc, node: self.me })
    }

    /// What this node says of itself, in its life `start`. A node's first write under each writer
    /// is its report.
    pub fn report(
        &mut self,
        start: u64,
        version: u64,
        payload: impl Into<Arc<[u8]>>,
    ) -> Result<Written, StateError> {
        let key = RecordKey::NodeReport(self.me);
        self.put(Draft::new(key, Rank::Counted(start, version), payload))
    }

    /// Which slots of `system` run where, by its owner in `epoch`.
    pub fn assign(
        &mut self,
        system: System,
        epoch: u64,
        sequence: u64,
        payload: impl Into<Arc<[u8]>>,
    ) -> Result<Written, StateError> {
        let key = RecordKey::Assignment(system);
        self.put(Draft::new(key, Rank::Counted(epoch, sequence), payload))
    }

    /// The nodes that count for a majority from `epoch` on.
    pub fn set_voters(
        &mut self,
        epoch: u64,
        payload: impl Into<Arc<[u8]>>,
    ) -> Result<Written, StateError> {
        self.put(Draft::new(
            RecordKey::Voters,
            Rank::Counted(epoch, 0),
            payload,
        ))
    }

    /// What an operator asks of a node, such as to drain.
    pub fn set_node_wish(
        &mut self,
        clock: Reading,
        node: NodeKey,
        payload: impl Into<Arc<[u8]>>,
    ) -> Result<Written, StateError> {
        let key = RecordKey::NodeWish(node);
        let rank = self.stamped(clock, &key);
        self.put(Draft::new(key, rank, payload))
    }
}
