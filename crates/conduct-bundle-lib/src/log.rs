//! Log lines as a node reads them.
//!
//! A node takes every line on stdout as information and every line on stderr as an error, and adds
//! time, bundle and host. So events go out as one line each, warnings and errors to stderr and all
//! others to stdout; outside a cluster they carry the time as well.

use std::io::IsTerminal as _;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;

use crate::environment::Environment;

/// Sets up the log of this process. `RUST_LOG` says what is logged, `info` and worse without it.
/// A panic becomes one line, too.
///
/// ```
/// use conduct_bundle_lib::{Environment, log};
///
/// log::init(&Environment::of_process());
/// tracing::info!("listening at 127.0.0.1:8080");
/// ```
pub fn init(environment: &Environment) {
    let directives = environment.variable("RUST_LOG").unwrap_or("info");
    let writer = std::io::stderr
        .with_max_level(Level::WARN)
        .or_else(std::io::stdout);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives))
        .with_ansi(std::io::stdout().is_terminal() && std::io::stderr().is_terminal())
        .with_target(false)
        .with_writer(writer);
    // A second set-up changes nothing: the first one holds.
    let _ = if environment.is_managed() {
        lines.without_time().try_init()
    } else {
        lines.try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let words = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(
            "panicked at {}: {}",
            place.unwrap_or_default(),
            words.replace('\n', " ")
        );
    }));
}
