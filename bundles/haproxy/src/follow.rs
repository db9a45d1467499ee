//! Follows the cluster.

use std::time::Duration;

use conduct_client::Client;
use conduct_proxy::Offer;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::offers::offers;

/// How long the node is left alone when it did not answer: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long one look may wait for something to change.
const LOOK: Duration = Duration::from_secs(60);

/// Tells what there is whenever it changes. What was known stays when the node does not answer.
pub(crate) async fn follow(
    client: Client,
    told: watch::Sender<Option<Vec<Offer>>>,
    shutdown: CancellationToken,
) {
    let mut pause = RETRY.0;
    while !shutdown.is_cancelled() {
        let mut watch = client.watch();
        loop {
            let next = tokio::select! {
                next = watch.next(Instant::now() + LOOK) => next,
                () = shutdown.cancelled() => return,
            };
            match next {
                Ok(Some(bundles)) => {
                    pause = RETRY.0;
                    let new = Some(offers(&bundles));
                    told.send_if_modified(|known| {
                        let changed = *known != new;
                        *known = new;
                        changed
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!("the cluster cannot be followed for now: {error}");
                    break;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY.1),
            () = shutdown.cancelled() => {}
        }
    }
}
