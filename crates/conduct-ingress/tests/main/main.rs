//! Real sockets: callers, proxies and instances on 127.0.0.1.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod conformance;
mod contents;
mod draining;
mod instance;
mod proxy;
mod retry;
mod smuggling;
mod tls;
