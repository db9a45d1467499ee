//! What is looked at. Each check changes nothing and takes less than a second.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use conduct_runtime::abilities;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Uid, geteuid};

use super::Finding;
use crate::keys::{Keys, KeysError};
use crate::seeds::Seeds;
use crate::settings::Settings;
use crate::{clock, machine};

const GIB: u64 = 1 << 30;
/// Less than this is soon full of archives.
const DISK_BYTES_MIN: u64 = GIB;
/// Enough for the connections of a busy node; each instance takes a handful more.
const FILES_MIN: u64 = 4096;
/// A clock that shows an earlier date was never set.
const MILLIS_2025: u64 = 1_735_689_600_000;
/// How long a host may take to say that nobody listens.
const REFUSAL_TIME_MAX: Duration = Duration::from_millis(300);

pub(super) fn all(settings: &Settings) -> Vec<Finding> {
    let holder = conduct_store::holder(&settings.state_dir);
    let runs = matches!(holder, Ok(Some(_)));
    let mut findings = vec![
        match holder {
            Ok(Some(pid)) => Finding::good("daemon", format!("it runs as process {pid}")),
            Ok(None) => Finding::good("daemon", "none runs on this state folder"),
            Err(why) => Finding::bad("daemon", why.to_string()),
        },
        keys(settings),
        folder(settings),
        room(settings),
        clock_(),
        files(),
        control_groups(),
    ];
    if !runs {
        findings.extend(ports(settings));
    }
    findings.extend(seeds(settings));
    findings.extend(kinds(settings));
    findings
}

fn keys(settings: &Settings) -> Finding {
    let keys = Keys::of(&settings.state_dir);
    match (keys.identity(), keys.authority()) {
        (Ok(own), Ok(_)) => Finding::good(
            "keys",
            format!("node {}, and it can let others in", own.node().short()),
        ),
        (Ok(own), Err(KeysError::NoAuthority { .. })) => Finding::good(
            "keys",
            format!("node {}; tokens are made elsewhere", own.node().short()),
        ),
        (Err(why), _) | (Ok(_), Err(why)) => Finding::bad("keys", one_line(&why.to_string())),
    }
}

fn folder(settings: &Settings) -> Finding {
    let shown = settings.state_dir.display();
    match fs::metadata(&settings.state_dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Finding::good("folder", format!("{shown} will be made"))
        }
        Err(error) => Finding::bad("folder", format!("{shown} cannot be looked at: {error}")),
        Ok(found) if !found.is_dir() => Finding::bad("folder", format!("{shown} is no folder")),
        Ok(found) if Uid::from_raw(found.uid()) != geteuid() && !geteuid().is_root() => {
            Finding::bad(
                "folder",
                format!("{shown} belongs to user {}, not to this one", found.uid()),
            )
        }
        Ok(_) => Finding::good("folder", format!("{shown} is there")),
    }
}

fn room(settings: &Settings) -> Finding {
    let place = settings
        .state_dir
        .ancestors()
        .find(|place| place.exists())
        .unwrap_or(&settings.state_dir);
    let free = machine::resources(place).disk_bytes;
    let text = format!(
        "{:.1} GiB free for archives and runs",
        free as f64 / GIB as f64
    );
    if free < DISK_BYTES_MIN {
        Finding::warning("disk", text)
    } else {
        Finding::good("disk", text)
    }
}

fn clock_() -> Finding {
    if clock::wall().as_millis() < MILLIS_2025 {
        let text = "the date was never set: certificates do not hold yet; set the clock";
        return Finding::bad("clock", text);
    }
    Finding::good("clock", "the date is set")
}

fn files() -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((now, _)) if now < FILES_MIN => Finding::warning(
            "files",
            format!("only {now} may be open at once; raise it to {FILES_MIN} with ulimit -n"),
        ),
        Ok((now, _)) => Finding::good("files", format!("{now} may be open at once")),
        Err(error) => Finding::warning("files", format!("the limit cannot be read: {error}")),
    }
}

fn control_groups() -> Finding {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let of_kind = |kind: &str| {
        mounts
            .lines()
            .any(|line| line.split_whitespace().nth(2) == Some(kind))
    };
    let what = match (of_kind("cgroup2"), of_kind("cgroup")) {
        (true, true) => "versions 1 and 2 are mounted",
        (true, false) => "version 2 is mounted",
        (false, true) => "version 1 is mounted",
        (false, false) => {
            let text = "none is mounted: limits are not enforced, and what an instance starts is \
                        found by its environment only";
            return Finding::warning("cgroups", text);
        }
    };
    if geteuid().is_root() {
        Finding::good("cgroups", what)
    } else {
        let text = format!("{what}; without root, limits hold only where a group is delegated");
        Finding::warning("cgroups", text)
    }
}

fn ports(settings: &Settings) -> Vec<Finding> {
    let tcp = [
        ("control API", settings.control_port),
        ("status service", settings.status_port),
        ("service locator", settings.locator_port),
    ];
    let mut findings: Vec<Finding> = tcp
        .into_iter()
        .map(|(what, port)| {
            let address = SocketAddr::new(settings.control_ip, port);
            port_finding(what, address, TcpListener::bind(address).map(drop))
        })
        .collect();
    let address = SocketAddr::new(settings.ip, settings.cluster_port);
    findings.push(port_finding(
        "cluster",
        address,
        UdpSocket::bind(address).map(drop),
    ));
    findings
}

fn port_finding(what: &str, address: SocketAddr, bound: std::io::Result<()>) -> Finding {
    match bound {
        Ok(()) => Finding::good("ports", format!("{address} is free for the {what}")),
        Err(error) => Finding::bad("ports", format!("{address} for the {what}: {error}")),
    }
}

fn seeds(settings: &Settings) -> Vec<Finding> {
    let mut seeds = settings.seeds.clone();
    if seeds.is_empty() {
        match Seeds::of(&settings.state_dir).read() {
            Ok(told) => seeds = told,
            Err(error) => {
                return vec![Finding::bad("seeds", format!("cannot be read: {error}"))];
            }
        }
    }
    let own = SocketAddr::new(settings.ip, settings.cluster_port);
    let others = seeds.into_iter().filter(|seed| *seed != own);
    others
        .map(|seed| match asked(own, seed) {
            Ok(()) => Finding::good("seeds", format!("{seed} does not refuse")),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Finding::warning(
                "seeds",
                format!("nobody listens at {seed}: its daemon does not run"),
            ),
            Err(error) => Finding::warning("seeds", format!("{seed}: {error}")),
        })
        .collect()
}

/// Sends a byte that no daemon answers; a host whose daemon is gone refuses it.
fn asked(own: SocketAddr, seed: SocketAddr) -> std::io::Result<()> {
    let socket = UdpSocket::bind((own.ip(), 0))?;
    socket.connect(seed)?;
    socket.set_read_timeout(Some(REFUSAL_TIME_MAX))?;
    socket.send(&[0])?;
    match socket.recv(&mut [0; 16]) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        other => other.map(drop),
    }
}

fn kinds(settings: &Settings) -> Vec<Finding> {
    let found = abilities(settings.runc.as_ref(), settings.docker.as_ref());
    let names: Vec<String> = found.kinds.iter().map(ToString::to_string).collect();
    let mut findings = vec![Finding::good(
        "kinds",
        format!("it can run {}", names.join(", ")),
    )];
    findings.extend(
        found
            .notes
            .into_iter()
            .map(|note| Finding::warning("kinds", note)),
    );
    findings
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_whose_daemon_is_gone_is_told_from_one_that_is_silent() {
        let own = SocketAddr::from(([127, 0, 0, 1], 0));
        let silent = UdpSocket::bind(own).unwrap();
        let address = silent.local_addr().unwrap();
        assert!(asked(own, address).is_ok());
        drop(silent);
        let refusal = asked(own, address).unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_port_that_is_taken_is_bad() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let found = port_finding("control API", address, TcpListener::bind(address).map(drop));
        assert_eq!(found.mark, super::super::Mark::Bad);
        assert!(found.text.contains("control API"), "{found:?}");
    }
}
