//! The modes of the daemon's binary that instances consist of. They are looked for before anything
//! else is done, so that the many processes that are started so stay as small as they can.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::check::check_main;
use crate::container::container_main;
use crate::shim::shim_main;

/// Runs this process as what it was started as, if that is a part of an instance: `check …` by its
/// name, `shim FOLDER`, or `container FOLDER COMPONENT …`. The words include the program's name.
pub fn mode_main(words: &[OsString]) -> Option<ExitCode> {
    let (name, words) = words.split_first()?;
    if Path::new(name)
        .file_name()
        .is_some_and(|name| name == "check")
    {
        let words: Vec<String> = words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        return Some(check_main(&words));
    }
    let (mode, words) = words.split_first()?;
    match (mode.to_str()?, words) {
        ("shim", [folder]) => Some(shim_main(PathBuf::from(folder))),
        ("container", [folder, component, words @ ..]) => Some(container_main(
            PathBuf::from(folder),
            &component.to_string_lossy(),
            words.to_vec(),
        )),
        _ => None,
    }
}
