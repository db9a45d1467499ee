//! `conduct why`.

use conduct_client::answers::Why;
use serde_json::json;

use super::session::Session;
use super::text::plain;
use crate::exit::{Exit, Failure};

/// Explain why a bundle has fewer instances than it should
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle
    bundle: String,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let why = match session.client.why(&args.bundle).await {
        Ok(why) => why,
        Err(error) => return Err(session.bundle_failure(&args.bundle, error).await),
    };
    session.heard(&why)?;
    let why = why.value;
    let list = session.client.bundles().await;
    let list = list.map_err(|error| session.failure(error))?.value;
    let bundle = list.into_iter().find(|it| it.bundle_id == why.bundle_id);
    let name = bundle.as_ref().map_or(args.bundle.as_str(), |it| it.name());
    let wanted = bundle.as_ref().and_then(|it| it.bundle_scale.as_ref());
    let wanted = wanted.map(|it| it.scale);
    let running = bundle
        .as_ref()
        .map_or(0, conduct_client::answers::Bundle::started);
    let head = format!("{} {}", plain(name), session.id(&why.bundle_id));
    session.show(
        || text(&head, &why, running, wanted),
        || {
            let nodes = why.nodes.iter();
            let nodes =
                nodes.map(|it| json!({"node": it.node, "host": it.host, "reason": it.reason}));
            json!({
                "id": why.bundle_id,
                "name": name,
                "wanted": wanted,
                "running": running,
                "missing": why.missing,
                "overall": why.overall,
                "nodes": nodes.collect::<Vec<_>>(),
            })
        },
        || vec![why.bundle_id.clone()],
    )?;
    Ok(Exit::Done)
}

fn text(head: &str, why: &Why, running: usize, wanted: Option<u32>) -> String {
    let mut text = match wanted {
        None => format!("{head}  nobody asked for instances of it\n"),
        Some(0) => format!("{head}  it is to have no instances\n"),
        Some(wanted) if why.missing == 0 => format!("{head}  running {running} of {wanted}\n"),
        Some(wanted) => {
            let missing = why.missing;
            format!("{head}  running {running} of {wanted}, {missing} missing\n")
        }
    };
    if let Some(overall) = &why.overall {
        text += &format!("{}\n", plain(overall));
    }
    let width = why.nodes.iter().map(|it| it.host.chars().count()).max();
    for node in &why.nodes {
        let (host, reason) = (plain(&node.host), plain(&node.reason));
        text += &format!("  {host:width$}  {reason}\n", width = width.unwrap_or(0));
    }
    text
}
