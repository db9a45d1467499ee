//! The demo application, outside a cluster: real processes on loopback.

mod http;
mod page;
mod replicas;
mod service;
mod streams;
mod webdriver;
