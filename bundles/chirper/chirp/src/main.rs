//! What Chirper's users say: kept, listed, and told to listeners as it happens.
//!
//! What happens is written to a disk here and at every other instance; see `chirper_common::replica`.

mod api;
mod chirps;
mod live;

use std::time::Duration;

use chirper_common::call::Services;
use chirper_common::replica::{Peers, Store};
use chirper_common::service::{Start, named};

const SERVICE: &str = "chirp";
const PORT: u16 = 8102;

/// How long the last instance to end waits for another one to have everything.
const HAND_OVER_PATIENCE: Duration = Duration::from_secs(1);

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let start = Start::of(SERVICE, env!("CARGO_PKG_VERSION"), PORT)?;
    let services = Services::new(&start.environment);
    let store = Store::open(&start.data_folder()?)?;
    let is_managed = start.environment.is_managed();
    let peers = Peers::of(store.clone(), SERVICE, start.identity.address, is_managed);

    let service = api::Service::of(store, peers.clone(), start.ending.clone());
    let routes = api::routes(service).merge(peers.routes());
    let routes = named(routes, &start.identity);
    let others = start.others.clone();
    let serving = start.serve(routes).await?;

    peers.catch_up(&others).await?;
    tokio::spawn(peers.clone().discover(services.locator().clone()));
    serving.started().await;
    serving.until_told_to_end().await?;
    peers.hand_over(HAND_OVER_PATIENCE).await;
    Ok(())
}
