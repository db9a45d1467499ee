//! Who else of the system is there: three lists of equal length, as the node exports them.

use std::net::{IpAddr, SocketAddr};

use crate::environment::Environment;

/// One that had started before, and can be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// What its endpoint speaks.
    pub protocol: String,
    /// Where it is reached.
    pub address: SocketAddr,
}

/// The three lists do not describe instances.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// Position *i* of each describes the same instance, so they are equally long.
    #[error("{protocols} protocols, {ips} addresses and {ports} ports")]
    Lengths {
        /// How many protocols there are.
        protocols: usize,
        /// How many addresses.
        ips: usize,
        /// How many ports.
        ports: usize,
    },
    /// An element is no address or no port.
    #[error("{text:?} is no {expected}")]
    Unreadable {
        /// The element.
        text: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// The others of an endpoint. Nothing is there outside a cluster; a node exports all three, be they
/// empty.
pub(crate) fn others(environment: &Environment, prefix: &str) -> Result<Vec<Seed>, SeedError> {
    let list = |name: &str| {
        let text = environment.exactly(&format!("{prefix}_OTHER_{name}"));
        split(text.unwrap_or_default())
    };
    zip(&list("PROTOCOLS"), &list("IPS"), &list("PORTS"))
}

fn split(text: &str) -> Vec<&str> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(':').collect()
}

fn zip(protocols: &[&str], ips: &[&str], ports: &[&str]) -> Result<Vec<Seed>, SeedError> {
    if protocols.len() != ips.len() || ips.len() != ports.len() {
        return Err(SeedError::Lengths {
            protocols: protocols.len(),
            ips: ips.len(),
            ports: ports.len(),
        });
    }
    let seed = |((protocol, ip), port): ((&&str, &&str), &&str)| {
        Ok(Seed {
            protocol: (*protocol).to_owned(),
            address: SocketAddr::new(
                read::<IpAddr>(ip, "IP address")?,
                read::<u16>(port, "port")?,
            ),
        })
    };
    protocols.iter().zip(ips).zip(ports).map(seed).collect()
}

fn read<T: std::str::FromStr>(text: &str, expected: &'static str) -> Result<T, SeedError> {
    text.parse().map_err(|_| SeedError::Unreadable {
        text: text.to_owned(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(protocols: &str, ips: &str, ports: &str) -> Result<Vec<Seed>, SeedError> {
        let environment = Environment::from_pairs([
            ("WEB_OTHER_PROTOCOLS", protocols),
            ("WEB_OTHER_IPS", ips),
            ("WEB_OTHER_PORTS", ports),
        ]);
        others(&environment, "WEB")
    }

    #[test]
    fn position_by_position_the_lists_describe_the_same_instance() {
        let seeds = of("http:tcp", "10.0.0.1:10.0.0.2", "10001:10002").expect("sound");
        let shown: Vec<String> = seeds
            .iter()
            .map(|seed| format!("{}://{}", seed.protocol, seed.address))
            .collect();
        assert_eq!(shown, ["http://10.0.0.1:10001", "tcp://10.0.0.2:10002"]);
    }

    #[test]
    fn empty_lists_and_no_lists_mean_that_nobody_is_there() {
        assert_eq!(of("", "", ""), Ok(Vec::new()));
        let nothing = Environment::from_pairs([("HOME", "/")]);
        assert_eq!(others(&nothing, "WEB"), Ok(Vec::new()));
    }

    #[test]
    fn lists_of_different_lengths_are_refused() {
        let error = of("http", "10.0.0.1:10.0.0.2", "10001").expect_err("lengths");
        assert_eq!(error.to_string(), "1 protocols, 2 addresses and 1 ports");
    }

    #[test]
    fn what_is_no_address_is_named() {
        let error = of("http", "localhost", "10001").expect_err("no address");
        assert_eq!(error.to_string(), "\"localhost\" is no IP address");
        let error = of("http", "10.0.0.1", "").expect_err("no port");
        assert!(matches!(error, SeedError::Lengths { ports: 0, .. }));
    }
}
