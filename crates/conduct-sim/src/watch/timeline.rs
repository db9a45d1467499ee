//! What happened, as people read it.

use std::fmt;

use conduct_model::NodeKey;
use conduct_node::command::Reply;
use conduct_node::event::EventKind;

use super::{Fact, Look};
use crate::engine::Moment;

/// A line of the timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// When.
    pub at: Moment,
    /// Where, or nowhere in particular.
    pub host: Option<usize>,
    /// What.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self
            .host
            .map_or_else(String::new, |host| format!("n{host}"));
        write!(f, "{:>10}  {host:<5}{}", self.at.to_string(), self.text)
    }
}

impl Line {
    /// The line that a fact deserves, if any.
    pub fn of(look: &Look<'_>, fact: &Fact<'_>) -> Option<Line> {
        let (host, text) = match *fact {
            Fact::Born { host, life: 1 } => (Some(host), "the daemon starts".to_owned()),
            Fact::Born { host, life } => (
                Some(host),
                format!("the daemon starts, for the {} time", ordinal(life)),
            ),
            Fact::Died { host } => (Some(host), "the daemon is gone".to_owned()),
            Fact::Paused { host } => (Some(host), "stands still".to_owned()),
            Fact::Resumed { host } => (Some(host), "goes on".to_owned()),
            Fact::PoweredOff { host } => (Some(host), "the power goes".to_owned()),
            Fact::Wiped { host } => (Some(host), "has a new, empty disk".to_owned()),
            Fact::WallJumped { host, by_millis } => (
                Some(host),
                format!("its wall clock jumps by {} s", by_millis / 1_000),
            ),
            Fact::Fault { text } => (None, format!("-- {text}")),
            Fact::Published { host, event } => {
                if is_mirror(&event.kind) {
                    return None;
                }
                (Some(host), told(look, event))
            }
            Fact::Asked { operation } => {
                let asked = look.clients.get(operation);
                (
                    None,
                    format!(
                        "a client asks: {}",
                        name_bundle(look, &asked.to_string(), asked)
                    ),
                )
            }
            Fact::Answered {
                operation,
                host,
                reply,
            } => {
                let asked = look.clients.get(operation);
                let text = format!("answers {asked}: {}", answer(reply));
                (Some(host), name_bundle(look, &text, asked))
            }
            Fact::Settled { operation } => {
                let asked = look.clients.get(operation);
                let text = format!("the client knows of {asked}: {}", asked.outcome);
                (None, name_bundle(look, &text, asked))
            }
            Fact::Ended {
                host,
                instance,
                exit,
            } => {
                look.machines[host].daemon.is_none().then_some(())?;
                (
                    Some(host),
                    format!("instance {} ended, unwatched: {exit}", instance.short()),
                )
            }
            Fact::Misfired { host, instance } => (
                Some(host),
                format!("a signal meant for {} hit a stranger", instance.short()),
            ),
            Fact::Admitted { host, forgery } => (
                Some(host),
                format!("took a packet that somebody meddled with: {forgery:?}"),
            ),
            Fact::Ordered { .. }
            | Fact::Sent { .. }
            | Fact::Forked { .. }
            | Fact::Signalled { .. }
            | Fact::ToldToEnd { .. } => return None,
        };
        Some(Line {
            at: look.now,
            host,
            text,
        })
    }
}

/// Whether an event only mirrors what every node sees.
const fn is_mirror(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::BundleAdded { .. }
            | EventKind::BundleRemoved
            | EventKind::InstallationAdded { .. }
            | EventKind::InstallationRemoved { .. }
            | EventKind::ExecutionAdded { .. }
            | EventKind::ExecutionChanged { .. }
            | EventKind::ExecutionRemoved { .. }
            | EventKind::Requested { .. }
            | EventKind::ErrorRaised { .. }
            | EventKind::ErrorCleared
    )
}

/// An event as its node tells it, with the machines by their numbers.
fn told(look: &Look<'_>, event: &conduct_node::event::Event) -> String {
    let mut text = event.kind.to_string();
    for host in 0..look.machines.len().min(64) {
        let key: NodeKey = look.machines[host].key();
        text = text.replace(&key.short(), &look.name(key));
    }
    let bundle = event.bundle.map(|bundle| look.bundle_name(bundle));
    let instance = event.instance.map(|instance| instance.short());
    match (bundle, instance) {
        (Some(bundle), Some(instance)) => format!("{bundle} {instance}: {text}"),
        (Some(bundle), None) => format!("{bundle}: {text}"),
        (None, Some(instance)) => format!("instance {instance}: {text}"),
        (None, None) => text,
    }
}

/// A reply as people read it.
fn answer(reply: &Reply) -> String {
    match reply {
        Reply::Acknowledged { durability } => format!("acknowledged, on {durability} disks"),
        Reply::Done => "done".to_owned(),
        Reply::Quarantined(why) => {
            format!(
                "quarantined, {}; reaches {} of {} voters",
                why.reason, why.reached, why.voters
            )
        }
        Reply::Unknown { durability } => format!("unknown, on {durability} disks so far"),
        Reply::Refused(why) => format!("refused, {why}"),
    }
}

fn name_bundle(look: &Look<'_>, text: &str, asked: &crate::clients::Operation) -> String {
    text.replace(&asked.bundle.short(), &look.bundle_name(asked.bundle))
}

fn ordinal(n: u32) -> String {
    match n {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        n => format!("{n}th"),
    }
}
