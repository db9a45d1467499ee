//! Reading settings from where they stand, and saying where each came from.

use std::path::{Path, PathBuf};

use conduct_hocon::{Document, HoconError, Limits, Object, Source, Value, nearest_name};
use conduct_model::{Role, Span};
use conduct_node::config::{Duty, Profile, RoleMatching};
use conduct_runtime::{LimitPolicy, MemoryLimit};

use super::table::{SETTINGS, defaults, variable};
use super::{Capacity, LogFormat, Settings};

/// A settings file may be larger than a bundle's descriptor.
const FILE_BYTES_MAX: usize = 1024 * 1024;

const DEFAULTS: &str = "the defaults";

/// Why settings cannot be used. Each names the setting and the place where it was set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file is named and not there, or not readable.
    #[error("could not read the settings in {path}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    /// What stands there cannot be used.
    #[error("{}", .0.diagnostic().render())]
    Value(#[from] HoconError),
    /// No such setting.
    #[error("{place}: there is no setting {path}{}", did_you_mean(.nearest))]
    Unknown {
        place: String,
        path: String,
        nearest: Option<String>,
    },
    /// A value that is fine by itself, and not here.
    #[error("{path} = {value} ({place}): {why}")]
    Unfit {
        path: &'static str,
        value: String,
        place: String,
        why: &'static str,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!(", did you mean {name}?"))
        .unwrap_or_default()
}

/// Where settings come from, apart from the defaults.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// A file that must be there, if one is named.
    pub(crate) file: Option<PathBuf>,
    /// Variables by name, as the environment has them.
    pub(crate) environment: Vec<(String, String)>,
    /// `path=value`, as given by `-D`.
    pub(crate) overrides: Vec<String>,
}

/// Settings with the place that each was taken from.
#[derive(Debug)]
pub(crate) struct Effective(Value);

impl Sources {
    /// Lays all over each other. Whatever is set must be a setting.
    pub(crate) fn read(&self) -> Result<Effective, SettingsError> {
        let limits = Limits::default().with_input_bytes(FILE_BYTES_MAX);
        let defaults = Source::new(DEFAULTS, defaults());
        let mut document = Document::parse(&defaults, &limits)?;
        if let Some(path) = &self.file {
            document = document.overlay(read_file(path, &limits)?);
        }
        for setting in SETTINGS {
            let name = variable(setting.path);
            let mut set = self
                .environment
                .iter()
                .filter(|(variable, _)| *variable == name);
            if let Some((_, value)) = set.next() {
                let text = format!("{}={value}", setting.path);
                document = document.overlay(Document::setting(&name, &text)?);
            }
        }
        for text in &self.overrides {
            document = document.overlay(Document::setting("the command line", text)?);
        }
        let value = document.resolve(&limits)?;
        refuse_unknown(value.as_object()?, "")?;
        Ok(Effective(value))
    }
}

fn read_file(path: &Path, limits: &Limits) -> Result<Document, SettingsError> {
    let failed = |source| SettingsError::File {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::read(path).map_err(failed)?;
    let source = Source::from_bytes(path.display().to_string(), &bytes)?;
    Ok(Document::parse(&source, limits)?)
}

fn refuse_unknown(object: &Object, above: &str) -> Result<(), SettingsError> {
    for entry in object.entries() {
        let path = format!("{above}{}", entry.key);
        if SETTINGS.iter().any(|setting| setting.path == path) {
            continue;
        }
        // What stands below an unknown section is what was meant: it says more about it.
        match entry.value.as_object() {
            Ok(section) if section.entries().next().is_some() => {
                refuse_unknown(section, &format!("{path}."))?;
            }
            _ => {
                let known = SETTINGS.iter().map(|setting| setting.path);
                let nearest = nearest_name(&path, known).map(ToOwned::to_owned);
                return Err(SettingsError::Unknown {
                    place: place(entry.value),
                    path,
                    nearest,
                });
            }
        }
    }
    Ok(())
}

/// `conduct.conf:12`, `CONDUCT_IP`, `the defaults`: where a value was set.
fn place(value: &Value) -> String {
    match value.span().source() {
        Some(source) if source.name().contains(['/', '.']) => {
            format!("{}:{}", source.name(), value.span().start().line)
        }
        Some(source) => source.name().to_owned(),
        None => DEFAULTS.to_owned(),
    }
}

impl Effective {
    pub(super) fn at(&self, path: &'static str) -> Result<&Value, SettingsError> {
        // The defaults name every setting, so only one set to null by hand is missing.
        self.0
            .at(path)
            .filter(|value| !value.is_null())
            .ok_or_else(|| SettingsError::Unfit {
                path,
                value: "null".to_owned(),
                place: self.0.at(path).map(place).unwrap_or_default(),
                why: "it needs a value",
            })
    }

    /// `path`, value and origin of every setting, as `config --show` prints them.
    pub(crate) fn lines(&self) -> Result<Vec<[String; 3]>, SettingsError> {
        let line = |path| {
            let value = self.at(path)?;
            Ok([path.to_owned(), value.to_line(), place(value)])
        };
        SETTINGS.iter().map(|setting| line(setting.path)).collect()
    }

    /// Settings that fit together.
    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        let settings = Settings {
            ip: self.parsed("conduct.ip", "an IP address of this machine, never 0.0.0.0")?,
            state_dir: PathBuf::from(self.at("conduct.state-dir")?.as_str()?),
            seeds: self.listed("conduct.seeds", "addresses such as 10.0.0.1:9004")?,
            duty: self.one_of("conduct.duty", DUTIES)?,
            roles: self
                .listed::<Role>("conduct.roles", "role names")?
                .into_iter()
                .collect(),
            role_matching: self.one_of("conduct.match-roles", MATCHING)?,
            profile: self.one_of("conduct.profile", PROFILES)?,
            cluster_port: self.port("conduct.cluster.port")?,
            control_ip: self.parsed("conduct.control.ip", "an IP address of this machine")?,
            control_port: self.port("conduct.control.port")?,
            status_port: self.port("conduct.status.port")?,
            locator_port: self.port("conduct.locator.port")?,
            ingress: self.ingress()?,
            capacity: self.capacity()?,
            endpoint_ports: self.port("conduct.endpoints.first-port")?
                ..=self.port("conduct.endpoints.last-port")?,
            replicas: self.whole("conduct.archives.replicas", 1, 9)? as u32,
            archive_bytes_max: self.at("conduct.archives.max-size")?.as_bytes()?,
            retain: self.span("conduct.archives.retain")?,
            start_timeout: self.span("conduct.start-timeout")?,
            stop_grace: self.span("conduct.stop-grace")?,
            runc: self.at("conduct.runc")?.as_str()?.to_owned(),
            docker: self.at("conduct.docker")?.as_str()?.to_owned(),
            limits: LimitPolicy {
                memory: self.one_of("conduct.limits.memory", MEMORY)?,
                processes: self.whole("conduct.limits.processes", 16, 4_000_000)? as u64,
            },
            cut_file: Some(self.at("conduct.testing.cut-file")?.as_str()?)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            log_level: self.one_of("conduct.log.level", LEVELS)?.to_owned(),
            log_format: self.one_of("conduct.log.format", FORMATS)?,
        };
        self.check(&settings)?;
        Ok(settings)
    }

    fn check(&self, settings: &Settings) -> Result<(), SettingsError> {
        if settings.ip.is_unspecified() || settings.ip.is_multicast() {
            return Err(self.unfit("conduct.ip", "peers need one address that is this node's"));
        }
        if !settings.control_ip.is_loopback() {
            let why = "only a loopback address is accepted here: there is no remote control API \
                       without TLS and a token";
            return Err(self.unfit("conduct.control.ip", why));
        }
        if settings.endpoint_ports.is_empty() {
            return Err(self.unfit("conduct.endpoints.last-port", "it is below the first port"));
        }
        Ok(())
    }

    fn capacity(&self) -> Result<Capacity, SettingsError> {
        let said = |path| {
            let value = self.at(path)?;
            Ok::<_, SettingsError>(Some(value).filter(|value| value.as_str().ok() != Some("auto")))
        };
        let bytes = |path| -> Result<Option<u64>, SettingsError> {
            Ok(said(path)?.map(Value::as_bytes).transpose()?)
        };
        let cpus = said("conduct.capacity.cpus")?
            .map(Value::as_decimal)
            .transpose()?;
        Ok(Capacity {
            cpu_millis: cpus.and_then(|cpus| cpus.times_rounded_up(1000)),
            memory_bytes: bytes("conduct.capacity.memory")?,
            disk_bytes: bytes("conduct.capacity.disk")?,
        })
    }

    pub(super) fn unfit(&self, path: &'static str, why: &'static str) -> SettingsError {
        let value = self.0.at(path);
        SettingsError::Unfit {
            path,
            value: value.map(Value::to_line).unwrap_or_default(),
            place: value.map(place).unwrap_or_default(),
            why,
        }
    }

    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        path: &'static str,
        expected: &str,
    ) -> Result<T, SettingsError> {
        let value = self.at(path)?;
        value
            .as_str()?
            .parse()
            .map_err(|_| value.not(expected).into())
    }

    pub(super) fn listed<T: std::str::FromStr>(
        &self,
        path: &'static str,
        expected: &str,
    ) -> Result<Vec<T>, SettingsError> {
        let value = self.at(path)?;
        let item = |item: &str| item.parse().map_err(|_| value.not(expected).into());
        value.as_strings()?.into_iter().map(item).collect()
    }

    pub(super) fn one_of<T: Copy>(
        &self,
        path: &'static str,
        choices: &[(&str, T)],
    ) -> Result<T, SettingsError> {
        let value = self.at(path)?;
        let word = value.as_str()?;
        let chosen = choices.iter().find(|(name, _)| *name == word);
        let names = || {
            choices
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        Ok(chosen
            .ok_or_else(|| value.not(format!("one of {}", names())))?
            .1)
    }

    fn whole(&self, path: &'static str, from: i64, to: i64) -> Result<i64, SettingsError> {
        Ok(self.at(path)?.as_whole(from..=to)?)
    }

    pub(super) fn port(&self, path: &'static str) -> Result<u16, SettingsError> {
        Ok(self.whole(path, 0, i64::from(u16::MAX))? as u16)
    }

    fn span(&self, path: &'static str) -> Result<Span, SettingsError> {
        Ok(Span::millis(self.at(path)?.as_duration_ms()?))
    }
}

const DUTIES: &[(&str, Duty)] = &[
    ("both", Duty::Both),
    ("core", Duty::Core),
    ("agent", Duty::Agent),
];
const MATCHING: &[(&str, RoleMatching)] = &[
    ("off", RoleMatching::Off),
    ("all", RoleMatching::All),
    ("any", RoleMatching::Any),
    ("false", RoleMatching::Off),
    ("true", RoleMatching::All),
];
const MEMORY: &[(&str, MemoryLimit)] = &[
    ("as-asked", MemoryLimit::AsAsked),
    ("none", MemoryLimit::None),
];
const PROFILES: &[(&str, Profile)] = &[("lan", Profile::Lan), ("wan", Profile::Wan)];
pub(super) const SWITCH: &[(&str, bool)] = &[
    ("on", true),
    ("off", false),
    ("true", true),
    ("false", false),
];
const LEVELS: &[(&str, &str)] = &[
    ("info", "info"),
    ("error", "error"),
    ("warn", "warn"),
    ("debug", "debug"),
    ("trace", "trace"),
];
const FORMATS: &[(&str, LogFormat)] = &[
    ("auto", LogFormat::Auto),
    ("human", LogFormat::Human),
    ("json", LogFormat::Json),
];

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn sources(overrides: &[&str]) -> Sources {
        Sources {
            overrides: overrides.iter().map(|&text| text.to_owned()).collect(),
            ..Sources::default()
        }
    }

    fn refused(overrides: &[&str]) -> String {
        let read = sources(overrides)
            .read()
            .and_then(|effective| effective.settings());
        read.expect_err("these settings are wrong").to_string()
    }

    #[test]
    fn the_defaults_fit_together() {
        let settings = sources(&[]).read().unwrap().settings().unwrap();
        assert_eq!(settings.ip, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(settings.control_ip, settings.ip);
        assert_eq!(settings.archive_bytes_max, 1 << 30);
        assert_eq!(settings.endpoint_ports, 10000..=10999);
    }

    #[test]
    fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("conduct.conf");
        std::fs::write(
            &file,
            "conduct { control.port = 1, status.port = 1, duty = core }",
        )
        .unwrap();
        let sources = Sources {
            file: Some(file.clone()),
            environment: vec![
                ("CONDUCT_STATUS_PORT".to_owned(), "2".to_owned()),
                ("CONDUCT_LOCATOR_PORT".to_owned(), "2".to_owned()),
            ],
            overrides: vec!["conduct.locator.port=3".to_owned()],
        };
        let effective = sources.read().unwrap();
        let settings = effective.settings().unwrap();
        assert_eq!(settings.duty, Duty::Core);
        let ports = (
            settings.control_port,
            settings.status_port,
            settings.locator_port,
        );
        assert_eq!(ports, (1, 2, 3));
        let lines = effective.lines().unwrap();
        let origin = |path| &lines.iter().find(|line| line[0] == path).unwrap()[2];
        assert_eq!(
            origin("conduct.control.port"),
            &format!("{}:1", file.display())
        );
        assert_eq!(origin("conduct.status.port"), "CONDUCT_STATUS_PORT");
        assert_eq!(origin("conduct.locator.port"), "the command line");
        assert_eq!(origin("conduct.runc"), "the defaults");
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_nearest_name() {
        let why = refused(&["conduct.contol.port=9005"]);
        assert_eq!(
            why,
            "the command line: there is no setting conduct.contol.port, \
             did you mean conduct.control.port?"
        );
    }

    #[test]
    fn a_remote_control_api_without_guard_is_refused() {
        let why = refused(&["conduct.ip=10.0.0.1"]);
        assert!(why.starts_with("conduct.control.ip = "), "{why}");
        assert!(why.contains("TLS"), "{why}");
        let at_home = sources(&["conduct.ip=10.0.0.1", "conduct.control.ip=127.0.0.1"]);
        assert!(at_home.read().unwrap().settings().is_ok());
    }

    #[test]
    fn a_wrong_value_says_what_was_expected() {
        assert!(refused(&["conduct.duty=boss"]).contains("one of both, core, agent"));
        assert!(refused(&["conduct.ip=localhost"]).contains("an IP address"));
        assert!(
            refused(&["conduct.ip=0.0.0.0", "conduct.control.ip=127.0.0.1"])
                .contains("one address that is this node's")
        );
        assert!(refused(&["conduct.stop-grace=soon"]).contains("a duration"));
        assert!(refused(&["conduct.endpoints.last-port=5"]).contains("below the first"));
    }
}
