//! HAProxy for a cluster: one instance of this bundle on each node that takes callers in.
//!
//! It follows the control API's events and makes of every state a configuration
//! (`conduct-proxy`), has HAProxy itself check it, and then does the least that is enough: it
//! tells the running process of instances that came or went, or has it load the file anew, which
//! loses no request. What HAProxy refuses is not used; the old configuration stays.

mod apply;
mod follow;
mod offers;
mod process;
mod protect;
mod reload;
mod runtime;
mod settings;
mod status;

use std::process::ExitCode;

use anyhow::Context;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use apply::Applier;
use settings::Settings;
use status::State;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let settings = Settings::from_env(|name| std::env::var(name).ok())?;
    let shutdown = CancellationToken::new();
    let ending = shutdown.clone();
    let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .context("SIGTERM cannot be waited for")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = ended.recv() => {}
            // Without a handler for it nobody can type it either.
            _ = tokio::signal::ctrl_c() => {}
        }
        ending.cancel();
    });

    let (offers_in, offers) = watch::channel(None);
    let (state_in, state) = watch::channel(State::default());
    let at = settings.status;
    let listener = tokio::net::TcpListener::bind(at)
        .await
        .with_context(|| format!("could not listen on {at} for the status"))?;
    tokio::spawn(status::serve(listener, state));
    let client = settings.client();
    tokio::spawn(follow::follow(client, offers_in, shutdown.clone()));
    Applier::new(settings, offers, state_in)?
        .run(shutdown)
        .await
}
