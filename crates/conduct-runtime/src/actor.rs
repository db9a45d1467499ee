//! One instance from its folder to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use conduct_model::{BundleId, InstanceId, Wall};
use conduct_node::runtime::{Exit, ExitStatus, Ports, RuntimeEvent, StartInstance};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::adopt::{clear_away, connect};
use crate::error::RuntimeError;
use crate::folder::{RunFolder, read_json};
use crate::house::keep_house;
use crate::launch::{Launched, Launcher, give_back};
use crate::prepare::{Prepared, open, prepare};
use crate::protocol::{ExitRecord, FromShim, ToShim};
use crate::runtime::{Order, Shared};

/// A shim that takes no word for so long is as good as dead.
const SHIM_PATIENCE: Duration = Duration::from_secs(1);

/// How far an instance is, as far as its task is concerned.
pub(crate) enum State {
    New,
    Prepared(BundleId),
    Running(Box<Running>),
    Ended(Exit),
}

/// An instance whose shim listens.
pub(crate) struct Running {
    pub(crate) ports: BTreeMap<String, Ports>,
    pub(crate) shim: Option<Child>,
    pub(crate) words: Lines<BufReader<OwnedReadHalf>>,
    pub(crate) mouth: OwnedWriteHalf,
}

pub(crate) struct Actor {
    shared: Arc<Shared>,
    instance: InstanceId,
    folder: RunFolder,
    state: State,
}

impl Actor {
    pub(crate) fn new(shared: Arc<Shared>, instance: InstanceId, state: State) -> Actor {
        let folder = RunFolder::of(&shared.config.runs, instance);
        Actor {
            shared,
            instance,
            folder,
            state,
        }
    }

    /// Runs until the instance is forgotten.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let order = match &mut self.state {
                State::Running(running) => tokio::select! {
                    order = orders.recv() => order,
                    word = running.words.next_line() => {
                        self.heard(word.ok().flatten()).await;
                        continue;
                    }
                },
                _ => orders.recv().await,
            };
            match order {
                None => return,
                Some(Order::Forget) => {
                    self.forget().await;
                    return;
                }
                Some(order) => self.obey(order).await,
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Prepare(bundle) => self.prepare(bundle).await,
            Order::Start(start) => self.start(*start).await,
            Order::Stop { grace_millis } => self.stop(grace_millis).await,
            Order::Lease { millis } => self.say(ToShim::Lease(millis)).await,
            Order::Signalled => self.say(ToShim::Started).await,
            Order::Forget => {}
        }
    }

    async fn tell(&self, event: RuntimeEvent) {
        // The loop has ended: the next life asks the shims.
        let _ = self.shared.events.send(event).await;
    }

    async fn fail(&mut self, why: &RuntimeError) {
        self.state = State::New;
        let why = why.story();
        self.tell(RuntimeEvent::Failed {
            instance: self.instance,
            why,
        })
        .await;
    }

    async fn prepare(&mut self, bundle: BundleId) {
        if matches!(self.state, State::New) {
            if let Err(why) = self.unpack(bundle).await {
                self.fail(&why).await;
                return;
            }
            self.state = State::Prepared(bundle);
        }
        if matches!(self.state, State::Prepared(_)) {
            self.tell(RuntimeEvent::Prepared {
                instance: self.instance,
            })
            .await;
        }
    }

    async fn unpack(&self, bundle: BundleId) -> Result<Prepared, RuntimeError> {
        let (shared, folder, instance) =
            (Arc::clone(&self.shared), self.folder.clone(), self.instance);
        let done = spawn_blocking(move || {
            let unpacking = shared.house.unpacking.read();
            let _among_others = unpacking.unwrap_or_else(PoisonError::into_inner);
            prepare(&shared.config, &folder, instance, bundle)
        })
        .await;
        done.map_err(|error| RuntimeError::Descriptor(error.to_string()))?
    }

    async fn start(&mut self, start: StartInstance) {
        let launched = match &self.state {
            State::Running(_) | State::Ended(_) => return,
            State::New => match self.unpack(start.bundle).await {
                Ok(prepared) => self.launch(&prepared, &start).await,
                Err(why) => Err(why),
            },
            State::Prepared(bundle) => match open(&self.folder, *bundle) {
                Ok(prepared) => self.launch(&prepared, &start).await,
                Err(why) => Err(why),
            },
        };
        let launched = match launched {
            Ok(launched) => launched,
            Err(why) => return self.fail(&why).await,
        };
        let (instance, pid, ports) = (self.instance, launched.pid, launched.ports);
        let told = ports.clone();
        self.tell(RuntimeEvent::Launched {
            instance,
            pid,
            ports: told,
        })
        .await;
        match connect(&self.folder).await {
            Some((_, words, mouth)) => {
                let shim = Some(launched.shim);
                self.state = State::Running(Box::new(Running {
                    ports,
                    shim,
                    words,
                    mouth,
                }));
            }
            // It may have ended already; what counts is that nothing of it runs on unwatched.
            None => {
                give_back(&self.shared.pool, &ports);
                let exit = self.bury(Some(launched.shim)).await;
                self.end(exit).await;
            }
        }
        keep_house(&self.shared, start.bundle);
    }

    async fn launch(
        &self,
        prepared: &Prepared,
        start: &StartInstance,
    ) -> Result<Launched, RuntimeError> {
        let Shared {
            config,
            pool,
            mounts,
            ..
        } = &*self.shared;
        let launcher = Launcher {
            config,
            pool,
            mounts,
        };
        launcher.launch(&self.folder, prepared, start).await
    }

    async fn stop(&mut self, grace_millis: u64) {
        match &self.state {
            State::Running(_) => self.say(ToShim::Stop(grace_millis)).await,
            State::Ended(exit) => {
                let (instance, exit) = (self.instance, *exit);
                self.tell(RuntimeEvent::Ended { instance, exit }).await;
            }
            State::New | State::Prepared(_) => {
                let exit = Exit::seen(ExitStatus::Unknown, wall());
                self.end(exit).await;
            }
        }
    }

    async fn say(&mut self, word: ToShim) {
        let State::Running(running) = &mut self.state else {
            return;
        };
        let Ok(mut line) = serde_json::to_vec(&word) else {
            return;
        };
        line.push(b'\n');
        // A shim that is gone shows itself by the end of its words.
        let _ = timeout(SHIM_PATIENCE, running.mouth.write_all(&line)).await;
    }

    /// A word of the shim, or the end of its words.
    async fn heard(&mut self, word: Option<String>) {
        let instance = self.instance;
        let Some(word) = word else {
            let State::Running(running) = std::mem::replace(&mut self.state, State::New) else {
                return;
            };
            give_back(&self.shared.pool, &running.ports);
            let exit = self.bury(running.shim).await;
            self.end(exit).await;
            return;
        };
        match serde_json::from_str(&word) {
            Ok(FromShim::Stopping(stage)) => {
                self.tell(RuntimeEvent::Stopping { instance, stage }).await;
            }
            Ok(FromShim::ChildOutOfMemory) => {
                self.tell(RuntimeEvent::ChildOutOfMemory { instance }).await;
            }
            Ok(FromShim::Status { .. }) | Err(_) => {}
        }
    }

    async fn end(&mut self, exit: Exit) {
        self.state = State::Ended(exit);
        self.tell(RuntimeEvent::Ended {
            instance: self.instance,
            exit,
        })
        .await;
    }

    /// Makes sure that nothing is left, and reads how it ended.
    async fn bury(&self, shim: Option<Child>) -> Exit {
        if let Some(mut shim) = shim {
            // It has closed its socket: it is ending, or it was killed.
            let _ = timeout(SHIM_PATIENCE, shim.wait()).await;
        }
        let (folder, instance) = (self.folder.clone(), self.instance);
        let read = spawn_blocking(move || {
            let exit: Option<ExitRecord> = read_json(&folder.exit()).ok().flatten();
            if exit.is_none() {
                tracing::warn!(instance = %instance.short(), "its shim is gone: it is stopped");
                clear_away(&folder, instance);
            }
            exit
        });
        exit_of(read.await.ok().flatten(), false)
    }

    /// Leaves the folder to housekeeping.
    async fn forget(&mut self) {
        if let State::Running(_) = self.state {
            tracing::error!(instance = %self.instance.short(), "it is to be forgotten, and lives");
            return;
        }
        let (record, done) = (self.folder.record(), self.folder.path().join("done.json"));
        if let Err(error) = tokio::fs::rename(&record, &done).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(record = %record.display(), %error, "a record stays behind");
        }
    }
}

/// How an instance ended, as its shim wrote it down; without that nobody knows.
pub(crate) fn exit_of(record: Option<ExitRecord>, while_away: bool) -> Exit {
    match record {
        Some(record) => Exit {
            status: record.status,
            out_of_memory: record.out_of_memory,
            at: Wall::from_millis(record.at_millis),
            while_away,
            by_lease: record.by_lease,
        },
        None => Exit {
            while_away,
            ..Exit::seen(ExitStatus::Unknown, wall())
        },
    }
}

pub(crate) fn wall() -> Wall {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Wall::from_millis(since.unwrap_or_default().as_millis() as u64)
}

pub(crate) type Ears = Lines<BufReader<OwnedReadHalf>>;

/// Splits a connection to a shim.
pub(crate) fn split(stream: UnixStream) -> (Ears, OwnedWriteHalf) {
    let (read, write) = stream.into_split();
    (BufReader::new(read).lines(), write)
}
