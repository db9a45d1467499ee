//! Which of two rules is tried first.

use std::cmp::Reverse;

use conduct_model::{HostPattern, HttpRule, Method, PathMatch};

/// The requests that a rule asks for: two rules with equal ones cannot both have them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Asked {
    host: Host,
    path: Path,
    /// Rules for one method come before the one for all others.
    method: (bool, Option<Method>),
}

/// A host of its own, then hosts that end alike, the longest end first, then all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Host {
    One(HostPattern),
    Below(Reverse<usize>, HostPattern),
    Any,
}

/// Whole paths, then expressions, the most groups first, then beginnings, the deepest first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Path {
    Exact(String),
    Regex(Reverse<usize>, Reverse<usize>, String),
    Prefix(Reverse<usize>, Reverse<usize>, String),
}

impl Asked {
    pub(crate) fn by(rule: &HttpRule) -> Asked {
        Asked {
            host: rule.host().map_or(Host::Any, |host| match host.suffix() {
                Some(suffix) => Host::Below(Reverse(suffix.len()), host.clone()),
                None => Host::One(host.clone()),
            }),
            path: path(rule.matcher()),
            method: (rule.method().is_none(), rule.method().cloned()),
        }
    }
}

fn path(matcher: &PathMatch) -> Path {
    match matcher {
        PathMatch::Exact(path) => Path::Exact(path.to_string()),
        PathMatch::Regex(regex) => {
            let text = regex.to_string();
            Path::Regex(Reverse(regex.groups()), Reverse(text.len()), text)
        }
        PathMatch::Prefix(path) => {
            let text = path.to_string();
            let depth = text.split('/').filter(|part| !part.is_empty()).count();
            Path::Prefix(Reverse(depth), Reverse(text.len()), text)
        }
    }
}
