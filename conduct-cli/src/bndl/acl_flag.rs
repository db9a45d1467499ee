//! `--acl`: a path, or ports behind `tcp:` or `udp:`.

use std::num::NonZeroU16;

use conduct_hocon::Value;
use conduct_model::BindProtocol;

/// What the flags say of one ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclFlag {
    family: Option<String>,
    value: String,
    /// How it matches, if it is a path.
    pub matching: Match,
    /// What the path becomes.
    pub rewrite: Option<String>,
}

/// How a path matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The whole of it.
    Exact,
    /// Its beginning.
    Prefix,
    /// A regular expression.
    Regex,
}

impl Match {
    fn key(self) -> &'static str {
        match self {
            Match::Exact => "path",
            Match::Prefix => "path-beg",
            Match::Regex => "path-regex",
        }
    }
}

impl AclFlag {
    pub(super) fn new(text: &str) -> AclFlag {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        let (family, value) = match text.split_once(':') {
            Some((family, value)) if is_word(family) => (Some(family.to_owned()), value),
            _ => (None, text),
        };
        AclFlag {
            family,
            value: value.to_owned(),
            matching: Match::Prefix,
            rewrite: None,
        }
    }

    /// The family, if the value is one of its kind.
    pub(super) fn check(&self) -> Result<BindProtocol, String> {
        let wrong = |why: &str| Err(format!("--acl {}: {why}", self.shown()));
        let family = match self.family.as_deref() {
            None => BindProtocol::Http,
            Some(family) => match family.parse() {
                Ok(family) => family,
                Err(_) => return wrong("a family is http, tcp or udp"),
            },
        };
        if family != BindProtocol::Http {
            if self.rewrite.is_some() || self.matching != Match::Prefix {
                return wrong("--path, --path-regex and --rewrite are for http");
            }
            return match self.ports() {
                Some(_) => Ok(family),
                None => wrong("ports are written tcp:[7000, 7001]"),
            };
        }
        if self.family.is_none() && self.ports().is_some() {
            return wrong("ports need their family in front, as in tcp:[7000]");
        }
        if self.matching != Match::Regex && !self.value.starts_with('/') {
            return wrong("a path begins with /");
        }
        Ok(family)
    }

    /// One request of an http ACL.
    pub(super) fn request(&self) -> Value {
        let mut request = Value::object();
        request.set(&[self.matching.key()], self.value.as_str());
        if let Some(rewrite) = &self.rewrite {
            request.set(&["rewrite"], rewrite.as_str());
        }
        request
    }

    /// The ports of a tcp or udp ACL.
    pub(super) fn ports(&self) -> Option<Vec<Value>> {
        let text = self.value.trim();
        let inner = match text.strip_prefix('[') {
            Some(list) => list.strip_suffix(']')?,
            None => text,
        };
        let port = |text: &str| text.trim().parse::<NonZeroU16>().ok();
        let ports = inner
            .split(',')
            .map(|text| port(text).map(|port| Value::from(u32::from(port.get()))));
        ports.collect()
    }

    fn shown(&self) -> String {
        match &self.family {
            Some(family) => format!("{family}:{}", self.value),
            None => self.value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_http_and_ports_say_their_family() {
        let family = |text: &str| AclFlag::new(text).check();
        assert_eq!(family("/orders"), Ok(BindProtocol::Http));
        assert_eq!(family("http:/orders"), Ok(BindProtocol::Http));
        assert_eq!(family("/a:b"), Ok(BindProtocol::Http));
        assert_eq!(family("tcp:[7000, 7001]"), Ok(BindProtocol::Tcp));
        assert_eq!(family("udp:53"), Ok(BindProtocol::Udp));
        for text in [
            "orders",
            "[7000]",
            "7000",
            "tcp:/x",
            "tcp:[0]",
            "tcp:[70000]",
            "ftp:/x",
            "tcp:[]",
        ] {
            assert!(family(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_expression_need_not_begin_with_a_slash() {
        let mut acl = AclFlag::new("^/u/(.*)$");
        assert!(acl.check().is_err());
        acl.matching = Match::Regex;
        acl.rewrite = Some("/x/\\1".to_owned());
        assert_eq!(acl.check(), Ok(BindProtocol::Http));
        assert_eq!(
            acl.request().to_line(),
            r#"{"path-regex":"^/u/(.*)$","rewrite":"/x/\\1"}"#
        );
    }

    #[test]
    fn ports_are_read_with_and_without_brackets() {
        let ports = |text: &str| {
            AclFlag::new(text)
                .ports()
                .map(|ports| Value::list(ports).to_line())
        };
        assert_eq!(ports("tcp:[1, 2]").as_deref(), Some("[1,2]"));
        assert_eq!(ports("tcp:7").as_deref(), Some("[7]"));
    }
}
