//! Which sandbox is meant, where it is, and who else is there.

use std::fs;
use std::path::PathBuf;

use conduct_terminal::exit::{Exit, Failure};
use conduct_terminal::screen::Screen;

use crate::folders::{self, Folder};
use crate::lock::Lock;
use crate::pointer;
use crate::record::{Phase, Record};
use crate::teardown;

/// Which sandbox.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Which sandbox")]
pub(crate) struct Place {
    /// The sandbox; several may run side by side
    #[arg(long, global = true, value_name = "NAME", default_value = "default", value_parser = name)]
    pub(crate) name: String,
    /// The folder that sandboxes are kept in, each in one of its own
    /// [default: ~/.conductr/sandbox]
    #[arg(
        long,
        alias = "tmp-dir",
        global = true,
        value_name = "FOLDER",
        env = "CONDUCTR_SANDBOX_TMP_DIR",
        hide_env_values = true
    )]
    pub(crate) dir: Option<PathBuf>,
    /// Where the original kept programs that it had downloaded; means nothing
    #[arg(long, global = true, hide = true, env = "CONDUCTR_SANDBOX_IMAGE_DIR")]
    image_dir: Option<PathBuf>,
}

/// A name becomes a part of paths.
fn name(text: &str) -> Result<String, String> {
    const CHARS_MAX: usize = 32;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.is_empty() || text.len() > CHARS_MAX || !text.chars().all(is_part) {
        return Err(format!(
            "letters, digits, - and _ make a name, at most {CHARS_MAX} of them"
        ));
    }
    Ok(text.to_owned())
}

/// A sandbox that is there, held by this command.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) folder: Folder,
    pub(crate) record: Record,
    #[expect(dead_code, reason = "it is held, not used")]
    lock: Lock,
}

impl Place {
    /// The folder that all sandboxes are in.
    fn base(&self) -> Result<PathBuf, Failure> {
        let base = self.dir.clone().unwrap_or_else(folders::usual);
        std::path::absolute(&base).map_err(|error| Failure::from_error(Exit::Failed, error))
    }

    /// The folder of the sandbox that is meant: where it was started, if that was elsewhere.
    pub(crate) fn folder(&self) -> Result<Folder, Failure> {
        let named = self.base()?.join(&self.name);
        if self.dir.is_none()
            && !named.join("record.json").exists()
            && let Some(elsewhere) = pointer::folder_of(&self.name)
        {
            return Ok(Folder::new(elsewhere));
        }
        Ok(Folder::new(named))
    }

    /// The folder that a sandbox is started in.
    pub(crate) fn fresh(&self) -> Result<Folder, Failure> {
        Ok(Folder::new(self.base()?.join(&self.name)))
    }

    /// What is written down, if anything is; for commands that only look.
    pub(crate) fn record(&self) -> Result<Option<(Folder, Record)>, Failure> {
        let folder = self.folder()?;
        Ok(Record::read(&folder)?.map(|record| (folder, record)))
    }

    /// The sandbox that runs, for commands that look.
    pub(crate) fn running(&self) -> Result<(Folder, Record), Failure> {
        match self.record()? {
            Some((folder, record)) if record.phase != Phase::Stopped => Ok((folder, record)),
            _ => Err(self.not_running()),
        }
    }

    /// The sandbox that runs, for commands that change something.
    pub(crate) fn hold(&self, screen: &mut Screen) -> Result<Held, Failure> {
        let folder = self.folder()?;
        if !folder.record().exists() {
            return Err(self.not_running());
        }
        let lock = Lock::take(&folder, screen)?;
        match Record::read(&folder)? {
            Some(record) if record.phase == Phase::Running => Ok(Held {
                folder,
                record,
                lock,
            }),
            _ => Err(self.not_running()),
        }
    }

    fn not_running(&self) -> Failure {
        let name = &self.name;
        let again = if name == "default" {
            "sandbox run".to_owned()
        } else {
            format!("sandbox run --name {name}")
        };
        Failure::new(Exit::NotFound, format_args!("no sandbox {name} runs"))
            .hint(format_args!("start one: {again}"))
    }

    /// All sandboxes of this place, whether they run or not.
    pub(crate) fn all(&self) -> Result<Vec<(Folder, Record)>, Failure> {
        let Ok(entries) = fs::read_dir(self.base()?) else {
            return Ok(Vec::new());
        };
        let folders = entries.filter_map(|entry| Some(Folder::new(entry.ok()?.path())));
        let read = |folder: Folder| {
            let record = Record::read(&folder).ok()??;
            Some((folder, record))
        };
        let mut all: Vec<_> = folders.filter_map(read).collect();
        all.sort_by_key(|(_, record)| record.started_at_ms);
        Ok(all)
    }

    /// Ends what is left of sandboxes whose end nobody saw to.
    pub(crate) async fn clean_up(&self, screen: &mut Screen) -> Result<(), Failure> {
        let mut all = self.all()?;
        let meant = self.folder()?;
        if !all.iter().any(|(folder, _)| *folder == meant)
            && let Ok(Some(record)) = Record::read(&meant)
        {
            all.push((meant, record));
        }
        for (folder, _) in all {
            if let Err(failure) = clean_up_one(&folder, screen).await {
                // Its own commands will say so again; those on others go on.
                screen.warning(format_args!(
                    "what is left of {} could not be cleaned up",
                    folder.path().display()
                ));
                screen.failure(&failure);
            }
        }
        Ok(())
    }
}

async fn clean_up_one(folder: &Folder, screen: &mut Screen) -> Result<(), Failure> {
    let Some(lock) = Lock::try_take(folder)? else {
        return Ok(());
    };
    let Some(mut record) = Record::read(folder)? else {
        return Ok(());
    };
    if !record.has_crashed() {
        return Ok(());
    }
    teardown::stop(folder, &mut record).await?;
    if record.temporary {
        folder.remove()?;
    }
    drop(lock);
    screen.note(format_args!(
        "Sandbox {} had not been stopped: what was left of it is cleaned up.",
        record.name
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_of_the_folder() {
        for text in ["", ".", "..", "a/b", "a b", "ä", &"x".repeat(33)] {
            assert!(name(text).is_err(), "{text:?}");
        }
        assert_eq!(name("exec-12_b"), Ok("exec-12_b".to_owned()));
    }
}
