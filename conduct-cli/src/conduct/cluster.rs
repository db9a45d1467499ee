//! Which cluster is meant: by flag, environment, settings file, running sandbox, or this machine.

use std::path::{Path, PathBuf};

use conduct_client::{Access, ApiVersion, Client, Limits, Scheme, Settings, Target};
use serde::Deserialize;

use super::flags::{Common, Connection};
use crate::exit::{Exit, Failure, OrFail as _};
use crate::screen::Screen;

const HERE: &str = "127.0.0.1";

/// Where the settings and caches are.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// Settings and caches.
    pub(crate) settings: PathBuf,
    settings_file: PathBuf,
    sandbox_file: PathBuf,
}

/// Who said which cluster is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// A flag or the environment.
    Person,
    /// The settings file.
    Settings,
    /// The running sandbox, in this file.
    Sandbox(PathBuf),
    /// Nobody.
    Nobody,
}

/// The cluster that is meant.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) api: ApiVersion,
    pub(crate) said: Said,
    /// The flags that lead there again, with a blank before each.
    pub(crate) again: String,
}

/// What a running sandbox writes down for others.
#[derive(Deserialize)]
struct SandboxFile {
    /// The control addresses of its nodes, as `HOST:PORT`.
    hosts: Vec<String>,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value of a flag, or else of a variable, which may be nonsense.
fn or_variable<T>(flag: Option<T>, name: &str) -> Result<Option<T>, Failure>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    match (flag, variable(name)) {
        (Some(value), _) => Ok(Some(value)),
        (None, None) => Ok(None),
        (None, Some(text)) => text
            .parse()
            .map(Some)
            .map_err(|why| Failure::new(Exit::Usage, format_args!("{name} is {text:?}: {why}"))),
    }
}

impl Folders {
    pub(crate) fn new(common: &Common) -> Folders {
        let own = variable("CONDUCTR_CLI_SETTINGS_DIR").map(PathBuf::from);
        let home = || std::env::home_dir().unwrap_or_default().join(".conductr");
        let usual = own.unwrap_or_else(home);
        // The other places follow the environment, not the flag; so it has always been.
        let settings_file = common.places.custom_settings_file.clone();
        let settings_file = settings_file
            .or_else(|| variable("CONDUCTR_CUSTOM_SETTINGS_FILE").map(PathBuf::from))
            .unwrap_or_else(|| usual.join("settings.conf"));
        let temporary = variable("CONDUCTR_CLI_TMP_DIR").map(PathBuf::from);
        let temporary = temporary.unwrap_or_else(|| usual.join("tmp"));
        Folders {
            settings: common.places.settings_dir.clone().unwrap_or(usual),
            settings_file,
            sandbox_file: temporary.join("sandbox.json"),
        }
    }
}

/// Finds the cluster.
pub(crate) fn find(
    common: &Common,
    folders: &Folders,
    screen: &mut Screen,
) -> Result<Cluster, Failure> {
    let flags = &common.connection;
    let settings =
        Settings::read(&folders.settings_file).map_err(|error| settings_failure(error.into()))?;
    for warning in &settings.warnings {
        screen.warning(warning);
    }
    let (hosts, said) = hosts(flags, &settings, folders, screen);
    let port = or_variable(flags.port, "CONDUCTR_PORT")?.or(settings.port);
    let scheme = or_variable(flags.scheme, "CONDUCTR_SCHEME")?.or(settings.scheme);
    let base_path = or_variable(flags.base_path.clone(), "CONDUCTR_BASE_PATH")?;
    let api = or_variable(flags.api_version, "CONDUCTR_API_VERSION")?.unwrap_or_default();
    let mut nodes = Vec::new();
    for host in &hosts {
        let mut target = Target::new(host).or_fail(Exit::Usage, "no cluster can be meant")?;
        if let Some(port) = port {
            target = target.or_port(host, port);
        }
        if let Some(base_path) = &base_path {
            target = target.below(base_path);
        }
        target.api = api;
        target.scheme = scheme.unwrap_or_default();
        let access = settings.access(&target);
        let access = access.map_err(|error| settings_failure(error.into()))?;
        if access.credentials.is_some() {
            // A password never travels in the open.
            target.scheme = Scheme::Https;
        }
        check_authorities(&access)?;
        nodes.push((target, access));
    }
    if nodes.is_empty() {
        return Err(Failure::new(Exit::Usage, "no host is named"));
    }
    Ok(Cluster {
        again: again(flags, &hosts, &said),
        client: Client::new(nodes, Limits::default()),
        api,
        said,
    })
}

fn hosts(
    flags: &Connection,
    settings: &Settings,
    folders: &Folders,
    screen: &mut Screen,
) -> (Vec<String>, Said) {
    if !flags.hosts.is_empty() {
        return (flags.hosts.clone(), Said::Person);
    }
    let one = flags.ip.clone();
    let one = one.or_else(|| variable("CONDUCTR_HOST"));
    if let Some(hosts) = one.or_else(|| variable("CONDUCTR_IP")) {
        let hosts = hosts.split(',').map(|host| host.trim().to_owned());
        return (hosts.collect(), Said::Person);
    }
    if !settings.hosts.is_empty() {
        return (settings.hosts.clone(), Said::Settings);
    }
    if let Some(hosts) = sandbox(&folders.sandbox_file, screen) {
        return (hosts, Said::Sandbox(folders.sandbox_file.clone()));
    }
    (vec![HERE.to_owned()], Said::Nobody)
}

/// The nodes of the running sandbox, if there is one.
fn sandbox(file: &Path, screen: &mut Screen) -> Option<Vec<String>> {
    let text = std::fs::read(file).ok()?;
    match serde_json::from_slice::<SandboxFile>(&text) {
        Ok(SandboxFile { hosts }) if !hosts.is_empty() => Some(hosts),
        Ok(_) => None,
        Err(error) => {
            screen.warning(format_args!("{} is passed over: {error}", file.display()));
            None
        }
    }
}

/// What a person would have to type to reach the same cluster from anywhere.
fn again(flags: &Connection, hosts: &[String], said: &Said) -> String {
    let mut again = String::new();
    let mut add = |flag: &str, value: &dyn std::fmt::Display| {
        again += &format!(" --{flag} {value}");
    };
    if let Some(scheme) = flags.scheme {
        add("scheme", &scheme);
    }
    if *said == Said::Person {
        hosts.iter().for_each(|host| add("host", host));
    }
    if let Some(port) = flags.port {
        add("port", &port);
    }
    if let Some(base_path) = &flags.base_path {
        add("base-path", base_path);
    }
    if let Some(version) = flags.api_version {
        add("api-version", &version);
    }
    again
}

fn check_authorities(access: &Access) -> Result<(), Failure> {
    match &access.ca_file {
        Some(file) if !file.is_file() => Err(Failure::new(
            Exit::Failed,
            format_args!("there is no file {}", file.display()),
        )
        .hint("it is named by server_ssl_verification_file in the settings file")),
        _ => Ok(()),
    }
}

fn settings_failure(error: anyhow::Error) -> Failure {
    match error.downcast_ref() {
        // It shows the line already.
        Some(conduct_client::SettingsError::Syntax(syntax)) => {
            Failure::lines(Exit::Failed, syntax.render())
        }
        _ => Failure::from_error(Exit::Failed, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_said_again() {
        let flags = Connection {
            port: Some(9999),
            scheme: Some(Scheme::Https),
            ..Connection::default()
        };
        let hosts = ["10.0.0.1".to_owned(), "10.0.0.2".to_owned()];
        assert_eq!(
            again(&flags, &hosts, &Said::Person),
            " --scheme https --host 10.0.0.1 --host 10.0.0.2 --port 9999"
        );
        let nothing = again(&Connection::default(), &hosts, &Said::Settings);
        assert_eq!(nothing, "");
    }
}
