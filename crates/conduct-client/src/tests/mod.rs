//! The client against servers that behave well, badly, or not at all.

mod faults;
mod images;
mod tls;
mod uploads;
mod waits;

use std::time::Duration;

use crate::fake::Fake;
use crate::{Access, Client, Limits, Target};

/// Short enough for tests, long enough for a busy machine.
fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        answer: Duration::from_millis(700),
        change: Duration::from_millis(700),
        upload: Duration::from_millis(700),
        stream: Duration::from_secs(2),
        answer_bytes: 1024 * 1024,
    }
}

fn target(fake: &Fake) -> (Target, Access) {
    let target = Target::new(&fake.address().to_string()).expect("an address");
    (target, Access::default())
}

/// A port where nobody listens.
fn nobody() -> (Target, Access) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    (
        Target::new(&address).expect("an address"),
        Access::default(),
    )
}

fn client(fake: &Fake) -> Client {
    Client::new([target(fake)], limits())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let limit = Duration::from_secs(20);
        let done = tokio::time::timeout(limit, future).await;
        done.expect("nothing here may take so long")
    })
}
