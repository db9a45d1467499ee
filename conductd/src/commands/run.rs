//! `conductd run`: the node itself.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use conduct_http::Server;
use conduct_ingress::Ingress;
use tokio_util::sync::CancellationToken;

use super::Place;
use crate::daemon::Ended;
use crate::ending::{Why, Words, become_newer};
use crate::ingress;
use crate::settings::Settings;
use crate::sockets::Sockets;
use crate::start::{Ready, start};
use crate::watchdog::{self, Beat};
use crate::{log, notify};

/// What a supervisor takes for "start me again".
const EXIT_PANICKED: u8 = 70;

/// How long callers that were let in may take to get their answers when the daemon ends.
const ANSWERS_TIME_MAX: Duration = Duration::from_secs(3);

pub(crate) fn run(place: &Place) -> anyhow::Result<ExitCode> {
    let settings = place.settings()?;
    log::start(&settings);
    // Asked before anybody can replace the file: afterwards the kernel calls it deleted.
    let program = std::env::current_exe().context("this program has no path")?;
    // Before anything else is touched: a port that is taken ends it here.
    let sockets = Sockets::open(&settings)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let (ended, why) = runtime.block_on(serve(&settings, &sockets, &program))?;
    // Whatever still runs is in nobody's service any more.
    runtime.shutdown_background();
    if why == Why::Upgrade && ended == Ended::Stopped {
        match become_newer(&program, &sockets)? {}
    }
    Ok(match ended {
        Ended::Stopped => ExitCode::SUCCESS,
        Ended::Refused(why) => anyhow::bail!("the cluster does not let this node in: {why}"),
        Ended::Panicked(_) => ExitCode::from(EXIT_PANICKED),
    })
}

/// Runs until it is told to end. Instances go on under their leases.
async fn serve(
    settings: &Settings,
    sockets: &Sockets,
    program: &Path,
) -> anyhow::Result<(Ended, Why)> {
    let mut words = Words::listen(program.to_owned())?;
    let (doors, loop_) = (CancellationToken::new(), CancellationToken::new());
    let beat = Beat::default();
    let ready = match start(settings, beat.clone(), loop_.clone()).await? {
        Ok(ready) => ready,
        Err(panicked) => return Ok((Ended::Panicked(panicked), Why::Stop)),
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
    let ingress = match (&settings.ingress, sockets.ingress_listeners()?) {
        (Some(open), Some(listeners)) => {
            let node = services.node.clone();
            let own_ports = ingress::reserved(settings, open);
            let served = open.served.clone();
            Some(ingress::start(served, own_ports, listeners, node, &doors)?)
        }
        _ => None,
    };
    let listeners = sockets.listeners()?;
    let server = Arc::new(conduct_http::serve(services, interfaces, listeners, &doors));
    let kept = Arc::clone(&server);
    kept_events.send_replace(Some(Arc::new(move |query| kept.events(&query))));
    watchdog::watch(beat)?;
    notify::tell("READY=1");

    let mut running = std::pin::pin!(daemon.run(sources));
    let (ended, why) = tokio::select! {
        ended = running.as_mut() => (ended, Why::Stop),
        why = words.next() => {
            tracing::info!(?why, "stopping; instances go on under their leases");
            notify::tell(if why == Why::Stop { "STOPPING=1" } else { "RELOADING=1" });
            let closing = close(&doors, &server, ingress.as_ref(), &loop_);
            (tokio::join!(running, closing).0, why)
        }
    };
    doors.cancel();
    net.close().await;
    drop(folder);
    Ok((ended, why))
}

/// Callers that were let in get their answers; then the loop ends.
async fn close(
    doors: &CancellationToken,
    server: &Server,
    ingress: Option<&Ingress>,
    loop_: &CancellationToken,
) {
    doors.cancel();
    let answered = async {
        server.ended().await;
        if let Some(ingress) = ingress {
            ingress.ended().await;
        }
    };
    if tokio::time::timeout(ANSWERS_TIME_MAX, answered)
        .await
        .is_err()
    {
        tracing::warn!("some callers do not get an answer any more");
    }
    loop_.cancel();
}
