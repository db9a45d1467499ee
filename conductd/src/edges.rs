//! Doing what the brain says. Nothing here waits: each effect is handed to whoever does it.

use std::collections::BTreeMap;
use std::sync::Arc;

use conduct_model::{NodeKey, RequestId, Time};
use conduct_net::{Hint as Kernel, Net};
use conduct_node::command::{ClientHandle, Reply};
use conduct_node::effect::{Effect, End, LinkOrder};
use conduct_node::event::Event;
use conduct_node::input::{Hint, Input, LinkNews};
use conduct_runtime::Runtime;
use conduct_store::{Batch, Records};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::convert;
use crate::fetch::Fetcher;

/// Everything around the brain.
pub(crate) struct Edges {
    net: Net,
    records: Records,
    runtime: Runtime,
    fetcher: Fetcher,
    events: broadcast::Sender<Arc<Event>>,
    hints: mpsc::Sender<Input>,
    waiting: BTreeMap<ClientHandle, oneshot::Sender<Reply>>,
    armed: Time,
    ended: Option<End>,
}

impl Edges {
    pub(crate) fn new(
        net: Net,
        records: Records,
        runtime: Runtime,
        fetcher: Fetcher,
        events: broadcast::Sender<Arc<Event>>,
        hints: mpsc::Sender<Input>,
    ) -> Edges {
        let waiting = BTreeMap::new();
        Edges {
            net,
            records,
            runtime,
            fetcher,
            events,
            hints,
            waiting,
            armed: Time::NEVER,
            ended: None,
        }
    }

    /// When the brain wants to be woken.
    pub(crate) fn armed(&self) -> Time {
        self.armed
    }

    /// Whether the brain has nothing left to do, and why.
    pub(crate) fn ended(&mut self) -> Option<End> {
        self.ended.take()
    }

    /// Remembers who waits for the answer to a command.
    pub(crate) fn wait_for(&mut self, client: ClientHandle, reply: oneshot::Sender<Reply>) {
        self.waiting.insert(client, reply);
    }

    pub(crate) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Datagram { to, bytes } => self.net.datagram(to, bytes),
            Effect::Frame { to, bytes } => self.net.frame(to, bytes),
            Effect::Link(order) => self.link(order),
            Effect::Persist { n, writes } => {
                self.records.write(Batch {
                    n,
                    writes: convert::writes(writes),
                });
            }
            Effect::Runtime(order) => self.runtime.order(order),
            Effect::Archive(order) => self.fetcher.perform(&order),
            Effect::Publish(event) => self.publish(*event),
            Effect::Reply {
                client,
                request,
                reply,
            } => self.reply(client, request, reply),
            Effect::Arm(at) => self.armed = at,
            Effect::End(end) => self.ended = Some(end),
        }
    }

    fn reply(&mut self, client: ClientHandle, request: RequestId, reply: Reply) {
        tracing::debug!(%request, ?reply, "answered");
        if let Some(waiting) = self.waiting.remove(&client) {
            // Who asked may have left; what was asked is done all the same.
            let _ = waiting.send(reply);
        }
    }

    fn publish(&self, event: Event) {
        crate::log::event(&event);
        // Without listeners there is nobody to tell.
        let _ = self.events.send(Arc::new(event));
    }

    fn link(&self, order: LinkOrder) {
        match order {
            LinkOrder::Address { peer, address } => self.net.found(peer, address),
            LinkOrder::Keep { peer } => self.net.keep(peer),
            LinkOrder::Release { peer } => self.net.release(peer),
            LinkOrder::Dial { address } => self.net.dial(address),
            LinkOrder::AskKernel { peer } => self.ask_kernel(peer),
        }
    }

    fn ask_kernel(&self, peer: NodeKey) {
        let (net, hints) = (self.net.clone(), self.hints.clone());
        tokio::spawn(async move {
            if net.ask_kernel(peer).await == Kernel::Refused {
                let news = LinkNews::Hinted(Hint::DaemonGone);
                // The loop has ended: nobody wants to know any more.
                let _ = hints.send(Input::Link { peer, news }).await;
            }
        });
    }
}
