//! Which kinds of components this machine can run, and what of that people should know.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use conduct_model::FileSystemType;

use super::runc::{found, printed};
use crate::cgroup::{Limits, Mounts};

/// A program says its version within this.
const VERSION_MAX: Duration = Duration::from_secs(5);

/// What a machine can run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Abilities {
    /// Kinds of components.
    pub kinds: BTreeSet<FileSystemType>,
    /// What is missing or not as it should be, a sentence each.
    pub notes: Vec<String>,
}

/// Looks for the programs that run containers. Takes as long as they take to say their versions, a
/// few seconds at most; what does not answer is as good as missing.
pub fn abilities(runc: &Path, docker: &Path) -> Abilities {
    let mut abilities = Abilities::default();
    abilities.kinds.insert(FileSystemType::Universal);
    match look_for_runc(runc) {
        Ok(version) => {
            abilities.kinds.insert(FileSystemType::OciImage);
            abilities.kinds.insert(FileSystemType::OciBundle);
            abilities.notes.extend(version.warning());
        }
        Err(why) => abilities.notes.push(format!(
            "no components of type oci-image and oci-bundle: {why}"
        )),
    }
    match look_for_docker(docker) {
        Ok(()) => {
            abilities.kinds.insert(FileSystemType::Docker);
        }
        Err(why) => abilities
            .notes
            .push(format!("no components of type docker: {why}")),
    }
    abilities.notes.extend(limits_note());
    abilities
}

/// What instances are not held to on this machine.
fn limits_note() -> Option<String> {
    let limits = Limits {
        memory_bytes: Some(1 << 30),
        cpu_millis: 1000,
        processes: 1024,
    };
    let name = format!("look-{}", std::process::id());
    let groups = Mounts::find().make(&name, "once", &limits);
    groups.remove();
    for group in groups.joined.iter().filter_map(|group| group.parent()) {
        // Ours alone, by its name; if it stays it is empty.
        let _ = std::fs::remove_dir(group);
    }
    if groups.missing.is_empty() {
        return None;
    }
    let missing = groups.missing.join(", ");
    let why = if groups.joined.is_empty() {
        "conductd may not make control groups here, which root may"
    } else {
        "the controllers for it are not there"
    };
    Some(format!("instances are not limited in {missing}: {why}"))
}

fn look_for_runc(runc: &Path) -> Result<Version, String> {
    user_namespaces(Path::new("/proc"))?;
    let program = found(runc).ok_or_else(|| missing(runc))?;
    let text = printed(&program, &["--version"], VERSION_MAX).map_err(|why| why.to_string())?;
    let version = runc_version(&text)
        .ok_or_else(|| format!("{} does not say which version it is", program.display()))?;
    if version < OLDEST {
        return Err(format!(
            "{} is version {version}; {OLDEST} is the oldest that can be used",
            program.display()
        ));
    }
    Ok(version)
}

fn look_for_docker(docker: &Path) -> Result<(), String> {
    let program = found(docker).ok_or_else(|| missing(docker))?;
    let asked = printed(
        &program,
        &["version", "--format", "{{.Server.Version}}"],
        VERSION_MAX,
    );
    match asked {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "{} is here, but no engine answers it",
            program.display()
        )),
    }
}

fn missing(program: &Path) -> String {
    let program: PathBuf = program.to_owned();
    format!("there is no {} on this machine", program.display())
}

/// Without them, root in a container would be root.
fn user_namespaces(proc: &Path) -> Result<(), String> {
    let limit = std::fs::read_to_string(proc.join("sys/user/max_user_namespaces"));
    match limit.map(|text| text.trim().parse::<u64>()) {
        Ok(Ok(0)) => Err(
            "this machine allows no user namespaces (sysctl user.max_user_namespaces is 0)"
                .to_owned(),
        ),
        Ok(Ok(_)) => Ok(()),
        _ => Err("this machine's kernel has no user namespaces".to_owned()),
    }
}

/// A version of runc. One that is still to be finished comes before the finished one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Version {
    major: u32,
    minor: u32,
    patch: u32,
    /// The number of the candidate; the finished one has none, and comes last.
    candidate: u32,
}

const OLDEST: Version = Version::of(1, 1, 0);

impl Version {
    const fn of(major: u32, minor: u32, patch: u32) -> Version {
        Version {
            major,
            minor,
            patch,
            candidate: u32::MAX,
        }
    }

    const fn candidate(self, candidate: u32) -> Version {
        Version { candidate, ..self }
    }

    /// What is known to be wrong with it.
    fn flaws(self) -> Vec<&'static str> {
        let of_line = |fixed: &&Version| (fixed.major, fixed.minor) == (self.major, self.minor);
        let has = |flaw: &&Flaw| {
            let newest = flaw.fixed.last();
            match flaw.fixed.iter().find(of_line) {
                Some(fixed) => self < *fixed,
                // Lines before the last that was mended were never mended.
                None => newest.is_some_and(|newest| self < *newest),
            }
        };
        FLAWS.iter().filter(has).map(|flaw| flaw.name).collect()
    }

    fn warning(self) -> Option<String> {
        let flaws = self.flaws();
        if flaws.is_empty() {
            return None;
        }
        Some(format!(
            "runc {self} is open to {} unless its distributor has mended it; containers run \
             nevertheless, since all of them have a user namespace of their own: update runc",
            flaws.join(", ")
        ))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if self.candidate != u32::MAX {
            write!(f, "-rc.{}", self.candidate)?;
        }
        Ok(())
    }
}

/// A way out of a container, and the version of each line that closed it, oldest line first.
struct Flaw {
    name: &'static str,
    fixed: &'static [Version],
}

const FLAWS: &[Flaw] = &[
    Flaw {
        name: "CVE-2024-21626",
        fixed: &[Version::of(1, 1, 12)],
    },
    Flaw {
        name: "CVE-2024-45310",
        fixed: &[Version::of(1, 1, 14), Version::of(1, 2, 0).candidate(3)],
    },
    Flaw {
        name: "CVE-2025-31133",
        fixed: MASKS_MENDED,
    },
    Flaw {
        name: "CVE-2025-52565",
        fixed: MASKS_MENDED,
    },
    Flaw {
        name: "CVE-2025-52881",
        fixed: MASKS_MENDED,
    },
];

const MASKS_MENDED: &[Version] = &[
    Version::of(1, 2, 8),
    Version::of(1, 3, 3),
    Version::of(1, 4, 0).candidate(3),
];

/// From `runc version 1.1.5+ds1` and what follows.
fn runc_version(text: &str) -> Option<Version> {
    let word = text.lines().next()?.strip_prefix("runc version ")?;
    word.trim().parse().ok()
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Version, ()> {
        // What distributors add behind a plus, tilde or blank says nothing about the version.
        let text = text.split(['+', '~', ' ']).next().unwrap_or_default();
        let (numbers, rest) = text.split_once('-').unwrap_or((text, ""));
        let mut parts = numbers.split('.').map(|part| part.parse().map_err(drop));
        let mut part = || parts.next().unwrap_or(Err(()));
        let version = Version::of(part()?, part()?, part()?);
        match rest.strip_prefix("rc") {
            None => Ok(version),
            Some(number) => {
                let number = number.trim_start_matches('.').parse().map_err(drop)?;
                Ok(version.candidate(number))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect(text)
    }

    #[test]
    fn versions_are_read_as_distributors_write_them() {
        let text = "runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\n";
        assert_eq!(runc_version(text), Some(Version::of(1, 1, 5)));
        assert!(version("1.4.0-rc.2") < version("1.4.0-rc.3"));
        assert!(version("1.4.0-rc.3") < version("1.4.0"));
        assert_eq!(version("1.0.0-rc93"), Version::of(1, 0, 0).candidate(93));
        assert_eq!(runc_version("runc version unknown"), None);
        assert_eq!(runc_version("crun version 1.8"), None);
    }

    #[test]
    fn a_version_is_open_to_what_its_line_has_not_mended() {
        let all = [
            "CVE-2024-21626",
            "CVE-2024-45310",
            "CVE-2025-31133",
            "CVE-2025-52565",
            "CVE-2025-52881",
        ];
        assert_eq!(version("1.1.5").flaws(), all);
        assert_eq!(version("1.1.12").flaws(), all[1..]);
        assert_eq!(version("1.1.15").flaws(), all[2..]);
        assert_eq!(version("1.2.7").flaws(), all[2..]);
        for mended in ["1.2.8", "1.3.3", "1.4.0-rc.3", "1.4.0", "1.5.1", "2.0.0"] {
            assert_eq!(version(mended).flaws(), [""; 0], "{mended}");
        }
        assert_eq!(version("1.3.0").flaws(), all[2..]);
        let warning = version("1.3.0").warning().unwrap();
        assert!(
            warning.contains("runc 1.3.0 is open to CVE-2025-31133, "),
            "{warning}"
        );
    }
}
