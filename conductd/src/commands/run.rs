//! `conductd run`: the node itself.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use conduct_http::Listeners;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Place;
use crate::daemon::Ended;
use crate::log;
use crate::settings::Settings;
use crate::start::{Ready, start};

/// What a supervisor takes for "start me again".
const EXIT_PANICKED: u8 = 70;

pub(crate) fn run(place: &Place) -> anyhow::Result<ExitCode> {
    let settings = place.settings()?;
    log::start(&settings);
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(serve(&settings))?;
    // Whatever still runs is in nobody's service any more.
    runtime.shutdown_background();
    Ok(match ended {
        Ended::Stopped => ExitCode::SUCCESS,
        Ended::Refused(why) => anyhow::bail!("the cluster does not let this node in: {why}"),
        Ended::Panicked(_) => ExitCode::from(EXIT_PANICKED),
    })
}

/// Runs until SIGTERM or SIGINT. Instances go on under their leases.
async fn serve(settings: &Settings) -> anyhow::Result<Ended> {
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;
    // Before anything else is touched: a port that is taken ends it here.
    let listeners = listen(settings).await?;
    let ready = match start(settings, shutdown.clone()).await? {
        Ok(ready) => ready,
        Err(panicked) => return Ok(Ended::Panicked(panicked)),
    };
    let Ready {
        daemon,
        sources,
        services,
        net,
        kept_events,
        folder,
    } = ready;
    let interfaces = conduct_http::Settings {
        archive_bytes_max: settings.archive_bytes_max,
        archive_folder: settings.state_dir.join("archives"),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        ..conduct_http::Settings::default()
    };
    let server = Arc::new(conduct_http::serve(
        services, interfaces, listeners, &shutdown,
    ));
    let kept = Arc::clone(&server);
    kept_events.send_replace(Some(Arc::new(move |query| kept.events(&query))));
    let ended = daemon.run(sources).await;
    shutdown.cancel();
    net.close().await;
    drop(folder);
    Ok(ended)
}

async fn listen(settings: &Settings) -> anyhow::Result<Listeners> {
    let open = async |what: &str, port: u16| {
        let address = (settings.control_ip, port);
        let opened = TcpListener::bind(address).await;
        opened.with_context(|| format!("could not open {}:{port} for the {what}", address.0))
    };
    Ok(Listeners {
        control: open("control API", settings.control_port).await?,
        status: open("status service", settings.status_port).await?,
        locator: open("service locator", settings.locator_port).await?,
    })
}

fn stop_on_signals(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping; instances go on under their leases");
        shutdown.cancel();
    });
    Ok(())
}
