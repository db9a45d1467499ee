//! `conductd config`: the settings that are in effect.

use std::io::Write;
use std::process::ExitCode;

use super::Place;
use crate::settings::{SETTINGS, variable};

/// Show the settings that are in effect, and where each comes from
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Show the settings (also without this)
    #[arg(long)]
    show: bool,
    /// Explain every setting instead, as a page of documentation
    #[arg(long, conflicts_with = "show")]
    reference: bool,
}

pub(crate) fn run(args: &Args, place: &Place) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    if args.reference {
        out.write_all(reference().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let effective = place.sources().read()?;
    effective.settings()?;
    for [path, value, origin] in effective.lines()? {
        writeln!(out, "{path} = {value}  # {origin}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `docs/reference/settings.md`.
fn reference() -> String {
    let mut page = String::from(
        "# Settings of `conductd`\n\n\
         Settings stand in a HOCON file (`--config FILE`), in the environment, and on the command \
         line (`-Dsetting=value`); the later wins. `conductd config` shows what is in effect and \
         where each value comes from. Unknown settings are errors.\n\n\
         | setting | default | environment | what it is |\n|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let (path, default, what) = (setting.path, setting.default, setting.what);
        let variable = variable(path);
        page.push_str(&format!(
            "| `{path}` | `{default}` | `{variable}` | {what} |\n"
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/settings.md");
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            page == reference(),
            "make it anew with: cargo run -p conductd -- config --reference > docs/reference/settings.md"
        );
    }
}
