//! The daemon: one loop owns the brain, everything else feeds it or does what it says.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use conduct_http::Ask;
use conduct_model::{RequestId, Time};
use conduct_net::NetEvent;
use conduct_node::archive::ArchiveEvent;
use conduct_node::command::{ClientHandle, Command, Request};
use conduct_node::effect::{Effect, End};
use conduct_node::input::Input;
use conduct_node::runtime::RuntimeEvent;
use conduct_node::view::View;
use conduct_store::RecordsNews;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::brain::{Brain, Panicked};
use crate::clock;
use crate::convert;
use crate::edges::Edges;
use crate::watchdog::Beat;

/// Watchers see a change at the latest so long after the brain does.
const VIEW_LAG_MAX: Duration = Duration::from_millis(20);

/// A daemon that is told to stop tells its peers that it will be back; this long at most.
const FAREWELL_MAX: Duration = Duration::from_millis(500);

/// The loop turns at least so often, so that one that stands still is told apart from an idle one.
const PULSE_SPAN: Duration = Duration::from_secs(1);

/// How the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told to.
    Stopped,
    /// The cluster does not let this node in, and never will.
    Refused(String),
    /// A step panicked, and the next life knows of it.
    Panicked(Panicked),
}

/// Where inputs come from.
pub(crate) struct Sources {
    pub(crate) net: mpsc::Receiver<NetEvent>,
    pub(crate) hints: mpsc::Receiver<Input>,
    pub(crate) asked: mpsc::Receiver<Ask>,
    pub(crate) runtime: mpsc::Receiver<RuntimeEvent>,
    pub(crate) archives: mpsc::Receiver<ArchiveEvent>,
    pub(crate) records: mpsc::UnboundedReceiver<RecordsNews>,
    pub(crate) shutdown: CancellationToken,
}

/// The loop and what it owns.
pub(crate) struct Daemon {
    brain: Brain,
    edges: Edges,
    views: watch::Sender<Arc<View>>,
    beat: Beat,
    /// The newest view, while it is one.
    view: Option<Arc<View>>,
    clients: u64,
}

impl Daemon {
    /// `begun` is what the brain's first step wants done.
    pub(crate) fn new(
        brain: Brain,
        begun: Vec<Effect>,
        mut edges: Edges,
        views: watch::Sender<Arc<View>>,
        beat: Beat,
    ) -> Daemon {
        for effect in begun {
            edges.perform(effect);
        }
        Daemon {
            brain,
            edges,
            views,
            beat,
            view: None,
            clients: 0,
        }
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self, mut sources: Sources) -> Ended {
        if let Some(ended) = self.ended() {
            return ended;
        }
        let mut show = tokio::time::interval(VIEW_LAG_MAX);
        show.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut farewell: Option<Pin<Box<tokio::time::Sleep>>> = None;
        let mut pulse = tokio::time::interval(PULSE_SPAN);
        loop {
            self.beat.turn();
            let timer = tokio::time::sleep(until(self.edges.armed()));
            let input = tokio::select! {
                Some(event) = sources.net.recv() => convert::net(event),
                Some(hint) = sources.hints.recv() => hint,
                Some(ask) = sources.asked.recv() => {
                    // Whoever asks may rely on what was told before: a load finds its archive.
                    while let Ok(event) = sources.archives.try_recv() {
                        if let Some(ended) = self.step(Input::Archive(event)) {
                            return ended;
                        }
                    }
                    match self.answer(ask) {
                        Some(input) => input,
                        None => continue,
                    }
                }
                Some(event) = sources.runtime.recv() => Input::Runtime(event),
                Some(event) = sources.archives.recv() => Input::Archive(event),
                Some(news) = sources.records.recv() => convert::records(news),
                () = timer => Input::Timer,
                _ = pulse.tick() => continue,
                _ = show.tick(), if self.view.is_none() => {
                    self.show();
                    continue;
                }
                () = sources.shutdown.cancelled(), if farewell.is_none() => {
                    farewell = Some(Box::pin(tokio::time::sleep(FAREWELL_MAX)));
                    stop()
                }
                () = async { farewell.as_mut().expect("only then").await }, if farewell.is_some() => {
                    return Ended::Stopped;
                }
            };
            if let Some(ended) = self.step(input) {
                return ended;
            }
        }
    }

    /// Hands an input to the brain and does what it says; answers whether that was the last.
    fn step(&mut self, input: Input) -> Option<Ended> {
        let Ok(effects) = self.brain.step(input) else {
            return Some(Ended::Panicked(Panicked));
        };
        self.view = None;
        for effect in effects {
            self.edges.perform(effect);
        }
        self.ended()
    }

    fn ended(&mut self) -> Option<Ended> {
        self.edges.ended().map(|end| match end {
            End::Left | End::Stopped => Ended::Stopped,
            End::Refused(why) => Ended::Refused(why),
        })
    }

    /// Answers what needs no step; a command becomes an input.
    fn answer(&mut self, ask: Ask) -> Option<Input> {
        match ask {
            Ask::View(reply) => {
                // Who asked may have left.
                let _ = reply.send(self.show());
                None
            }
            Ask::Why { bundle, reply } => {
                let _ = reply.send(self.brain.why(bundle));
                None
            }
            Ask::Command { id, command, reply } => {
                self.clients += 1;
                let client = ClientHandle(self.clients);
                self.edges.wait_for(client, reply);
                Some(Input::Request(Request {
                    client,
                    id,
                    command,
                }))
            }
        }
    }

    /// The newest view, made once per change and told to all watchers.
    fn show(&mut self) -> Arc<View> {
        if let Some(view) = &self.view {
            return Arc::clone(view);
        }
        let view = self.brain.view();
        self.views.send_if_modified(|shown| {
            let changed = **shown != *view;
            *shown = Arc::clone(&view);
            changed
        });
        self.view = Some(Arc::clone(&view));
        view
    }
}

/// The word of whoever sent a signal: nobody waits for an answer to it.
fn stop() -> Input {
    Input::Request(Request {
        client: ClientHandle(0),
        id: RequestId::from_u128(0),
        command: Command::StopDaemon,
    })
}

fn until(armed: Time) -> Duration {
    Duration::from_millis(armed.since(clock::time()).as_millis())
}
