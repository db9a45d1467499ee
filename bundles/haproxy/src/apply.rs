//! From what the cluster offers to what HAProxy does.

use std::time::Duration;

use anyhow::Context;
use conduct_proxy::haproxy::change::{self, Change, ServerName, Step};
use conduct_proxy::haproxy::template::{Surroundings, Template, fill};
use conduct_proxy::haproxy::{self};
use conduct_proxy::{Offer, Table};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::process::Master;
use crate::reload::{self, ReloadError};
use crate::runtime::Runtime;
use crate::settings::{Runs, Settings};
use crate::status::State;

/// Between two loads of the file, however often the cluster changes.
const RELOAD_PAUSE: Duration = Duration::from_millis(500);
/// Until a refused configuration is tried again: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// For the new process to answer.
const LOAD_TIME_MAX: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);
/// Between tries to take a server away that still has requests.
const FORGET_PAUSE: Duration = Duration::from_secs(1);

/// Applies one configuration after the other.
pub(crate) struct Applier {
    settings: Settings,
    template: Option<Template>,
    offers: watch::Receiver<Option<Vec<Offer>>>,
    state: watch::Sender<State>,
    runtime: Runtime,
    master: Option<Master>,
    /// What is in force.
    text: Option<String>,
    loaded_at: Option<Instant>,
    /// When to try again, and how long to wait after that.
    again_at: Option<Instant>,
    pause: Duration,
    /// Servers that get no requests, and are taken away once they have none.
    leaving: Vec<ServerName>,
}

impl Applier {
    pub(crate) fn new(
        settings: Settings,
        offers: watch::Receiver<Option<Vec<Offer>>>,
        state: watch::Sender<State>,
    ) -> anyhow::Result<Applier> {
        let template = match &settings.template {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("could not read {}", path.display()))?;
                let template = text.parse();
                Some(template.with_context(|| format!("{} is no template", path.display()))?)
            }
        };
        let runtime = Runtime(settings.haproxy.admin_socket.as_str().into());
        Ok(Applier {
            settings,
            template,
            offers,
            state,
            runtime,
            master: None,
            text: None,
            loaded_at: None,
            again_at: None,
            pause: RETRY.0,
            leaving: Vec::new(),
        })
    }

    /// Works until the shutdown begins, and ends HAProxy then.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        loop {
            let again_at = self.again_at;
            let again = async {
                match again_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let forgets = !self.leaving.is_empty();
            tokio::select! {
                changed = self.offers.changed() => changed.context("nobody follows the cluster")?,
                () = again => self.again_at = None,
                ended = ended(&mut self.master) => {
                    tracing::error!(ended, "HAProxy ended by itself; it is started again");
                    self.master = None;
                    self.text = None;
                    self.retry_later();
                    continue;
                }
                () = tokio::time::sleep(FORGET_PAUSE), if forgets => {
                    self.forget().await;
                    continue;
                }
                () = shutdown.cancelled() => break,
            }
            self.bring_up_to_date().await;
        }
        if let Some(master) = self.master {
            master.stop().await.context("HAProxy could not be ended")?;
        }
        Ok(())
    }

    async fn bring_up_to_date(&mut self) {
        let Some(offers) = self.offers.borrow_and_update().clone() else {
            return;
        };
        match self.apply(&offers).await {
            Ok(()) => {
                self.state.send_if_modified(|state| {
                    let was = state.refused.take();
                    let is_new = was.is_some() || !state.configured;
                    state.configured = self.text.is_some();
                    is_new
                });
                if self.again_at.is_none() {
                    self.pause = RETRY.0;
                }
            }
            Err(error) => {
                let why = format!("{error:#}");
                tracing::error!(
                    event = "configuration-refused",
                    "{why}; the old configuration stays"
                );
                self.state.send_modify(|state| state.refused = Some(why));
                self.retry_later();
            }
        }
    }

    fn retry_later(&mut self) {
        self.again_at = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(RETRY.1);
    }

    async fn apply(&mut self, offers: &[Offer]) -> anyhow::Result<()> {
        let text = self.render(offers)?;
        let change = match &self.text {
            Some(old) => change::between(old, &text),
            None => Change::Reload,
        };
        if change == Change::Nothing {
            return Ok(());
        }
        let is_load = !matches!(change, Change::Servers(_));
        if let Some(early) = self.too_early().filter(|_| is_load) {
            self.again_at = Some(early);
            return Ok(());
        }
        reload::place(&self.settings.runs, &text, &self.settings.config_file).await?;
        match change {
            Change::Servers(steps) if self.tell(&steps).await => {
                self.state.send_modify(|state| state.server_changes += 1);
            }
            _ => self.load(&text).await?,
        }
        self.text = Some(text);
        Ok(())
    }

    fn render(&self, offers: &[Offer]) -> anyhow::Result<String> {
        let settings = &self.settings.haproxy;
        let table = Table::of(offers, &settings.reserved());
        let clashes: Vec<String> = table.clashes.iter().map(ToString::to_string).collect();
        self.state.send_if_modified(|state| {
            let changed = state.clashes != clashes;
            if changed {
                for clash in &clashes {
                    tracing::warn!(event = "clash", "{clash}");
                }
                state.clashes = clashes;
            }
            changed
        });
        let Some(template) = &self.template else {
            return Ok(haproxy::render(&table, settings));
        };
        let folder = self.settings.override_config_dir.display().to_string();
        let given = Surroundings {
            offers,
            settings,
            override_config_dir: &folder,
        };
        fill(template, given).context("the template cannot be filled")
    }

    fn too_early(&self) -> Option<Instant> {
        let next = self.loaded_at? + RELOAD_PAUSE;
        (next > Instant::now()).then_some(next)
    }

    /// Tells the running process; answers whether it took all of it.
    async fn tell(&mut self, steps: &[Step]) -> bool {
        for step in steps {
            if let Err(error) = self.runtime.step(step).await {
                tracing::warn!("the file is loaded instead: {error}");
                return false;
            }
            match step {
                Step::Remove { server } => self.leaving.push(server.clone()),
                Step::Add { server, .. } => self.leaving.retain(|gone| gone != server),
            }
        }
        true
    }

    async fn forget(&mut self) {
        let mut still = Vec::new();
        for server in std::mem::take(&mut self.leaving) {
            if !self.runtime.forget(&server).await {
                still.push(server);
            }
        }
        self.leaving = still;
    }

    /// Has the file loaded, and waits until it is.
    async fn load(&mut self, text: &str) -> anyhow::Result<()> {
        self.loaded_at = Some(Instant::now());
        self.leaving.clear();
        let config = &self.settings.config_file;
        match &self.settings.runs {
            Runs::Elsewhere {
                script, with_sudo, ..
            } => reload::script(script, *with_sudo, config).await?,
            Runs::Here { program } => {
                let before = match &self.master {
                    Some(_) => self.runtime.pid().await.ok(),
                    None => None,
                };
                match &self.master {
                    Some(master) => master.load().context("HAProxy could not be told")?,
                    None => {
                        let run = |source| ReloadError::Run {
                            program: program.clone(),
                            source,
                        };
                        self.master = Some(Master::start(program, config).map_err(run)?);
                    }
                }
                self.loaded(text, before).await?;
            }
        }
        self.state.send_modify(|state| state.reloads += 1);
        Ok(())
    }

    /// Waits until another process answers than before. A template may have no socket for that;
    /// then it is enough that HAProxy goes on.
    async fn loaded(&mut self, text: &str, before: Option<u32>) -> anyhow::Result<()> {
        let socket = self.settings.haproxy.admin_socket.as_str();
        if !text.contains(socket) {
            tokio::time::sleep(RELOAD_PAUSE).await;
            let is_alive = self.master.as_mut().is_some_and(Master::is_alive);
            return if is_alive {
                Ok(())
            } else {
                Err(ReloadError::Late(RELOAD_PAUSE).into())
            };
        }
        let until = Instant::now() + LOAD_TIME_MAX;
        while Instant::now() < until {
            if self
                .runtime
                .pid()
                .await
                .is_ok_and(|pid| Some(pid) != before)
            {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(ReloadError::Late(LOAD_TIME_MAX).into())
    }
}

/// How HAProxy ended, if it is a child of ours and does.
async fn ended(master: &mut Option<Master>) -> String {
    match master {
        Some(master) => match master.ended().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        },
        None => std::future::pending().await,
    }
}
