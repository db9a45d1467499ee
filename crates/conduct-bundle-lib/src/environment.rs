//! What the node says to the programs that it starts.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::seeds::{self, Seed, SeedError};

/// The environment of a program, read once.
///
/// A value rather than calls all over the code, so that tests can make one up.
///
/// ```
/// use conduct_bundle_lib::Environment;
///
/// let environment = Environment::from_pairs([
///     ("BUNDLE_ID", "01dd0af"),
///     ("BUNDLE_TAGS", "1.4.0,blue"),
/// ]);
/// assert!(environment.is_managed());
/// assert_eq!(environment.tags().collect::<Vec<_>>(), ["1.4.0", "blue"]);
/// ```
#[derive(Clone, Debug)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// Where one endpoint of the bundle listens and is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What it speaks: `http`, `tcp` or `udp`.
    pub protocol: String,
    /// Where to listen.
    pub bind: SocketAddr,
    /// Where others reach it.
    pub public: SocketAddr,
    /// The same endpoint of all others of the system that had started before. Empty means: you are
    /// the first, and nobody else of the system starts until you have signalled.
    pub others: Vec<Seed>,
}

/// A variable that is there does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// One variable of a set is there and this one is not.
    #[error("{variable} is not set, but others of its endpoint are")]
    Missing {
        /// Its name.
        variable: String,
    },
    /// It should be an address or a port.
    #[error("{variable} should be {expected}, and is {value:?}")]
    Unreadable {
        /// Its name.
        variable: String,
        /// What it says.
        value: String,
        /// What it should say.
        expected: &'static str,
    },
    /// The list of others does not fit together.
    #[error("the others of endpoint {endpoint} cannot be read")]
    Others {
        /// The endpoint's name.
        endpoint: String,
        /// Why.
        source: SeedError,
    },
}

impl Environment {
    /// The one of this process.
    pub fn of_process() -> Environment {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Environment {
            variables: std::env::vars_os().filter_map(text).collect(),
        }
    }

    /// One that is made up.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Environment
    where
        N: Into<String>,
        V: Into<String>,
    {
        let owned = |(name, value): (N, V)| (name.into(), value.into());
        Environment {
            variables: pairs.into_iter().map(owned).collect(),
        }
    }

    /// Whether a node started this program. If not, it runs on its own and calls nobody.
    pub fn is_managed(&self) -> bool {
        self.bundle_id().is_some()
    }

    /// What a variable says; one that is empty counts as not there.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// What a variable says, also if that is nothing.
    pub(crate) fn exactly(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The digest that names the bundle (and its configuration).
    pub fn bundle_id(&self) -> Option<&str> {
        self.variable("BUNDLE_ID")
    }

    /// The name in its `bundle.conf`.
    pub fn bundle_name(&self) -> Option<&str> {
        self.variable("BUNDLE_NAME")
    }

    /// Its tags, by convention with the version among them.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.variable("BUNDLE_TAGS").unwrap_or_default();
        tags.split(',').filter(|tag| !tag.is_empty())
    }

    /// The address of the node, as others reach it.
    pub fn host_ip(&self) -> Option<IpAddr> {
        self.variable("BUNDLE_HOST_IP")?.parse().ok()
    }

    /// The endpoint of this name in `bundle.conf`, or nothing where no node has given it a port.
    ///
    /// ```
    /// use conduct_bundle_lib::Environment;
    ///
    /// let environment = Environment::from_pairs([
    ///     ("FRONT_END_PROTOCOL", "http"),
    ///     ("FRONT_END_BIND_IP", "127.0.10.1"),
    ///     ("FRONT_END_BIND_PORT", "10121"),
    ///     ("BUNDLE_HOST_IP", "127.0.10.1"),
    ///     ("FRONT_END_HOST_PORT", "10121"),
    ///     ("FRONT_END_OTHER_PROTOCOLS", "http"),
    ///     ("FRONT_END_OTHER_IPS", "127.0.10.2"),
    ///     ("FRONT_END_OTHER_PORTS", "10007"),
    /// ]);
    /// let endpoint = environment.endpoint("front-end")?.expect("there is one");
    /// assert_eq!(endpoint.bind.to_string(), "127.0.10.1:10121");
    /// assert_eq!(endpoint.others[0].address.to_string(), "127.0.10.2:10007");
    /// # Ok::<(), conduct_bundle_lib::EnvironmentError>(())
    /// ```
    ///
    /// # Errors
    /// If some of its variables are missing or make no sense.
    pub fn endpoint(&self, name: &str) -> Result<Option<Endpoint>, EnvironmentError> {
        let prefix = prefix(name);
        let bind_port = format!("{prefix}_BIND_PORT");
        if self.variable(&bind_port).is_none() {
            return Ok(None);
        }
        let bind_ip = format!("{prefix}_BIND_IP");
        let bind = SocketAddr::new(self.ip(&bind_ip)?, self.port(&bind_port)?);
        // Outside a cluster one port is enough: there, nothing stands between it and the callers.
        let host_port = format!("{prefix}_HOST_PORT");
        let public = SocketAddr::new(
            self.host_ip().unwrap_or(bind.ip()),
            self.variable(&host_port)
                .map_or(Ok(bind.port()), |_| self.port(&host_port))?,
        );
        let protocol = self.variable(&format!("{prefix}_PROTOCOL"));
        let others = seeds::others(self, &prefix).map_err(|source| EnvironmentError::Others {
            endpoint: name.to_owned(),
            source,
        })?;
        Ok(Some(Endpoint {
            protocol: protocol.unwrap_or("tcp").to_owned(),
            bind,
            public,
            others,
        }))
    }

    fn ip(&self, variable: &str) -> Result<IpAddr, EnvironmentError> {
        self.parsed(variable, "an IP address")
    }

    fn port(&self, variable: &str) -> Result<u16, EnvironmentError> {
        self.parsed(variable, "a port number")
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        variable: &str,
        expected: &'static str,
    ) -> Result<T, EnvironmentError> {
        let value = self
            .variable(variable)
            .ok_or_else(|| EnvironmentError::Missing {
                variable: variable.to_owned(),
            })?;
        value.parse().map_err(|_| EnvironmentError::Unreadable {
            variable: variable.to_owned(),
            value: value.to_owned(),
            expected,
        })
    }
}

/// `front-end` → `FRONT_END`.
fn prefix(endpoint: &str) -> String {
    let fit = |letter: char| match letter.to_ascii_uppercase() {
        fit @ ('A'..='Z' | '0'..='9') => fit,
        _ => '_',
    };
    endpoint.chars().map(fit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_a_bundle_id_is_not_managed() {
        assert!(!Environment::from_pairs([("BUNDLE_NAME", "x")]).is_managed());
        assert!(!Environment::from_pairs([("BUNDLE_ID", "")]).is_managed());
    }

    #[test]
    fn a_port_alone_names_the_variable_that_is_missing() {
        let environment = Environment::from_pairs([("WEB_BIND_PORT", "8080")]);
        let error = environment.endpoint("web").expect_err("no address");
        assert_eq!(
            error.to_string(),
            "WEB_BIND_IP is not set, but others of its endpoint are"
        );
    }

    #[test]
    fn a_port_that_is_none_is_named_with_its_value() {
        let environment =
            Environment::from_pairs([("WEB_BIND_IP", "127.0.0.1"), ("WEB_BIND_PORT", "80800")]);
        let error = environment.endpoint("web").expect_err("no port");
        assert_eq!(
            error.to_string(),
            "WEB_BIND_PORT should be a port number, and is \"80800\""
        );
    }

    #[test]
    fn an_address_and_a_port_are_enough_outside_a_cluster() {
        let environment =
            Environment::from_pairs([("WEB_BIND_IP", "127.0.0.1"), ("WEB_BIND_PORT", "8080")]);
        let endpoint = environment.endpoint("web").expect("fine").expect("there");
        assert_eq!(endpoint.public, endpoint.bind);
        assert!(endpoint.others.is_empty());
    }
}
