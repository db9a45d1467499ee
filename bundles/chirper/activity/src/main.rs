//! What those say whom a user follows: keeps nothing, asks friend and chirp through the locator.

mod api;
mod frames;
mod live;

use chirper_common::call::Services;
use chirper_common::service::{Start, named};

const SERVICE: &str = "activity";
const PORT: u16 = 8103;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let start = Start::of(SERVICE, env!("CARGO_PKG_VERSION"), PORT)?;
    let services = Services::new(&start.environment);
    let routes = api::routes(services, start.ending.clone());
    let routes = named(routes, &start.identity);
    let serving = start.serve(routes).await?;
    serving.started().await;
    serving.until_told_to_end().await?;
    Ok(())
}
