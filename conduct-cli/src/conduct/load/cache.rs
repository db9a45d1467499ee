//! Folders for what was fetched. What lies there is loaded into clusters, so nobody else may write
//! there.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use conduct_bundle::archive::ArchiveName;

use super::Resolving;
use crate::exit::{Exit, Failure, OrFail as _};

/// Archives of one name that are kept, the newest.
const KEPT_OF_A_NAME: usize = 2;

/// What is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bundle,
    Configuration,
}

/// The folders.
#[derive(Debug)]
pub(super) struct Caches {
    bundle: Folder,
    configuration: Folder,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// A person said where.
    is_chosen: bool,
}

impl Caches {
    pub(super) fn new(flags: &Resolving, settings: &Path) -> Result<Caches, Failure> {
        let folder = |flag: &Option<PathBuf>, variable: &str, usual: &str| {
            let variable = std::env::var_os(variable).filter(|value| !value.is_empty());
            let chosen = flag.clone().or(variable.map(PathBuf::from));
            Folder {
                is_chosen: chosen.is_some(),
                path: chosen.unwrap_or_else(|| settings.join("cache").join(usual)),
            }
        };
        let caches = Caches {
            bundle: folder(
                &flags.bundle_resolve_cache_dir,
                "CONDUCTR_BUNDLE_RESOLVE_CACHE_DIR",
                "bundle",
            ),
            configuration: folder(
                &flags.configuration_resolve_cache_dir,
                "CONDUCTR_CONFIGURATION_RESOLVE_CACHE_DIR",
                "configuration",
            ),
        };
        for folder in [&caches.bundle, &caches.configuration] {
            folder.check()?;
        }
        Ok(caches)
    }

    /// Where fetched files are kept.
    pub(super) fn folder(&self, kind: Kind) -> Result<&Path, Failure> {
        let folder = match kind {
            Kind::Bundle => &self.bundle,
            Kind::Configuration => &self.configuration,
        };
        made(&folder.path)?;
        Ok(&folder.path)
    }

    /// Where images are kept.
    pub(super) fn images(&self) -> Result<PathBuf, Failure> {
        let path = self.bundle.path.join("images");
        made(&self.bundle.path)?;
        made(&path)?;
        Ok(path)
    }

    /// The newest file whose name begins so; a part of a path is never meant.
    pub(super) fn newest(&self, kind: Kind, named: &str) -> Option<PathBuf> {
        if named.is_empty() || named.contains(['/', '\\', '.']) {
            return None;
        }
        let folder = self.folder(kind).ok()?;
        let begins_so = |name: &str| name.starts_with(named) && !name.ends_with(".tmp");
        files(folder, begins_so)
            .into_iter()
            .next_back()
            .map(|(_, path)| path)
    }

    /// Removes old archives of this name, except one besides the one that was loaded.
    pub(super) fn tidy(&self, loaded: &ArchiveName) {
        let is_of_name = |name: &str| {
            let parsed = name.parse::<ArchiveName>();
            parsed.is_ok_and(|it| it.label == loaded.label)
        };
        let all = files(&self.bundle.path, is_of_name);
        let old = all.len().saturating_sub(KEPT_OF_A_NAME);
        for (_, path) in all.iter().take(old) {
            // It is only a copy: if it stays, nothing is wrong.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Files with such a name, the oldest first.
fn files(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<(SystemTime, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(&is_wanted))
        .filter_map(|entry| {
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((metadata.modified().ok()?, entry.path()))
        })
        .collect();
    files.sort();
    files
}

fn made(folder: &Path) -> Result<(), Failure> {
    let doing = format!("could not make the folder {}", folder.display());
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).or_fail(Exit::Failed, doing)
}

impl Folder {
    /// Refuses a folder that others can look or write into; the usual one is set right.
    #[cfg(unix)]
    fn check(&self) -> Result<(), Failure> {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(metadata) = std::fs::metadata(&self.path) else {
            return Ok(());
        };
        let is_open = metadata.permissions().mode() & 0o077 != 0;
        if !is_open {
            return Ok(());
        }
        let path = self.path.display();
        if self.is_chosen {
            let sentence = format!("the cache folder {path} is not secure: others can use it");
            let hint = format!("close it: chmod 700 {path}");
            return Err(Failure::new(Exit::Failed, sentence).hint(hint));
        }
        let closed = std::fs::Permissions::from_mode(0o700);
        let doing = format!("could not close the cache folder {path} to others");
        std::fs::set_permissions(&self.path, closed).or_fail(Exit::Failed, doing)
    }

    #[cfg(not(unix))]
    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conduct_model::Digest;

    #[test]
    fn one_old_archive_of_a_name_stays_beside_the_new_one() {
        let settings = tempfile::tempdir().expect("a folder");
        let flags = Resolving {
            offline: false,
            bundle_resolve_cache_dir: None,
            configuration_resolve_cache_dir: None,
        };
        let caches = Caches::new(&flags, settings.path()).expect("sound");
        let folder = caches.folder(Kind::Bundle).expect("made").to_owned();
        let name = |label: &str, content: &str| {
            ArchiveName::new(label, Digest::of(content.as_bytes())).to_string()
        };
        let hours = |count: u64| std::time::Duration::from_secs(3600 * count);
        let files = [
            ("shop", "1", 9),
            ("shop", "2", 8),
            ("shop", "3", 7),
            ("other", "4", 10),
        ];
        for (label, content, age) in files {
            let file = std::fs::File::create(folder.join(name(label, content))).expect("a file");
            file.set_modified(SystemTime::now() - hours(age))
                .expect("old");
        }
        caches.tidy(&name("shop", "3").parse().expect("a name"));
        let left = |label: &str, content: &str| folder.join(name(label, content)).exists();
        assert!(!left("shop", "1") && left("shop", "2") && left("shop", "3") && left("other", "4"));
        let newest = caches.newest(Kind::Bundle, "sh").expect("one");
        assert_eq!(newest, folder.join(name("shop", "3")));
        assert_eq!(caches.newest(Kind::Bundle, "../sh"), None);
    }
}
