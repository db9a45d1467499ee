//! What this node knows, put together for those who ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_gossip::Status;
use conduct_model::{BundleId, NodeKey, Now, Resources, Roles, System, Uid};
use conduct_scheduler::{Assignment, Fleet, Stage, State, Version, why};
use conduct_state::RecordKey;

use super::Brain;
use crate::book::Loaded;
use crate::event::Event;
use crate::payload::{Decision, Decisions, LoadRecord, Report, ReportedExecution, decisions_key};
use crate::runtime::Ports;
use crate::view::{
    BundleView, Counts, ExecutionState, ExecutionView, MemberView, Verdict, View, Why, WishView,
};

impl Brain {
    pub(crate) fn view(&self, _now: Now) -> View {
        let register = self.membership.voters();
        let members = self
            .membership
            .members()
            .map(|member| (member.key, self.member(&member)));
        let mut bundles: BTreeMap<BundleId, BundleView> = self
            .book
            .known()
            .map(|bundle| (bundle, self.bundle(bundle)))
            .collect();
        for (node, held) in self.book.executions() {
            if let Some(bundle) = bundles.get_mut(&held.execution.bundle)
                && held.execution.state.takes_room()
                && self.counts(&node)
            {
                bundle
                    .executions
                    .insert(held.execution.instance, self.execution(node, held));
            }
        }
        View {
            node: self.me,
            uid: self.uid(),
            quarantine: self.quarantined(),
            members: members.collect(),
            voters: register
                .map(|register| register.keys().to_vec())
                .unwrap_or_default(),
            voters_epoch: register.map_or(0, |register| register.epoch),
            bundles,
            routing_version: self.journal.routing_version,
        }
    }

    pub(crate) fn uid(&self) -> Uid {
        self.me.uid(self.membership.incarnation())
    }

    pub(crate) fn routing_version(&self) -> u64 {
        self.journal.routing_version
    }

    fn report_of(&self, node: NodeKey) -> Option<Report> {
        let record = self.state.get(&RecordKey::NodeReport(node))?;
        self.readable::<Report>(record)
    }

    fn member(&self, member: &conduct_gossip::Member) -> MemberView {
        let report = self.report_of(member.key);
        let offer = report.as_ref().map(|report| &report.offer);
        let none = Resources::default;
        MemberView {
            uid: member.key.uid(member.incarnation),
            address: Some(member.card.address),
            duty: report.as_ref().map(|report| report.identity.duty),
            roles: offer.map_or_else(Roles::new, |offer| offer.roles.clone()),
            verdict: match member.status {
                Status::Reachable => Verdict::Reachable,
                Status::Unreachable => Verdict::Unreachable,
                Status::Restarting => Verdict::Restarting,
                Status::Down => Verdict::Down,
                Status::Left => Verdict::Left,
            },
            ready: member.ready,
            capacity: offer.map_or_else(none, |offer| offer.capacity),
            free: offer.map_or_else(none, |offer| offer.free),
            draining: offer
                .is_some_and(|offer| offer.closed == Some(conduct_scheduler::Closed::Draining))
                || self.book.drained.contains(&member.key),
            adopting: offer.is_some_and(|offer| offer.adopting),
            build: report
                .map(|report| report.identity.build)
                .unwrap_or_default(),
        }
    }

    fn bundle(&self, bundle: BundleId) -> BundleView {
        let loaded = self.book.bundles.get(&bundle);
        let account = loaded.and_then(|loaded| {
            self.book
                .assignments
                .get(&loaded.descriptor.system)?
                .accounts
                .get(&bundle)
        });
        let loads = self.state.loads(bundle).filter_map(|record| {
            let load = self.readable::<LoadRecord>(record)?;
            Some((load.origin.by, load.origin.at))
        });
        let error = account.and_then(|account| match account {
            _ if account.is_parked() => Some(format!("{} starts failed", account.failed_starts)),
            _ if account.missing > 0 => Some(format!("no node can take {} more", account.missing)),
            _ => None,
        });
        BundleView {
            descriptor: loaded.map(|loaded| Arc::clone(&loaded.descriptor)),
            loads: loads.collect(),
            installations: self
                .book
                .holders(&bundle)
                .filter(|node| self.counts(node))
                .collect(),
            executions: BTreeMap::new(),
            wish: self.state.scale(bundle).map(|scale| WishView {
                scale: scale.effective.min(super::wishing::SCALE_MAX),
                affinity: self.affinity(&bundle),
            }),
            reschedules: account.map_or(0, |account| account.reschedules),
            error,
        }
    }

    fn execution(&self, node: NodeKey, held: &ReportedExecution) -> ExecutionView {
        let found = held.execution.found_at.as_ref();
        let endpoints = found
            .iter()
            .flat_map(|seed| &seed.endpoints)
            .map(|(name, endpoint)| {
                let bind = held.bind_ports.get(name).copied().unwrap_or(endpoint.port);
                (
                    name.clone(),
                    Ports {
                        bind,
                        host: endpoint.port,
                    },
                )
            });
        ExecutionView {
            node,
            host: self.membership.address(&node).map(|address| address.ip()),
            pid: held.pid,
            since: held.since,
            state: match held.execution.state {
                State::Preparing => ExecutionState::Preparing,
                State::Ready => ExecutionState::Prepared,
                State::Starting => ExecutionState::Starting,
                State::Active => ExecutionState::Running,
                State::Unhealthy => ExecutionState::Unhealthy,
                State::Stopping => ExecutionState::Stopping,
                State::Ended(_) => ExecutionState::Ended,
            },
            active: held.takes_calls() && self.serves(&node),
            endpoints: endpoints.collect(),
        }
    }

    /// Why the wish for a bundle is not met.
    pub(crate) fn why(&self, now: Now, bundle: BundleId) -> Option<Why> {
        let loaded = self.book.bundles.get(&bundle)?;
        let system = &loaded.descriptor.system;
        let fleet = self.fleet(now);
        let nobody = conduct_scheduler::Epoch {
            number: 0,
            owner: self.me,
        };
        let nothing = Assignment::empty(Version {
            epoch: nobody,
            sequence: 0,
        });
        let assignment = self
            .book
            .assignments
            .get(system)
            .map_or(&nothing, |held| &**held);
        let why = why(&fleet, &self.wishes(system), assignment, bundle);
        if why.is_met() {
            return None;
        }
        Some(Why {
            missing: why.wanted - why.running,
            overall: Some(why.headline()),
            waits: why.waits.iter().map(ToString::to_string).collect(),
            nodes: why
                .nodes
                .into_iter()
                .map(|(node, why)| (node, why.to_string()))
                .collect(),
            archive: self.lacks_archive(bundle, loaded),
        })
    }

    /// The nodes as owners see them; a node that owns nothing puts that together when asked.
    fn fleet(&self, now: Now) -> Fleet {
        if self.scheduler.votes() {
            return self.scheduler.fleet().clone();
        }
        let mut fleet = Fleet::new(super::boot::role_rule(&self.config));
        for member in self.membership.members() {
            if let Some(standing) = self.standing(&member.key) {
                fleet.judge(now.time, member.key, standing);
            }
            if let Some(report) = self.report_of(member.key) {
                fleet.report(member.key, &report.for_hosts());
            }
        }
        fleet
    }

    /// Whether no node that answers has the archives.
    fn lacks_archive(&self, bundle: BundleId, loaded: &Loaded) -> Option<String> {
        let held = self.book.holders(&bundle).any(|node| self.serves(&node));
        (!held).then(|| {
            format!(
                "no node that answers has the archive of {}",
                loaded.descriptor.name
            )
        })
    }

    /// What this node decided and met lately, the oldest first.
    pub(crate) fn events(&self, bundle: Option<BundleId>) -> impl Iterator<Item = &Event> {
        self.journal.events(bundle)
    }

    /// What this node agrees on with the others.
    pub(crate) fn state(&self) -> &conduct_state::State {
        &self.state
    }

    /// What each member decided lately, as it told the others.
    pub(crate) fn decisions(&self, bundle: Option<BundleId>) -> Vec<(NodeKey, Decision)> {
        let of = |node: NodeKey| {
            let record = self.state.get(&decisions_key(&node));
            let decisions = record.and_then(|record| self.readable::<Decisions>(record));
            decisions.map(|decisions| (node, decisions.latest))
        };
        self.membership
            .members()
            .filter_map(|member| of(member.key))
            .flat_map(|(node, latest)| latest.into_iter().map(move |one| (node, one)))
            .filter(|(_, decision)| bundle.is_none_or(|bundle| decision.bundle == bundle))
            .collect()
    }

    /// Numbers for those who watch many nodes.
    pub(crate) fn counts_now(&self) -> Counts {
        let owned = |system: &&System| self.scheduler.owner(system).is_some();
        let starting = self
            .book
            .assignments
            .values()
            .flat_map(|held| held.filled());
        Counts {
            records: self.state.len(),
            unreadable: self.book.unreadable.len(),
            news: self.state.news(),
            confirming: self.confirms.len(),
            owned_systems: self.book.systems.keys().filter(owned).count(),
            starting: starting
                .filter(|(_, filled)| filled.stage == Stage::Granted)
                .count(),
            strangers: self.outbox.strangers,
            dropped: self.outbox.dropped,
            summary: self.state.summary(),
            version: self.state.version(),
        }
    }
}
