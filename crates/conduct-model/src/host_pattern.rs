//! Names of hosts, as rules of a proxy ask for them.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::text_type;

/// Why a text names no hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// Longer than any name in the DNS.
    #[error("a host name has at most {max} characters, this has {0}", max = HostPattern::CHARS_MAX)]
    Long(usize),
    /// Nothing between two dots, or a label that begins or ends with a dash, or is too long.
    #[error("{0:?} is no part of a host name")]
    Label(String),
    /// A port, a star in the middle, a capital …
    #[error(
        "a host name cannot hold {0:?}; write shop.example.com or *.example.com, without a port"
    )]
    Character(char),
}

text_type!(
    /// The host that a request asks for: `shop.example.com`, or `*.example.com` for every host
    /// below that one. In small letters, without a port.
    HostPattern, HostPatternError, |text| {
        if text.len() > HostPattern::CHARS_MAX {
            return Err(HostPatternError::Long(text.len()));
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        let in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if let Some(found) = name.chars().find(|c| !in_name(*c)) {
            return Err(HostPatternError::Character(found));
        }
        let is_label = |label: &&str| {
            (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
        };
        match name.split('.').find(|label| !is_label(label)) {
            Some(label) => Err(HostPatternError::Label(label.to_owned())),
            None => Ok(()),
        }
    }
);

impl HostPattern {
    /// Longest name.
    pub const CHARS_MAX: usize = 253;

    /// What every name that it stands for ends with, if it stands for many: a dot first.
    pub fn suffix(&self) -> Option<&str> {
        self.0.strip_prefix('*')
    }

    /// Whether it stands for this host, which has no port and may be in capitals.
    pub fn answers_to(&self, host: &str) -> bool {
        match self.suffix() {
            Some(suffix) => {
                let begin = host.len().checked_sub(suffix.len()).filter(|at| *at > 0);
                begin
                    .and_then(|at| host.get(at..))
                    .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
            None => self.0.eq_ignore_ascii_case(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_itself_and_a_star_for_all_below() {
        let one: HostPattern = "shop.example.com".parse().unwrap();
        assert!(one.answers_to("SHOP.example.com"));
        assert!(!one.answers_to("a.shop.example.com"));
        let many: HostPattern = "*.example.com".parse().unwrap();
        assert!(many.answers_to("shop.example.com") && many.answers_to("a.b.Example.com"));
        assert!(!many.answers_to("example.com") && !many.answers_to("badexample.com"));
        assert!(!many.answers_to(".example.com"));
    }

    #[test]
    fn what_could_be_syntax_or_no_name_is_refused() {
        for (text, found) in [
            ("Shop", 'S'),
            ("a b", ' '),
            ("a:80", ':'),
            ("a.*.b", '*'),
            ("a}", '}'),
            ("a\n", '\n'),
        ] {
            let refused = text.parse::<HostPattern>();
            assert_eq!(refused, Err(HostPatternError::Character(found)));
        }
        for text in ["", "*.", "a..b", "-a", "a-", ".a"] {
            let refused = text.parse::<HostPattern>();
            assert!(matches!(refused, Err(HostPatternError::Label(_))), "{text}");
        }
    }
}
