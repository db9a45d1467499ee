//! What people wish for: scales, offsets, drains.

use conduct_model::{BundleId, NodeKey, RequestId, Wall};
use conduct_state::{Dot, Kind, Reading, RecordKey, Scale, StateError, Written};

use super::Brain;
use super::commands::{Change, refusal_of};
use super::confirming::Purpose;
use super::shelf::{disk_value, request_key};
use crate::command::Refusal;
use crate::confirm::ConfirmId;
use crate::dice::mixed;
use crate::payload::{Asked, NodeWishRecord, Payload, REPLACED_MAX, ScaleRecord, Unknown};

/// The most instances that one bundle may have.
pub(super) const SCALE_MAX: u32 = 1_000;

impl Brain {
    pub(super) fn set_scale(
        &mut self,
        request: RequestId,
        bundle: BundleId,
        scale: u32,
        affinity: Option<BundleId>,
    ) -> Result<Change, Refusal> {
        if scale > SCALE_MAX {
            return Err(Refusal::ScaleSize {
                wanted: scale,
                max: SCALE_MAX,
            });
        }
        if !self.book.bundles.contains_key(&bundle) {
            return Err(Refusal::NotLoaded(bundle));
        }
        if let Some(beside) = affinity.filter(|beside| !self.book.bundles.contains_key(beside)) {
            return Err(Refusal::AffinityNotLoaded(beside));
        }
        if let Some(dot) = self.scaled_by(bundle, request) {
            return Ok(Change::before(dot));
        }
        let record = ScaleRecord {
            affinity,
            origin: Asked {
                request,
                by: self.me,
            },
            replaced: self.replaced_by_a_scale(bundle),
            unknown: Unknown::default(),
        };
        let written = self
            .state
            .set_scale(
                Reading::Own(self.now.wall),
                bundle,
                scale,
                &record.write()[..],
            )
            .map_err(|error| refusal_of(&error))?;
        Ok(Change::made(written))
    }

    /// The wish that a request led to, through whichever node; or the one that took its place
    /// knowing of it.
    fn scaled_by(&self, bundle: BundleId, request: RequestId) -> Option<Dot> {
        let record = self.state.get(&RecordKey::WishScale(bundle))?;
        let scale = self.readable::<ScaleRecord>(record)?;
        let had = scale.origin.request == request || scale.replaced.contains(&request);
        had.then(|| record.dot())
    }

    /// The requests whose wishes a new absolute scale takes out.
    fn replaced_by_a_scale(&self, bundle: BundleId) -> Vec<RequestId> {
        let before = self.state.get(&RecordKey::WishScale(bundle));
        let before = before.and_then(|record| self.readable::<ScaleRecord>(record));
        let mut replaced: Vec<RequestId> = before
            .into_iter()
            .flat_map(|scale| scale.replaced.into_iter().chain([scale.origin.request]))
            .collect();
        let offsets = self.state.of_kind(Kind::OFFSET);
        replaced.extend(offsets.filter_map(|record| match record.key() {
            RecordKey::Offset(of, request) if *of == bundle => Some(*request),
            _ => None,
        }));
        let surplus = replaced.len().saturating_sub(REPLACED_MAX);
        replaced.drain(..surplus);
        replaced
    }

    pub(super) fn offset(
        &mut self,
        request: RequestId,
        bundle: BundleId,
        by: i32,
    ) -> Result<Change, Refusal> {
        let scale = self.state.scale(bundle).map_or(0, |scale| scale.effective);
        let wanted = i64::from(scale) + i64::from(by);
        if wanted > i64::from(SCALE_MAX) {
            let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
            return Err(Refusal::ScaleSize {
                wanted,
                max: SCALE_MAX,
            });
        }
        let made = self
            .state
            .offset(Reading::Own(self.now.wall), bundle, request, by);
        match made.map_err(|error| refusal_of(&error))? {
            Some(written) => Ok(Change::made(written)),
            None => {
                let key = RecordKey::Offset(bundle, request);
                let record = self.state.get(&key).ok_or(Refusal::NotLoaded(bundle))?;
                Ok(Change::before(record.dot()))
            }
        }
    }

    /// Many small steps become one, so that none of them has to be remembered for ever.
    pub(super) fn fold_offsets(&mut self, bundle: BundleId) {
        match self.state.fold_offsets(self.now.wall, bundle) {
            Ok(Some(written)) => self.take_written(written),
            Ok(None) => {}
            Err(error) => {
                self.take_outcome(Err(error));
            }
        }
    }

    pub(super) fn drain(
        &mut self,
        request: RequestId,
        node: NodeKey,
        drained: bool,
    ) -> Result<Change, Refusal> {
        if self.membership.status(&node).is_none() {
            return Err(Refusal::NoSuchNode(node));
        }
        let record = NodeWishRecord {
            drained,
            origin: Asked {
                request,
                by: self.me,
            },
            unknown: Unknown::default(),
        };
        let written = self
            .state
            .set_node_wish(Reading::Own(self.now.wall), node, &record.write()[..])
            .map_err(|error| refusal_of(&error))?;
        Ok(Change::made(written))
    }

    /// A voter's clock says that our stamp is too far ahead: the wish is made anew by that clock,
    /// and only that one is confirmed.
    pub(super) fn stamp_anew(&mut self, id: ConfirmId, clock: Wall) {
        let Some(confirm) = self.confirms.get(id) else {
            return;
        };
        let Purpose::Request(request) = confirm.purpose else {
            return;
        };
        let dot = confirm.dot;
        let Some(written) = self.rewrite(dot, clock) else {
            return;
        };
        match written {
            Ok(written) => {
                self.confirms.restart(id, written.dot);
                if let Some(remembered) = self.requests.moved(&request, written.dot) {
                    self.disk
                        .write(request_key(&request), Some(disk_value(&remembered)));
                }
                self.take_written(written);
            }
            Err(error) => {
                self.take_outcome(Err(error));
            }
        }
    }

    /// The same wish, stamped by another's clock. Nothing when it does not count any more.
    fn rewrite(&mut self, dot: Dot, clock: Wall) -> Option<Result<Written, StateError>> {
        let record = self.state.record(dot)?.clone();
        let (payload, reading) = (record.payload().clone(), Reading::Peer(clock));
        Some(match record.key() {
            RecordKey::WishScale(bundle) => {
                let base = u32::try_from(record.amount()).unwrap_or(0);
                self.state.set_scale(reading, *bundle, base, payload)
            }
            RecordKey::Offset(bundle, request) => {
                let delta = i32::try_from(record.amount()).unwrap_or(0);
                match self.state.remove(record.key()) {
                    Ok(Some(removed)) => self.take_written(removed),
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                }
                let written = self.state.offset(reading, *bundle, *request, delta);
                written.and_then(|written| written.ok_or(StateError::NotLoaded(*bundle)))
            }
            RecordKey::NodeWish(node) => self.state.set_node_wish(reading, *node, payload),
            _ => return None,
        })
    }

    /// Where instances of a bundle may run only.
    pub(super) fn affinity(&self, bundle: &BundleId) -> Option<BundleId> {
        let record = self.state.get(&RecordKey::WishScale(*bundle))?;
        self.readable::<ScaleRecord>(record)?.affinity
    }
}

/// A number that differs whenever somebody asked anew, and is the same on every node.
pub(super) fn generation(scale: Option<&Scale>) -> u64 {
    let Some(scale) = scale else { return 0 };
    let stamp = scale.record.as_ref().and_then(|record| record.stamp());
    mixed(&[
        stamp.map_or(0, |stamp| stamp.hlc.as_u64()),
        scale.offsets as u64,
    ])
}
