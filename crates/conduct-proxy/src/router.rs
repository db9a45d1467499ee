//! Finds the route of a request, and the path that its back end sees.

use conduct_model::{HttpRule, PathMatch, Rewrite, RewritePart};
use regex::bytes::{Captures, Regex, RegexBuilder};

use crate::table::{HttpRoute, Table};

/// What one compiled expression may take. Expressions of descriptors are far smaller than this;
/// the bound is for what nobody thought of.
const REGEX_BYTES_MAX: usize = 16 << 20;

/// A table, ready to be searched.
#[derive(Debug, Default)]
pub struct Router {
    routes: Vec<Compiled>,
    /// Places in the table whose expression could not be compiled, and why.
    unusable: Vec<(usize, String)>,
}

#[derive(Debug)]
struct Compiled {
    /// The place in the table.
    place: usize,
    rule: HttpRule,
    regex: Option<Regex>,
}

/// Where a request goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chosen {
    /// The place of its route in [`Table::http`].
    pub place: usize,
    /// Its path, where that changes.
    pub path: Option<String>,
}

impl Router {
    /// Prepares the routes of a table.
    pub fn new(table: &Table) -> Router {
        let mut router = Router::default();
        for (place, HttpRoute { rule, .. }) in table.http.iter().enumerate() {
            let regex = match rule.matcher() {
                PathMatch::Regex(regex) => match compile(regex.as_str()) {
                    Ok(regex) => Some(regex),
                    Err(error) => {
                        router.unusable.push((place, error.to_string()));
                        continue;
                    }
                },
                PathMatch::Exact(_) | PathMatch::Prefix(_) => None,
            };
            let rule = rule.clone();
            router.routes.push(Compiled { place, rule, regex });
        }
        router
    }

    /// Routes that no request will take, with the reason.
    pub fn unusable(&self) -> &[(usize, String)] {
        &self.unusable
    }

    /// The first route that fits. The host is without port, the path without query.
    pub fn find(&self, method: &str, host: &str, path: &str) -> Option<Chosen> {
        self.routes
            .iter()
            .find_map(|route| route.take(method, host, path))
    }
}

/// Bytes and not letters: that is how HAProxy reads paths.
fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .unicode(false)
        .size_limit(REGEX_BYTES_MAX)
        .build()
}

impl Compiled {
    fn take(&self, method: &str, host: &str, path: &str) -> Option<Chosen> {
        let Compiled { place, rule, regex } = self;
        let method_fits = rule.method().is_none_or(|m| m.as_str() == method);
        let host_fits = || rule.host().is_none_or(|h| h.answers_to(host));
        if !method_fits || !host_fits() {
            return None;
        }
        let path = match rule.matcher() {
            PathMatch::Exact(whole) => {
                (whole.as_str() == path).then(|| rule.rewrite().map(ToString::to_string))
            }
            PathMatch::Prefix(begin) => path
                .strip_prefix(begin.as_str())
                .map(|rest| rule.rewrite().map(|to| joined(to, rest))),
            PathMatch::Regex(_) => {
                let groups = regex.as_ref()?.captures(path.as_bytes());
                groups.map(|groups| rule.rewrite().map(|to| filled(to, &groups)))
            }
        }?;
        let place = *place;
        Some(Chosen { place, path })
    }
}

/// The beginning of a path replaced; where both sides have the slash between them, one is left.
fn joined(to: &Rewrite, rest: &str) -> String {
    let to = to.as_str();
    let rest = match rest.strip_prefix('/') {
        Some(behind) if to.ends_with('/') => behind,
        _ => rest,
    };
    format!("{to}{rest}")
}

fn filled(to: &Rewrite, groups: &Captures<'_>) -> String {
    let mut path = String::new();
    for part in to.parts() {
        match part {
            RewritePart::Text(text) => path.push_str(text),
            RewritePart::Group(number) => {
                let group = groups
                    .get(usize::from(number))
                    .map(|found| found.as_bytes());
                // The path is ASCII, as every path of a request that was let in.
                path.push_str(&String::from_utf8_lossy(group.unwrap_or_default()));
            }
        }
    }
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}
