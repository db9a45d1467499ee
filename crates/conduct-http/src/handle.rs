//! What HTTP knows of the node: a queue of questions, the newest view, the stream of events.

use std::sync::Arc;

use conduct_model::{BundleId, RequestId};
use conduct_node::command::{Command, Reply};
use conduct_node::event::Event;
use conduct_node::view::{View, Why};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Questions that wait for the brain. It answers them in microseconds; whoever finds the queue
/// full waits for a place.
const QUESTIONS_MAX: usize = 1024;

/// Events that a slow listener may fall behind.
const EVENTS_MAX: usize = 4096;

/// A question to the brain.
#[derive(Debug)]
pub enum Ask {
    /// A client's command, answered once.
    Command {
        /// The name under which it may be repeated.
        id: RequestId,
        /// What is asked.
        command: Command,
        /// Where the answer goes.
        reply: oneshot::Sender<Reply>,
    },
    /// What the node knows right now.
    View(oneshot::Sender<Arc<View>>),
    /// Why a wish is not met.
    Why {
        /// Whose wish.
        bundle: BundleId,
        /// Where the answer goes; nothing when the wish is met or nobody wishes.
        reply: oneshot::Sender<Option<Why>>,
    },
}

/// The loop that owns the brain has ended: the daemon is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node is shutting down")]
pub struct NodeGone;

/// The node, as HTTP sees it. Clones share it.
#[derive(Clone, Debug)]
pub struct NodeHandle {
    questions: mpsc::Sender<Ask>,
    view: watch::Receiver<Arc<View>>,
    events: broadcast::Sender<Arc<Event>>,
}

/// The other ends of a handle, which belong to the loop.
#[derive(Debug)]
pub struct LoopEnds {
    /// Questions to answer.
    pub asked: mpsc::Receiver<Ask>,
    /// Where new views are told.
    pub views: watch::Sender<Arc<View>>,
    /// Where events are told.
    pub events: broadcast::Sender<Arc<Event>>,
}

/// Makes a handle that shows this view first, and its other ends.
pub fn handle(first: Arc<View>) -> (NodeHandle, LoopEnds) {
    let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
    let (views, view) = watch::channel(first);
    let (events, _) = broadcast::channel(EVENTS_MAX);
    (
        NodeHandle {
            questions,
            view,
            events: events.clone(),
        },
        LoopEnds {
            asked,
            views,
            events,
        },
    )
}

impl NodeHandle {
    /// Gives a command and waits for its one answer.
    pub async fn command(&self, id: RequestId, command: Command) -> Result<Reply, NodeGone> {
        self.ask(|reply| Ask::Command { id, command, reply }).await
    }

    /// What the node knows now: it includes every command that was answered before.
    pub async fn view(&self) -> Result<Arc<View>, NodeGone> {
        self.ask(Ask::View).await
    }

    /// Why a wish is not met.
    pub async fn why(&self, bundle: BundleId) -> Result<Option<Why>, NodeGone> {
        self.ask(|reply| Ask::Why { bundle, reply }).await
    }

    /// How many questions wait for the brain.
    pub fn waiting(&self) -> usize {
        self.questions.max_capacity() - self.questions.capacity()
    }

    /// The newest view, and those to come; may lag behind the node by a few milliseconds.
    pub fn views(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    /// Events from now on.
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Ask,
    ) -> Result<T, NodeGone> {
        let (reply, answer) = oneshot::channel();
        self.questions
            .send(question(reply))
            .await
            .map_err(|_| NodeGone)?;
        answer.await.map_err(|_| NodeGone)
    }
}
