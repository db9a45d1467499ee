//! The runtime: takes orders, hands each to the task of its instance.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conduct_model::{BundleId, InstanceId};
use conduct_node::runtime::{RuntimeEvent, RuntimeOrder, StartInstance};
use tokio::sync::mpsc;

use crate::actor::{Actor, State};
use crate::adopt;
use crate::cgroup::Mounts;
use crate::config::RuntimeConfig;
use crate::error::RuntimeError;
use crate::house::House;
use crate::ports::PortPool;

/// Orders that one instance may have before it; the brain gives a handful in a whole life.
const ORDERS_MAX: usize = 256;

/// What an instance's task is told.
#[derive(Debug)]
pub(crate) enum Order {
    Prepare(BundleId),
    Start(Box<StartInstance>),
    Stop { grace_millis: u64 },
    Lease { millis: u64 },
    Signalled,
    Forget,
}

pub(crate) struct Shared {
    pub(crate) config: RuntimeConfig,
    pub(crate) pool: PortPool,
    pub(crate) mounts: Mounts,
    pub(crate) house: House,
    pub(crate) events: mpsc::Sender<RuntimeEvent>,
    actors: Mutex<BTreeMap<InstanceId, mpsc::Sender<Order>>>,
}

/// Runs instances. Clones share it; instances go on when it is dropped.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

impl Runtime {
    /// Asks all shims of earlier lives, tells what was found as the first event, and takes orders.
    pub async fn open(
        config: RuntimeConfig,
        events: mpsc::Sender<RuntimeEvent>,
    ) -> Result<Runtime, RuntimeError> {
        std::fs::create_dir_all(&config.runs)
            .map_err(RuntimeError::file("create", &config.runs))?;
        // What a dead shim leaves behind comes to us instead of vanishing from sight.
        if let Err(errno) = nix::sys::prctl::set_child_subreaper(true) {
            tracing::warn!(%errno, "instances of shims that die cannot be watched any more");
        }
        let shared = Arc::new(Shared {
            pool: PortPool::new(config.host_ip, config.ports.clone()),
            mounts: Mounts::find(),
            house: House::default(),
            config,
            events,
            actors: Mutex::default(),
        });
        let runtime = Runtime { shared };
        let found = adopt::adopt(&runtime.shared).await?;
        let mut instances = BTreeMap::new();
        let mut states = Vec::new();
        for (instance, adopted, state) in found {
            instances.insert(instance, adopted);
            states.push((instance, state));
        }
        // Nobody listens any more: then nobody will give orders either.
        let _ = runtime
            .shared
            .events
            .send(RuntimeEvent::Adopted { instances })
            .await;
        for (instance, state) in states {
            runtime.spawn(instance, state);
        }
        Ok(runtime)
    }

    /// Does what the brain says, in the order in which it is said about each instance.
    pub fn order(&self, order: RuntimeOrder) {
        match order {
            RuntimeOrder::Prepare {
                instance,
                bundle,
                descriptor: _,
            } => {
                self.tell(instance, Order::Prepare(bundle));
            }
            RuntimeOrder::Start(start) => self.tell(start.instance, Order::Start(start)),
            RuntimeOrder::Stop { instance, grace } => {
                self.tell(
                    instance,
                    Order::Stop {
                        grace_millis: grace.as_millis(),
                    },
                );
            }
            RuntimeOrder::Lease { stamp } => {
                for actor in self.actors().values() {
                    // A task that has more before it than it can hold gets the next stamp.
                    let _ = actor.try_send(Order::Lease {
                        millis: stamp.as_millis(),
                    });
                }
            }
            RuntimeOrder::Forget { instance } => self.tell(instance, Order::Forget),
        }
    }

    /// Lets the instance's shim remember that it signalled, for the next life of the daemon.
    pub fn signalled(&self, instance: InstanceId) {
        if let Some(actor) = self.actors().get(&instance) {
            let _ = actor.try_send(Order::Signalled);
        }
    }

    /// Where run directories are.
    pub fn runs(&self) -> &Path {
        &self.shared.config.runs
    }

    fn actors(&self) -> MutexGuard<'_, BTreeMap<InstanceId, mpsc::Sender<Order>>> {
        self.shared
            .actors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, instance: InstanceId, order: Order) {
        let known = self.actors().get(&instance).cloned();
        let actor = known.unwrap_or_else(|| self.spawn(instance, State::New));
        if let Err(error) = actor.try_send(order) {
            tracing::error!(instance = %instance.short(), %error, "an order was lost");
        }
    }

    fn spawn(&self, instance: InstanceId, state: State) -> mpsc::Sender<Order> {
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        self.actors().insert(instance, sender.clone());
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            Actor::new(Arc::clone(&shared), instance, state)
                .run(orders)
                .await;
            shared
                .actors
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&instance);
        });
        sender
    }
}
