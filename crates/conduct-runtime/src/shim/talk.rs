//! The shim's end of its socket: daemons come, ask, listen and die.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use crate::error::RuntimeError;
use crate::protocol::{FromShim, LINE_BYTES_MAX, ToShim};
use crate::socket;

/// A daemon and perhaps the one that replaces it.
const CONNECTIONS_MAX: usize = 4;

struct Connection {
    stream: UnixStream,
    heard: Vec<u8>,
}

pub(super) struct Talk {
    listener: UnixListener,
    connections: Vec<Connection>,
}

impl Talk {
    pub(super) fn listen(path: &Path) -> Result<Talk, RuntimeError> {
        let failed = || RuntimeError::file("listen at", path);
        // What is left of an earlier try.
        let _ = std::fs::remove_file(path);
        let listener = socket::listen(path).map_err(failed())?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed())?;
        listener.set_nonblocking(true).map_err(failed())?;
        Ok(Talk {
            listener,
            connections: Vec::new(),
        })
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let connections = self
            .connections
            .iter()
            .map(|connection| connection.stream.as_fd());
        std::iter::once(self.listener.as_fd()).chain(connections)
    }

    /// Takes what daemons say.
    pub(super) fn hear(&mut self) -> Vec<ToShim> {
        let mut words = Vec::new();
        self.connections
            .retain_mut(|connection| connection.hear(&mut words));
        words
    }

    /// Lets daemons in, with `status` as the first word.
    pub(super) fn welcome(&mut self, status: &FromShim) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.connections.len() == CONNECTIONS_MAX {
                self.connections.remove(0);
            }
            if stream.set_nonblocking(true).is_ok() {
                let mut connection = Connection {
                    stream,
                    heard: Vec::new(),
                };
                if connection.tell(status) {
                    self.connections.push(connection);
                }
            }
        }
    }

    /// Tells every daemon that listens; one that does not take it is let go.
    pub(super) fn tell(&mut self, word: &FromShim) {
        self.connections
            .retain_mut(|connection| connection.tell(word));
    }
}

impl Connection {
    fn tell(&mut self, word: &FromShim) -> bool {
        let Ok(mut line) = serde_json::to_vec(word) else {
            return true;
        };
        line.push(b'\n');
        self.stream.write_all(&line).is_ok()
    }

    /// Takes what was said; answers whether the connection lives.
    fn hear(&mut self, words: &mut Vec<ToShim>) -> bool {
        let mut chunk = [0; 4096];
        let lives = loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => break false,
                Ok(read) => self.heard.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break false,
            }
            if self.heard.len() > LINE_BYTES_MAX {
                break false;
            }
        };
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.heard.drain(..=end).collect();
            // A younger daemon may say what this shim does not know.
            words.extend(serde_json::from_slice::<ToShim>(&line).ok());
        }
        lives
    }
}
