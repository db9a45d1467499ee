//! S1: at no time two disjoint sides both accept changes, and an epoch has one set of voters.

use std::collections::BTreeMap;

use conduct_model::NodeKey;
use conduct_node::command::Reply;
use conduct_node::event::EventKind;

use super::Report;
use crate::engine::Moment;
use crate::watch::{Fact, Look};

const NAME: &str = "s01_one_majority";

/// Which nodes have acknowledged something since the sides last changed.
#[derive(Debug, Default)]
pub(crate) struct OneMajority {
    arrangement: usize,
    accepted: Vec<usize>,
    registers: BTreeMap<u64, Vec<NodeKey>>,
}

impl OneMajority {
    pub(crate) fn fact(&mut self, look: &Look<'_>, fact: &Fact<'_>, report: &mut Report<'_>) {
        match *fact {
            Fact::Answered {
                operation,
                host,
                reply: Reply::Acknowledged { .. },
            } => {
                let asked = look.clients.get(operation);
                let sent = asked
                    .tries
                    .iter()
                    .rev()
                    .find(|t| t.host == host)
                    .map(|t| t.sent);
                self.accepted(look, host, sent.unwrap_or(asked.begun), report);
            }
            Fact::Published { event, .. } => {
                if let EventKind::VotersChanged { epoch, voters } = &event.kind {
                    self.counted(look, *epoch, voters, report);
                }
            }
            _ => {}
        }
    }

    fn accepted(&mut self, look: &Look<'_>, host: usize, sent: Moment, report: &mut Report<'_>) {
        let since = look.truth.sides.unchanged_since();
        let arrangement = look.truth.sides.changes();
        if arrangement != self.arrangement {
            self.arrangement = arrangement;
            self.accepted.clear();
        }
        if sent < since || self.accepted.contains(&host) {
            return;
        }
        let sides = look.sides();
        if let Some(other) = self
            .accepted
            .iter()
            .find(|&&other| !sides.joined(other, host))
        {
            report.object(
                NAME,
                format!("n{other} and n{host} both acknowledged changes that came after the cut between them"),
            );
        }
        self.accepted.push(host);
    }

    fn counted(
        &mut self,
        look: &Look<'_>,
        epoch: u64,
        voters: &[NodeKey],
        report: &mut Report<'_>,
    ) {
        let mut voters = voters.to_vec();
        voters.sort_unstable();
        let known = self
            .registers
            .entry(epoch)
            .or_insert_with(|| voters.clone());
        if *known != voters {
            let names = |keys: &[NodeKey]| {
                keys.iter()
                    .map(|key| look.name(*key))
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            report.object(
                NAME,
                format!(
                    "epoch {epoch} has two sets of voters: {} and {}",
                    names(known),
                    names(&voters)
                ),
            );
        }
    }
}
