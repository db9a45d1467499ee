//! What instances wrote and nodes told: read here, or asked of the node that has it.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use conduct_http::{EventQuery, Journal, LogQuery, LogRecord, SourceError, Stream};
use conduct_model::{BundleId, InstanceId, NodeKey, Wall};
use conduct_net::{Answers, Net};
use conduct_node::event::Event;
use conduct_runtime::{LogStream, instances_of, read_logs};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

/// A question of one node to another. Fields are only ever added.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Question {
    Logs {
        bundle: BundleId,
        instance: Option<InstanceId>,
        #[serde(default)]
        except: Vec<InstanceId>,
        count: usize,
        since: Option<Wall>,
        stream: Option<LogStream>,
    },
    Events {
        bundle: Option<BundleId>,
        count: usize,
        since: Option<Wall>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    at: Wall,
    instance: InstanceId,
    stream: LogStream,
    text: String,
}

/// The lines of this node's instances.
#[derive(Clone)]
pub(crate) struct Logs {
    pub(crate) runs: PathBuf,
}

/// Answers peers; what HTTP keeps is asked of it.
pub(crate) struct Reading {
    pub(crate) logs: Logs,
    pub(crate) events: tokio::sync::watch::Receiver<Option<KeptEvents>>,
}

/// Reads the events that this node has told.
pub(crate) type KeptEvents = Arc<dyn Fn(EventQuery) -> Vec<Arc<Event>> + Send + Sync>;

/// This node's and its peers' logs and events.
pub(crate) struct ClusterJournal {
    pub(crate) own: NodeKey,
    pub(crate) net: Net,
    pub(crate) logs: Logs,
}

impl Logs {
    /// The newest lines that fit, oldest first.
    fn read(&self, query: &LogQuery) -> Result<Vec<LogRecord>, SourceError> {
        let failed = |error| SourceError::Failed(Box::new(error));
        let mut instances = match query.instance {
            Some(instance) => vec![instance],
            None => instances_of(&self.runs, query.bundle).map_err(failed)?,
        };
        instances.retain(|instance| !query.except.contains(instance));
        let mut lines = Vec::new();
        for instance in instances {
            let read = read_logs(&self.runs, instance, query.count).map_err(failed)?;
            let fits = |at: Wall, stream| {
                query.since.is_none_or(|since| at >= since)
                    && query.stream.is_none_or(|wanted| wanted == stream)
            };
            lines.extend(
                read.into_iter()
                    .map(|line| LogRecord {
                        at: line.at,
                        instance,
                        stream: shown(line.stream),
                        text: line.text,
                    })
                    .filter(|line| fits(line.at, line.stream)),
            );
        }
        lines.sort_by_key(|line| line.at);
        Ok(lines.split_off(lines.len().saturating_sub(query.count)))
    }
}

impl Journal for ClusterJournal {
    fn logs(
        &self,
        node: NodeKey,
        query: LogQuery,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, SourceError>> {
        Box::pin(async move {
            if node == self.own {
                let logs = self.logs.clone();
                let read = spawn_blocking(move || logs.read(&query)).await;
                return read.map_err(|error| SourceError::Failed(Box::new(error)))?;
            }
            let LogQuery {
                bundle,
                instance,
                except,
                count,
                since,
                stream,
            } = query;
            let stream = stream.map(kept);
            let question = Question::Logs {
                bundle,
                instance,
                except,
                count,
                since,
                stream,
            };
            let lines: Vec<Line> = self.ask(node, &question).await?;
            let record = |Line {
                              at,
                              instance,
                              stream,
                              text,
                          }| LogRecord {
                at,
                instance,
                stream: shown(stream),
                text,
            };
            Ok(lines.into_iter().map(record).collect())
        })
    }

    fn events(
        &self,
        node: NodeKey,
        query: EventQuery,
    ) -> BoxFuture<'_, Result<Vec<Arc<Event>>, SourceError>> {
        Box::pin(async move {
            let EventQuery {
                bundle,
                count,
                since,
            } = query;
            let events: Vec<Event> = self
                .ask(
                    node,
                    &Question::Events {
                        bundle,
                        count,
                        since,
                    },
                )
                .await?;
            Ok(events.into_iter().map(Arc::new).collect())
        })
    }
}

impl ClusterJournal {
    async fn ask<T: for<'a> Deserialize<'a>>(
        &self,
        node: NodeKey,
        question: &Question,
    ) -> Result<T, SourceError> {
        let failed = |error| SourceError::Failed(Box::new(error));
        let text = serde_json::to_vec(question).map_err(failed)?;
        let answer = self
            .net
            .ask(node, Bytes::from(text))
            .await
            .map_err(|error| {
                tracing::info!(peer = %node.short(), %error, "a node cannot be asked");
                SourceError::Silent(node)
            })?;
        serde_json::from_slice(&answer).map_err(failed)
    }
}

impl Answers for Reading {
    fn answer(
        &self,
        _from: NodeKey,
        question: Bytes,
    ) -> Pin<Box<dyn Future<Output = Bytes> + Send + '_>> {
        Box::pin(async move {
            let answered = match serde_json::from_slice(&question) {
                Ok(question) => self.reply(question).await,
                // A younger peer asks what this one does not know.
                Err(_) => Ok(Vec::new()),
            };
            answered.map(Bytes::from).unwrap_or_default()
        })
    }
}

impl Reading {
    /// Nothing, which is no JSON, when there is no answer: the asker then tells so.
    async fn reply(&self, question: Question) -> serde_json::Result<Vec<u8>> {
        match question {
            Question::Logs {
                bundle,
                instance,
                except,
                count,
                since,
                stream,
            } => {
                let stream = stream.map(shown);
                let query = LogQuery {
                    bundle,
                    instance,
                    except,
                    count,
                    since,
                    stream,
                };
                let logs = self.logs.clone();
                let read = spawn_blocking(move || logs.read(&query)).await;
                let Ok(Ok(records)) = read else {
                    return Ok(Vec::new());
                };
                let line = |LogRecord {
                                at,
                                instance,
                                stream,
                                text,
                            }| Line {
                    at,
                    instance,
                    stream: kept(stream),
                    text,
                };
                serde_json::to_vec(&records.into_iter().map(line).collect::<Vec<_>>())
            }
            Question::Events {
                bundle,
                count,
                since,
            } => {
                let Some(events) = self.events.borrow().clone() else {
                    return Ok(Vec::new());
                };
                let found = events(EventQuery {
                    bundle,
                    count,
                    since,
                });
                serde_json::to_vec(&found.iter().map(AsRef::as_ref).collect::<Vec<_>>())
            }
        }
    }
}

fn shown(stream: LogStream) -> Stream {
    match stream {
        LogStream::Stdout => Stream::Stdout,
        LogStream::Stderr => Stream::Stderr,
    }
}

fn kept(stream: Stream) -> LogStream {
    match stream {
        Stream::Stdout => LogStream::Stdout,
        Stream::Stderr => LogStream::Stderr,
    }
}
