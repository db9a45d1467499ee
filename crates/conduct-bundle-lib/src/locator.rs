//! Finding services by name.
//!
//! The locator answers a name with a redirect to one instance and says for how long that may be
//! relied on. The answer is kept for so long, shared by all callers, and forgotten at once when one
//! of them says that it led nowhere.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;

use crate::environment::Environment;
use crate::plain_http::{self, Answer};

/// How long one question to the locator may take; it bounds its own work by the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// The names that are remembered at a time. A program that asks for more asks for what users type.
const REMEMBERED_MAX: usize = 256;

/// Finds services; clones share what was found.
///
/// ```
/// use conduct_bundle_lib::{Environment, Locator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Outside a cluster nobody is asked:
/// let locator = Locator::new(&Environment::from_pairs([("HOME", "/home/me")]));
/// let customers = locator.lookup("customers", "http://127.0.0.1:9999").await?;
/// assert_eq!(customers.as_deref(), Some("http://127.0.0.1:9999"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Locator {
    /// The value of `SERVICE_LOCATOR`; nothing outside a cluster.
    base: Result<Option<String>, LookupError>,
    found: Arc<Mutex<BTreeMap<String, Remembered>>>,
}

type Lookup = Shared<Pin<Box<dyn Future<Output = Found> + Send>>>;

/// A location and until when it may be used; the time is missing where the locator gave none.
type Found = Result<(Option<String>, Option<Instant>), LookupError>;

#[derive(Debug)]
struct Remembered {
    lookup: Lookup,
    /// Tells this question from a later one for the same name.
    number: u64,
}

/// The locator could not be asked, or said what nobody understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The environment has a bundle id and no locator.
    #[error("could not look services up: SERVICE_LOCATOR is not set")]
    NoLocator,
    /// The name of a service is one segment of a path.
    #[error("{name:?} is no name of a service")]
    Name {
        /// What was asked for.
        name: String,
    },
    /// No answer.
    #[error("could not ask {url}: {why}")]
    NoAnswer {
        /// Whom.
        url: String,
        /// What happened.
        why: String,
    },
    /// An answer that means nothing here.
    #[error("{url} answered {status}: {why}")]
    Answer {
        /// Whom.
        url: String,
        /// The status of the answer.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
}

/// An instance of a service, or an address outside the cluster that stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// What it speaks.
    pub protocol: String,
    /// Where.
    pub port: u16,
    /// Its IPv4 address.
    pub ipv4_host: Option<String>,
    /// Its IPv6 address; to be preferred if both are there.
    pub ipv6_host: Option<String>,
    /// Its name, for certificates.
    pub host_name: Option<String>,
    /// What to put before any path.
    pub path: Option<String>,
    /// `basic` if it wants to know who asks.
    pub authorization: Option<String>,
    /// `user:password`, where `authorization` says so.
    pub user_info: Option<String>,
}

impl Locator {
    /// The one that the environment names.
    pub fn new(environment: &Environment) -> Locator {
        let base = match environment.variable("SERVICE_LOCATOR") {
            _ if !environment.is_managed() => Ok(None),
            Some(base) => Ok(Some(base.trim_end_matches('/').to_owned())),
            None => Err(LookupError::NoLocator),
        };
        Locator {
            base,
            found: Arc::default(),
        }
    }

    /// Where an instance of the service is, as `protocol://host:port`; nothing if none runs. Outside
    /// a cluster it is the fallback.
    ///
    /// # Errors
    /// If the locator does not answer, or not with what a locator says. That is forgotten at once:
    /// the next call asks again.
    pub async fn lookup(
        &self,
        service: &str,
        fallback: &str,
    ) -> Result<Option<String>, LookupError> {
        let Some(base) = self.base.clone()? else {
            return Ok(Some(fallback.to_owned()));
        };
        let service = name(service)?;
        let url = format!("{base}/{service}");
        loop {
            let (lookup, number) = self.remembered(service, &url);
            let found = lookup.await;
            let keep = matches!(&found, Ok((Some(_), Some(until))) if Instant::now() < *until);
            if keep {
                return Ok(found?.0);
            }
            // What was just asked is used once, what had been kept is asked for again.
            let was_kept = matches!(&found, Ok((Some(_), Some(_))));
            self.forget(service, Some(number));
            if !was_kept {
                return Ok(found?.0);
            }
        }
    }

    /// Forgets where the service is. To be called when a request to that place failed; the next
    /// lookup asks the locator.
    pub fn evict(&self, service: &str) {
        self.forget(service.trim_start_matches('/'), None);
    }

    /// A URL that redirects to the service, for clients that follow redirects by themselves; outside
    /// a cluster the fallback.
    ///
    /// # Errors
    /// If the node gave no locator.
    pub fn lookup_url(&self, service: &str, fallback: &str) -> Result<String, LookupError> {
        Ok(match self.base.clone()? {
            Some(base) => format!("{base}/{}", name(service)?),
            None => fallback.to_owned(),
        })
    }

    /// All instances of the service; outside a cluster none.
    ///
    /// # Errors
    /// If the locator does not answer, or not with what a locator says.
    pub async fn hosts(&self, service: &str) -> Result<Vec<Host>, LookupError> {
        let Some(base) = self.base.clone()? else {
            return Ok(Vec::new());
        };
        let base = base.strip_suffix("/services").unwrap_or(&base);
        let url = format!("{base}/v2/service-hosts/{}", name(service)?);
        let answer = ask(&url).await?;
        if answer.status != StatusCode::OK {
            return Err(unexpected(url, answer.status, "expected a list of hosts"));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| unexpected(url, answer.status, &error.to_string()))
    }

    /// The question that is being asked, or was; a new one if there is none.
    fn remembered(&self, service: &str, url: &str) -> (Lookup, u64) {
        let mut found = self.found();
        if let Some(known) = found.get(service) {
            return (known.lookup.clone(), known.number);
        }
        if found.len() >= REMEMBERED_MAX {
            found.clear();
        }
        let asked: Pin<Box<dyn Future<Output = Found> + Send>> = Box::pin(locate(url.to_owned()));
        let lookup = asked.shared();
        let number = NUMBERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        found.insert(
            service.to_owned(),
            Remembered {
                lookup: lookup.clone(),
                number,
            },
        );
        (lookup, number)
    }

    /// Forgets a name; only that one question, if its number is given.
    fn forget(&self, service: &str, number: Option<u64>) {
        let mut found = self.found();
        let is_it = |known: &Remembered| number.is_none_or(|number| number == known.number);
        if found.get(service).is_some_and(is_it) {
            found.remove(service);
        }
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<String, Remembered>> {
        // A map that a panic left behind is whole: every change of it is a single call.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static NUMBERS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

impl Host {
    /// As `protocol://host:port`, and the path that comes first where there is one.
    pub fn url(&self) -> Option<String> {
        let host = match (&self.host_name, &self.ipv6_host, &self.ipv4_host) {
            (Some(name), ..) => name.clone(),
            (None, Some(ip), _) => format!("[{ip}]"),
            (None, None, Some(ip)) => ip.clone(),
            (None, None, None) => return None,
        };
        let path = self.path.as_deref().unwrap_or_default();
        Some(format!("{}://{host}:{}{path}", self.protocol, self.port))
    }
}

/// Asks where a service is.
async fn locate(url: String) -> Found {
    let answer = ask(&url).await?;
    match (answer.status, answer.location) {
        (StatusCode::TEMPORARY_REDIRECT, Some(location)) => {
            let age = answer.cache_control.as_deref().and_then(max_age);
            // Nothing is kept for no time: whoever has an end has been kept until then.
            let age = age.filter(|age| !age.is_zero());
            Ok((Some(location), age.map(|age| Instant::now() + age)))
        }
        (StatusCode::NOT_FOUND, _) => Ok((None, None)),
        (StatusCode::TEMPORARY_REDIRECT, None) => {
            Err(unexpected(url, answer.status, "a redirect to nowhere"))
        }
        (status, _) => Err(unexpected(url, status, "expected a redirect")),
    }
}

async fn ask(url: &str) -> Result<Answer, LookupError> {
    let answer = plain_http::ask(Method::GET, url, PATIENCE).await;
    answer.map_err(|why| LookupError::NoAnswer {
        url: url.to_owned(),
        why,
    })
}

fn unexpected(url: String, status: StatusCode, why: &str) -> LookupError {
    LookupError::Answer {
        url,
        status: status.as_u16(),
        why: why.to_owned(),
    }
}

/// One segment of a path that needs no escaping.
fn name(service: &str) -> Result<&str, LookupError> {
    let name = service.trim_start_matches('/');
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
    if name.is_empty() || !name.chars().all(fits) {
        return Err(LookupError::Name {
            name: service.to_owned(),
        });
    }
    Ok(name)
}

/// `private="Location", max-age=60` → 60 s.
fn max_age(cache_control: &str) -> Option<Duration> {
    let age = cache_control.split("max-age=").nth(1)?;
    let digits = age.len()
        - age
            .trim_start_matches(|digit: char| digit.is_ascii_digit())
            .len();
    let seconds: u32 = age[..digits].parse().ok()?;
    Some(Duration::from_secs(u64::from(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_read_wherever_it_stands() {
        let seconds = |text| max_age(text).map(|age| age.as_secs());
        assert_eq!(seconds("private=\"Location\", max-age=60"), Some(60));
        assert_eq!(seconds("max-age=5, private"), Some(5));
        assert_eq!(seconds("no-store"), None);
        assert_eq!(seconds("max-age=soon"), None);
        assert_eq!(seconds("max-age=99999999999999999999"), None);
    }

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        assert_eq!(name("/friend"), Ok("friend"));
        for wrong in ["", "/", "a/b", "a?b", "a b"] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_host_is_shown_by_the_best_of_its_names() {
        let host = |json: &str| serde_json::from_str::<Host>(json).expect("a host").url();
        let all = r#"{"protocol":"https","port":9000,"ipv4Host":"10.0.0.1","hostName":"db.example","path":"/v1"}"#;
        assert_eq!(host(all).as_deref(), Some("https://db.example:9000/v1"));
        let six = r#"{"protocol":"tcp","port":1,"ipv4Host":"10.0.0.1","ipv6Host":"::1"}"#;
        assert_eq!(host(six).as_deref(), Some("tcp://[::1]:1"));
        assert_eq!(host(r#"{"protocol":"tcp","port":1}"#), None);
    }
}
