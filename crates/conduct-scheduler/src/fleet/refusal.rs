//! Why a node does not get an instance, in numbers and in words.

use std::fmt;
use std::sync::Arc;

use conduct_model::{Role, Roles};
use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::fleet::Closed;
use crate::terms::Kinds;

/// The first thing that stands against running a bundle on a node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// It does not answer.
    Unreachable,
    /// Its daemon is gone, and expected back.
    Restarting,
    /// It was given up, or it left.
    Gone,
    /// It came and went, and has to stay for a while first.
    Unsettled,
    /// Nothing is known of it yet.
    Unreported,
    /// It takes none for now.
    Closed(Closed),
    /// It cannot run such components.
    Kinds {
        /// Those that it lacks.
        lacking: Kinds,
    },
    /// It does not offer the roles.
    Roles {
        /// What it would have to offer.
        wanted: Roles,
        /// How much of that.
        rule: RoleRule,
    },
    /// It runs as many instances of the bundle as may share a node.
    Occupied {
        /// What people call the bundle.
        name: Arc<str>,
        /// How many may share a node.
        max_per_node: u32,
    },
    /// The bundle whose company is wanted does not run there.
    Affinity {
        /// What people call that bundle.
        name: Arc<str>,
    },
    /// Too little of something is left.
    Short {
        /// Of what.
        of: Resource,
        /// How much is needed, in the resource's unit.
        needs: u64,
        /// How much is left.
        free: u64,
    },
    /// It runs as many instances as a node can watch over.
    Full {
        /// How many.
        instances: u64,
    },
    /// Its system has as many slots as one can have, wherever they are.
    SystemFull,
}

/// What can run short.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Resource {
    /// In thousandths of a processor.
    Cpu,
    /// In bytes.
    Memory,
    /// In bytes.
    Disk,
}

/// Whether and how the roles of bundles and nodes must agree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum RoleRule {
    /// Roles are only shown.
    #[default]
    Ignored,
    /// A node offers every role that the bundle asks for.
    All,
    /// A node offers at least one of them.
    Any,
}

impl RoleRule {
    /// Whether a node that offers `offered` suits a bundle that asks for `wanted`. A bundle that
    /// asks for nothing suits every node.
    pub fn allows(self, offered: &Roles, wanted: &Roles) -> bool {
        match self {
            RoleRule::Ignored => true,
            RoleRule::All => wanted.is_subset(offered),
            RoleRule::Any => wanted.is_empty() || !wanted.is_disjoint(offered),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unreachable => f.write_str("does not answer"),
            Refusal::Restarting => f.write_str("its daemon restarts"),
            Refusal::Gone => f.write_str("is gone"),
            Refusal::Unsettled => f.write_str("comes and goes, and has to stay for 10 s first"),
            Refusal::Unreported => f.write_str("has not said yet what it can take"),
            Refusal::Closed(closed) => closed.fmt(f),
            Refusal::Kinds { lacking } => write!(f, "has no {lacking}"),
            Refusal::Roles { wanted, rule } => write_roles(f, wanted, *rule),
            Refusal::Occupied { name, max_per_node } => {
                write!(f, "already runs {name} (max-per-node = {max_per_node})")
            }
            Refusal::Affinity { name } => {
                write!(f, "does not run {name}, beside which it has to be")
            }
            Refusal::Short {
                of: Resource::Cpu,
                needs,
                free,
            } => {
                write!(f, "needs {}, {} free", Cpus(*needs), Cpus(*free))
            }
            Refusal::Short {
                of: Resource::Memory,
                needs,
                free,
            } => {
                write!(f, "needs {}, {} free", Bytes(*needs), Bytes(*free))
            }
            Refusal::Short {
                of: Resource::Disk,
                needs,
                free,
            } => {
                write!(f, "needs {} of disk, {} free", Bytes(*needs), Bytes(*free))
            }
            Refusal::Full { instances } => {
                write!(
                    f,
                    "already runs {instances} instances, the most that a node may"
                )
            }
            Refusal::SystemFull => write!(
                f,
                "gets no more of this system, which has the most instances that one may ({})",
                Assignment::SLOTS_MAX
            ),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Closed::CoreOnly => "runs no bundles",
            Closed::Draining => "is being drained",
            Closed::Quarantined => "is quarantined",
            Closed::Adopting => "has just started and is still looking after what it ran",
        })
    }
}

fn write_roles(f: &mut fmt::Formatter<'_>, wanted: &Roles, rule: RoleRule) -> fmt::Result {
    let wanted: Vec<&str> = wanted.iter().map(Role::as_str).collect();
    match (wanted.as_slice(), rule) {
        ([one], _) => write!(f, "does not have the role {one}"),
        (several, RoleRule::Any) => write!(f, "has none of the roles {}", several.join(", ")),
        (several, _) => write!(f, "does not have the roles {}", several.join(", ")),
    }
}

/// Processors, without needless zeros: `0.5 CPUs`.
struct Cpus(u64);

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:03}", self.0 % 1000);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        let unit = if self.0 == 1000 { "CPU" } else { "CPUs" };
        write!(f, "{}{point}{fraction} {unit}", self.0 / 1000)
    }
}

/// Bytes in the unit that people would choose, rounded down: `300 MiB`, `1.5 GiB`.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..1024 => return write!(f, "{} B", self.0),
            1024..0x10_0000 => (1 << 10, "KiB"),
            0x10_0000..0x4000_0000 => (1 << 20, "MiB"),
            0x4000_0000..0x100_0000_0000 => (1_u64 << 30, "GiB"),
            _ => (1 << 40, "TiB"),
        };
        let tenths = (u128::from(self.0) * 10 / u128::from(unit)) as u64;
        match (tenths / 10, tenths % 10) {
            (whole, 0) | (whole @ 100.., _) => write!(f, "{whole} {name}"),
            (whole, tenth) => write!(f, "{whole}.{tenth} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_people_say_them() {
        let memory = |needs, free| Refusal::Short {
            of: Resource::Memory,
            needs,
            free,
        };
        let roles = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let table = [
            (memory(512 << 20, 300 << 20), "needs 512 MiB, 300 MiB free"),
            (memory(3 << 29, 1000), "needs 1.5 GiB, 1000 B free"),
            (memory(u64::MAX, 0), "needs 16777215 TiB, 0 B free"),
            (
                Refusal::Short {
                    of: Resource::Cpu,
                    needs: 1500,
                    free: 1000,
                },
                "needs 1.5 CPUs, 1 CPU free",
            ),
            (
                Refusal::Short {
                    of: Resource::Disk,
                    needs: 2 << 30,
                    free: 40 << 10,
                },
                "needs 2 GiB of disk, 40 KiB free",
            ),
            (
                Refusal::Occupied {
                    name: "report".into(),
                    max_per_node: 1,
                },
                "already runs report (max-per-node = 1)",
            ),
            (
                Refusal::Affinity { name: "db".into() },
                "does not run db, beside which it has to be",
            ),
            (
                Refusal::Roles {
                    wanted: roles(&["web"]),
                    rule: RoleRule::All,
                },
                "does not have the role web",
            ),
            (
                Refusal::Roles {
                    wanted: roles(&["db", "web"]),
                    rule: RoleRule::Any,
                },
                "has none of the roles db, web",
            ),
            (
                Refusal::Kinds {
                    lacking: [crate::Kind::OciImage, crate::Kind::OciBundle]
                        .into_iter()
                        .collect(),
                },
                "has no runc",
            ),
            (Refusal::Closed(Closed::Draining), "is being drained"),
            (
                Refusal::Full { instances: 4096 },
                "already runs 4096 instances, the most that a node may",
            ),
        ];
        for (refusal, sentence) in table {
            assert_eq!(refusal.to_string(), sentence);
        }
    }

    #[test]
    fn roles_are_matched_by_the_rule_that_is_set() {
        let roles = |names: &[&str]| names.iter().map(|n| n.parse().unwrap()).collect::<Roles>();
        let offered = roles(&["web", "edge"]);
        let table: [(&[&str], bool, bool); 4] = [
            (&[], true, true),
            (&["web"], true, true),
            (&["web", "db"], false, true),
            (&["db"], false, false),
        ];
        for (wanted, all, any) in table {
            let wanted = roles(wanted);
            assert!(RoleRule::Ignored.allows(&offered, &wanted));
            assert_eq!(RoleRule::All.allows(&offered, &wanted), all, "{wanted:?}");
            assert_eq!(RoleRule::Any.allows(&offered, &wanted), any, "{wanted:?}");
        }
    }
}
