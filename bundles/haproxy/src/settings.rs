//! What the environment says. `runtime-config.sh` of a configuration bundle is the place for it.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};
use conduct_client::{Access, Client, Limits, Target};
use conduct_proxy::haproxy::{self, Tls};

use crate::protect;

/// How the running process is told to load the file anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Runs {
    /// HAProxy is a child of ours.
    Here {
        /// The program.
        program: PathBuf,
    },
    /// It runs elsewhere, and a script knows how to reach it.
    Elsewhere {
        /// The program, which checks configurations.
        program: PathBuf,
        /// The script, and whether it needs other rights.
        script: PathBuf,
        with_sudo: bool,
    },
}

/// Everything that can be said.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    control: Target,
    pub(crate) runs: Runs,
    pub(crate) config_file: PathBuf,
    pub(crate) template: Option<PathBuf>,
    pub(crate) override_config_dir: PathBuf,
    pub(crate) status: SocketAddr,
    pub(crate) haproxy: haproxy::Settings,
}

impl Settings {
    /// Reads what the environment says; `get` looks a name up.
    pub(crate) fn from_env(get: impl Fn(&str) -> Option<String>) -> anyhow::Result<Settings> {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let text = |name: &str, default: &str| get(name).unwrap_or_else(|| default.to_owned());
        let node_ip = text("BUNDLE_HOST_IP", "127.0.0.1");

        let control = text("CONDUCTR_CONTROL", "http://127.0.0.1:9005");
        let control = control_target(&control)
            .with_context(|| format!("CONDUCTR_CONTROL is no address: {control}"))?;
        let bind_host: IpAddr = parsed("HAPROXY_BIND_HOST", &text("HAPROXY_BIND_HOST", &node_ip))?;
        let folder = std::env::current_dir().context("there is no working folder")?;
        let config_file =
            get("HAPROXY_CONFIG_FILE").map_or_else(|| folder.join("haproxy.cfg"), PathBuf::from);
        let admin_socket = folder.join("haproxy-admin.sock");
        let admin_socket = get("HAPROXY_ADMIN_SOCKET").unwrap_or_else(|| shown(&admin_socket));

        let mut haproxy =
            haproxy::Settings::at(bind_host, parsed("HAPROXY_ADMIN_SOCKET", &admin_socket)?);
        if let Some(port) = get("HAPROXY_HTTP_PORT") {
            haproxy.http_port = parsed("HAPROXY_HTTP_PORT", &port)?;
        }
        if let Some(certificate) = get("HAPROXY_CERTIFICATE") {
            haproxy.tls = Some(Tls {
                port: parsed("HAPROXY_HTTPS_PORT", &text("HAPROXY_HTTPS_PORT", "9443"))?,
                certificate: parsed("HAPROXY_CERTIFICATE", &certificate)?,
            });
        }
        haproxy.accept_proxy = switch(
            "HAPROXY_ACCEPT_PROXY",
            get("HAPROXY_ACCEPT_PROXY").as_deref(),
            false,
        )?;
        haproxy.trust_forwarded = switch(
            "HAPROXY_TRUST_FORWARDED",
            get("HAPROXY_TRUST_FORWARDED").as_deref(),
            false,
        )?;
        haproxy.send_proxy = ports("HAPROXY_SEND_PROXY", &text("HAPROXY_SEND_PROXY", ""))?;
        let stats_ip: IpAddr = parsed("HAPROXY_STATS_IP", &text("HAPROXY_STATS_IP", &node_ip))?;
        let stats_port: u16 = parsed("HAPROXY_STATS_PORT", &text("HAPROXY_STATS_PORT", "8999"))?;
        // 0 is the way to have none.
        haproxy.stats = (stats_port > 0).then(|| SocketAddr::new(stats_ip, stats_port));
        if let Some(file) = get("HAPROXY_BASIC_AUTH") {
            haproxy.protected = protect::read(Path::new(&file))?;
        }

        let status_ip: IpAddr = parsed("STATUS_BIND_IP", &text("STATUS_BIND_IP", &node_ip))?;
        let status_port: u16 = parsed("STATUS_BIND_PORT", &text("STATUS_BIND_PORT", "9009"))?;
        let template = get("CONDUCTR_HAPROXY_CONFIG_OVERRIDE").map(PathBuf::from);
        let beside = template
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_owned);
        Ok(Settings {
            control,
            runs: runs(&get)?,
            config_file,
            override_config_dir: get("HAPROXY_OVERRIDE_DIR")
                .map(PathBuf::from)
                .or(beside)
                .unwrap_or_else(|| folder.clone()),
            template,
            status: SocketAddr::new(status_ip, status_port),
            haproxy,
        })
    }

    /// Calls the control API of this node.
    pub(crate) fn client(&self) -> Client {
        let node = (self.control.clone(), Access::default());
        Client::new([node], Limits::default())
    }
}

fn runs(get: &impl Fn(&str) -> Option<String>) -> anyhow::Result<Runs> {
    let program = get("HAPROXY_PROGRAM").map_or_else(|| PathBuf::from("haproxy"), PathBuf::from);
    let script =
        get("HAPROXY_RELOAD_SCRIPT_SOURCE").or_else(|| get("CONDUCTR_RELOADHAPROXY_SCRIPT"));
    let Some(source) = script.map(PathBuf::from) else {
        return Ok(Runs::Here { program });
    };
    let is_root = nix::unistd::geteuid().is_root();
    let name = "CONDUCTR_HAPROXY_USE_SUDO";
    let with_sudo = switch(name, get(name).as_deref(), !is_root)?;
    let script = match get("HAPROXY_RELOAD_SCRIPT_LOCATION").map(PathBuf::from) {
        // It is copied, so that rights can be given to a place that does not change.
        Some(location) => {
            std::fs::copy(&source, &location).with_context(|| {
                format!(
                    "could not copy {} to {}",
                    source.display(),
                    location.display()
                )
            })?;
            location
        }
        None => source,
    };
    Ok(Runs::Elsewhere {
        program,
        script,
        with_sudo,
    })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn parsed<T>(name: &str, text: &str) -> anyhow::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse()
        .with_context(|| format!("{name} cannot be {text:?}"))
}

/// Instances are told the control API as `http://HOST:PORT`, with a path where it is below one.
fn control_target(text: &str) -> anyhow::Result<Target> {
    let place = text.strip_prefix("http://").unwrap_or(text);
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    Ok(Target::new(host)?.below(path))
}

fn switch(name: &str, text: Option<&str>, default: bool) -> anyhow::Result<bool> {
    match text {
        None => Ok(default),
        Some("true" | "on" | "yes") => Ok(true),
        Some("false" | "off" | "no") => Ok(false),
        Some(other) => bail!("{name} is true or false, not {other:?}"),
    }
}

fn ports(name: &str, text: &str) -> anyhow::Result<BTreeSet<NonZeroU16>> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(|word| parsed(name, word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::from_env(|name| {
            let line = lines.iter().find(|(known, _)| *known == name);
            line.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_a_word_it_listens_where_its_node_is() {
        let settings = read(&[("BUNDLE_HOST_IP", "127.0.10.2")]).unwrap();
        assert_eq!(settings.haproxy.bind_host.to_string(), "127.0.10.2");
        assert_eq!(settings.haproxy.http_port.get(), 9000);
        assert_eq!(settings.status.to_string(), "127.0.10.2:9009");
        assert_eq!(
            settings.haproxy.stats.unwrap().to_string(),
            "127.0.10.2:8999"
        );
        assert!(matches!(settings.runs, Runs::Here { .. }));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (name, value, message) in [
            (
                "HAPROXY_BIND_HOST",
                "here",
                "HAPROXY_BIND_HOST cannot be \"here\"",
            ),
            (
                "HAPROXY_HTTP_PORT",
                "0",
                "HAPROXY_HTTP_PORT cannot be \"0\"",
            ),
            (
                "HAPROXY_SEND_PROXY",
                "1, x",
                "HAPROXY_SEND_PROXY cannot be \"x\"",
            ),
            (
                "HAPROXY_ACCEPT_PROXY",
                "maybe",
                "HAPROXY_ACCEPT_PROXY is true or false",
            ),
            (
                "HAPROXY_CERTIFICATE",
                "a'b",
                "HAPROXY_CERTIFICATE cannot be",
            ),
        ] {
            let refused = read(&[(name, value)]).unwrap_err().to_string();
            assert!(refused.contains(message), "{refused}");
        }
    }

    #[test]
    fn the_folder_of_a_template_is_where_its_files_are() {
        let name = "CONDUCTR_HAPROXY_CONFIG_OVERRIDE";
        let settings = read(&[(name, "/conf/haproxy.tmpl")]).unwrap();
        assert_eq!(settings.override_config_dir, Path::new("/conf"));
    }
}
