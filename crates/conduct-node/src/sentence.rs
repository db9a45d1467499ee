//! Events as people read them.

use std::fmt;

use crate::command::QuarantineReason;
use crate::event::{Event, EventKind};
use crate::runtime::{Exit, ExitStatus, StopStage};

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(bundle) = &self.bundle {
            write!(f, " bundle={}", bundle.short())?;
        }
        if let Some(instance) = &self.instance {
            write!(f, " instance={}", instance.short())?;
        }
        if let Some(request) = &self.request {
            write!(f, " requestId={request}")?;
        }
        Ok(())
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EventKind as K;
        match self {
            K::BundleAdded { name } => write!(f, "{name} is loaded"),
            K::Noted { what } => f.write_str(what),
            K::BundleRemoved => write!(f, "unloaded"),
            K::InstallationAdded { on } => write!(f, "{} holds a copy", on.short()),
            K::InstallationRemoved { on } => write!(f, "{} holds no copy any more", on.short()),
            K::ExecutionAdded { on } => write!(f, "an instance appears on {}", on.short()),
            K::ExecutionChanged { on, active: true } => {
                write!(f, "the instance on {} takes calls", on.short())
            }
            K::ExecutionChanged { on, active: false } => {
                write!(f, "the instance on {} takes no calls", on.short())
            }
            K::ExecutionRemoved { on } => write!(f, "the instance on {} is gone", on.short()),
            K::ErrorRaised { why } => write!(f, "in trouble: {why}"),
            K::ErrorCleared => write!(f, "well again"),
            _ => self.fmt_about_nodes(f),
        }
    }
}

impl EventKind {
    fn fmt_about_nodes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EventKind as K;
        match self {
            K::MemberJoined { member, uid } => write!(f, "{} joined as {uid}", member.short()),
            K::MemberReachable { member } => write!(f, "{} answers again", member.short()),
            K::MemberUnreachable { member } => write!(f, "{} does not answer", member.short()),
            K::MemberRestarting { member } => {
                write!(
                    f,
                    "the daemon of {} is gone, its host answers",
                    member.short()
                )
            }
            K::MemberDown { member } => write!(f, "{} is down", member.short()),
            K::MemberLeft { member } => write!(f, "{} left", member.short()),
            K::VotersChanged { epoch, voters } => {
                write!(f, "{} voters count from epoch {epoch} on", voters.len())
            }
            K::Quarantined { reason } => write!(f, "accepts no changes: {reason}"),
            K::Released => write!(f, "accepts changes again"),
            K::Reborn { uid } => write!(f, "goes on as {uid}, the others had declared it down"),
            K::Draining { node, on: true } => write!(f, "{} is being drained", node.short()),
            K::Draining { node, on: false } => write!(f, "{} is drained no more", node.short()),
            _ => self.fmt_about_trouble(f),
        }
    }

    fn fmt_about_trouble(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EventKind as K;
        match self {
            K::Diverged { peer } => {
                write!(
                    f,
                    "knows the same writes as {} and holds other records",
                    peer.short()
                )
            }
            K::StateBegunAnew => write!(f, "its state was outdated and is filled by the others"),
            K::StateDamaged { entries, why } => {
                write!(
                    f,
                    "{entries} entries of the state folder are damaged: {why}"
                )
            }
            K::WriteRefused { why } => write!(f, "could not write a record: {why}"),
            K::Unreadable { record, why } => {
                write!(
                    f,
                    "cannot read {record} ({why}); it is carried on and left to others"
                )
            }
            K::PoisonSkipped { fingerprint } => {
                write!(
                    f,
                    "skips input {fingerprint:016x}, which crashed it three times"
                )
            }
            K::Paused { span } => write!(f, "stood still for {span}"),
            K::MajorityForced { epoch } => {
                write!(f, "an operator declared the voters of epoch {epoch}")
            }
            K::SlowNetwork => write!(f, "answers come late: the network wants the WAN profile"),
            K::NotAdmitted { key, why } => write!(f, "{} was not let in: {why}", key.short()),
            K::PeerDistrusted { peer } => {
                write!(
                    f,
                    "{} says what cannot be true, and is not believed",
                    peer.short()
                )
            }
            K::ClockSkew { peer, by } => {
                write!(
                    f,
                    "the clocks of this node and {} are {by} apart",
                    peer.short()
                )
            }
            K::DiskFailing => write!(f, "the disk does not take the state of this node"),
            K::DiskRecovered => write!(f, "the disk takes the state of this node again"),
            K::UnknownVersion { peer, version } => {
                write!(
                    f,
                    "{} speaks version {version}, which is unknown here",
                    peer.short()
                )
            }
            K::CloneDetected { key } => {
                write!(f, "two processes call themselves {}", key.short())
            }
            _ => self.fmt_about_bundles(f),
        }
    }

    fn fmt_about_bundles(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EventKind as K;
        match self {
            K::Requested { what } => write!(f, "asked to {what}"),
            K::Rejected { why } => write!(f, "refused: {why}"),
            K::Written { durability } => write!(f, "written to {durability} disks"),
            K::Superseded { by } => write!(f, "superseded: {by}"),
            K::ReplicationStarted { archive, to } => {
                write!(f, "copying {} to {}", archive.short(), to.short())
            }
            K::ArchiveVerified { archive } => write!(f, "{} arrived, verified", archive.short()),
            K::ReplicationFailed { archive, from, why } => {
                write!(
                    f,
                    "could not copy {} from {}: {why}",
                    archive.short(),
                    from.short()
                )
            }
            K::ArchiveLost { archive } => {
                write!(
                    f,
                    "{} is damaged or missing here, fetching it again",
                    archive.short()
                )
            }
            K::ArchiveDeleted { archive } => {
                write!(
                    f,
                    "deleted {}, nothing that is loaded names it",
                    archive.short()
                )
            }
            K::Owning { system, epoch } => write!(f, "decides for {system}, epoch {epoch}"),
            K::Disowned { system } => write!(f, "decides for {system} no more"),
            K::Placed { on } => write!(f, "given to {}", on.short()),
            K::Declined { on, why } => write!(f, "declined by {}: {why}", on.short()),
            K::Unplaced { missing, reasons } => {
                write!(f, "no node can take {missing} more")?;
                reasons
                    .iter()
                    .try_for_each(|(node, why)| write!(f, "; {} {why}", node.short()))
            }
            _ => self.fmt_about_instances(f),
        }
    }

    fn fmt_about_instances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EventKind as K;
        match self {
            K::Starting { seeds: 0 } => write!(f, "starting, first of its system"),
            K::Starting { seeds } => write!(f, "starting, told of {seeds} others"),
            K::Launched { pid } => write!(f, "launched as pid {pid}"),
            K::Started { took } => write!(f, "started, healthy after {took}"),
            K::StartFailed { why, attempt } => write!(f, "try {attempt} failed: {why}"),
            K::Parked { tries } => write!(f, "gave up for now after {tries} tries"),
            K::Stopping { why, stage: None } => write!(f, "stopping: {why}"),
            K::Stopping {
                stage: Some(StopStage::Terminating),
                ..
            } => write!(f, "sent SIGTERM"),
            K::Stopping {
                stage: Some(StopStage::Killing),
                ..
            } => write!(f, "sent SIGKILL"),
            K::Exited { exit } => write!(f, "ended: {exit}"),
            K::ChildOutOfMemory => write!(f, "a child was killed for memory"),
            K::Surplus => write!(f, "not wanted here, stopping it"),
            // Every other kind is worded by one of the three above, each of which ends here only
            // for what it does not know.
            other => f.write_str(other.name()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            _ if self.out_of_memory => write!(f, "out of memory")?,
            _ if self.by_lease => write!(f, "its lease ran out")?,
            ExitStatus::Code(code) => write!(f, "exited with {code}")?,
            ExitStatus::Signal(signal) => write!(f, "killed by signal {signal}")?,
            ExitStatus::Unknown => write!(f, "nobody saw how")?,
        }
        if self.while_away {
            f.write_str(" while the daemon was away")
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for QuarantineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            QuarantineReason::Starting => "it has just started",
            QuarantineReason::Joining => "it is joining",
            QuarantineReason::ContactLost => "it lost contact with the majority",
            QuarantineReason::RollCallFailed => "no majority answered its roll-call",
            QuarantineReason::Paused => "it was paused and has to catch up",
            QuarantineReason::DeclaredDown => "the others had declared it down",
            QuarantineReason::Leaving => "it is leaving",
            QuarantineReason::Clone => "its identity is in use elsewhere",
        })
    }
}
