//! Clients' commands: who may, what was asked before, and what each is told in the end.

use conduct_gossip::Command as MemberCommand;
use conduct_model::{BundleId, RequestId};
use conduct_state::{Dot, StateError, Written};

use super::Brain;
use crate::archives::ArchiveList;
use crate::command::{
    ClientHandle, Command, ForceMajority, QuarantineReason, Quarantined, Refusal, Reply, Request,
};
use crate::effect::Effect;
use crate::event::EventKind;
use crate::requests::Remembered;

/// So many commands may wait for their acknowledgement at a time.
const WAITING_MAX: usize = 1_024;

impl Brain {
    pub(super) fn take_request(&mut self, request: Request) {
        let Request {
            client,
            id,
            command,
        } = request;
        if let Some(reply) = self.do_command(client, id, command) {
            self.reply(client, id, reply);
        }
    }

    /// Answers with the reply, unless it comes later.
    fn do_command(
        &mut self,
        client: ClientHandle,
        id: RequestId,
        command: Command,
    ) -> Option<Reply> {
        match command {
            Command::SignalStarted { instance } => Some(self.signal_started(instance)),
            Command::RoutingApplied { version } => {
                self.routing_applied(version);
                Some(Reply::Done)
            }
            Command::Join { seeds } => Some(
                self.member_command(MemberCommand::Join(seeds))
                    .err()
                    .unwrap_or(Reply::Done),
            ),
            Command::ForceMajority(force) => Some(self.force_majority(force)),
            Command::Leave | Command::Shutdown | Command::StopDaemon => {
                self.depart(client, id, &command)
            }
            change => self.change(client, id, change),
        }
    }

    /// A command on which the cluster has to agree.
    fn change(&mut self, client: ClientHandle, id: RequestId, command: Command) -> Option<Reply> {
        let asked = Remembered::asked(&command);
        if let Some(reply) = self.repeated(client, id, asked) {
            return reply;
        }
        if let Some(refused) = self.refused_by_all() {
            return Some(refused);
        }
        let (bundle, what) = subject(&command);
        let outcome = match command {
            Command::Load(load) => self.load(id, *load),
            Command::Unload { bundle } => self.unload(id, bundle),
            Command::Scale {
                bundle,
                scale,
                affinity,
            } => self.set_scale(id, bundle, scale, affinity),
            Command::Offset { bundle, by } => self.offset(id, bundle, by),
            Command::Drain { node } => self.drain(id, node, true),
            Command::Undrain { node } => self.drain(id, node, false),
            _ => return Some(Reply::Refused(Refusal::NoCore)),
        };
        self.tell_asked(Some(id), bundle, EventKind::Requested { what });
        match outcome {
            Ok(change) => {
                self.begin_confirming(client, id, (asked, bundle), change);
                None
            }
            Err(refusal) => {
                let why = refusal.to_string();
                self.tell_asked(Some(id), bundle, EventKind::Rejected { why });
                Some(Reply::Refused(refusal))
            }
        }
    }

    /// What stands against every change through this node.
    fn refused_by_all(&self) -> Option<Reply> {
        if !self.config.duty.is_core() {
            return Some(Reply::Refused(Refusal::NoCore));
        }
        if let Some(quarantined) = self.quarantined() {
            return Some(Reply::Quarantined(quarantined));
        }
        if self.disk.failing().is_some() {
            return Some(Reply::Refused(Refusal::DiskFailed));
        }
        let waiting = self.confirms.len();
        (waiting >= WAITING_MAX).then_some(Reply::Refused(Refusal::Busy { waiting }))
    }

    /// Why this node accepts no changes, if so, and who does.
    pub(super) fn quarantined(&self) -> Option<Quarantined> {
        let reason = match (self.is_quarantined(), self.own.new_writer_wanted) {
            _ if self.is_departing() => QuarantineReason::Leaving,
            (true, _) => self.quarantine.unwrap_or(QuarantineReason::Starting),
            // What it writes now the others would take for something that they know already.
            (false, true) => QuarantineReason::Joining,
            (false, false) => return None,
        };
        let (reached, voters) = self.voters_reached();
        Some(Quarantined {
            reason,
            reached,
            voters,
            ask: self.others_to_ask(),
        })
    }

    pub(super) fn reply(&mut self, client: ClientHandle, request: RequestId, reply: Reply) {
        self.out.push(Effect::Reply {
            client,
            request,
            reply,
        });
    }

    pub(super) fn member_command(&mut self, command: MemberCommand) -> Result<(), Reply> {
        let time = self.now.time;
        let mut outcome = Ok(());
        self.with_membership(|membership, out| {
            outcome = membership.command(time, command, out);
        });
        outcome.map_err(|_| Reply::Refused(Refusal::NoCluster))
    }

    /// An operator says that the others are gone for good.
    fn force_majority(&mut self, force: ForceMajority) -> Reply {
        let Some(register) = self.membership.voters() else {
            return Reply::Refused(Refusal::NoCluster);
        };
        let epoch = register.epoch;
        let members = force
            .survivors
            .iter()
            .all(|key| self.membership.status(key).is_some());
        if force.epoch != epoch || force.survivors.is_empty() || !members {
            return Reply::Refused(Refusal::NotConfirmed { epoch });
        }
        if !self.is_quarantined() {
            return Reply::Refused(Refusal::MajorityPresent);
        }
        let what = format!("force a majority of {} voters", force.survivors.len());
        self.tell(EventKind::Requested { what });
        match self.member_command(MemberCommand::ForceMajority(force.survivors)) {
            Ok(()) => Reply::Done,
            Err(_) => Reply::Refused(Refusal::NotConfirmed { epoch }),
        }
    }
}

/// What a command led to.
pub(super) struct Change {
    /// The write that has to be sure.
    pub(super) dot: Dot,
    /// What two disks need beside it.
    pub(super) archives: ArchiveList,
    /// The write itself, unless it had been made before.
    pub(super) made: Option<Written>,
}

impl Change {
    pub(super) fn made(written: Written) -> Change {
        Change {
            dot: written.dot,
            archives: ArchiveList::new(),
            made: Some(written),
        }
    }

    /// The command had its effect already; only the answer is due.
    pub(super) fn before(dot: Dot) -> Change {
        Change {
            dot,
            archives: ArchiveList::new(),
            made: None,
        }
    }
}

/// What a refusal of the state means to a client.
pub(super) fn refusal_of(error: &StateError) -> Refusal {
    match error {
        StateError::NotLoaded(bundle) => Refusal::NotLoaded(*bundle),
        StateError::Payload(bytes) => Refusal::DescriptorSize {
            bytes: *bytes,
            max: conduct_state::PAYLOAD_BYTES_MAX,
        },
        StateError::Full { what, max } => Refusal::Full {
            what: (*what).to_owned(),
            max: *max,
        },
        _ => Refusal::DiskFailed,
    }
}

/// What a command is about, and what it asks for in words.
fn subject(command: &Command) -> (Option<BundleId>, String) {
    match command {
        Command::Load(load) => (Some(load.bundle), format!("load {}", load.descriptor.name)),
        Command::Unload { bundle } => (Some(*bundle), "unload".to_owned()),
        Command::Scale {
            bundle,
            scale,
            affinity: None,
        } => (Some(*bundle), format!("run {scale} instances")),
        Command::Scale {
            bundle,
            scale,
            affinity: Some(other),
        } => (
            Some(*bundle),
            format!("run {scale} instances beside {}", other.short()),
        ),
        Command::Offset { bundle, by } => (Some(*bundle), format!("run {by:+} instances")),
        Command::Drain { node } => (None, format!("drain {}", node.short())),
        Command::Undrain { node } => (None, format!("undrain {}", node.short())),
        other => (None, format!("{other:?}")),
    }
}
