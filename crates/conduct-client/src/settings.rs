//! The settings file of the command line: which cluster, and how it is to be spoken to.
//!
//! ```text
//! conductr {
//!   hosts = ["10.0.0.1", "10.0.0.2"]
//!   auth."10.0.0.1:9005" {
//!     enabled = true
//!     username = "me"
//!     password = "secret"
//!     server_ssl_verification_file = "/etc/ca.pem"
//!   }
//! }
//! ```

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use conduct_hocon::{HoconError, Kind, Source, Value, nearest_name};

use crate::target::{Scheme, Target};

/// Larger files hold no settings.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What each cluster's entry may say.
const ENTRY_KEYS: [&str; 4] = [
    "enabled",
    "username",
    "password",
    "server_ssl_verification_file",
];

/// What the settings file says.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The nodes that are asked where nothing else says which.
    pub hosts: Vec<String>,
    /// Their port.
    pub port: Option<u16>,
    /// What is spoken with them.
    pub scheme: Option<Scheme>,
    /// What looks wrong and has no effect.
    pub warnings: Vec<String>,
    auth: Option<Value>,
    folder: PathBuf,
}

/// How a node is to be spoken to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// The authorities that its certificate may come from, instead of those of this machine.
    pub ca_file: Option<PathBuf>,
}

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is printed ends up in logs.
        write!(f, "Credentials({:?}, …)", self.username)
    }
}

/// Why a settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be understood.
    #[error("{}", .0.render())]
    Syntax(HoconError),
    /// A name without a password, or the other way round.
    #[error("{file}: conductr.auth.{entry:?} is enabled but has no {missing}")]
    Incomplete {
        /// The file.
        file: String,
        /// Whose entry.
        entry: String,
        /// What it lacks.
        missing: &'static str,
    },
}

impl From<HoconError> for SettingsError {
    fn from(error: HoconError) -> SettingsError {
        SettingsError::Syntax(error)
    }
}

impl Settings {
    /// Reads the file; one that is not there says nothing.
    pub fn read(path: &Path) -> Result<Settings, SettingsError> {
        let failed = |source| SettingsError::Read {
            path: path.to_owned(),
            source,
        };
        let bytes = match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
            Err(error) => return Err(failed(error)),
            Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
                let what = format!("it has more than {FILE_BYTES_MAX} bytes");
                return Err(failed(io::Error::other(what)));
            }
            Ok(_) => std::fs::read(path).map_err(failed)?,
        };
        let name = path.display().to_string();
        let source = Source::from_bytes(&name, &bytes)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Settings::parse(&name, source.text(), folder)
    }

    /// Reads a text; files that it names without a root are in `folder`.
    pub fn parse(name: &str, text: &str, folder: &Path) -> Result<Settings, SettingsError> {
        let value = conduct_hocon::parse_named(name, text)?;
        let at = |path| value.at(path).filter(|value| !value.is_null());
        let hosts = match at("conductr.hosts") {
            None => Vec::new(),
            Some(hosts) if matches!(hosts.kind(), Kind::String(_)) => {
                vec![hosts.as_str()?.to_owned()]
            }
            Some(hosts) => hosts.as_strings()?.into_iter().map(str::to_owned).collect(),
        };
        let port = at("conductr.port").map(|port| port.as_whole(1..=65_535));
        let port = port.transpose()?.and_then(|port| u16::try_from(port).ok());
        let scheme = match at("conductr.scheme") {
            None => None,
            Some(scheme) => {
                let parsed = scheme.as_str()?.parse::<Scheme>();
                Some(parsed.map_err(|_| scheme.not("http or https"))?)
            }
        };
        let auth = at("conductr.auth").cloned();
        let warnings = match &auth {
            Some(auth) => without_effect(name, auth)?,
            None => Vec::new(),
        };
        Ok(Settings {
            hosts,
            port,
            scheme,
            warnings,
            auth,
            folder: folder.to_owned(),
        })
    }

    /// How `target` is to be spoken to; an entry with its port wins over one without.
    pub fn access(&self, target: &Target) -> Result<Access, SettingsError> {
        let with_port = format!("{}:{}", target.host, target.port);
        let Some(auth) = &self.auth else {
            return Ok(Access::default());
        };
        // Without quotes, the dots of an address make it a path.
        let found = [with_port.as_str(), target.host.as_str()]
            .into_iter()
            .find_map(|key| Some((key, auth.get(key).or_else(|| auth.at(key))?)));
        match found {
            Some((key, entry)) => self.entry(key, entry),
            None => Ok(Access::default()),
        }
    }

    fn entry(&self, key: &str, entry: &Value) -> Result<Access, SettingsError> {
        let text = |name| entry.get(name).map(Value::as_str).transpose();
        let enabled = entry.get("enabled").map(Value::as_bool).transpose()?;
        let credentials = if enabled == Some(true) {
            let needed = |name| {
                text(name)?.map(str::to_owned).ok_or_else(|| {
                    let file = entry.span().source().map(|source| source.name().to_owned());
                    SettingsError::Incomplete {
                        file: file.unwrap_or_default(),
                        entry: key.to_owned(),
                        missing: name,
                    }
                })
            };
            Some(Credentials {
                username: needed("username")?,
                password: needed("password")?,
            })
        } else {
            None
        };
        let ca_file = text("server_ssl_verification_file")?;
        Ok(Access {
            credentials,
            ca_file: ca_file.map(|file| self.folder.join(file)),
        })
    }
}

/// Old instructions show keys that stand directly below `auth`; no release ever read them.
fn without_effect(name: &str, auth: &Value) -> Result<Vec<String>, SettingsError> {
    let mut warnings = Vec::new();
    for entry in auth.as_object()?.entries() {
        let key = entry.key;
        if !matches!(entry.value.kind(), Kind::Object(_)) {
            warnings.push(format!(
                "{name}: conductr.auth.{key} has no effect, it belongs below a host: \
                 conductr.auth.\"HOST:PORT\".{key}"
            ));
            continue;
        }
        for inner in entry.value.as_object()?.keys() {
            if let Some(near) = nearest_name(inner, ENTRY_KEYS).filter(|near| *near != inner) {
                warnings.push(format!(
                    "{name}: unknown key {inner} of conductr.auth.{key:?}, did you mean {near}?"
                ));
            }
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, SettingsError> {
        Settings::parse("settings.conf", text, Path::new("/etc"))
    }

    fn access(text: &str, host: &str) -> Result<Access, SettingsError> {
        parse(text)?.access(&Target::new(host).expect("a host"))
    }

    #[test]
    fn the_entry_with_the_port_wins() {
        let text = r#"conductr.auth {
            "10.0.0.1:9005" { enabled = true, username = a, password = b }
            "10.0.0.1" { enabled = true, username = c, password = d }
            "[::1]" { server_ssl_verification_file = ca.pem }
            10.0.0.9 { enabled = true, username = e, password = f }
        }"#;
        let name = |host| {
            let access = access(text, host).expect("sound");
            access.credentials.map(|it| it.username)
        };
        assert_eq!(name("10.0.0.1").as_deref(), Some("a"));
        assert_eq!(name("10.0.0.1:80").as_deref(), Some("c"));
        assert_eq!(name("10.0.0.9").as_deref(), Some("e"));
        assert_eq!(name("10.0.0.2"), None);
        let six = access(text, "[::1]").expect("sound");
        assert_eq!(six.ca_file, Some(PathBuf::from("/etc/ca.pem")));
    }

    #[test]
    fn what_is_not_enabled_needs_no_password_and_what_is_does() {
        let off = r#"conductr.auth."a" { enabled = false, username = x }"#;
        assert_eq!(access(off, "a").expect("sound"), Access::default());
        let on = r#"conductr.auth."a" { enabled = true, username = x }"#;
        let told = access(on, "a").expect_err("no password").to_string();
        assert_eq!(
            told,
            "settings.conf: conductr.auth.\"a\" is enabled but has no password"
        );
        let wrong = r#"conductr.auth."a" { enabled = perhaps }"#;
        assert!(matches!(access(wrong, "a"), Err(SettingsError::Syntax(_))));
    }

    #[test]
    fn keys_without_effect_are_told() {
        let text = r#"conductr.auth { enabled = true, "a" { usrname = x, password = y } }"#;
        let warnings = parse(text).expect("sound").warnings;
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].contains("belongs below a host"), "{warnings:?}");
        assert!(
            warnings[1].contains("did you mean username?"),
            "{warnings:?}"
        );
    }

    #[test]
    fn hosts_may_be_one_or_many() {
        let hosts = |text| parse(text).map(|it| it.hosts).expect("sound");
        assert_eq!(hosts("conductr.hosts = a"), ["a"]);
        assert_eq!(hosts("conductr.hosts = [a, \"b:1\"]"), ["a", "b:1"]);
        assert!(hosts("").is_empty());
        let settings = parse("conductr { port = 80, scheme = https }").expect("sound");
        assert_eq!(
            (settings.port, settings.scheme),
            (Some(80), Some(Scheme::Https))
        );
        assert!(parse("conductr.port = 0").is_err());
        assert!(parse("conductr.scheme = ftp").is_err());
        assert!(parse("conductr { ").is_err());
    }

    #[test]
    fn a_password_is_never_printed() {
        let text = r#"conductr.auth."a" { enabled = true, username = me, password = canary }"#;
        let access = access(text, "a").expect("sound");
        assert!(!format!("{access:?}").contains("canary"));
    }

    #[test]
    fn a_file_that_is_not_there_says_nothing() {
        let settings = Settings::read(Path::new("/nowhere/settings.conf")).expect("nothing");
        assert!(settings.hosts.is_empty() && settings.auth.is_none());
    }
}
