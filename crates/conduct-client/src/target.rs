//! Whom to ask: a node's address and what comes before every path there.

use std::fmt;
use std::str::FromStr;

/// The port of the control API.
pub const CONTROL_PORT: u16 = 9005;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Plain.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

/// Which paths are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiVersion {
    /// `/bundles`.
    One,
    /// `/v2/bundles`.
    #[default]
    Two,
}

/// A node to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What is spoken.
    pub scheme: Scheme,
    /// A name or an address, one with colons in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What stands before all paths; begins and ends with a slash.
    pub base_path: String,
    /// Which paths are asked for.
    pub api: ApiVersion,
}

/// Why a text names no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Something that no host name contains.
    #[error("{0:?} is no host: a name or an address is meant, IPv6 in brackets, :PORT if needed")]
    Host(String),
    /// Not from 1 to 65535.
    #[error("{0:?} is no port: a number from 1 to 65535 is meant")]
    Port(String),
}

impl Target {
    /// The node at `HOST` or `HOST:PORT`, everything else as usual.
    pub fn new(host: &str) -> Result<Target, TargetError> {
        let (host, port) = split(host)?;
        Ok(Target {
            scheme: Scheme::Http,
            host: host.to_owned(),
            port: port.unwrap_or(CONTROL_PORT),
            base_path: "/".to_owned(),
            api: ApiVersion::Two,
        })
    }

    /// The same with this port, unless its text said another.
    #[must_use]
    pub fn or_port(mut self, text: &str, port: u16) -> Target {
        if matches!(split(text), Ok((_, None))) {
            self.port = port;
        }
        self
    }

    /// The same below this path.
    #[must_use]
    pub fn below(mut self, base_path: &str) -> Target {
        let inner = base_path.trim_matches('/');
        self.base_path = if inner.is_empty() {
            "/".to_owned()
        } else {
            format!("/{inner}/")
        };
        self
    }

    /// The address of what is asked for: `path` has no slash at its beginning.
    pub fn url(&self, path: &str) -> String {
        let version = match self.api {
            ApiVersion::One => "",
            ApiVersion::Two => "v2/",
        };
        format!("{}{version}{path}", self.root())
    }

    /// Its address for people: `http://127.0.0.1:9005/`.
    pub fn root(&self) -> String {
        let Target {
            scheme,
            host,
            port,
            base_path,
            ..
        } = self;
        format!("{scheme}://{host}:{port}{base_path}")
    }

    /// Whether it is on this machine, where no proxy stands between.
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = |ip: std::net::IpAddr| ip.is_loopback();
        self.host == "localhost" || bare.parse().is_ok_and(is_loopback)
    }
}

/// A host and the port behind it, if there is one.
fn split(text: &str) -> Result<(&str, Option<u16>), TargetError> {
    let refused = || TargetError::Host(text.chars().take(100).collect());
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']').ok_or_else(refused)?;
        let port = match &text[end + 1..] {
            "" => None,
            rest => Some(rest.strip_prefix(':').ok_or_else(refused)?),
        };
        let inner = &text[1..end];
        inner.parse::<std::net::Ipv6Addr>().map_err(|_| refused())?;
        (&text[..=end], port)
    } else {
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if host.is_empty() || host.len() > 253 || !host.chars().all(is_part) {
            return Err(refused());
        }
        (host, port)
    };
    let port = match port {
        None => None,
        Some(port) => {
            let number = port.parse().ok().filter(|number| *number > 0);
            Some(number.ok_or_else(|| TargetError::Port(port.chars().take(20).collect()))?)
        }
    };
    Ok((host, port))
}

impl FromStr for Scheme {
    type Err = String;

    fn from_str(text: &str) -> Result<Scheme, String> {
        match text {
            "http" => Ok(Scheme::Http),
            "https" => Ok(Scheme::Https),
            _ => Err("http or https is meant".to_owned()),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        })
    }
}

impl FromStr for ApiVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<ApiVersion, String> {
        match text {
            "1" => Ok(ApiVersion::One),
            "2" => Ok(ApiVersion::Two),
            _ => Err("1 or 2 is meant".to_owned()),
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApiVersion::One => "1",
            ApiVersion::Two => "2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_put_together_from_all_parts() {
        let target = Target::new("127.0.0.1").expect("a host");
        assert_eq!(target.url("bundles"), "http://127.0.0.1:9005/v2/bundles");
        let target = Target {
            scheme: Scheme::Https,
            api: ApiVersion::One,
            ..Target::new("[::1]:80").expect("a host").below("a/b")
        };
        assert_eq!(target.url("members"), "https://[::1]:80/a/b/members");
        assert!(target.is_loopback());
        assert!(!Target::new("example.org").expect("a host").is_loopback());
    }

    #[test]
    fn a_port_in_the_text_wins() {
        let port = |text: &str| Target::new(text).map(|it| it.or_port(text, 1).port);
        assert_eq!(
            (port("a"), port("a:2"), port("[::1]:3")),
            (Ok(1), Ok(2), Ok(3))
        );
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "", "a b", "a/b", "http://a", "::1", "[::1", "[x]", "[::1]x", "a:", "a:0", "a:70000",
            "a@b", "a\n", "ä",
        ] {
            assert!(Target::new(text).is_err(), "{text:?}");
        }
    }
}
