//! What went wrong between here and the cluster: a sentence, what to do next, a number.

use conduct_client::{Attempt, ClientError};

use super::bundles;
use super::cluster::Said;
use super::session::Session;
use super::text::{plain, plain_lines};
use crate::exit::{Exit, Failure};

impl Session<'_> {
    /// Tells what went wrong.
    pub(crate) fn failure(&self, error: ClientError) -> Failure {
        match error {
            ClientError::Unreachable { tried } => self.unreachable(&tried),
            ClientError::Status {
                status,
                phrase,
                code,
                body,
                url,
            } => status_failure(status, &phrase, &code, &body, &url),
            error @ ClientError::Broken { .. } => Failure::new(Exit::Unreachable, plain_of(error)),
            error @ ClientError::NoVerdict { .. } => Failure::new(Exit::NotInTime, plain_of(error))
                .hint("maybe no node has the roles or the resources that it needs")
                .hint(self.command("agents")),
            error @ ClientError::Url { .. } => Failure::new(Exit::Usage, plain_of(error)),
            error @ ClientError::Image { .. } => Failure::new(Exit::NotFound, plain_of(error)),
            error => Failure::new(Exit::Failed, plain_of(error)),
        }
    }

    fn unreachable(&self, tried: &[Attempt]) -> Failure {
        let failure = match tried {
            [one] => {
                let Attempt { url, reason } = one;
                let sentence = format!("no node answers at {url}: {reason}");
                Failure::new(Exit::Unreachable, plain(&sentence))
            }
            several => {
                let failure = Failure::new(Exit::Unreachable, "no node answers");
                several
                    .iter()
                    .fold(failure, |failure, Attempt { url, reason }| {
                        failure.hint(plain(&format!("{url}: {reason}")))
                    })
            }
        };
        match &self.said {
            Said::Person | Said::Settings => failure,
            Said::Sandbox(file) => failure
                .hint(format_args!("that is the sandbox of {}", file.display()))
                .hint("start it again: sandbox run"),
            Said::Nobody => failure
                .hint("start a cluster on this machine: sandbox run")
                .hint("or name one: conduct --host HOST …"),
        }
    }

    /// Tells what went wrong about a bundle that a person named, and which may have been meant.
    pub(crate) async fn bundle_failure(&self, reference: &str, error: ClientError) -> Failure {
        let unknown = match error.code() {
            Some("unknown-bundle") => true,
            Some("") | None => error.status() == Some(404),
            Some(_) => false,
        };
        if !unknown && error.status() != Some(300) {
            return self.failure(error);
        }
        // The names that there are help more than what the server says; without them it has to do.
        match self.client.bundles().await {
            Ok(list) => match bundles::find(&list.value, reference) {
                Err(missed) => self.missed(reference, &missed),
                Ok(_) => self.failure(error),
            },
            Err(_) => self.failure(error),
        }
    }

    /// Tells that a reference names no bundle, or several.
    pub(crate) fn missed(&self, reference: &str, missed: &bundles::Missed) -> Failure {
        let reference = plain(reference);
        match missed {
            bundles::Missed::Several(all) => {
                let sentence = format!("{reference} names {} bundles", all.len());
                let failure = Failure::new(Exit::NotFound, sentence);
                all.iter().fold(failure, |failure, one| {
                    let tag = one.tag.as_ref().map(|tag| format!(" {}", plain(tag)));
                    let tag = tag.unwrap_or_default();
                    failure.hint(format_args!(
                        "{}  {}{tag}",
                        self.id(&one.id),
                        plain(&one.name)
                    ))
                })
            }
            bundles::Missed::None(near) => {
                let failure = Failure::new(
                    Exit::NotFound,
                    format_args!("no bundle is called {reference}"),
                );
                let failure = match near {
                    Some(one) => failure.hint(format_args!(
                        "did you mean {} ({})?",
                        plain(&one.name),
                        self.id(&one.id)
                    )),
                    None => failure,
                };
                failure.hint(format_args!("see what is loaded: {}", self.command("info")))
            }
        }
    }
}

/// All causes in one line.
fn plain_of(error: ClientError) -> String {
    plain(&format!("{:#}", anyhow::Error::from(error)))
}

fn status_failure(status: u16, phrase: &str, code: &str, body: &str, url: &str) -> Failure {
    let exit = match (status, code) {
        (_, "quarantined" | "still-running" | "no-room") | (401 | 403 | 409 | 421, _) => {
            Exit::Refused
        }
        (300 | 404, _) => Exit::NotFound,
        (504, _) => Exit::NotInTime,
        _ => Exit::Failed,
    };
    let mut lines = plain_lines(body).into_iter();
    // Our nodes say in a sentence what is wrong; others may say anything, or nothing.
    let failure = match lines.next() {
        Some(first) if !code.is_empty() => Failure::new(exit, first),
        Some(first) => {
            let head = plain(&format!("{status} {phrase}"));
            Failure::new(
                exit,
                format_args!("the node answered {}: {first}", head.trim_end()),
            )
        }
        None => {
            let head = plain(&format!("{url} answered {status} {phrase}"));
            Failure::new(exit, head.trim_end())
        }
    };
    let failure = lines.fold(failure, Failure::hint);
    match (status, code) {
        (401, _) => {
            failure.hint("who asks is said in the settings file: conductr.auth.\"HOST:PORT\"")
        }
        (504, _) => failure.hint("it may still take effect: ask again, or see conduct info"),
        (429, _) => failure.hint("try again in a moment"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Told;

    fn told(failure: &Failure) -> String {
        match &failure.told {
            Told::Sentence(sentence) => sentence.clone(),
            other => panic!("no sentence: {other:?}"),
        }
    }

    #[test]
    fn each_status_has_its_number() {
        let cases = [
            (404, "", Exit::NotFound),
            (300, "ambiguous-bundle", Exit::NotFound),
            (503, "quarantined", Exit::Refused),
            (503, "", Exit::Failed),
            (409, "still-running", Exit::Refused),
            (401, "token", Exit::Refused),
            (403, "", Exit::Refused),
            (504, "unknown", Exit::NotInTime),
            (400, "malformed", Exit::Failed),
            (500, "", Exit::Failed),
        ];
        for (status, code, exit) in cases {
            let failure = status_failure(status, "X", code, "why", "http://a/");
            assert_eq!(failure.exit, exit, "{status} {code}");
        }
    }

    #[test]
    fn what_a_server_says_is_said_again_without_its_tricks() {
        let failure = status_failure(500, "Bad", "", "one\u{1b}[2J\ntwo", "http://a/");
        assert_eq!(told(&failure), "the node answered 500 Bad: one\u{fffd}[2J");
        assert_eq!(failure.hints, ["two"]);
        let failure = status_failure(409, "Conflict", "still-running", "stop it", "http://a/");
        assert_eq!(told(&failure), "stop it");
        let failure = status_failure(502, "Bad Gateway", "", "", "http://a/");
        assert_eq!(told(&failure), "http://a/ answered 502 Bad Gateway");
    }
}
