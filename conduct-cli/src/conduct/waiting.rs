//! Waiting until a bundle is as it was wished, telling what changes meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use conduct_client::answers::{Bundle, Execution};
use tokio::time::Instant;

use super::live::Live;
use super::session::Session;
use super::text::{plain, span};
use crate::exit::{Exit, Failure};

/// So long a bundle may have an error before that is taken for the end: it is tried again.
const ERROR_PATIENCE: Duration = Duration::from_secs(10);

/// So long another wish may stand before it is taken for a later one: nodes hear of a wish at
/// different times.
const OTHER_WISH_PATIENCE: Duration = Duration::from_secs(3);

/// How often the line is redrawn that tells how things stand.
const REDRAW: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// So many instances that said that they are ready; none means that none is left.
    Running(u32),
    /// A node that holds the archives.
    Installed,
    /// No node holds them any more.
    Gone,
}

/// How the waiting ended.
#[derive(Debug)]
pub(crate) struct Waited {
    pub(crate) end: End,
    /// The bundle at that time, if it was there.
    pub(crate) bundle: Option<Bundle>,
    pub(crate) took: Duration,
}

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is as wished.
    Reached,
    /// Time is up.
    NotInTime,
    /// It failed, and not only at first.
    Erroneous,
}

impl Goal {
    fn is_reached(self, bundle: Option<&Bundle>) -> bool {
        match (self, bundle) {
            (Goal::Running(0), bundle) => bundle.is_none_or(|it| it.bundle_executions.is_empty()),
            (Goal::Running(wanted), Some(bundle)) => bundle.started() == wanted as usize,
            (Goal::Installed, Some(bundle)) => !bundle.bundle_installations.is_empty(),
            (Goal::Gone, bundle) => bundle.is_none_or(|it| it.bundle_installations.is_empty()),
            (Goal::Running(_) | Goal::Installed, None) => false,
        }
    }

    /// How things stand.
    fn status(self, bundle: Option<&Bundle>) -> String {
        match self {
            Goal::Running(0) => {
                let left = bundle.map_or(0, |it| it.bundle_executions.len());
                format!("Waiting for {left} to stop")
            }
            Goal::Running(wanted) => {
                let running = bundle.map_or(0, Bundle::started);
                match (wanted as usize).checked_sub(running) {
                    Some(more) => format!("Waiting for {more} more"),
                    None => format!("Waiting for {} to stop", running - wanted as usize),
                }
            }
            Goal::Installed => "Waiting for the first copy".to_owned(),
            Goal::Gone => {
                let left = bundle.map_or(0, |it| it.bundle_installations.len());
                format!("Waiting for {left} to remove it")
            }
        }
    }
}

/// Waits until the bundle is as wished, for `limit` at most.
pub(crate) async fn wait(
    session: &mut Session<'_>,
    id: &str,
    goal: Goal,
    limit: Duration,
) -> Result<Waited, Failure> {
    let begun = Instant::now();
    let deadline = begun + limit;
    let mut live = Live::new(session);
    let mut changes = Changes::default();
    let mut watch = session.client.watch();
    let mut last: Option<Bundle> = None;
    let mut other_since: Option<Instant> = None;
    let end = loop {
        let redraw = Instant::now() + REDRAW;
        let seen = watch.next(redraw.min(deadline)).await;
        match seen.map_err(|error| session.failure(error))? {
            Some(bundles) => {
                last = bundles.into_iter().find(|bundle| bundle.bundle_id == id);
                if matches!(goal, Goal::Running(_)) {
                    let told = changes.since(last.as_ref(), begun.elapsed());
                    told.iter().for_each(|line| live.tell(line));
                }
                if goal.is_reached(last.as_ref()) {
                    break End::Reached;
                }
                if let Some(other) = other_wish(goal, last.as_ref()) {
                    let since = *other_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= OTHER_WISH_PATIENCE {
                        drop(live);
                        return Err(superseded(session, last.as_ref(), other));
                    }
                } else {
                    other_since = None;
                }
            }
            None if Instant::now() >= deadline => break End::NotInTime,
            None => {}
        }
        let is_erroneous = last.as_ref().is_some_and(|it| it.has_error);
        let is_start = matches!(goal, Goal::Running(wanted) if wanted > 0);
        if is_start && is_erroneous && begun.elapsed() > ERROR_PATIENCE {
            break End::Erroneous;
        }
        let left = deadline.saturating_duration_since(Instant::now()).as_secs();
        live.status(format_args!(
            "{} ({left} s left) …",
            goal.status(last.as_ref())
        ));
    };
    Ok(Waited {
        end,
        bundle: last,
        took: begun.elapsed(),
    })
}

/// What somebody else wished for, if it is something else.
fn other_wish(goal: Goal, bundle: Option<&Bundle>) -> Option<u32> {
    let scale = bundle?.bundle_scale.as_ref()?.scale;
    match goal {
        Goal::Running(wanted) if wanted != scale => Some(scale),
        Goal::Running(_) | Goal::Installed | Goal::Gone => None,
    }
}

fn superseded(session: &Session<'_>, bundle: Option<&Bundle>, other: u32) -> Failure {
    let name = bundle.map_or("the bundle", Bundle::name);
    let name = plain(name);
    let sentence = format!("superseded: a later wish for {name} asks for {other} instances");
    let command = session.command(&format!("events {name}"));
    Failure::new(Exit::Refused, sentence).hint(format_args!("see who wished what: {command}"))
}

/// What has become of instances since the last look.
#[derive(Debug, Default)]
struct Changes {
    known: Option<BTreeMap<String, Seen>>,
    looked_after: Duration,
}

/// An instance as it was seen.
#[derive(Debug, Clone)]
struct Seen {
    place: String,
    is_started: bool,
    /// It was ready once. An instance that stops is not ready any more, and has still been.
    was_started: bool,
    /// When it was first seen; for one that came and was ready between two looks, the first of them.
    since: Duration,
}

impl Changes {
    fn since(&mut self, bundle: Option<&Bundle>, after: Duration) -> Vec<String> {
        let executions = bundle.map_or(&[][..], |it| &it.bundle_executions);
        let looked_after = std::mem::replace(&mut self.looked_after, after);
        let before = self.known.take();
        let seen = |it: &Execution| {
            let known = before.as_ref().and_then(|known| known.get(&key(it)));
            let first = if it.is_started { looked_after } else { after };
            let seen = Seen {
                place: place(it),
                is_started: it.is_started,
                was_started: it.is_started
                    || known.map_or_else(|| is_stopping(it), |known| known.was_started),
                since: known.map_or(first, |known| known.since),
            };
            (key(it), seen)
        };
        let now: BTreeMap<String, Seen> = executions.iter().map(seen).collect();
        let told = before.map_or_else(Vec::new, |before| told(&before, &now, after));
        self.known = Some(now);
        told
    }
}

/// Whether it was told to end before this command saw it for the first time.
fn is_stopping(execution: &Execution) -> bool {
    execution.state.as_deref() == Some("stopping")
}

/// A line for each instance of which something is to be told.
fn told(
    before: &BTreeMap<String, Seen>,
    now: &BTreeMap<String, Seen>,
    after: Duration,
) -> Vec<String> {
    let mut told = Vec::new();
    for (key, seen) in now {
        let was_started = before.get(key).is_some_and(|known| known.is_started);
        if seen.is_started && !was_started {
            let took = span(after.saturating_sub(seen.since));
            told.push(format!("  {}  started, healthy after {took}", seen.place));
        }
    }
    let after = span(after);
    for (key, seen) in before {
        if !now.contains_key(key) {
            let what = if seen.was_started {
                "stopped"
            } else {
                "ended before it was ready,"
            };
            told.push(format!("  {}  {what} after {after}", seen.place));
        }
    }
    told
}

fn key(execution: &Execution) -> String {
    match &execution.instance {
        Some(instance) if !instance.is_empty() => instance.clone(),
        _ => format!("{} {:?}", execution.host, execution.pid),
    }
}

/// Where an instance is: its first port tells it from others.
fn place(execution: &Execution) -> String {
    let host = plain(&execution.host);
    match execution.endpoints.values().next() {
        Some(ports) => format!("{host}:{}", ports.host_port),
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bundle(executions: &[(&str, bool)], installations: usize) -> Bundle {
        let executions: Vec<_> = executions
            .iter()
            .map(|(host, started)| {
                let endpoints = json!({"web": {"bindPort": 1, "hostPort": 10_000}});
                json!({"host": host, "pid": 1, "isStarted": started, "endpoints": endpoints})
            })
            .collect();
        let installations = vec![json!({}); installations];
        let value = json!({
            "bundleId": "0a",
            "bundleScale": {"scale": 2},
            "bundleExecutions": executions,
            "bundleInstallations": installations,
        });
        serde_json::from_value(value).expect("a bundle")
    }

    #[test]
    fn goals_are_reached_exactly() {
        let two = bundle(&[("a", true), ("b", true)], 1);
        let starting = bundle(&[("a", true), ("b", false)], 0);
        let none = bundle(&[], 0);
        for (goal, seen, reached) in [
            (Goal::Running(2), Some(&two), true),
            (Goal::Running(1), Some(&two), false),
            (Goal::Running(2), Some(&starting), false),
            (Goal::Running(1), Some(&starting), true),
            (Goal::Running(1), None, false),
            (Goal::Running(0), Some(&starting), false),
            (Goal::Running(0), Some(&none), true),
            (Goal::Running(0), None, true),
            (Goal::Installed, Some(&two), true),
            (Goal::Installed, Some(&none), false),
            (Goal::Installed, None, false),
            (Goal::Gone, Some(&two), false),
            (Goal::Gone, Some(&none), true),
            (Goal::Gone, None, true),
        ] {
            assert_eq!(goal.is_reached(seen), reached, "{goal:?} {seen:?}");
        }
    }

    #[test]
    fn what_changes_is_told_once() {
        let mut changes = Changes::default();
        let first = bundle(&[("a", true), ("b", false)], 1);
        let at = Duration::from_millis;
        assert_eq!(changes.since(Some(&first), at(400)), [""; 0]);
        let second = bundle(&[("a", true), ("b", true)], 1);
        let told = changes.since(Some(&second), at(1_600));
        assert_eq!(told, ["  b:10000  started, healthy after 1.2 s"]);
        assert_eq!(changes.since(Some(&second), at(1_700)), [""; 0]);
        let told = changes.since(None, at(2_000));
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], "  a:10000  stopped after 2.0 s");
    }

    #[test]
    fn what_was_ready_and_stops_has_not_ended_before_it_was_ready() {
        let mut changes = Changes::default();
        let at = Duration::from_millis;
        changes.since(Some(&bundle(&[("a", true)], 1)), at(0));
        changes.since(Some(&bundle(&[("a", false)], 1)), at(100));
        let told = changes.since(Some(&bundle(&[], 1)), at(200));
        assert_eq!(told, ["  a:10000  stopped after 0.2 s"]);
        changes.since(Some(&bundle(&[("b", false)], 1)), at(300));
        let told = changes.since(None, at(400));
        assert_eq!(told, ["  b:10000  ended before it was ready, after 0.4 s"]);
    }

    #[test]
    fn another_wish_is_noticed() {
        let seen = bundle(&[], 1);
        assert_eq!(other_wish(Goal::Running(3), Some(&seen)), Some(2));
        assert_eq!(other_wish(Goal::Running(2), Some(&seen)), None);
        assert_eq!(other_wish(Goal::Installed, Some(&seen)), None);
        assert_eq!(other_wish(Goal::Running(3), None), None);
    }
}
