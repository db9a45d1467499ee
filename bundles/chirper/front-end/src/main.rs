//! Chirper's page. It is in the binary: nothing has to be found, built or fetched.
//!
//! At the ingress, the page's requests go to the other services directly, because they stand in the
//! access rules of those. Where no ingress is, they come here and are handed on.

mod page;
mod relay;

use chirper_common::call::Services;
use chirper_common::service::{Start, named};

const SERVICE: &str = "front-end";
const PORT: u16 = 8100;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let start = Start::of(SERVICE, env!("CARGO_PKG_VERSION"), PORT)?;
    let services = Services::new(&start.environment);
    let routes = page::routes().merge(relay::routes(&services, &start.ending));
    let routes = named(routes, &start.identity);
    let serving = start.serve(routes).await?;
    serving.started().await;
    serving.until_told_to_end().await?;
    Ok(())
}
