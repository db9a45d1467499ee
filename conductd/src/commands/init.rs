//! `conductd init`: a new cluster.

use std::io::Write;
use std::process::ExitCode;

use conduct_net::Authority;

use super::Place;
use crate::keys::Keys;

/// Make a new cluster: its authority and the keys of its first node
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take the authority of another node's state folder on this machine: join its cluster without a
    /// token, as local clusters do
    #[arg(long, value_name = "FOLDER")]
    authority: Option<std::path::PathBuf>,
}

pub(crate) fn run(args: &Args, place: &Place) -> anyhow::Result<ExitCode> {
    let settings = place.settings()?;
    let keys = Keys::of(&settings.state_dir);
    let identity = match &args.authority {
        None => keys.init()?,
        Some(folder) => {
            let authority: Authority = Keys::of(folder).authority()?;
            let identity = authority.make_node()?;
            keys.write_authority(&authority)?;
            keys.write(&identity)?;
            identity
        }
    };
    let mut out = std::io::stdout();
    writeln!(out, "node     {}", identity.node())?;
    writeln!(out, "cluster  {}", identity.authority_digest())?;
    writeln!(
        out,
        "keys in  {}",
        settings.state_dir.join("keys").display()
    )?;
    Ok(ExitCode::SUCCESS)
}
