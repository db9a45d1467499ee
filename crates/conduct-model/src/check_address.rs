//! What a `check` tries.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::check_args::{COUNT_MAX, parse_seconds};
use crate::endpoint::BindProtocol;
use crate::name::{EnvName, WordError};
use crate::uri::{UriError, UriPath, UriQuery};

/// An address, and how patiently it is tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Address {
    /// Whether to wait first until the bundle's containers are built and run.
    pub after_docker: bool,
    /// Where.
    pub target: Target,
    /// What is asked for there, if HTTP is spoken.
    pub path: Option<UriPath>,
    /// With what behind the question mark, besides the three settings below.
    pub query: Option<UriQuery>,
    /// How often it is tried again.
    pub retry_count: u32,
    /// How long after a failed try.
    pub retry_delay: Span,
    /// How long containers may take.
    pub docker_timeout: Span,
}

/// Where a check knocks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Target {
    /// At the value of a variable such as `WEB_HOST`, which the shell puts in at start.
    Variable(EnvName),
    /// Here.
    Socket {
        /// Asked by a request, by connecting, or not at all: nobody can see a datagram arrive.
        protocol: BindProtocol,
        /// A name or an address, one of IPv6 in brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// Only the shell knows: the text has variables or commands in other places.
    Later(String),
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither a variable nor `http://` nor `tcp://`.
    #[error("it begins with none of $NAME, http:// and tcp://")]
    Scheme,
    /// Something between the variable and its path.
    #[error("only /path or ?parameters can follow the variable")]
    AfterVariable,
    /// No name.
    #[error("the variable is wrong")]
    Variable(#[source] WordError),
    /// No host, or a character that hosts do not have.
    #[error("it has no host")]
    Host,
    /// No number from 1 to 65535.
    #[error("it has no port")]
    Port,
    /// A path where none belongs.
    #[error("an address of tcp:// or udp:// has no path")]
    Path,
    /// A broken path or query.
    #[error("its path or its parameters are wrong")]
    Uri(#[source] UriError),
    /// A setting that is no number, or too large.
    #[error("{name} is a number, not {found:?}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What it was given.
        found: String,
    },
}

impl Address {
    /// How often an address is tried again, unless told.
    pub const RETRY_COUNT_DEFAULT: u32 = 60;
    /// How long after a failed try, unless told.
    pub const RETRY_DELAY_DEFAULT: Span = Span::secs(1);
    /// How long containers may take, unless told.
    pub const DOCKER_TIMEOUT_DEFAULT: Span = Span::secs(60);

    fn new(after_docker: bool, target: Target) -> Address {
        Address {
            after_docker,
            target,
            path: None,
            query: None,
            retry_count: Address::RETRY_COUNT_DEFAULT,
            retry_delay: Address::RETRY_DELAY_DEFAULT,
            docker_timeout: Address::DOCKER_TIMEOUT_DEFAULT,
        }
    }

    /// Reads `[/path][?parameters]`.
    fn read_rest(&mut self, rest: &str) -> Result<(), AddressError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let is_http = match &self.target {
            Target::Socket { protocol, .. } => *protocol == BindProtocol::Http,
            Target::Variable(_) | Target::Later(_) => true,
        };
        if !is_http && !["", "/"].contains(&path) {
            return Err(AddressError::Path);
        }
        if is_http && !path.is_empty() {
            self.path = Some(path.parse().map_err(AddressError::Uri)?);
        }
        let mut others = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            if !self.read_setting(parameter)? {
                others.push(parameter);
            }
        }
        if !others.is_empty() {
            self.query = Some(others.join("&").parse().map_err(AddressError::Uri)?);
        }
        Ok(())
    }

    fn read_setting(&mut self, parameter: &str) -> Result<bool, AddressError> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let refused = |name| AddressError::Setting {
            name,
            found: value.chars().take(64).collect(),
        };
        let seconds = |name| parse_seconds(value).ok_or_else(|| refused(name));
        match name {
            "retry-count" => {
                let count = value.parse().ok().filter(|count| *count <= COUNT_MAX);
                self.retry_count = count.ok_or_else(|| refused("retry-count"))?;
            }
            "retry-delay" => self.retry_delay = seconds("retry-delay")?,
            "docker-timeout" => self.docker_timeout = seconds("docker-timeout")?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let bare = text.strip_prefix("docker+");
        let after_docker = bare.is_some();
        let bare = bare.unwrap_or(text);
        let (target, rest) = match bare.strip_prefix('$') {
            Some(variable) if !bare.starts_with("$(") => read_variable(bare, variable)?,
            _ if bare.contains('$') => (Target::Later(bare.to_owned()), ""),
            _ => read_socket(bare)?,
        };
        let mut address = Address::new(after_docker, target);
        address.read_rest(rest)?;
        Ok(address)
    }
}

/// Reads `NAME…` or `{NAME}…`.
fn read_variable<'a>(bare: &str, variable: &'a str) -> Result<(Target, &'a str), AddressError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, rest) = match variable.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or(AddressError::AfterVariable)?,
        None => variable.split_at(variable.find(|c| !is_name(c)).unwrap_or(variable.len())),
    };
    let name = name.parse().map_err(AddressError::Variable)?;
    // As in `$WEB_PROTOCOL://$WEB_HOST`.
    if rest.contains('$') {
        return Ok((Target::Later(bare.to_owned()), ""));
    }
    match rest.chars().next() {
        None | Some('/' | '?') => Ok((Target::Variable(name), rest)),
        Some(_) => Err(AddressError::AfterVariable),
    }
}

/// Reads `scheme://host:port…`.
fn read_socket(text: &str) -> Result<(Target, &str), AddressError> {
    let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
    let protocol: BindProtocol = scheme.parse().map_err(|_| AddressError::Scheme)?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bare_host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match bare_host {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
    };
    if host.is_empty() || !is_host {
        return Err(AddressError::Host);
    }
    let port = match port {
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or(AddressError::Port)?,
        None if protocol == BindProtocol::Http => 80,
        None => return Err(AddressError::Port),
    };
    Ok((
        Target::Socket {
            protocol,
            host: host.to_owned(),
            port,
        },
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn socket(protocol: BindProtocol, host: &str, port: u16) -> Target {
        Target::Socket {
            protocol,
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn a_variable_may_have_a_path_and_settings() {
        let address = read("docker+$WEB_HOST/ready?retry-count=6&retry-delay=10&full=1");
        assert!(address.after_docker);
        assert_eq!(
            address.target,
            Target::Variable("WEB_HOST".parse().unwrap())
        );
        assert_eq!(address.path.unwrap().as_str(), "/ready");
        assert_eq!(address.query.unwrap().as_str(), "full=1");
        assert_eq!(address.retry_count, 6);
        assert_eq!(address.retry_delay, Span::secs(10));
        assert_eq!(
            read("${WEB_HOST}?docker-timeout=5").docker_timeout,
            Span::secs(5)
        );
        assert_eq!(read("$WEB_HOST").path, None);
    }

    #[test]
    fn an_address_may_be_given_in_full() {
        assert_eq!(
            read("http://a.b:80/x").target,
            socket(BindProtocol::Http, "a.b", 80)
        );
        assert_eq!(
            read("http://10.0.0.1").target,
            socket(BindProtocol::Http, "10.0.0.1", 80)
        );
        assert_eq!(
            read("docker+tcp://h:1?retry-count=0").target,
            socket(BindProtocol::Tcp, "h", 1)
        );
        assert_eq!(
            read("tcp://[::1]:9").target,
            socket(BindProtocol::Tcp, "[::1]", 9)
        );
        assert_eq!(
            read("udp://10.0.0.1:53").target,
            socket(BindProtocol::Udp, "10.0.0.1", 53)
        );
    }

    #[test]
    fn what_only_the_shell_knows_waits_for_it() {
        for text in [
            "http://$A:$B/x",
            "$A://$B:1",
            "$(locate web)",
            "tcp://$(hostname):80",
        ] {
            assert_eq!(read(text).target, Target::Later(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let refused = |text: &str| text.parse::<Address>().unwrap_err();
        assert_eq!(refused("web"), AddressError::Scheme);
        assert_eq!(refused("ftp://h:1"), AddressError::Scheme);
        assert_eq!(refused("$WEB_HOST:80"), AddressError::AfterVariable);
        assert!(matches!(refused("$1"), AddressError::Variable(_)));
        assert_eq!(refused("http://:80"), AddressError::Host);
        assert_eq!(refused("http://a b:80"), AddressError::Host);
        assert_eq!(refused("tcp://h"), AddressError::Port);
        assert_eq!(refused("tcp://h:0"), AddressError::Port);
        assert_eq!(refused("tcp://h:70000"), AddressError::Port);
        assert_eq!(refused("tcp://h:1/x"), AddressError::Path);
        assert!(matches!(refused("http://h/a b"), AddressError::Uri(_)));
        assert!(matches!(refused("http://h/?a=\n"), AddressError::Uri(_)));
        let count = AddressError::Setting {
            name: "retry-count",
            found: "many".to_owned(),
        };
        assert_eq!(refused("$A?retry-count=many"), count);
    }
}
