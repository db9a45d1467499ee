//! `conduct version`.

use serde_json::json;

use super::flags::{Common, Form};
use super::session::json as json_text;
use super::yaml::yaml;
use crate::exit::{Exit, Failure};
use crate::screen::Screen;

/// The versions of the control API that this program speaks.
const API_VERSIONS: [&str; 2] = ["1", "2"];

/// Show this program's version and the versions of the control API that it speaks
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, common: &Common, screen: &mut Screen) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let value = json!({"version": version, "apiVersions": API_VERSIONS});
    let text = match common.looks.output {
        Form::Table => {
            let versions = API_VERSIONS.join(", ");
            format!("{version}\nSupported API version(s): {versions}\n")
        }
        Form::Json => json_text(&value),
        Form::Yaml => yaml(&value),
        Form::Id => format!("{version}\n"),
    };
    screen.print(&text)?;
    Ok(Exit::Done)
}
