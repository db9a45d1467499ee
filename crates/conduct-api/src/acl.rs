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
    /// The only host, or `*.` and what the hosts end with; none lets all through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
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
            host: rule.host().map(ToString::to_string),
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

/// Why what a client sent is no rule of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no rule of a proxy: {0}")]
pub struct AclError(String);

impl AclError {
    fn of(error: impl std::fmt::Display) -> AclError {
        AclError(error.to_string())
    }
}

impl TryFrom<&Acl> for conduct_model::Acl {
    type Error = AclError;

    fn try_from(acl: &Acl) -> Result<conduct_model::Acl, AclError> {
        let ports = |ports: &Option<PortAcl>| {
            let all = ports.iter().flat_map(|acl| &acl.requests);
            let port = |port: &u16| {
                let none = || AclError("a port is a number from 1 to 65535".to_owned());
                std::num::NonZeroU16::new(*port).ok_or_else(none)
            };
            all.map(port).collect::<Result<Vec<_>, _>>()
        };
        let requests = acl.http.iter().flat_map(|http| &http.requests);
        Ok(conduct_model::Acl {
            http: requests
                .map(conduct_model::HttpRule::try_from)
                .collect::<Result<_, _>>()?,
            tcp: ports(&acl.tcp)?,
            udp: ports(&acl.udp)?,
        })
    }
}

impl TryFrom<&HttpRequest> for conduct_model::HttpRule {
    type Error = AclError;

    fn try_from(request: &HttpRequest) -> Result<conduct_model::HttpRule, AclError> {
        fn read<T: std::str::FromStr<Err: std::fmt::Display>>(
            text: Option<&String>,
        ) -> Result<Option<T>, AclError> {
            text.map(|text| text.parse().map_err(AclError::of))
                .transpose()
        }
        let exact = read(request.path.as_ref())?.map(PathMatch::Exact);
        let prefix = read(request.path_beg.as_ref())?.map(PathMatch::Prefix);
        let regex = read(request.path_regex.as_ref())?.map(PathMatch::Regex);
        let mut given = [exact, prefix, regex].into_iter().flatten();
        let (Some(matcher), None) = (given.next(), given.next()) else {
            let one = "it has one of path, pathBeg and pathRegex";
            return Err(AclError(one.to_owned()));
        };
        let method = read(request.method.as_ref())?;
        let rewrite = read(request.rewrite.as_ref())?;
        let rule = conduct_model::HttpRule::new(matcher, method, rewrite).map_err(AclError::of)?;
        Ok(rule.at_host(read(request.host.as_ref())?))
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

    #[test]
    fn a_rule_that_was_written_is_read_as_it_was() {
        let regex = PathMatch::Regex("^/u/(.*)$".parse().unwrap());
        let rule = conduct_model::HttpRule::new(regex, None, Some("/\\1".parse().unwrap()));
        let acl = conduct_model::Acl {
            http: vec![
                rule.unwrap()
                    .at_host(Some("*.example.com".parse().unwrap())),
            ],
            tcp: vec![std::num::NonZeroU16::new(7007).unwrap()],
            udp: vec![],
        };
        assert_eq!(conduct_model::Acl::try_from(&Acl::from(&acl)), Ok(acl));
    }

    #[test]
    fn what_is_no_rule_is_refused_with_the_reason() {
        for (text, reason) in [
            (r#"{"http":{"requests":[{}]}}"#, "it has one of path"),
            (
                r#"{"http":{"requests":[{"path":"/","pathBeg":"/"}]}}"#,
                "one of",
            ),
            (r#"{"http":{"requests":[{"path":"a b"}]}}"#, "begins with /"),
            (r#"{"tcp":{"requests":[0]}}"#, "from 1 to 65535"),
        ] {
            let acl: Acl = serde_json::from_str(text).unwrap();
            let refused = conduct_model::Acl::try_from(&acl).unwrap_err().to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
