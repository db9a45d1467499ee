//! What a node says by its office: of itself, as the owner of a system, for a ballot, for an
//! operator.

use std::sync::Arc;

use conduct_model::{NodeKey, System};

use super::{State, Written};
use crate::{Draft, Rank, Reading, RecordKey, StateError};

impl State {
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
