//! What the proxy lets through to an endpoint.

use std::borrow::Borrow;
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::host_pattern::HostPattern;
use crate::name::text_type;
use crate::path_regex::PathRegex;
use crate::uri::{UriError, UriPath, check, in_path};

/// Which requests and ports of the proxy lead to an endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Acl {
    /// Requests of HTTP, at the proxy's own port.
    pub http: Vec<HttpRule>,
    /// Ports that the proxy opens.
    pub tcp: Vec<NonZeroU16>,
    /// Ports that may be declared, though no proxy opens them.
    pub udp: Vec<NonZeroU16>,
}

/// Which requests, and what the endpoint sees of their path.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "UncheckedRule", into = "UncheckedRule")]
pub struct HttpRule {
    matcher: PathMatch,
    host: Option<HostPattern>,
    method: Option<Method>,
    rewrite: Option<Rewrite>,
}

/// How a path has to be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum PathMatch {
    /// Just so. A rewrite replaces it.
    Exact(UriPath),
    /// With this beginning. A rewrite replaces the beginning.
    Prefix(UriPath),
    /// As this expression says. A rewrite replaces the whole path, and may use its groups.
    Regex(PathRegex),
}

/// Why two parts of a rule do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rewrite uses \\{used}, but {has}", has = match has {
    0 => "the path has no groups".to_owned(),
    count => format!("the expression has only {count}"),
})]
pub struct GroupError {
    used: u8,
    has: usize,
}

/// Why a text is no method or rewrite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Not a word of letters.
    #[error("a method is a word of up to 32 letters such as GET")]
    Method,
    /// Neither a path nor a group first.
    #[error("a rewrite begins with / or with a group such as \\1")]
    Relative,
    /// A backslash before something else than a digit from 1 to 9.
    #[error("a \\ in a rewrite begins a group, \\1 to \\9")]
    Group,
    /// A character that no path has.
    #[error("the rewrite is wrong")]
    Path(#[source] UriError),
}

text_type!(
    /// A method of HTTP, in capitals.
    Method, RuleError, |text| {
        let is_word = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if is_word { Ok(()) } else { Err(RuleError::Method) }
    }
);

text_type!(
    /// The path that an endpoint sees instead of the one that was asked for; `\1` to `\9` stand
    /// for groups of an expression.
    Rewrite, RuleError, |text| {
        let mut pieces = text.split('\\');
        let first = pieces.next().unwrap_or_default();
        let begins_with_group = first.is_empty() && text.starts_with('\\');
        if !begins_with_group && !first.starts_with('/') {
            return Err(RuleError::Relative);
        }
        let path = |text: &str| check(text, in_path).map_err(RuleError::Path);
        path(first)?;
        for piece in pieces {
            let group = piece.chars().next().filter(|c| ('1'..='9').contains(c));
            group.ok_or(RuleError::Group)?;
            path(&piece[1..])?;
        }
        Ok(())
    }
);

/// A piece of a rewrite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RewritePart<'a> {
    /// To be taken as it is.
    Text(&'a str),
    /// What the group with this number matched.
    Group(u8),
}

impl Rewrite {
    /// Its pieces, in order.
    pub fn parts(&self) -> impl Iterator<Item = RewritePart<'_>> {
        self.0.split('\\').enumerate().flat_map(|(index, piece)| {
            let is_group = index > 0;
            let group = piece
                .bytes()
                .next()
                .filter(|_| is_group)
                .map(|digit| digit - b'0');
            let text = if is_group {
                piece.get(1..).unwrap_or_default()
            } else {
                piece
            };
            let text = (!text.is_empty()).then_some(RewritePart::Text(text));
            group.map(RewritePart::Group).into_iter().chain(text)
        })
    }

    fn highest_group(&self) -> u8 {
        let groups = self.parts().filter_map(|part| match part {
            RewritePart::Group(number) => Some(number),
            RewritePart::Text(_) => None,
        });
        groups.max().unwrap_or(0)
    }
}

impl HttpRule {
    /// A rule whose rewrite uses no group that its path does not have.
    pub fn new(
        matcher: PathMatch,
        method: Option<Method>,
        rewrite: Option<Rewrite>,
    ) -> Result<HttpRule, GroupError> {
        let used = rewrite.as_ref().map_or(0, Rewrite::highest_group);
        let has = match &matcher {
            PathMatch::Regex(regex) => regex.groups(),
            PathMatch::Exact(_) | PathMatch::Prefix(_) => 0,
        };
        if usize::from(used) > has {
            return Err(GroupError { used, has });
        }
        Ok(HttpRule {
            matcher,
            host: None,
            method,
            rewrite,
        })
    }

    /// The same for requests to this host only; none lets all through.
    pub fn at_host(self, host: Option<HostPattern>) -> HttpRule {
        HttpRule { host, ..self }
    }

    /// The only host that requests may ask for; none lets all through.
    pub fn host(&self) -> Option<&HostPattern> {
        self.host.as_ref()
    }

    /// How the path has to be.
    pub fn matcher(&self) -> &PathMatch {
        &self.matcher
    }

    /// The only method that is let through; none lets all.
    pub fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// What becomes of the path; none leaves it as it is.
    pub fn rewrite(&self) -> Option<&Rewrite> {
        self.rewrite.as_ref()
    }
}

#[derive(Serialize, Deserialize)]
struct UncheckedRule {
    matcher: PathMatch,
    host: Option<HostPattern>,
    method: Option<Method>,
    rewrite: Option<Rewrite>,
}

impl TryFrom<UncheckedRule> for HttpRule {
    type Error = GroupError;

    fn try_from(rule: UncheckedRule) -> Result<HttpRule, GroupError> {
        let checked = HttpRule::new(rule.matcher, rule.method, rule.rewrite)?;
        Ok(checked.at_host(rule.host))
    }
}

impl From<HttpRule> for UncheckedRule {
    fn from(
        HttpRule {
            matcher,
            host,
            method,
            rewrite,
        }: HttpRule,
    ) -> UncheckedRule {
        UncheckedRule {
            matcher,
            host,
            method,
            rewrite,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(text: &str) -> PathMatch {
        PathMatch::Regex(text.parse().unwrap())
    }

    #[test]
    fn a_rewrite_is_a_path_with_groups() {
        let rewrite: Rewrite = "/x/\\1-\\2".parse().unwrap();
        let parts: Vec<_> = rewrite.parts().collect();
        assert_eq!(
            parts,
            [
                RewritePart::Text("/x/"),
                RewritePart::Group(1),
                RewritePart::Text("-"),
                RewritePart::Group(2),
            ]
        );
        assert!("\\1".parse::<Rewrite>().is_ok());
        assert_eq!("x".parse::<Rewrite>(), Err(RuleError::Relative));
        assert_eq!("".parse::<Rewrite>(), Err(RuleError::Relative));
        assert_eq!("/\\".parse::<Rewrite>(), Err(RuleError::Group));
        assert_eq!("/\\0".parse::<Rewrite>(), Err(RuleError::Group));
        assert!(matches!("/a b".parse::<Rewrite>(), Err(RuleError::Path(_))));
        assert!(matches!(
            "/a\nb".parse::<Rewrite>(),
            Err(RuleError::Path(_))
        ));
    }

    #[test]
    fn a_rewrite_cannot_use_groups_that_are_not_there() {
        let rewrite = |text: &str| Some(text.parse().unwrap());
        assert!(HttpRule::new(regex("^/(a)/(b)"), None, rewrite("/\\2")).is_ok());
        let refused = HttpRule::new(regex("^/(a)/(b)"), None, rewrite("/\\3")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the rewrite uses \\3, but the expression has only 2"
        );
        let refused = HttpRule::new(
            PathMatch::Prefix("/a".parse().unwrap()),
            None,
            rewrite("/\\1"),
        );
        let message = "the rewrite uses \\1, but the path has no groups";
        assert_eq!(refused.unwrap_err().to_string(), message);
    }

    #[test]
    fn a_method_is_a_word_in_capitals() {
        assert!("GET".parse::<Method>().is_ok());
        assert!("M-SEARCH".parse::<Method>().is_ok());
        for text in ["", "get", "GET POST", "GET\n", "{"] {
            assert_eq!(text.parse::<Method>(), Err(RuleError::Method), "{text:?}");
        }
    }
}
