//! What a proxy lets through, as clients see it.

use conduct_model::PathMatch;
use serde::{Deserialize, Serialize};

/// Requests and ports that lead to an endpoint; one of the three, or several.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Acl {
    /// Requests of HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpAcl>,
    /// Ports for streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<PortAcl>,
    /// Ports for datagrams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udp: Option<PortAcl>,
}

/// Requests of HTTP that are let through.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HttpAcl {
    /// Which.
    pub requests: Vec<HttpRequest>,
}

/// Ports that are opened.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PortAcl {
    /// Which.
    pub requests: Vec<u16>,
}

/// Requests by their path, which is given in exactly one of the three ways.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HttpRequest {
    /// Just this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Paths that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_beg: Option<String>,
    /// Paths that this expression finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_regex: Option<String>,
    /// The only method; none lets all through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What becomes of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<String>,
}

impl From<&conduct_model::Acl> for Acl {
    fn from(acl: &conduct_model::Acl) -> Acl {
        let ports = |ports: &[std::num::NonZeroU16]| {
            let requests: Vec<u16> = ports.iter().map(|port| port.get()).collect();
            (!requests.is_empty()).then_some(PortAcl { requests })
        };
        let requests: Vec<HttpRequest> = acl.http.iter().map(HttpRequest::from).collect();
        Acl {
            http: (!requests.is_empty()).then_some(HttpAcl { requests }),
            tcp: ports(&acl.tcp),
            udp: ports(&acl.udp),
        }
    }
}

impl From<&conduct_model::HttpRule> for HttpRequest {
    fn from(rule: &conduct_model::HttpRule) -> HttpRequest {
        let mut request = HttpRequest {
            method: rule.method().map(ToString::to_string),
            rewrite: rule.rewrite().map(ToString::to_string),
            ..HttpRequest::default()
        };
        match rule.matcher() {
            PathMatch::Exact(path) => request.path = Some(path.to_string()),
            PathMatch::Prefix(path) => request.path_beg = Some(path.to_string()),
            PathMatch::Regex(regex) => request.path_regex = Some(regex.to_string()),
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_with_its_one_kind_of_path() {
        let prefix = PathMatch::Prefix("/orders".parse().unwrap());
        let method = Some("GET".parse().unwrap());
        let rule = conduct_model::HttpRule::new(prefix, method, Some("/".parse().unwrap()));
        let acl = conduct_model::Acl {
            http: vec![rule.unwrap()],
            tcp: vec![std::num::NonZeroU16::new(7007).unwrap()],
            udp: vec![],
        };
        assert_eq!(
            serde_json::to_string(&Acl::from(&acl)).unwrap(),
            "{\"http\":{\"requests\":[{\"pathBeg\":\"/orders\",\"method\":\"GET\",\"rewrite\":\
             \"/\"}]},\"tcp\":{\"requests\":[7007]}}"
        );
    }
}
