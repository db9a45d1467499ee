//! The daemon's log: a diary of the cluster as this node sees it.

use std::io::IsTerminal;

use conduct_node::event::Event;
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings};

/// Sets up what goes to standard error.
pub(crate) fn start(settings: &Settings) {
    let level = &settings.log_level;
    // Libraries speak up only about what is wrong.
    let filter = EnvFilter::new(format!(
        "warn,conductd={level},conduct_node={level},conduct_net={level},conduct_store={level},\
         conduct_runtime={level},conduct_http={level},cluster={level}"
    ));
    let human = match settings.log_format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if human {
        log.with_target(false).init();
    } else {
        log.json()
            .flatten_event(true)
            .with_current_span(false)
            .init();
    }
}

/// One line for what happened or was decided, with all that it is about.
pub(crate) fn event(event: &Event) {
    tracing::info!(
        target: "cluster",
        node = %event.node.short(),
        bundle = event.bundle.map(|bundle| bundle.short()),
        instance = event.instance.map(|instance| instance.short()),
        request = event.request.map(|request| request.to_string()),
        "{event}"
    );
}
