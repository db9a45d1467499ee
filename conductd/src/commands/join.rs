//! `conductd join`: become a node of a cluster.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use conduct_net::{IdentityRequest, JoinToken};

use super::Place;
use crate::desk::Hospitality;
use crate::keys::{Keys, KeysError};
use crate::seeds::Seeds;

const CLUSTER_PORT: u16 = 9004;
const TOKEN_BYTES_MAX: u64 = 4096;

/// Join a cluster with a token that one of its nodes made
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The node that made the token: address, or address:port
    #[arg(value_name = "NODE")]
    node: String,
    /// A file that holds the token, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The token itself; a file or the environment keeps it out of the list of processes
    #[arg(long, env = "CONDUCT_JOIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

pub(crate) fn run(args: &Args, place: &Place) -> anyhow::Result<ExitCode> {
    let settings = place.settings()?;
    let node = address(&args.node)?;
    let keys = Keys::of(&settings.state_dir);
    // A token is good for one try: whatever stands against it is found out first.
    match keys.identity() {
        Err(KeysError::Missing { .. }) => {}
        Err(why) => return Err(why.into()),
        Ok(_) => {
            let folder = settings.state_dir.join("keys");
            return Err(KeysError::Present { folder }.into());
        }
    }
    keys.prepare()?;
    let token: JoinToken = read_token(args)?.parse()?;
    let request = IdentityRequest::make()?;
    let own = SocketAddr::new(settings.ip, settings.cluster_port);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let welcome = runtime
        .block_on(conduct_net::join(own, node, &token, &request))
        .with_context(|| format!("{node} did not let this node in"))?;
    let told: Hospitality =
        serde_json::from_slice(&welcome.message).context("the member's welcome makes no sense")?;
    let identity = request.signed(welcome.certificate, welcome.authority)?;
    Seeds::of(&settings.state_dir).write(&told.members)?;
    keys.write(&identity)?;
    let mut out = std::io::stdout();
    writeln!(out, "node     {}", identity.node())?;
    writeln!(out, "cluster  {}", identity.authority_digest())?;
    writeln!(std::io::stderr(), "Start it with: conductd run")?;
    Ok(ExitCode::SUCCESS)
}

fn address(text: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, CLUSTER_PORT));
    }
    text.parse().with_context(|| {
        format!("{text:?} is no address of a node; write 10.0.0.1 or 10.0.0.1:{CLUSTER_PORT}")
    })
}

fn read_token(args: &Args) -> anyhow::Result<String> {
    let mut text = String::new();
    match (&args.token_file, &args.token) {
        (None, Some(token)) => text.push_str(token),
        (None, None) => anyhow::bail!(
            "no token was given: write --token-file FILE, or --token-file - and paste it"
        ),
        (Some(path), _) if path.as_os_str() == "-" => {
            std::io::stdin()
                .take(TOKEN_BYTES_MAX)
                .read_to_string(&mut text)
                .context("could not read the token from standard input")?;
        }
        (Some(path), _) => {
            std::fs::File::open(path)
                .and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut text))
                .with_context(|| format!("could not read the token in {}", path.display()))?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_with_or_without_its_port() {
        let parsed = |text| address(text).map(|it| it.to_string()).ok();
        assert_eq!(parsed("10.0.0.1").as_deref(), Some("10.0.0.1:9004"));
        assert_eq!(parsed("10.0.0.1:7").as_deref(), Some("10.0.0.1:7"));
        assert_eq!(parsed("::1").as_deref(), Some("[::1]:9004"));
        assert_eq!(parsed("somewhere"), None);
    }
}
