//! A line per request.

use std::net::SocketAddr;
use std::time::Instant;

use hyper::Method;

/// What is told of a request once its answer has ended. The query is not: it may hold secrets.
#[derive(Debug)]
pub(crate) struct Entry {
    line: Option<Box<Line>>,
    begun: Instant,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    /// The answer ended before its end.
    pub(crate) is_cut: bool,
}

#[derive(Debug)]
struct Line {
    source: SocketAddr,
    method: Method,
    host: String,
    path: String,
    owner: Option<String>,
    server: Option<SocketAddr>,
}

impl Entry {
    /// The entry of a request that has just come, if anybody reads it.
    pub(crate) fn new(
        is_wanted: bool,
        source: SocketAddr,
        method: &Method,
        host: &str,
        path: &str,
    ) -> Entry {
        let is_read = is_wanted && tracing::enabled!(target: "access", tracing::Level::INFO);
        let line = || Line {
            source,
            method: method.clone(),
            host: host.to_owned(),
            path: path.to_owned(),
            owner: None,
            server: None,
        };
        Entry {
            line: is_read.then(|| Box::new(line())),
            begun: Instant::now(),
            status: 0,
            bytes: 0,
            is_cut: false,
        }
    }

    /// Whose request it is.
    pub(crate) fn goes_to(&mut self, owner: &str) {
        if let Some(line) = &mut self.line {
            line.owner = Some(owner.to_owned());
        }
    }

    /// Who answers it.
    pub(crate) fn answered_by(&mut self, server: SocketAddr) {
        if let Some(line) = &mut self.line {
            line.server = Some(server);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(line) = self.line.take() else {
            return;
        };
        let Entry {
            status,
            bytes,
            is_cut,
            ..
        } = *self;
        let Line {
            source,
            method,
            host,
            path,
            owner,
            server,
        } = *line;
        let millis = self.begun.elapsed().as_millis() as u64;
        let owner = owner.unwrap_or_default();
        let server = server.map(|server| server.to_string()).unwrap_or_default();
        tracing::info!(
            target: "access",
            %source, %method, host, path, status, bytes, millis, owner, server, is_cut,
        );
    }
}
