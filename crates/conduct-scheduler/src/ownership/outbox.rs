//! Batches: what one step has to write and to say goes out together, however many systems it is
//! about.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{NodeKey, System};

use crate::epoch::Epoch;
use crate::message::{Answer, Claim, Claims, Message, Vote, Votes};
use crate::ownership::{After, OwnershipEffect, Promise};

/// So many claims, releases or answers go into one message.
const BATCH_ITEMS_MAX: usize = 256;

/// So many bytes of assignments go into one message, unless a single one is larger.
const BATCH_BYTES_MAX: usize = 256 << 10;

/// Promises to write; `None` removes one.
pub(super) type Writes = Vec<(System, Option<Promise>)>;

/// What is to be said and written at the end of a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    letters: BTreeMap<NodeKey, Letter>,
    promises: Writes,
    after: Vec<After>,
}

/// What one node is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Letter {
    pub(super) claims: Vec<Claim>,
    pub(super) votes: Vec<Vote>,
    pub(super) releases: Vec<(System, Epoch)>,
    pub(super) released: Vec<(System, Epoch)>,
}

impl Outbox {
    pub(super) fn to(&mut self, node: NodeKey) -> &mut Letter {
        self.letters.entry(node).or_default()
    }

    /// A promise to write, and what may be said afterwards.
    pub(super) fn write(&mut self, system: &System, promise: Promise, after: Option<After>) {
        self.promises.push((system.clone(), Some(promise)));
        self.after.extend(after);
    }

    /// A promise that nobody needs any more.
    pub(super) fn erase(&mut self, system: &System) {
        self.promises.push((system.clone(), None));
    }

    pub(super) fn take_writes(&mut self) -> Option<(Writes, Vec<After>)> {
        if self.promises.is_empty() {
            return None;
        }
        Some((
            std::mem::take(&mut self.promises),
            std::mem::take(&mut self.after),
        ))
    }

    pub(super) fn flush(&mut self, voters: u64, effects: &mut Vec<OwnershipEffect>) {
        for (to, letter) in std::mem::take(&mut self.letters) {
            let mut send = |message| effects.push(OwnershipEffect::Send { to, message });
            for claims in letter.claims.chunks(BATCH_ITEMS_MAX) {
                send(Message::Claims(Claims {
                    voters,
                    claims: claims.to_vec(),
                }));
            }
            for votes in batches(letter.votes) {
                send(Message::Votes(Votes { voters, votes }));
            }
            for releases in letter.releases.chunks(BATCH_ITEMS_MAX) {
                send(Message::Releases(releases.to_vec()));
            }
            for released in letter.released.chunks(BATCH_ITEMS_MAX) {
                send(Message::Released(released.to_vec()));
            }
        }
    }
}

/// Cuts votes into messages that a stream carries.
fn batches(votes: Vec<Vote>) -> Vec<Vec<Vote>> {
    let mut batches: Vec<Vec<Vote>> = Vec::new();
    let mut bytes = 0;
    for vote in votes {
        let size = match &vote.answer {
            Answer::Promised {
                latest: Some(latest),
            } => latest.size_hint(),
            _ => 0,
        };
        let full = batches
            .last()
            .is_none_or(|batch| batch.len() >= BATCH_ITEMS_MAX);
        if full || bytes + size > BATCH_BYTES_MAX {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(batch) = batches.last_mut() {
            batch.push(vote);
        }
    }
    batches
}

/// The assignment that a claimant needs telling.
pub(super) fn news_for(
    known: Option<crate::Version>,
    latest: Option<&Arc<crate::Assignment>>,
) -> Option<Arc<crate::Assignment>> {
    latest
        .filter(|latest| known.is_none_or(|known| known < latest.version))
        .cloned()
}
