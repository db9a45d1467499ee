//! The one thing that a bundle tells its node: that it has started.

use std::time::Duration;

use hyper::{Method, StatusCode};
use tokio::time::{Instant, sleep};

use crate::environment::Environment;
use crate::plain_http;

/// The exit code of a program that could not tell its node that it has started.
pub const EXIT_NOT_SIGNALLED: i32 = 70;

/// How long to try, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// When to give up.
    pub total: Duration,
    /// How long one try may take.
    pub each: Duration,
    /// How long to wait after a try that failed.
    pub pause: Duration,
}

impl Default for Patience {
    /// A node that is restarted or upgraded in place is back within 8 s: twice that is waited.
    fn default() -> Patience {
        Patience {
            total: Duration::from_secs(16),
            each: Duration::from_secs(5),
            pause: Duration::from_millis(250),
        }
    }
}

/// What became of the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signalled {
    /// The node knows.
    Told,
    /// No node started this program, so nobody was told.
    Unmanaged,
}

/// The node could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// The environment has a bundle id and no status service.
    #[error("could not signal the start of bundle {bundle}: CONDUCTR_STATUS is not set")]
    NoStatusService {
        /// The bundle.
        bundle: String,
    },
    /// The node does not want it: trying again would change nothing.
    #[error("could not signal the start of bundle {bundle}: {url} answered {status}")]
    Refused {
        /// The bundle.
        bundle: String,
        /// Whom it was told.
        url: String,
        /// The answer.
        status: u16,
    },
    /// All tries failed.
    #[error("could not signal the start of bundle {bundle} at {url} in {seconds} s: {last}")]
    GaveUp {
        /// The bundle.
        bundle: String,
        /// Whom it was to be told.
        url: String,
        /// How long was tried.
        seconds: u64,
        /// What went wrong in the last try.
        last: String,
    },
}

/// Tells the node that this instance is healthy: callers are sent here from now on, and the next
/// instance of the system may start. To be called when everything works, and only then.
///
/// While the node does not answer, it is tried again for as long as a node may take to restart.
///
/// # Errors
/// If the node could not be told. The program should end then; see [`started_or_exit`].
pub async fn started(environment: &Environment) -> Result<Signalled, SignalError> {
    started_within(environment, Patience::default()).await
}

/// As [`started`], with another patience.
///
/// # Errors
/// If the node could not be told.
pub async fn started_within(
    environment: &Environment,
    patience: Patience,
) -> Result<Signalled, SignalError> {
    let Some(bundle) = environment.bundle_id() else {
        return Ok(Signalled::Unmanaged);
    };
    let status = environment.variable("CONDUCTR_STATUS");
    let status = status.ok_or_else(|| SignalError::NoStatusService {
        bundle: bundle.to_owned(),
    })?;
    let status = status.trim_end_matches('/');
    let url = format!("{status}/bundles/{bundle}?isStarted=true");
    let begun = Instant::now();
    loop {
        let last = match plain_http::ask(Method::PUT, &url, patience.each).await {
            Ok(answer) if answer.status.is_success() => return Ok(Signalled::Told),
            Ok(answer) if is_final(answer.status) => {
                return Err(SignalError::Refused {
                    bundle: bundle.to_owned(),
                    url,
                    status: answer.status.as_u16(),
                });
            }
            Ok(answer) => format!("it answered {}", answer.status.as_u16()),
            Err(why) => why,
        };
        if begun.elapsed() + patience.pause >= patience.total {
            return Err(SignalError::GaveUp {
                bundle: bundle.to_owned(),
                url,
                seconds: patience.total.as_secs(),
                last,
            });
        }
        tracing::debug!("the start is not signalled yet: {last}");
        sleep(patience.pause).await;
    }
}

/// As [`started`], and ends the process with exit code [`EXIT_NOT_SIGNALLED`] and a line on stderr
/// if the node could not be told: a program of which nobody knows that it works is of no use.
pub async fn started_or_exit(environment: &Environment) -> Signalled {
    match started(environment).await {
        Ok(signalled) => signalled,
        #[expect(
            clippy::print_stderr,
            reason = "the last words of a process, whether or not it has set up a log"
        )]
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(EXIT_NOT_SIGNALLED)
        }
    }
}

/// Whether the answer stays the same when asked again. "Not found" need not: a node that has just
/// restarted takes its instances back one by one.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error()
        && status != StatusCode::NOT_FOUND
        && status != StatusCode::REQUEST_TIMEOUT
        && status != StatusCode::TOO_MANY_REQUESTS
}
