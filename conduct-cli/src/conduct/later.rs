//! Commands that are known and not there yet, and one that is not needed.

use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// Not there yet
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whatever the command will take one day.
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _rest: Vec<String>,
}

/// Nothing is done in place of what was asked for.
pub(crate) fn failure(command: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        format_args!("conduct {command} is not there yet: it comes with a later release"),
    )
}

/// Scripts for other servers may ask for it on their way.
pub(crate) fn no_license(screen: &mut Screen) -> Exit {
    screen.note("there are no licences here, and none is needed");
    Exit::Done
}
