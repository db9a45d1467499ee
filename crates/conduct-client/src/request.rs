//! What is asked of a node.

use std::fmt::Write as _;
use std::time::Duration;

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Changes nothing.
    Get,
    /// Changes something that has a name.
    Put,
    /// Brings something new.
    Post,
    /// Removes something.
    Delete,
}

/// A request without a body.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: Method,
    /// Behind the version, without a slash at its beginning.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// How long the beginning of an answer is waited for; nothing means the usual span.
    pub(crate) within: Option<Duration>,
}

impl Request {
    /// Asks for what is at `path`; segments that come from outside go through [`encode`].
    pub fn get(path: impl Into<String>) -> Request {
        Request::new(Method::Get, path)
    }

    /// Asks for a change.
    pub fn new(method: Method, path: impl Into<String>) -> Request {
        Request {
            method,
            path: path.into(),
            headers: Vec::new(),
            within: None,
        }
    }

    /// Adds a parameter behind the path.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl std::fmt::Display) -> Request {
        let separator = if self.path.contains('?') { '&' } else { '?' };
        let value = encode(&value.to_string());
        // Writing to a string cannot fail.
        let _ = write!(self.path, "{separator}{name}={value}");
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    /// Waits for the beginning of an answer so long.
    #[must_use]
    pub fn within(mut self, span: Duration) -> Request {
        self.within = Some(span);
        self
    }
}

/// A text as a segment of a path or a value behind it. Nothing in it stays that could be syntax
/// there.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_syntax() {
        assert_eq!(encode("shop:1.0"), "shop%3A1.0");
        assert_eq!(encode("a/b?c#d e%f\u{e4}"), "a%2Fb%3Fc%23d%20e%25f%C3%A4");
        let request = Request::get("x").query("scale", 2).query("affinity", "a&b");
        assert_eq!(request.path, "x?scale=2&affinity=a%26b");
    }
}
