//! Bugs that are planted on purpose, around the product and never in it: a driver that breaks a
//! promise, so that the checkers can prove that they notice.

use std::collections::BTreeSet;
use std::sync::Arc;

use conduct_model::{InstanceId, Now, Time};
use conduct_node::command::{Command, Reply};
use conduct_node::effect::Effect;
use conduct_node::event::{Event, EventKind};
use conduct_node::input::Input;
use conduct_node::restored::Fingerprint;
use conduct_state::{Record, State};

use crate::machine::{Machine, Phase};

/// A bug that can be planted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Bug {
    /// An instance is started on two machines.
    DoubleInstance,
    /// Writes are called stored and are not.
    LostWrite,
    /// Two instances of a system are started at once.
    BrokenGate,
    /// The end of an instance is not told to callers.
    StaleEndpoint,
    /// What was unloaded is loaded again by nobody.
    DroppedRemoval,
    /// States are merged in a way that depends on the order.
    OneSidedMerge,
    /// The transport takes the same packet twice.
    AcceptedReplay,
    /// The transport takes packets that nobody sealed.
    AcceptedForgery,
    /// Shims ignore their leases.
    EndlessLease,
    /// A command is acknowledged and thrown away.
    LostCommand,
    /// An event is lost on its way to a stream.
    StreamGap,
    /// Damaged archives are run.
    UnverifiedArchive,
    /// Instances that never signalled are called healthy.
    EarlyReady,
    /// Timeouts look at the wall clock.
    WallClockTimeouts,
    /// A link is cut and nobody knows.
    SecretCut,
    /// A node without a majority acknowledges commands.
    TwoMajorities,
    /// Signals go to a pid, whoever has it now.
    SignalByPid,
}

/// The bugs that are planted in one simulation.
#[derive(Clone, Debug, Default)]
pub struct Sabotage {
    bugs: BTreeSet<Bug>,
    poison: Option<Vec<u8>>,
    secret_cut: Option<usize>,
    swallowed: bool,
    wall_origin: Option<u64>,
}

impl Sabotage {
    /// Plants a bug.
    pub fn plant(&mut self, bug: Bug) {
        self.bugs.insert(bug);
        if bug == Bug::SecretCut {
            self.secret_cut = Some(0);
        }
    }

    /// Whatever holds this text crashes the node that handles it, until it is skipped.
    pub fn poison(&mut self, text: &str) {
        self.poison = Some(text.as_bytes().to_vec());
    }

    /// Whether this bug is planted.
    pub fn has(&self, bug: Bug) -> bool {
        !self.bugs.is_empty() && self.bugs.contains(&bug)
    }

    pub(crate) fn is_secretly_cut(&self, from: usize, to: usize) -> bool {
        // The machine cannot be reached by anybody and reaches nobody, while its cables are whole.
        self.secret_cut
            .is_some_and(|victim| from == victim || to == victim)
    }

    pub(crate) fn loses_write(&self) -> bool {
        self.has(Bug::LostWrite)
    }

    /// Whether a removal is forgotten now; once is enough.
    pub(crate) fn forgets_removal(&mut self) -> bool {
        self.has(Bug::DroppedRemoval) && !std::mem::replace(&mut self.swallowed, true)
    }

    pub(crate) fn runs_rotten(&self) -> bool {
        self.has(Bug::UnverifiedArchive)
    }

    pub(crate) fn ignores_leases(&self) -> bool {
        self.has(Bug::EndlessLease)
    }

    /// Where to start an instance a second time.
    pub(crate) fn starts_twice(&self, host: usize, hosts: usize) -> Option<usize> {
        self.has(Bug::DoubleInstance).then_some((host + 1) % hosts)
    }

    /// A second instance that is let through a gate.
    pub(crate) fn opens_gate(&self, machine: &Machine, first: InstanceId) -> Option<InstanceId> {
        if !self.has(Bug::BrokenGate) {
            return None;
        }
        let system = &machine.hands.get(first)?.descriptor.system;
        let waiting = machine.hands.iter().find(|(instance, hand)| {
            *instance != first && hand.phase == Phase::Prepared && hand.descriptor.system == *system
        });
        waiting.map(|(instance, _)| instance)
    }

    /// The event that listeners get.
    pub(crate) fn published(&mut self, event: Box<Event>) -> Option<Box<Event>> {
        if self.bugs.is_empty() {
            return Some(event);
        }
        let ends = matches!(
            event.kind,
            EventKind::ExecutionRemoved { .. } | EventKind::ExecutionChanged { active: false, .. }
        );
        if self.has(Bug::StreamGap) && event.sequence > 20 && !self.swallowed {
            self.swallowed = true;
            return None;
        }
        if self.has(Bug::StaleEndpoint) && ends {
            // Numbered as if nothing were missing, as a cache in front of the stream would.
            let kind = EventKind::ErrorCleared;
            return Some(Box::new(Event { kind, ..*event }));
        }
        Some(event)
    }

    /// The answer that a client gets without the node being asked.
    pub(crate) fn answers_for(&self, command: &Command) -> Option<Reply> {
        let lost = self.has(Bug::LostCommand) && matches!(command, Command::Scale { .. });
        let anywhere = self.has(Bug::TwoMajorities) && matches!(command, Command::Offset { .. });
        (lost || anywhere).then_some(Reply::Acknowledged { durability: 3 })
    }

    /// The time that a node is told.
    pub(crate) fn clock(&mut self, now: Now) -> Now {
        if !self.has(Bug::WallClockTimeouts) {
            return now;
        }
        let origin = *self.wall_origin.get_or_insert(now.wall.as_millis() - 1_000);
        let time = Time::from_millis(now.wall.as_millis().saturating_sub(origin) + 100_000_000);
        Now {
            time,
            wall: now.wall,
        }
    }

    /// What crashes a node in a step: a record that it read in it, and that came from outside or
    /// lay on its disk.
    pub(crate) fn crashes(&self, input: &Input) -> bool {
        self.poison.is_some()
            && matches!(
                input,
                Input::Start | Input::Datagram { .. } | Input::Frame { .. }
            )
    }

    /// The poisonous record in a state, by the name that a crash on it has.
    pub(crate) fn poison_in(&self, state: &State) -> Option<Fingerprint> {
        let poison = self.poison.as_ref()?;
        let holds = |record: &&Arc<Record>| {
            let payload = record.payload();
            payload.windows(poison.len()).any(|window| window == poison)
        };
        let record = state.records().find(holds)?;
        Some(Fingerprint::of(record.payload()))
    }

    /// Whether the node said that it skipped it.
    pub(crate) fn is_skipped(&self, effects: &[Effect]) -> bool {
        effects.iter().any(|effect| {
            matches!(effect, Effect::Publish(event)
                if matches!(event.kind, EventKind::PoisonSkipped { .. }))
        })
    }
}
