//! `conduct members`.

use conduct_client::answers::{Member, Members};
use serde_json::{Value, json};

use super::bundles::number_or_text;
use super::session::Session;
use super::table::{Align, Table};
use crate::exit::{Exit, Failure};

/// List the nodes that keep the state of the cluster
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those with this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let answered = session.client.members().await;
    let answered = answered.map_err(|error| session.failure(error))?;
    session.heard(&answered)?;
    let all = answered.value;
    let has_role = |it: &&Member| {
        args.role
            .as_ref()
            .is_none_or(|role| it.roles.contains(role))
    };
    let members: Vec<&Member> = all.members.iter().filter(has_role).collect();
    session.show(
        || table(&all, &members),
        || members.iter().map(|it| value(&all, it)).collect(),
        || {
            let id = |it: &&Member| it.key.clone().unwrap_or_else(|| it.node.address.clone());
            members.iter().map(id).collect()
        },
    )?;
    Ok(Exit::Done)
}

fn table(all: &Members, members: &[&Member]) -> String {
    let mut table = Table::new(&[
        ("UID", Align::Left),
        ("ADDRESS", Align::Left),
        ("ROLES", Align::Left),
        ("STATUS", Align::Left),
        ("REACHABLE", Align::Right),
    ]);
    for member in members {
        let is_reachable = if all.is_reachable(member) {
            "Yes"
        } else {
            "No"
        };
        table.row([
            &member.node.uid,
            &member.node.address,
            &member.roles.join(","),
            &member.status,
            is_reachable,
        ]);
    }
    table.text()
}

fn value(all: &Members, member: &Member) -> Value {
    let is_self = all.self_node.as_ref().is_some_and(|it| *it == member.node);
    json!({
        "key": member.key,
        "uid": number_or_text(&member.node.uid),
        "address": member.node.address,
        "host": member.node.host(),
        "roles": member.roles,
        "status": member.status,
        "isReachable": all.is_reachable(member),
        "isAnswering": is_self,
        "verdict": member.verdict,
        "isVoter": member.voter,
        "isDraining": member.draining,
        "build": member.build,
    })
}
