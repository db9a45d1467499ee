//! `conduct completions`.

use clap_complete::Shell;

use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// Print a script that completes commands and flags in a shell
///
/// For bash: conduct completions bash > ~/.local/share/bash-completion/completions/conduct
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(
    args: &Args,
    mut command: clap::Command,
    screen: &mut Screen,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "conduct", &mut script);
    screen.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
