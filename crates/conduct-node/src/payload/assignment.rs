//! What an owner decided for its system.
//!
//! Nodes and epochs are written once and pointed at: an assignment of a hundred slots on three
//! nodes would otherwise be three quarters keys.

use std::collections::BTreeMap;

use bytes::Bytes;
use conduct_model::{BundleId, InstanceId, NodeKey};
use conduct_scheduler::{
    Account, Assignment, Content, Ending, Epoch, Filled, Slot, SlotId, Stage, Version,
};
use serde::{Deserialize, Serialize};

use crate::payload::{FieldReader, FieldWriter, Payload, PayloadError, Unknown};

/// The assignment of one system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssignmentRecord {
    /// What was decided.
    pub assignment: Assignment,
    /// What an owner of a newer version decided beside it.
    pub unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
struct Written {
    nodes: Vec<NodeKey>,
    epochs: Vec<WrittenEpoch>,
    version: WrittenVersion,
    slots: Vec<WrittenSlot>,
}

/// An index into the table of nodes.
type NodeAt = u32;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct WrittenEpoch {
    number: u64,
    owner: NodeAt,
}

/// An index into the table of epochs, and the sequence.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct WrittenVersion(u32, u64);

#[derive(Serialize, Deserialize)]
struct WrittenSlot {
    bundle: BundleId,
    number: u32,
    version: WrittenVersion,
    quick_ends: u32,
    content: WrittenContent,
}

#[derive(Serialize, Deserialize)]
enum WrittenContent {
    Vacant {
        last: NodeAt,
    },
    Filled {
        node: NodeAt,
        instance: InstanceId,
        stage: Stage,
        since: WrittenVersion,
        moving: bool,
    },
    Completed {
        generation: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct WrittenAccount {
    bundle: BundleId,
    version: WrittenVersion,
    generation: u64,
    failed_starts: u32,
    failed_on: Vec<NodeAt>,
    last_failure: Option<Ending>,
    missing: u32,
    reschedules: u64,
}

const SLOTS: u16 = 1 | super::MUST;
const ACCOUNTS: u16 = 2;

/// The tables while they are filled.
#[derive(Default)]
struct Tables {
    nodes: Vec<NodeKey>,
    node_at: BTreeMap<NodeKey, NodeAt>,
    epochs: Vec<WrittenEpoch>,
    epoch_at: BTreeMap<WrittenEpoch, u32>,
}

impl Tables {
    fn node(&mut self, node: NodeKey) -> NodeAt {
        let next = self.nodes.len() as u32;
        let at = *self.node_at.entry(node).or_insert(next);
        if at == next {
            self.nodes.push(node);
        }
        at
    }

    fn version(&mut self, version: Version) -> WrittenVersion {
        let owner = self.node(version.epoch.owner);
        let epoch = WrittenEpoch {
            number: version.epoch.number,
            owner,
        };
        let next = self.epochs.len() as u32;
        let at = *self.epoch_at.entry(epoch).or_insert(next);
        if at == next {
            self.epochs.push(epoch);
        }
        WrittenVersion(at, version.sequence)
    }

    fn slot(&mut self, id: &SlotId, slot: &Slot) -> WrittenSlot {
        let content = match &slot.content {
            Content::Vacant { last } => WrittenContent::Vacant {
                last: self.node(*last),
            },
            Content::Completed { generation } => WrittenContent::Completed {
                generation: *generation,
            },
            Content::Filled(filled) => WrittenContent::Filled {
                node: self.node(filled.node),
                instance: filled.instance,
                stage: filled.stage,
                since: self.version(filled.since),
                moving: filled.moving,
            },
        };
        WrittenSlot {
            bundle: id.bundle,
            number: id.number,
            version: self.version(slot.version),
            quick_ends: slot.quick_ends,
            content,
        }
    }

    fn account(&mut self, bundle: &BundleId, account: &Account) -> WrittenAccount {
        WrittenAccount {
            bundle: *bundle,
            version: self.version(account.version),
            generation: account.generation,
            failed_starts: account.failed_starts,
            failed_on: account
                .failed_on
                .iter()
                .map(|node| self.node(*node))
                .collect(),
            last_failure: account.last_failure.clone(),
            missing: account.missing,
            reschedules: account.reschedules,
        }
    }
}

/// The tables as they were read; every index is checked.
struct Lookup {
    nodes: Vec<NodeKey>,
    epochs: Vec<Epoch>,
}

impl Lookup {
    fn node(&self, at: NodeAt) -> Result<NodeKey, PayloadError> {
        self.nodes
            .get(at as usize)
            .copied()
            .ok_or(PayloadError::Contradiction)
    }

    fn version(&self, written: WrittenVersion) -> Result<Version, PayloadError> {
        let epoch = self
            .epochs
            .get(written.0 as usize)
            .ok_or(PayloadError::Contradiction)?;
        Ok(Version {
            epoch: *epoch,
            sequence: written.1,
        })
    }

    fn slot(&self, written: &WrittenSlot) -> Result<(SlotId, Slot), PayloadError> {
        let content = match written.content {
            WrittenContent::Vacant { last } => Content::Vacant {
                last: self.node(last)?,
            },
            WrittenContent::Completed { generation } => Content::Completed { generation },
            WrittenContent::Filled {
                node,
                instance,
                stage,
                since,
                moving,
            } => {
                let (node, since) = (self.node(node)?, self.version(since)?);
                Content::Filled(Filled {
                    node,
                    instance,
                    stage,
                    since,
                    moving,
                })
            }
        };
        let id = SlotId {
            bundle: written.bundle,
            number: written.number,
        };
        let version = self.version(written.version)?;
        Ok((
            id,
            Slot {
                version,
                content,
                quick_ends: written.quick_ends,
            },
        ))
    }

    fn account(&self, written: WrittenAccount) -> Result<(BundleId, Account), PayloadError> {
        let failed_on: Result<Vec<NodeKey>, PayloadError> =
            written.failed_on.iter().map(|at| self.node(*at)).collect();
        let account = Account {
            version: self.version(written.version)?,
            generation: written.generation,
            failed_starts: written.failed_starts,
            failed_on: failed_on?,
            last_failure: written.last_failure,
            missing: written.missing,
            reschedules: written.reschedules,
        };
        Ok((written.bundle, account))
    }
}

impl Payload for AssignmentRecord {
    fn write(&self) -> Bytes {
        let Assignment {
            version,
            slots,
            accounts,
        } = &self.assignment;
        let mut tables = Tables::default();
        let version = tables.version(*version);
        let slots = slots
            .iter()
            .map(|(id, slot)| tables.slot(id, slot))
            .collect();
        let accounts: Vec<WrittenAccount> = accounts
            .iter()
            .map(|(bundle, account)| tables.account(bundle, account))
            .collect();
        let Tables { nodes, epochs, .. } = tables;
        FieldWriter::new()
            .field(
                SLOTS,
                &Written {
                    nodes,
                    epochs,
                    version,
                    slots,
                },
            )
            .many(ACCOUNTS, &accounts)
            .finish(&self.unknown)
    }

    fn parse(bytes: &Bytes) -> Result<AssignmentRecord, PayloadError> {
        let mut fields = FieldReader::new(bytes)?;
        let written: Written = fields.need(SLOTS)?;
        let accounts: Vec<WrittenAccount> = fields.or_default(ACCOUNTS)?;
        let unknown = fields.finish()?;
        let mut lookup = Lookup {
            nodes: written.nodes,
            epochs: Vec::new(),
        };
        for epoch in written.epochs {
            let owner = lookup.node(epoch.owner)?;
            lookup.epochs.push(Epoch {
                number: epoch.number,
                owner,
            });
        }
        let slots: Result<BTreeMap<SlotId, Slot>, PayloadError> =
            written.slots.iter().map(|slot| lookup.slot(slot)).collect();
        let accounts: Result<BTreeMap<BundleId, Account>, PayloadError> = accounts
            .into_iter()
            .map(|account| lookup.account(account))
            .collect();
        let version = lookup.version(written.version)?;
        let assignment = Assignment {
            version,
            slots: slots?,
            accounts: accounts?,
        };
        if !assignment.is_sound() {
            return Err(PayloadError::Contradiction);
        }
        Ok(AssignmentRecord {
            assignment,
            unknown,
        })
    }
}

#[cfg(test)]
mod tests;
