//! Where an instance of a service is.

use serde::{Deserialize, Serialize};

/// Where an instance of a service, or an external one, answers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceHost {
    /// What is spoken there.
    pub protocol: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4_host: Option<String>,
    /// Where; to be preferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_host: Option<String>,
    /// What it is called, so that its certificate can be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    /// The port.
    pub port: u16,
    /// What to put before any path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `basic`, where it wants to know who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// `user:password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_info: Option<String>,
}

impl ServiceHost {
    /// The host part of a URI: the name where there is one, so that certificates verify, else the
    /// address, in brackets where it has colons.
    pub fn host(&self) -> String {
        match (&self.host_name, &self.ipv6_host, &self.ipv4_host) {
            (Some(name), _, _) => name.clone(),
            (None, Some(ip), _) => format!("[{ip}]"),
            (None, None, Some(ip)) => ip.clone(),
            (None, None, None) => String::new(),
        }
    }

    /// `host:port`, as the first version of the interface wrote it.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host(), self.port)
    }

    /// The address for a caller who wants `rest`, which begins with a slash or is empty.
    pub fn location(&self, rest: &str) -> String {
        let root = self.path.as_deref().unwrap_or_default();
        let root = root.strip_suffix('/').unwrap_or(root);
        format!("{}://{}{root}{rest}", self.protocol, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_drops_nothing_and_adds_nothing() {
        let host = ServiceHost {
            protocol: "http".to_owned(),
            ipv4_host: Some("10.0.0.7".to_owned()),
            port: 10_121,
            ..ServiceHost::default()
        };
        assert_eq!(host.location(""), "http://10.0.0.7:10121");
        assert_eq!(host.location("/123?x=1"), "http://10.0.0.7:10121/123?x=1");

        let external = ServiceHost {
            protocol: "https".to_owned(),
            host_name: Some("name.example".to_owned()),
            path: Some("/root/".to_owned()),
            port: 9000,
            ..host.clone()
        };
        assert_eq!(external.location("/a"), "https://name.example:9000/root/a");

        let six = ServiceHost {
            ipv6_host: Some("fe80::1".to_owned()),
            ..host
        };
        assert_eq!(six.authority(), "[fe80::1]:10121");
    }
}
