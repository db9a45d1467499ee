//! `conduct drain` and `conduct undrain`.

use std::time::Duration;

use conduct_client::answers::{Agent, Bundle, Execution};
use conduct_hocon::nearest_name;
use serde_json::json;
use tokio::time::Instant;

use super::flags::Waiting;
use super::live::Live;
use super::run::millis;
use super::session::Session;
use super::text::{count, plain};
use crate::exit::{Exit, Failure};

/// How often the line is redrawn that tells how things stand.
const REDRAW: Duration = Duration::from_secs(1);

/// Move the instances of a node to others and give it no new ones
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which node: its address, or the beginning of its key
    node: String,
    #[command(flatten)]
    waiting: Waiting,
}

/// Give a node instances again
#[derive(Debug, clap::Args)]
pub(crate) struct UndrainArgs {
    /// Which node: its address, or the beginning of its key
    node: String,
}

/// A node that runs instances.
#[derive(Debug)]
struct Node {
    /// What the cluster knows it by.
    key: String,
    host: String,
}

impl Node {
    fn runs(&self, execution: &Execution) -> bool {
        match execution.node.as_deref() {
            Some(node) if !node.is_empty() => node == self.key,
            _ => execution.host == self.host,
        }
    }
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let node = find(session, &args.node).await?;
    let answered = session.client.drain(&node.key, true).await;
    let answered = answered.map_err(|error| session.failure(error))?;
    session.heard(&answered)?;
    let host = plain(&node.host);
    let begun = Instant::now();
    let left = if args.waiting.no_wait {
        None
    } else {
        Some(wait(session, &node, args.waiting.limit()).await?)
    };
    let is_quiet = session.is_quiet();
    session.show(
        || match left {
            _ if is_quiet => String::new(),
            None => format!("{host} is to have no instances.\n"),
            Some(0) => format!("{host} has no instances and gets none.\n"),
            Some(left) => {
                let instances = count(left, "instance is", "instances are");
                format!("{host} gets no new instances, {instances} still there.\n")
            }
        },
        || {
            json!({
                "key": node.key,
                "host": node.host,
                "reached": left.map(|left| left == 0),
                "remaining": left,
                "tookMs": left.map(|_| millis(begun.elapsed())),
            })
        },
        || vec![node.key.clone()],
    )?;
    if left.is_some_and(|left| left > 0) {
        if is_quiet {
            return Err(Failure::new(
                Exit::NotInTime,
                format_args!("{host} still has instances"),
            ));
        }
        session.note("They stay until another node can take them. See: conduct why BUNDLE");
        return Ok(Exit::NotInTime);
    }
    let command = session.command(&format!("undrain {host}"));
    session.instruct(format_args!("Give it instances again with: {command}"));
    Ok(Exit::Done)
}

pub(crate) async fn undo(args: &UndrainArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let node = find(session, &args.node).await?;
    let answered = session.client.drain(&node.key, false).await;
    let answered = answered.map_err(|error| session.failure(error))?;
    session.heard(&answered)?;
    let is_quiet = session.is_quiet();
    session.show(
        || match is_quiet {
            true => String::new(),
            false => format!("{} gets instances again.\n", plain(&node.host)),
        },
        || json!({"key": node.key, "host": node.host}),
        || vec![node.key.clone()],
    )?;
    Ok(Exit::Done)
}

/// The one node that a person names.
async fn find(session: &mut Session<'_>, text: &str) -> Result<Node, Failure> {
    let agents = session.client.agents().await;
    let agents = agents.map_err(|error| session.failure(error))?.value;
    let is_named = |it: &&Agent| {
        let key = it.key.as_deref().unwrap_or_default();
        let bare = text.split_once(':').map_or(text, |(host, _)| host);
        let is_key = text.len() >= 7 && key.starts_with(text);
        is_key || it.address == text || it.host() == text || it.host() == bare
    };
    let found: Vec<&Agent> = agents.iter().filter(is_named).collect();
    match found.as_slice() {
        [one] => Ok(Node {
            key: one.key.clone().unwrap_or_else(|| one.address.clone()),
            host: one.host(),
        }),
        [] => {
            let sentence = format!("no node is called {}", plain(text));
            let failure = Failure::new(Exit::NotFound, sentence);
            let hosts: Vec<String> = agents.iter().map(Agent::host).collect();
            let failure = match nearest_name(text, hosts.iter().map(String::as_str)) {
                Some(near) => failure.hint(format_args!("did you mean {}?", plain(near))),
                None => failure,
            };
            Err(failure.hint(format_args!("see them all: {}", session.command("agents"))))
        }
        several => {
            let sentence = format!("{} names {} nodes", plain(text), several.len());
            let failure = Failure::new(Exit::NotFound, sentence);
            Err(several.iter().fold(failure, |failure, it| {
                failure.hint(plain(it.key.as_deref().unwrap_or(&it.address)))
            }))
        }
    }
}

/// Waits until the node has no instances. Tells how many are left when time is up.
async fn wait(session: &mut Session<'_>, node: &Node, limit: Duration) -> Result<usize, Failure> {
    let deadline = Instant::now() + limit;
    let mut live = Live::new(session);
    let mut watch = session.client.watch();
    let mut left = None;
    loop {
        let until = deadline.min(Instant::now() + REDRAW);
        let seen = watch
            .next(until)
            .await
            .map_err(|error| session.failure(error))?;
        match seen {
            Some(bundles) => {
                let now = bundles.iter().map(|it| instances(it, node)).sum();
                if now == 0 {
                    return Ok(0);
                }
                if left.replace(now) != Some(now) {
                    let instances = count(now, "instance", "instances");
                    live.tell(format_args!("  {} has {instances} left", plain(&node.host)));
                }
            }
            None if Instant::now() >= deadline => {
                let unseen = || Failure::new(Exit::NotInTime, "what is left could not be seen");
                return left.ok_or_else(unseen);
            }
            None => {}
        }
        let seconds = deadline.saturating_duration_since(Instant::now()).as_secs();
        live.status(format_args!(
            "Waiting for them to move ({seconds} s left) …"
        ));
    }
}

fn instances(bundle: &Bundle, node: &Node) -> usize {
    bundle
        .bundle_executions
        .iter()
        .filter(|it| node.runs(it))
        .count()
}
