//! Kinds of faults.

use std::fmt;
use std::str::FromStr;

use crate::engine::Moment;
use crate::network::Conditions;

/// A fault of a plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    /// When it begins, at the earliest.
    pub at: Moment,
    /// How long it lasts.
    pub lasts: Moment,
    /// What its machine is waited to be busy with, for a while.
    pub phase: Option<Phase>,
    /// What.
    pub kind: Kind,
}

/// What a machine is busy with when a fault hits it worst.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// A write is on its way to the disk.
    Writing,
    /// An instance is starting.
    Starting,
    /// An instance is ending.
    Stopping,
    /// An archive is arriving.
    Receiving,
    /// A client waits for an answer.
    Answering,
}

/// What goes wrong.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// These machines are cut off from the others.
    Cut(Vec<usize>),
    /// Every machine is cut off from every other.
    Shatter,
    /// Packets from one machine do not reach another; the way back is open.
    OneWay(usize, usize),
    /// Two machines do not hear each other; all others hear both.
    Bridge(usize, usize),
    /// Each machine hears only some of the others, and no two the same.
    Ring,
    /// These machines are cut off and joined again, over and over.
    Flap(Vec<usize>, Moment),
    /// All links are bad.
    Weather(Conditions),
    /// Packets to and from these machines wait until the end.
    Clog(Vec<usize>),
    /// The daemon is killed, and started again at the end.
    Kill(usize),
    /// The power of the machine goes, and comes back at the end.
    PowerOff(usize),
    /// The power of most machines goes at once.
    PowerOffMost,
    /// The daemon stands still.
    Freeze(usize),
    /// The machine is suspended.
    Suspend(usize),
    /// All machines are suspended.
    SuspendAll,
    /// The wall clock jumps by so many milliseconds, and back at the end.
    WallJump(usize, i64),
    /// The disk syncs nothing.
    DiskStall(usize),
    /// The disk is full.
    DiskFull(usize),
    /// The disk's syncs fail.
    DiskBroken(usize),
    /// A stored record rots, and the daemon is started anew.
    RecordRot(usize),
    /// A stored archive rots.
    ArchiveRot(usize),
    /// The disk is replaced by an empty one while the daemon is away.
    Wipe(usize),
    /// An old copy of the state folder is put back while the daemon is away.
    Rollback(usize),
    /// An instance on the machine is killed.
    KillInstance(usize),
    /// A shim on the machine is killed.
    KillShim(usize),
    /// Somebody records packets and sends them again, and makes up others.
    Attack,
    /// An operator empties the machine, and uses it again at the end.
    Drain(usize),
    /// A new machine joins.
    Join,
    /// A bundle is loaded whose record crashes whoever handles it.
    Poison,
}

/// Kinds of faults by the names that the command line knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Family {
    /// Cuts of all shapes.
    Cut,
    /// Links that flap.
    Flap,
    /// Loss, delay, duplication, reordering, corruption.
    Weather,
    /// Links that hold everything back.
    Clog,
    /// Daemons that die.
    Kill,
    /// Machines that lose power.
    Power,
    /// Daemons and machines that stand still.
    Pause,
    /// Wall clocks that jump.
    Clock,
    /// Disks that stall, fill up or fail.
    Disk,
    /// What is stored rots.
    Rot,
    /// Disks that are replaced or put back.
    Replace,
    /// Instances and shims that are killed.
    Instance,
    /// An attacker.
    Attack,
    /// Operators who drain nodes.
    Drain,
    /// Machines that join.
    Join,
    /// Input that crashes nodes.
    Poison,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 16] = [
        Family::Cut,
        Family::Flap,
        Family::Weather,
        Family::Clog,
        Family::Kill,
        Family::Power,
        Family::Pause,
        Family::Clock,
        Family::Disk,
        Family::Rot,
        Family::Replace,
        Family::Instance,
        Family::Attack,
        Family::Drain,
        Family::Join,
        Family::Poison,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Cut => "cut",
            Family::Flap => "flap",
            Family::Weather => "weather",
            Family::Clog => "clog",
            Family::Kill => "kill",
            Family::Power => "power",
            Family::Pause => "pause",
            Family::Clock => "clock",
            Family::Disk => "disk",
            Family::Rot => "rot",
            Family::Replace => "replace",
            Family::Instance => "instance",
            Family::Attack => "attack",
            Family::Drain => "drain",
            Family::Join => "join",
            Family::Poison => "poison",
        }
    }
}

/// Why a text names no kind of fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no kind of fault is called {0:?}; there are {known}", known = names())]
pub struct FamilyError(String);

fn names() -> String {
    Family::ALL.map(Family::name).join(", ")
}

impl FromStr for Family {
    type Err = FamilyError;

    fn from_str(text: &str) -> Result<Family, FamilyError> {
        let known = Family::ALL.into_iter().find(|family| family.name() == text);
        known.ok_or_else(|| FamilyError(text.to_owned()))
    }
}

impl Kind {
    /// The machine that it happens to, where it is one.
    pub const fn host(&self) -> Option<usize> {
        match self {
            Kind::Kill(host)
            | Kind::PowerOff(host)
            | Kind::Freeze(host)
            | Kind::Suspend(host)
            | Kind::WallJump(host, _)
            | Kind::DiskStall(host)
            | Kind::DiskFull(host)
            | Kind::DiskBroken(host)
            | Kind::RecordRot(host)
            | Kind::ArchiveRot(host)
            | Kind::Wipe(host)
            | Kind::Rollback(host)
            | Kind::KillInstance(host)
            | Kind::KillShim(host)
            | Kind::Drain(host) => Some(*host),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Cut(side) => write!(f, "{} is cut off", nodes(side)),
            Kind::Shatter => f.write_str("every node is cut off from every other"),
            Kind::OneWay(from, to) => write!(f, "n{to} does not hear n{from}"),
            Kind::Bridge(a, b) => write!(f, "n{a} and n{b} do not hear each other"),
            Kind::Ring => f.write_str("each node hears only its neighbours in a ring"),
            Kind::Flap(side, period) => {
                write!(f, "{} is cut off and joined every {period} s", nodes(side))
            }
            Kind::Weather(conditions) => write!(f, "the network is bad: {conditions}"),
            Kind::Clog(side) => write!(f, "packets of {} wait", nodes(side)),
            Kind::Kill(host) => write!(f, "the daemon of n{host} is killed"),
            Kind::PowerOff(host) => write!(f, "the power of n{host} goes"),
            Kind::PowerOffMost => f.write_str("the power of most nodes goes"),
            Kind::Freeze(host) => write!(f, "the daemon of n{host} stands still"),
            Kind::Suspend(host) => write!(f, "n{host} is suspended"),
            Kind::SuspendAll => f.write_str("all nodes are suspended"),
            Kind::WallJump(host, by) => {
                write!(f, "the wall clock of n{host} jumps by {} s", by / 1_000)
            }
            Kind::DiskStall(host) => write!(f, "the disk of n{host} stalls"),
            Kind::DiskFull(host) => write!(f, "the disk of n{host} is full"),
            Kind::DiskBroken(host) => write!(f, "the disk of n{host} fails"),
            Kind::RecordRot(host) => write!(f, "a record of n{host} rots"),
            Kind::ArchiveRot(host) => write!(f, "an archive of n{host} rots"),
            Kind::Wipe(host) => write!(f, "n{host} gets an empty disk"),
            Kind::Rollback(host) => write!(f, "n{host} gets an old copy of its state back"),
            Kind::KillInstance(host) => write!(f, "an instance on n{host} is killed"),
            Kind::KillShim(host) => write!(f, "a shim on n{host} is killed"),
            Kind::Attack => f.write_str("somebody replays and forges packets"),
            Kind::Drain(host) => write!(f, "n{host} is drained"),
            Kind::Join => f.write_str("a new node joins"),
            Kind::Poison => f.write_str("a bundle is loaded whose record crashes nodes"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8} s  {}", self.at.to_string(), self.kind)?;
        if self.lasts != Moment::ZERO {
            write!(f, ", for {} s", self.lasts)?;
        }
        match self.phase {
            Some(phase) => write!(f, ", while it is {}", format!("{phase:?}").to_lowercase()),
            None => Ok(()),
        }
    }
}

fn nodes(side: &[usize]) -> String {
    side.iter()
        .map(|host| format!("n{host}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_reads_back_and_a_stranger_is_told_what_there_is() {
        for family in Family::ALL {
            assert_eq!(family.name().parse(), Ok(family));
        }
        let error = "rain".parse::<Family>().expect_err("there is no rain");
        assert!(error.to_string().contains("weather"));
    }
}
