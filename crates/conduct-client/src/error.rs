//! What can go wrong between a client and a cluster.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A node that did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its address.
    pub url: String,
    /// Why there is no answer.
    pub reason: String,
}

/// What can go wrong between a client and a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// None of the nodes answered.
    #[error("no node answers{}", told(tried))]
    Unreachable {
        /// Each of them, in the order in which they were asked.
        tried: Vec<Attempt>,
    },
    /// An answer began and did not end.
    #[error("the answer of {url} broke off: {reason}")]
    Broken {
        /// Who answered.
        url: String,
        /// How it ended.
        reason: String,
    },
    /// An answer other than success.
    #[error("{url} answered {status} {phrase}{}", behind_colon(body))]
    Status {
        /// Who answered.
        url: String,
        /// The number.
        status: u16,
        /// The words that belong to the number.
        phrase: String,
        /// What it means, for programs; empty from servers that do not say.
        code: String,
        /// What the answer says, for people.
        body: String,
    },
    /// An answer that is not what was asked for.
    #[error("{url} answered what cannot be understood as {what}")]
    Malformed {
        /// Who answered.
        url: String,
        /// What was expected.
        what: &'static str,
        /// Where it went wrong.
        source: serde_json::Error,
    },
    /// An answer with a type of content that was not asked for.
    #[error("{url} answered with {found}, not with {expected}")]
    ContentType {
        /// Who answered.
        url: String,
        /// What was expected.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// An answer that goes on and on.
    #[error("the answer of {url} is larger than {bytes_max} bytes")]
    TooLarge {
        /// Who answered.
        url: String,
        /// What it may have.
        bytes_max: u64,
    },
    /// What was uploaded was taken, and then nothing came.
    #[error("{url} said nothing for {} s after the upload", after.as_secs())]
    NoVerdict {
        /// Who took it.
        url: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// A file of this machine.
    #[error("could not {doing} {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why it did not work.
        source: io::Error,
    },
    /// The file of authorities holds none.
    #[error("{} holds no certificates", path.display())]
    Certificate {
        /// Which.
        path: PathBuf,
    },
    /// No such client can be made.
    #[error("could not set up HTTP: {0}")]
    Setup(String),
    /// An address that is none.
    #[error("{url} is no address that can be asked: {reason}")]
    Url {
        /// What it was.
        url: String,
        /// Why not.
        reason: String,
    },
    /// What was downloaded is something else than its name says.
    #[error("{what} is not what its name says: expected {expected}, contents hash to {actual}")]
    Digest {
        /// What.
        what: String,
        /// What its name says.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// A registry's answer that cannot be used.
    #[error("{image}: {why}")]
    Image {
        /// What was asked for.
        image: String,
        /// Why it cannot be used.
        why: String,
    },
}

impl ClientError {
    /// Whether it is the way to the node that failed rather than what was asked.
    pub fn is_connection(&self) -> bool {
        matches!(
            self,
            ClientError::Unreachable { .. } | ClientError::Broken { .. }
        )
    }

    /// What an answer other than success means, for programs.
    pub fn code(&self) -> Option<&str> {
        match self {
            ClientError::Status { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The number of an answer other than success.
    pub fn status(&self) -> Option<u16> {
        match self {
            ClientError::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn told(tried: &[Attempt]) -> String {
    match tried {
        [] => String::new(),
        [one] => format!(" at {}: {}", one.url, one.reason),
        several => {
            let each = several
                .iter()
                .map(|it| format!("{}: {}", it.url, it.reason));
            format!(" ({})", each.collect::<Vec<_>>().join("; "))
        }
    }
}

fn behind_colon(body: &str) -> String {
    if body.is_empty() {
        String::new()
    } else {
        format!(": {body}")
    }
}

/// The innermost cause: `Connection refused` says more than `error sending request`.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    match text.find(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
