//! Services outside the cluster, which an operator names.

mod dns;

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use conduct_api::ServiceHost;

/// How long names may take to be found.
const LOOKUP_TIME_MAX: Duration = Duration::from_secs(5);
/// Addresses that one name may stand for.
const ADDRESSES_MAX: usize = 16;

/// Where a service outside the cluster is, as an operator wrote it:
/// `https://user:secret@name.example:9000/root`, `tcp://10.0.0.9:1883`, or with `+srv` the name of
/// a record that tells hosts and ports: `http+srv://_http._tcp.name.example`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalAddress {
    protocol: String,
    is_srv: bool,
    user_info: Option<String>,
    host: String,
    port: u16,
    path: Option<String>,
}

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExternalError {
    /// Another scheme, or none.
    #[error(
        "an external service is reached by http, https, tcp or udp, with or without +srv, not by \
         '{0}'"
    )]
    Scheme(String),
    /// No host, or something that cannot be in one.
    #[error("'{0}' is no host")]
    Host(String),
    /// No port where the scheme has none of its own, or something else than a number.
    #[error("an external service of this kind needs a port: '{0}'")]
    Port(String),
    /// A character that a URI cannot hold.
    #[error("an address cannot hold {0:?}")]
    Character(char),
}

impl FromStr for ExternalAddress {
    type Err = ExternalError;

    fn from_str(text: &str) -> Result<ExternalAddress, ExternalError> {
        if let Some(found) = text
            .chars()
            .find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c))
        {
            return Err(ExternalError::Character(found));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let scheme = scheme.to_ascii_lowercase();
        let (protocol, is_srv) = match scheme.strip_suffix("+srv") {
            Some(protocol) => (protocol, true),
            None => (scheme.as_str(), false),
        };
        if !matches!(protocol, "http" | "https" | "tcp" | "udp") {
            return Err(ExternalError::Scheme(scheme));
        }
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let (user_info, authority) = match authority.rsplit_once('@') {
            Some((user_info, authority)) => (Some(user_info.to_owned()), authority),
            None => (None, authority),
        };
        let (host, port) = host_and_port(authority)?;
        let port = match (port, protocol, is_srv) {
            (Some(port), _, false) => port,
            // The record tells it.
            (None, _, true) => 0,
            (None, "http", false) => 80,
            (None, "https", false) => 443,
            _ => return Err(ExternalError::Port(authority.to_owned())),
        };
        Ok(ExternalAddress {
            protocol: protocol.to_owned(),
            is_srv,
            user_info,
            host,
            port,
            path: Some(path)
                .filter(|path| path.starts_with('/') && *path != "/")
                .map(str::to_owned),
        })
    }
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), ExternalError> {
    let refused = || ExternalError::Host(authority.to_owned());
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if bare.is_empty() || (bare.parse::<IpAddr>().is_err() && !bare.chars().all(is_name)) {
        return Err(refused());
    }
    let parsed = port.map(str::parse).transpose();
    let port = parsed.map_err(|_| ExternalError::Port(authority.to_owned()))?;
    Ok((bare.to_owned(), port))
}

impl ExternalAddress {
    /// Where it is now. What cannot be found is nowhere, and the log says why.
    pub(crate) async fn hosts(&self) -> Vec<ServiceHost> {
        let found = tokio::time::timeout(LOOKUP_TIME_MAX, self.look_up()).await;
        match found {
            Ok(Ok(hosts)) => hosts,
            Ok(Err(error)) => {
                tracing::warn!(host = %self.host, %error, "an external service was not found");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!(host = %self.host, "an external service was not found in time");
                Vec::new()
            }
        }
    }

    async fn look_up(&self) -> std::io::Result<Vec<ServiceHost>> {
        if !self.is_srv {
            return self.addresses(&self.host, self.port).await;
        }
        let mut hosts = Vec::new();
        for target in dns::services(&self.host).await? {
            hosts.extend(self.addresses(&target.host, target.port).await?);
        }
        hosts.truncate(ADDRESSES_MAX);
        Ok(hosts)
    }

    async fn addresses(&self, name: &str, port: u16) -> std::io::Result<Vec<ServiceHost>> {
        if let Ok(ip) = name.parse::<IpAddr>() {
            return Ok(vec![self.host(ip, None, port)]);
        }
        let found = tokio::net::lookup_host((name, port)).await?;
        let mut ips: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        ips.sort_unstable();
        ips.dedup();
        let hosts = ips.into_iter().take(ADDRESSES_MAX);
        Ok(hosts.map(|ip| self.host(ip, Some(name), port)).collect())
    }

    fn host(&self, ip: IpAddr, name: Option<&str>, port: u16) -> ServiceHost {
        ServiceHost {
            host_name: name.map(str::to_owned),
            path: self.path.clone(),
            authorization: self.user_info.is_some().then(|| "basic".to_owned()),
            user_info: self.user_info.clone(),
            ..host_at(&self.protocol, ip, port)
        }
    }
}

/// An address where something is spoken, and no more.
pub(crate) fn host_at(protocol: &str, ip: IpAddr, port: u16) -> ServiceHost {
    let ip = ip.to_canonical();
    ServiceHost {
        protocol: protocol.to_owned(),
        ipv4_host: ip.is_ipv4().then(|| ip.to_string()),
        ipv6_host: ip.is_ipv6().then(|| ip.to_string()),
        port,
        ..ServiceHost::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fixed_address_is_used_as_it_is() {
        let address: ExternalAddress = "http://10.0.0.9:9200".parse().unwrap();
        let hosts = address.hosts().await;
        assert_eq!(hosts, [host_at("http", "10.0.0.9".parse().unwrap(), 9200)]);
    }

    #[tokio::test]
    async fn a_name_is_kept_beside_what_it_stands_for() {
        let address: ExternalAddress = "https://me:secret@localhost:9000/root".parse().unwrap();
        let hosts = address.hosts().await;
        assert!(!hosts.is_empty());
        for host in hosts {
            assert_eq!(host.host_name.as_deref(), Some("localhost"));
            assert_eq!(host.user_info.as_deref(), Some("me:secret"));
            assert_eq!(host.authorization.as_deref(), Some("basic"));
            assert_eq!(host.location("/a"), "https://localhost:9000/root/a");
        }
    }

    #[test]
    fn schemes_have_the_ports_that_people_expect() {
        let port = |text: &str| text.parse::<ExternalAddress>().map(|address| address.port);
        assert_eq!(port("http://a"), Ok(80));
        assert_eq!(port("https://a/b"), Ok(443));
        assert_eq!(port("tcp://[::1]:7"), Ok(7));
        assert_eq!(port("tcp+srv://_port._svc._tcp.a"), Ok(0));
        assert_eq!(port("tcp://a"), Err(ExternalError::Port("a".to_owned())));
        assert_eq!(
            port("http+srv://a:1"),
            Err(ExternalError::Port("a:1".to_owned()))
        );
        for text in [
            "",
            "a:1",
            "ftp://a",
            "http://",
            "http://a b",
            "http://a:x",
            "http://a:99999",
            "http://a\nb",
        ] {
            assert!(port(text).is_err(), "{text}");
        }
    }
}
