//! A jump: from what is known here to that and all that the sender knows, in one step.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::touch::{Applied, Touch};
use super::{Held, RECORDS_MAX, Standing, State};
use crate::delta::{Claim, Group};
use crate::{Dot, Record, StateError, Vector};

/// What the closing part of a jump says.
pub(super) struct Jump {
    /// How far the sender knows each writer.
    pub(super) covered: Vector,
    /// Which of those writes are alive there.
    pub(super) alive: BTreeSet<Dot>,
    /// Those of them that are not known here.
    pub(super) arrivals: Vec<Arc<Record>>,
}

impl State {
    pub(super) fn apply_jump(
        &mut self,
        standing: &Standing,
        groups: Vec<Group>,
        closing: Option<Vec<Claim>>,
    ) -> Result<Applied, StateError> {
        if self.is_outdated(standing) {
            return Err(StateError::Outdated);
        }
        let Some(claims) = closing else {
            self.hold(groups)?;
            return Ok(Applied {
                more: true,
                ..Applied::default()
            });
        };
        let jump = match self.gather(groups, claims) {
            Ok(jump) => jump,
            Err(error) => {
                // Parts that do not fit together are of no use; the next digest asks for all.
                self.held = Held::default();
                return Err(error);
            }
        };
        #[cfg(debug_assertions)]
        let expected = self.sampled_for_jump(&jump);
        let applied = self.land(jump);
        #[cfg(debug_assertions)]
        if let Some(expected) = expected {
            self.compare_with_plain_merge(&expected);
        }
        Ok(applied)
    }

    /// Keeps the records of a part that is not the last one.
    fn hold(&mut self, groups: Vec<Group>) -> Result<(), StateError> {
        for group in groups {
            self.refuse_unknown_own(Dot::new(group.writer, group.to))?;
            let known = self.vector.get(group.writer);
            let joins_up = group.from <= known.max(self.held.upto.get(group.writer));
            if !joins_up || self.forgetting.covers(group.writer) {
                continue;
            }
            for record in group.records.into_iter().filter(|r| r.dot.version > known) {
                let record = record.verify(self.pool.as_ref())?;
                self.held.records.insert(record.dot(), record);
            }
            self.held.upto.raise(group.writer, group.to);
        }
        if self.held.records.len() > RECORDS_MAX {
            self.held = Held::default();
            return Err(StateError::Full {
                what: "records on their way",
                max: RECORDS_MAX,
            });
        }
        Ok(())
    }

    fn gather(&self, groups: Vec<Group>, claims: Vec<Claim>) -> Result<Jump, StateError> {
        let mut jump = Jump {
            covered: Vector::default(),
            alive: BTreeSet::new(),
            arrivals: Vec::new(),
        };
        for claim in claims {
            self.refuse_unknown_own(Dot::new(claim.writer, claim.version))?;
            if self.forgetting.covers(claim.writer) {
                continue;
            }
            jump.covered.raise(claim.writer, claim.version);
            for version in claim.alive {
                let dot = Dot::new(claim.writer, version);
                if jump.alive.insert(dot) && !self.covers(dot) {
                    let held = self
                        .held
                        .records
                        .get(&dot)
                        .ok_or(StateError::Incomplete(dot))?;
                    jump.arrivals.push(Arc::clone(held));
                }
            }
        }
        for record in groups.into_iter().flat_map(|group| group.records) {
            let told = jump.covered.covers(record.dot);
            if told && jump.alive.insert(record.dot) && !self.covers(record.dot) {
                jump.arrivals.push(record.verify(self.pool.as_ref())?);
            }
        }
        Ok(jump)
    }

    /// Takes everything of a jump as known, at once.
    fn land(&mut self, jump: Jump) -> Applied {
        let mut touch = Touch::default();
        let gone: BTreeSet<Dot> = self
            .store
            .iter()
            .map(|record| record.dot())
            .filter(|dot| self.is_shown(*dot) && jump.covered.covers(*dot))
            .filter(|dot| !jump.alive.contains(dot))
            .collect();
        self.take_out(&gone, &mut touch);
        let mut skipped = BTreeSet::new();
        for (writer, version) in jump.covered.iter() {
            if version > self.vector.get(writer) {
                self.vector.set(writer, version);
                touch.writer(writer);
                skipped.insert(writer);
            }
        }
        self.ring.forget(|writer| skipped.contains(&writer));
        self.add_all(jump.arrivals, &mut touch);
        self.settle(self.store.loads_wished_for(), &mut touch);
        self.refresh_forgetting(&mut touch);
        self.trim_held();
        self.apply_early(&mut touch);
        self.finish(touch)
    }

    /// Drops what was held and is known now.
    fn trim_held(&mut self) {
        let (vector, forgetting) = (&self.vector, &self.forgetting);
        let beyond = |dot: Dot| !vector.covers(dot) && !forgetting.covers(dot.writer);
        self.held.records.retain(|dot, _| beyond(*dot));
        let upto = self
            .held
            .upto
            .iter()
            .filter(|(w, v)| beyond(Dot::new(*w, *v)));
        self.held.upto = upto.collect();
    }
}
