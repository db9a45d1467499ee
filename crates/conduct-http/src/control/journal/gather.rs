//! Asking all nodes, and putting their answers into one order.

use std::sync::Arc;
use std::time::Duration;

use conduct_api::{LogLine, Timestamp};
use conduct_model::NodeKey;
use conduct_node::config::Duty;
use conduct_node::event::Event;
use conduct_node::view::{Verdict, View};
use futures_util::future::join_all;

use super::event::is_told_by_all;
use crate::app::App;
use crate::error::ApiError;
use crate::render;
use crate::services::{EventQuery, LogQuery, LogRecord, SourceError};

/// Nodes that are asked for one answer; those that run the bundle come first.
const NODES_MAX: usize = 64;
/// How long a node may take to answer.
const NODE_TIME_MAX: Duration = Duration::from_secs(4);

/// What the nodes said, in the order of time.
pub(super) struct Gathered<T> {
    pub(super) items: Vec<T>,
    /// Hosts that should have been asked and did not answer.
    pub(super) silent: Vec<String>,
}

/// A line and where it is from.
pub(super) struct NodeLine {
    pub(super) node: NodeKey,
    pub(super) record: LogRecord,
}

impl NodeLine {
    pub(super) fn line(&self, view: &View) -> LogLine {
        LogLine {
            timestamp: Timestamp(self.record.at),
            host: render::host(view, self.node),
            message: self.record.text.clone(),
            stream: self.record.stream,
            instance: self.record.instance.to_string(),
        }
    }
}

/// The newest lines of a bundle's instances.
pub(super) async fn logs(
    app: &App,
    view: &View,
    query: &LogQuery,
) -> Result<Gathered<NodeLine>, ApiError> {
    let runs = |node: &NodeKey| {
        let bundle = view.bundles.get(&query.bundle);
        bundle.is_some_and(|it| {
            it.executions
                .values()
                .any(|execution| execution.node == *node)
        })
    };
    let mut nodes = others(view, Duty::runs_instances);
    nodes.push(view.node);
    nodes.sort_by_key(|node| (!runs(node), *node));
    nodes.truncate(NODES_MAX);
    let ask = async |node: NodeKey| {
        let answer = within(app.journal.logs(node, query.clone())).await;
        (node, answer)
    };
    let answers = join_all(nodes.into_iter().map(ask)).await;
    let is_anybody_there = answers.iter().any(|(_, answer)| answer.is_ok());
    if !is_anybody_there {
        let source = answers.into_iter().find_map(|(_, answer)| answer.err());
        let source = source.unwrap_or(SourceError::Absent);
        return Err(ApiError::Source {
            what: "the log".to_owned(),
            source,
        });
    }
    let mut gathered = Gathered {
        items: Vec::new(),
        silent: Vec::new(),
    };
    for (node, answer) in answers {
        match answer {
            Ok(records) => {
                // A peer of another version may not know what is excepted.
                let wanted = records
                    .into_iter()
                    .filter(|record| !query.except.contains(&record.instance));
                gathered
                    .items
                    .extend(wanted.map(|record| NodeLine { node, record }));
            }
            Err(error) => gathered.miss(view, node, &error),
        }
    }
    // Lines of one instance stay in the order in which it wrote them.
    gathered
        .items
        .sort_by_key(|it| (it.record.at, it.node, it.record.instance));
    gathered.keep_newest(query.count);
    Ok(gathered)
}

/// The newest events. Of what every node tells, only what this one told is taken.
pub(super) async fn events(
    app: &App,
    view: &View,
    query: &EventQuery,
) -> Result<Gathered<Arc<Event>>, ApiError> {
    let mut gathered = Gathered {
        items: app.feed.events(query),
        silent: Vec::new(),
    };
    let mut nodes = others(view, |_| true);
    nodes.truncate(NODES_MAX);
    let ask = async |node: NodeKey| {
        let answer = within(app.journal.events(node, query.clone())).await;
        (node, answer)
    };
    for (node, answer) in join_all(nodes.into_iter().map(ask)).await {
        match answer {
            Ok(events) => {
                let own = events
                    .into_iter()
                    .filter(|event| !is_told_by_all(&event.kind));
                gathered.items.extend(own);
            }
            Err(error) => gathered.miss(view, node, &error),
        }
    }
    gathered
        .items
        .sort_by_key(|event| (event.at, event.node, event.sequence));
    gathered.keep_newest(query.count);
    Ok(gathered)
}

impl<T> Gathered<T> {
    fn miss(&mut self, view: &View, node: NodeKey, error: &SourceError) {
        tracing::debug!(node = %node.short(), %error, "a node gave no part of the journal");
        self.silent.push(render::host(view, node));
    }

    fn keep_newest(&mut self, count: usize) {
        let surplus = self.items.len().saturating_sub(count);
        self.items.drain(..surplus);
    }
}

/// The other members that can be expected to answer.
fn others(view: &View, is_wanted: impl Fn(Duty) -> bool) -> Vec<NodeKey> {
    let found = view.members.iter().filter(|(key, member)| {
        let answers = member.verdict == Verdict::Reachable;
        **key != view.node && answers && member.duty.is_none_or(&is_wanted)
    });
    found.map(|(key, _)| *key).collect()
}

async fn within<T>(answer: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
    let answer = tokio::time::timeout(NODE_TIME_MAX, answer).await;
    answer.unwrap_or(Err(SourceError::Absent))
}
