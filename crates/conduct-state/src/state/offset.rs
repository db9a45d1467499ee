//! How many executions of a bundle should run: the last absolute scale, and the offsets asked for
//! since, each request once.

use std::sync::Arc;

use conduct_model::{BundleId, RequestId, Span, Wall};

use super::{State, Written};
use crate::event::KILLS_MAX;
use crate::{Draft, Kind, Reading, Record, RecordKey, Stamp, StateError, WriterId};

/// Most offsets of one bundle that count one by one.
pub const OFFSETS_PER_BUNDLE_MAX: usize = 1024;
/// A node adds its offsets of one bundle up when it has more than this many of them …
pub const OFFSETS_UNFOLDED_MAX: usize = 64;
/// … and only those older than this: until then a client may repeat the request elsewhere.
pub const OFFSET_REPEATED_WITHIN: Span = Span::secs(600);

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
}
