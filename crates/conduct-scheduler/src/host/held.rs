//! One instance of a host.

use std::sync::Arc;

use conduct_model::{System, Time};

use crate::epoch::Version;
use crate::execution::{Cause, Ending, Execution, State};
use crate::host::ExecutionRecord;
use crate::message::{Item, Told};
use crate::terms::Terms;

/// An instance that was admitted.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) system: System,
    /// The latest decision that ordered anything of it.
    pub(super) version: Version,
    pub(super) terms: Arc<Terms>,
    pub(super) execution: Execution,
    /// The word that a start has to repeat: when it was last said to be ready.
    pub(super) ready: Option<Time>,
    /// When it was forked, or taken over after a restart of the daemon.
    pub(super) forked: Option<Time>,
    /// The hands were told of it, so they have to be told of its end as well.
    pub(super) handed: bool,
    /// The daemon was away for a part of its start.
    pub(super) away: bool,
    /// Whether it ever signalled.
    pub(super) signalled: bool,
    /// Why this host ends it.
    pub(super) doom: Option<Cause>,
    /// It is kept from callers and has not got its SIGTERM yet.
    pub(super) draining: bool,
}

impl Held {
    /// An instance that is admitted now.
    pub(super) const fn admitted(
        system: System,
        version: Version,
        terms: Arc<Terms>,
        execution: Execution,
    ) -> Held {
        Held {
            system,
            version,
            terms,
            execution,
            ready: None,
            forked: None,
            handed: false,
            away: false,
            signalled: false,
            doom: None,
            draining: false,
        }
    }

    /// An instance of an earlier life of the daemon.
    pub(super) fn restored(record: ExecutionRecord) -> Held {
        let ExecutionRecord {
            system,
            version,
            terms,
            execution,
        } = record;
        let signalled = matches!(execution.state, State::Active | State::Unhealthy);
        let doom = (execution.state == State::Stopping).then_some(Cause::Stopped);
        let mut held = Held::admitted(system, version, terms, execution);
        held.away = !signalled;
        held.signalled = signalled;
        held.doom = doom;
        held.handed = true;
        held
    }

    /// What is kept of it on disk.
    pub(super) fn record(&self) -> ExecutionRecord {
        ExecutionRecord {
            system: self.system.clone(),
            version: self.version,
            terms: self.terms.clone(),
            execution: self.execution.clone(),
        }
    }

    /// How it is, for its owner.
    pub(super) fn item(&self) -> Item {
        Item {
            system: self.system.clone(),
            instance: self.execution.instance,
            told: Told::Has {
                execution: self.execution.clone(),
                ready: self.ready,
            },
        }
    }

    /// How it ended, if this is what ended it.
    pub(super) fn ending(&self, now: Time, cause: Cause) -> Ending {
        Ending {
            cause: self.doom.clone().unwrap_or(cause),
            signalled: self.signalled,
            daemon_away: self.away,
            lasted: self
                .forked
                .map(|forked| now.since(forked))
                .unwrap_or_default(),
        }
    }

    pub(super) const fn has_ended(&self) -> bool {
        matches!(self.execution.state, State::Ended(_))
    }
}
