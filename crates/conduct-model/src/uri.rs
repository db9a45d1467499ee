//! Paths and queries of requests, as rules of a proxy and addresses of a check have them.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::text_type;

/// Why a text is no path of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It has to begin somewhere.
    #[error("a path begins with /")]
    Relative,
    /// A space, a quote, a brace, a backslash, a control character, or a letter beyond ASCII.
    #[error("a path cannot hold {0:?}; write it as %XX")]
    Character(char),
    /// A percent sign that begins no code.
    #[error("a % in a path begins a code of two hex digits")]
    Percent,
    /// Longer than any proxy takes.
    #[error("a path has at most {max} characters, this has {0}", max = UriPath::CHARS_MAX)]
    Long(usize),
}

text_type!(
    /// The path of a request: begins with a slash and holds only what is text in every place that
    /// a path is written to.
    UriPath, UriError, |text| {
        if !text.starts_with('/') {
            return Err(UriError::Relative);
        }
        check(text, in_path)
    }
);

text_type!(
    /// What stands behind the question mark of an address.
    UriQuery, UriError, |text| check(text, |c| in_path(c) || c == '?')
);

impl UriPath {
    /// Longest path.
    pub const CHARS_MAX: usize = 1024;
}

/// What RFC 3986 allows in a path, without the quote and the dollar.
pub(crate) fn in_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/-._~!&()*+,;=:@%".contains(c)
}

pub(crate) fn check(text: &str, may_hold: fn(char) -> bool) -> Result<(), UriError> {
    if text.len() > UriPath::CHARS_MAX {
        return Err(UriError::Long(text.len()));
    }
    if let Some(found) = text.chars().find(|c| !may_hold(*c)) {
        return Err(UriError::Character(found));
    }
    let mut codes = text.split('%').skip(1);
    let is_code =
        |code: &str| code.len() >= 2 && code.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if codes.all(is_code) {
        Ok(())
    } else {
        Err(UriError::Percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_holds_only_what_is_text_everywhere() {
        for text in ["/", "/orders", "/a/b-c_d.e~f", "/a%20b", "/@me;v=1,2/(x)"] {
            assert!(text.parse::<UriPath>().is_ok(), "{text}");
        }
        for found in [
            ' ', '\n', '{', '}', '"', '\'', '\\', '#', '$', '<', '`', '^', '|', 'ä', '?',
        ] {
            let refused = format!("/a{found}b").parse::<UriPath>();
            assert_eq!(refused, Err(UriError::Character(found)));
        }
        assert_eq!("orders".parse::<UriPath>(), Err(UriError::Relative));
        assert_eq!("/50%".parse::<UriPath>(), Err(UriError::Percent));
        assert_eq!("/%zz".parse::<UriPath>(), Err(UriError::Percent));
    }
}
