//! The `config.json` that a bundle of type `oci-bundle` brings along. What its program is and how it
//! is called is taken from it; what it may do is not its to say.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::{Deserialize, Deserializer};

use super::plan::{Account, ContainerRoot, ImageFailure};

/// Larger ones are no honest ones.
const BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
enum ForeignError {
    #[error("config.json has no process")]
    NoProcess,
    #[error("its root file system must be a folder beside config.json, not {0}")]
    Root(String),
    #[error("config.json asks for hooks on the host, which bundles cannot have")]
    Hooks,
    #[error("config.json asks for {0} of the host, which only volumes give")]
    HostMount(String),
    #[error("config.json is larger than {BYTES_MAX} bytes")]
    Large,
}

#[derive(Deserialize)]
struct Config {
    process: Option<Process>,
    root: Option<Root>,
    #[serde(default, deserialize_with = "or_null")]
    mounts: Vec<Mount>,
    #[serde(default, deserialize_with = "or_null")]
    hooks: BTreeMap<String, serde_json::Value>,
    #[serde(default, deserialize_with = "or_null")]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Process {
    #[serde(default, deserialize_with = "or_null")]
    args: Vec<String>,
    #[serde(default, deserialize_with = "or_null")]
    env: Vec<String>,
    #[serde(default)]
    cwd: String,
    #[serde(default, deserialize_with = "or_null")]
    user: User,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct User {
    uid: u32,
    gid: u32,
    #[serde(deserialize_with = "or_null")]
    additional_gids: Vec<u32>,
}

#[derive(Deserialize)]
struct Root {
    path: String,
}

#[derive(Deserialize)]
struct Mount {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    source: String,
    #[serde(default, deserialize_with = "or_null")]
    options: Vec<String>,
}

/// Reads the bundle in this folder.
pub(crate) fn read(folder: &Path) -> Result<ContainerRoot, ImageFailure> {
    let path = folder.join("config.json");
    if std::fs::metadata(&path)?.len() > BYTES_MAX {
        return Err(ForeignError::Large.into());
    }
    let config: Config = serde_json::from_slice(&std::fs::read(&path)?)?;
    if config
        .hooks
        .values()
        .any(|hooks| hooks.as_array().is_none_or(|list| !list.is_empty()))
    {
        return Err(ForeignError::Hooks.into());
    }
    if let Some(mount) = config.mounts.iter().find(|mount| mount.is_of_host()) {
        return Err(ForeignError::HostMount(mount.source.clone()).into());
    }
    let process = config.process.ok_or(ForeignError::NoProcess)?;
    let root = config
        .root
        .map_or_else(|| "rootfs".to_owned(), |root| root.path);
    let rootfs = folder.join(&root);
    let is_beside = !root.is_empty()
        && Path::new(&root)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    if !is_beside || !std::fs::symlink_metadata(&rootfs).is_ok_and(|found| found.is_dir()) {
        return Err(ForeignError::Root(root).into());
    }
    Ok(ContainerRoot {
        rootfs,
        words: process.args,
        environment: variables(&process.env),
        working_folder: process.cwd,
        account: Account {
            user: process.user.uid,
            group: process.user.gid,
            groups: process.user.additional_gids,
        },
        labels: config.annotations,
        owners: Vec::new(),
    })
}

impl Mount {
    /// What `runc spec` writes for `/sys` without a network of its own is no wish for the host's files:
    /// every container has that.
    fn is_of_host(&self) -> bool {
        let binds = |option: &String| option == "bind" || option == "rbind";
        (self.kind == "bind" || self.options.iter().any(binds)) && self.source != "/sys"
    }
}

/// `NAME=value`; what has no name is none.
pub(crate) fn variables(list: &[String]) -> Vec<(String, String)> {
    list.iter()
        .filter_map(|text| text.split_once('='))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn or_null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &str) -> Result<ContainerRoot, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rootfs")).unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        super::read(folder.path()).map_err(|why| why.to_string())
    }

    #[test]
    fn the_program_is_taken_and_the_rights_are_not() {
        let root = read(
            r#"{"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "hooks": null,
                "process": {"args": ["/bin/web", "-v"], "env": ["A=1=2", "odd"], "cwd": "/srv",
                  "user": {"uid": 7, "gid": 8, "additionalGids": [9]},
                  "capabilities": {"bounding": ["CAP_SYS_ADMIN"]}},
                "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                           {"destination": "/sys", "type": "none", "source": "/sys",
                            "options": ["rbind", "ro"]}]}"#,
        )
        .unwrap();
        assert_eq!(root.words, ["/bin/web", "-v"]);
        assert_eq!(root.environment, [("A".to_owned(), "1=2".to_owned())]);
        let Account {
            user,
            group,
            groups,
        } = root.account;
        assert_eq!((user, group, groups), (7, 8, vec![9]));
    }

    #[test]
    fn a_wish_for_something_of_the_host_is_refused_by_name() {
        let process = r#""process": {"args": ["x"], "cwd": "/"}"#;
        let refused = |rest: &str| read(&format!("{{{process}, {rest}}}")).unwrap_err();
        assert_eq!(
            refused(r#""mounts": [{"type": "bind", "source": "/etc", "options": ["rbind"]}]"#),
            "config.json asks for /etc of the host, which only volumes give"
        );
        assert!(refused(r#""hooks": {"prestart": [{"path": "/bin/sh"}]}"#).contains("hooks"));
        for path in ["/", "..", "rootfs/..", "", "nowhere"] {
            let why = refused(&format!(r#""root": {{"path": "{path}"}}"#));
            assert!(why.contains("beside config.json"), "{path}: {why}");
        }
    }
}
