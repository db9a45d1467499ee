//! What two bundles both claim, in words.

use std::fmt;
use std::num::NonZeroU16;

use conduct_model::{BundleName, EndpointName, HttpRule, PathMatch, System};

/// An endpoint of a bundle, whichever release of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Claimant {
    /// The bundle's name.
    pub name: BundleName,
    /// The endpoint's name.
    pub endpoint: EndpointName,
}

/// A claim that was not given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Clash {
    /// Bundles of different names have one system, version and endpoint: nobody can tell which of
    /// them is meant, so none is reached through it.
    Identity {
        /// The system that they share.
        system: System,
        /// The endpoint that they share.
        endpoint: EndpointName,
        /// The bundles, in order of their names.
        bundles: Vec<BundleName>,
    },
    /// The same requests.
    Requests {
        /// Which.
        rule: HttpRule,
        /// Who keeps them.
        kept_by: Claimant,
        /// Who does not get them.
        refused: Claimant,
    },
    /// The same port.
    Port {
        /// Which.
        port: NonZeroU16,
        /// Who keeps it.
        kept_by: Claimant,
        /// Who does not get it.
        refused: Claimant,
    },
    /// A port of the proxy itself.
    Reserved {
        /// Which.
        port: NonZeroU16,
        /// Who does not get it.
        refused: Claimant,
    },
}

impl Clash {
    /// Whether it takes something from this bundle.
    pub fn concerns(&self, bundle: &str) -> bool {
        match self {
            Clash::Identity { bundles, .. } => bundles.iter().any(|name| name.as_str() == bundle),
            Clash::Requests { refused, .. }
            | Clash::Port { refused, .. }
            | Clash::Reserved { refused, .. } => refused.name.as_str() == bundle,
        }
    }
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.endpoint, self.name)
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clash::Identity {
                system,
                endpoint,
                bundles,
            } => {
                let names: Vec<&str> = bundles.iter().map(BundleName::as_str).collect();
                write!(
                    f,
                    "{} all have the endpoint {endpoint} in system {} {}: none of them is \
                     reached through it; give them systems of their own",
                    names.join(" and "),
                    system.name.as_str(),
                    system.version.as_str(),
                )
            }
            Clash::Requests {
                rule,
                kept_by,
                refused,
            } => write!(
                f,
                "{} goes to {kept_by}, which was there first, and not to {refused}",
                Requests(rule)
            ),
            Clash::Port {
                port,
                kept_by,
                refused,
            } => write!(
                f,
                "port {port} goes to {kept_by}, which was there first, and not to {refused}"
            ),
            Clash::Reserved { port, refused } => write!(
                f,
                "port {port} is the proxy's own and does not go to {refused}"
            ),
        }
    }
}

/// A rule's requests, for people.
pub(crate) struct Requests<'a>(pub(crate) &'a HttpRule);

impl fmt::Display for Requests<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Requests(rule) = self;
        if let Some(method) = rule.method() {
            write!(f, "{method} ")?;
        }
        if let Some(host) = rule.host() {
            write!(f, "{host}")?;
        }
        match rule.matcher() {
            PathMatch::Exact(path) => write!(f, "{path}"),
            PathMatch::Prefix(path) => write!(f, "{path}…"),
            PathMatch::Regex(regex) => write!(f, "~{regex}"),
        }
    }
}
