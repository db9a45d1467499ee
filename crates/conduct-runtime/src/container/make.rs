//! The process between a component's script and its container.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::plan::Plan;
use super::runc::{Runc, RuncError};
use super::spec::{Process, config};
use crate::RuntimeError;
use crate::folder::{RunFolder, read_json};

/// Where programs are found when neither image nor bundle says so.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where a root file system is shown to runc: folders that every machine has and everybody may pass.
const WINDOWS: &[&str] = &["/mnt", "/media", "/srv", "/opt", "/var/tmp", "/tmp"];

/// Why there is no container.
#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error(transparent)]
    Files(#[from] RuntimeError),
    #[error("nothing says what to run: neither a start command nor the image")]
    NoWords,
    #[error("a word of the start command is no text")]
    NoText,
    #[error("the container cannot begin in {0}")]
    WorkingFolder(String),
    #[error("could not show the root file system to runc")]
    Window(#[source] io::Error),
    #[error(transparent)]
    Runc(#[from] RuncError),
}

/// Makes the container of a component and lets it run. The words are the instance's folder, the
/// component's name, and its start command, filled in.
pub(crate) fn container_main(folder: PathBuf, component: &str, words: Vec<OsString>) -> ExitCode {
    let folder = RunFolder::at(folder);
    let Err(why) = make(&folder, component, words) else {
        return ExitCode::SUCCESS;
    };
    let why = crate::error::story(&why);
    // The shim reads it as the reason; without it there is still the code.
    let _ = std::fs::write(folder.container_failure(component), why);
    ExitCode::FAILURE
}

fn make(folder: &RunFolder, component: &str, words: Vec<OsString>) -> Result<(), MakeError> {
    let plan: Plan = read_json(&folder.container_plan(component))?
        .ok_or_else(|| RuntimeError::Shim("the container's plan is not there".to_owned()))?;
    let process = Process {
        words: texts(words, &plan)?,
        environment: environment(&plan),
    };
    let plan = with_working_folder(plan)?;
    let bundle = folder.container_bundle(component);
    std::fs::create_dir_all(&bundle).map_err(RuntimeError::file("create", &bundle))?;
    let rootfs = window(&plan, folder.path())?;
    let host_name = nix::unistd::gethostname().unwrap_or_default();
    let config = config(&plan, &process, &rootfs, &host_name.to_string_lossy());
    let path = bundle.join("config.json");
    let text = serde_json::to_vec_pretty(&config).map_err(io::Error::from);
    text.and_then(|text| std::fs::write(&path, text))
        .map_err(RuntimeError::file("write", &path))?;

    let runc = Runc {
        program: plan.runc.clone(),
        states: folder.container_states(),
    };
    let made = runc
        .create(&plan.id, &bundle, &folder.container_pid(component))
        .and_then(|()| runc.start(&plan.id, &bundle));
    if let Err(why) = made {
        // The first reason is the one that helps.
        let _ = runc.delete(&plan.id);
        return Err(why.into());
    }
    Ok(())
}

fn texts(words: Vec<OsString>, plan: &Plan) -> Result<Vec<String>, MakeError> {
    if words.is_empty() {
        let words = plan.root.words.clone();
        return if words.is_empty() {
            Err(MakeError::NoWords)
        } else {
            Ok(words)
        };
    }
    let texts = words.into_iter().map(OsString::into_string);
    texts
        .collect::<Result<_, _>>()
        .map_err(|_| MakeError::NoText)
}

/// The image's own variables, and of those of the bundle the ones that are let in.
fn environment(plan: &Plan) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = plan.root.environment.iter().cloned().collect();
    all.entry("PATH".to_owned())
        .or_insert_with(|| PATH_DEFAULT.to_owned());
    let let_in = std::env::var("CONTAINER_ENV").unwrap_or_default();
    for name in let_in.split(':').filter(|name| !name.is_empty()) {
        if let Ok(value) = std::env::var(name) {
            all.insert(name.to_owned(), value);
        }
    }
    let (name, value) = &plan.mark;
    all.insert(name.clone(), value.clone());
    all
}

/// Old versions of runc could be led out of the container by a folder that is an open file of theirs.
fn with_working_folder(mut plan: Plan) -> Result<Plan, MakeError> {
    let folder = &mut plan.root.working_folder;
    if folder.is_empty() {
        "/".clone_into(folder);
    }
    let path = Path::new(folder.as_str());
    let is_odd = !path.is_absolute()
        || path.starts_with("/proc")
        || path.components().any(|part| part.as_os_str() == "..");
    if is_odd {
        return Err(MakeError::WorkingFolder(folder.clone()));
    }
    Ok(plan)
}

/// Where runc finds the root file system. Whoever is root in a container is nobody outside, and
/// could not even pass the folders in which the daemon keeps its things. So what it needs is shown
/// somewhere else, to this process and those that it starts only.
fn window(plan: &Plan, folder: &Path) -> Result<PathBuf, MakeError> {
    if plan.ids.count == 1 {
        return Ok(plan.root.rootfs.clone());
    }
    let window = free_window(plan, folder).ok_or_else(|| {
        let why = format!("none of {} can be used for it", WINDOWS.join(", "));
        MakeError::Window(io::Error::other(why))
    })?;
    let none: Option<&str> = None;
    let shown = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none))
        .and_then(|()| {
            mount(
                Some(&plan.root.rootfs),
                window,
                none,
                MsFlags::MS_BIND,
                none,
            )
        });
    shown.map_err(|errno| MakeError::Window(errno.into()))?;
    Ok(window.to_owned())
}

/// One that hides nothing that the container needs.
fn free_window(plan: &Plan, folder: &Path) -> Option<&'static Path> {
    let sources = plan.volumes.iter().map(|volume| volume.source.as_path());
    let needed: Vec<&Path> = sources
        .chain([plan.root.rootfs.as_path(), &plan.runc, folder])
        .collect();
    let may_pass = |path: &Path| {
        std::fs::metadata(path)
            .is_ok_and(|found| found.is_dir() && found.permissions().mode() & 0o001 != 0)
    };
    WINDOWS
        .iter()
        .map(Path::new)
        .find(|window| may_pass(window) && needed.iter().all(|path| !path.starts_with(window)))
}
