//! Commands to the running process, through its socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conduct_proxy::haproxy::change::{ServerName, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

const TIME_MAX: Duration = Duration::from_secs(2);
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// Why the running process could not be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// Nobody is there, or does not answer.
    #[error("HAProxy does not answer at {socket}")]
    Silent {
        /// Where it was asked.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It said no.
    #[error("HAProxy refused {command:?}: {answer}")]
    Refused {
        /// What it was told.
        command: String,
        /// What it said.
        answer: String,
    },
}

/// A socket for commands.
#[derive(Clone, Debug)]
pub(crate) struct Runtime(pub(crate) PathBuf);

impl Runtime {
    /// Asks one thing.
    pub(crate) async fn ask(&self, command: &str) -> Result<String, RuntimeError> {
        let asked = timeout(TIME_MAX, ask(&self.0, command)).await;
        let asked = asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        asked.map_err(|source| RuntimeError::Silent {
            socket: self.0.clone(),
            source,
        })
    }

    /// The process that answers.
    pub(crate) async fn pid(&self) -> Result<u32, RuntimeError> {
        let command = "show info";
        let answer = self.ask(command).await?;
        let pid = answer.lines().find_map(|line| line.strip_prefix("Pid: "));
        let pid = pid.and_then(|pid| pid.trim().parse().ok());
        pid.ok_or_else(|| refused(command, &answer))
    }

    /// Takes one step.
    pub(crate) async fn step(&self, step: &Step) -> Result<(), RuntimeError> {
        match step {
            Step::Add { server, rest } => self.add(server, rest).await,
            Step::Remove { server } => self.tell(&format!("set server {server} state maint")).await,
        }
    }

    async fn add(&self, server: &ServerName, rest: &str) -> Result<(), RuntimeError> {
        let command = format!("add server {server} {rest}");
        let answer = self.ask(&command).await?;
        // It may still be there from before: then it is the same one, as its name is its address.
        if !answer.contains("New server registered") && !answer.contains("Already exists") {
            return Err(refused(&command, &answer));
        }
        self.tell(&format!("set server {server} state ready")).await
    }

    /// Takes a server away that has no requests any more; answers whether it is away.
    pub(crate) async fn forget(&self, server: &ServerName) -> bool {
        let answer = self.ask(&format!("del server {server}")).await;
        answer.is_ok_and(|said| said.contains("deleted") || said.contains("No such server"))
    }

    /// A command that says nothing when it works.
    async fn tell(&self, command: &str) -> Result<(), RuntimeError> {
        let answer = self.ask(command).await?;
        if answer.trim().is_empty() {
            Ok(())
        } else {
            Err(refused(command, &answer))
        }
    }
}

fn refused(command: &str, answer: &str) -> RuntimeError {
    RuntimeError::Refused {
        command: command.to_owned(),
        answer: answer.trim().chars().take(400).collect(),
    }
}

async fn ask(socket: &Path, command: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(command.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    let mut answer = String::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_string(&mut answer)
        .await?;
    Ok(answer)
}
