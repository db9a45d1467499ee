//! What the proxy lets through to an endpoint.

use std::num::NonZeroU16;

use conduct_hocon::{Diagnostic, Value};
use conduct_model::{Acl, HostPattern, HttpRule, Method, PathMatch, PathRegex, Rewrite, UriPath};

use super::endpoints::items;
use super::keys::{ACL, HTTP_RULE, REQUESTS};
use super::reader::{Fields, Reader, Refusal, refusal};
use super::values::{text, wrong};

/// Reads the ACLs of an endpoint; nothing if one of them has something wrong.
pub(crate) fn read(reader: &mut Reader<'_>, fields: Fields<'_>) -> Option<Vec<Acl>> {
    let Some(value) = fields.object.get("acls").filter(|value| !value.is_null()) else {
        return Some(Vec::new());
    };
    // Each is read before the first failure ends it.
    let acls: Vec<Option<Acl>> = items(reader, "acls", value)?
        .into_iter()
        .map(|value| acl(reader, value))
        .collect();
    acls.into_iter().collect()
}

fn acl(reader: &mut Reader<'_>, value: &Value) -> Option<Acl> {
    let fields = reader.fields("an item of acls", value, ACL)?;
    if !ACL.iter().any(|family| fields.object.get(family).is_some()) {
        reader.error(value.span(), "an item of acls has http, tcp or udp");
        return None;
    }
    let http = family(reader, fields, "http", http_rule);
    let tcp = family(reader, fields, "tcp", port);
    let udp = family(reader, fields, "udp", port);
    Some(Acl {
        http: http?,
        tcp: tcp?,
        udp: udp?,
    })
}

/// Reads `family { requests = […] }`.
fn family<T>(
    reader: &mut Reader<'_>,
    fields: Fields<'_>,
    family: &str,
    read: fn(&mut Reader<'_>, &Value) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(value) = fields.object.get(family).filter(|value| !value.is_null()) else {
        return Some(Vec::new());
    };
    let inner = reader.fields(family, value, REQUESTS)?;
    let Some(requests) = inner.object.get("requests") else {
        let missing = Diagnostic::error(value.span(), format!("{family} has no requests"));
        let example = if family == "http" {
            "{ path-beg = \"/\" }"
        } else {
            "7000"
        };
        reader.report(missing.help(format!("add requests = [{example}]")));
        return None;
    };
    let requests: Vec<Option<T>> = items(reader, "requests", requests)?
        .into_iter()
        .map(|request| read(reader, request))
        .collect();
    requests.into_iter().collect()
}

fn port(reader: &mut Reader<'_>, value: &Value) -> Option<NonZeroU16> {
    let port = value
        .as_whole(1..=65_535)
        .map_err(|error| refusal(error.named("a port")));
    let port = reader.kept(port)?;
    u16::try_from(port).ok().and_then(NonZeroU16::new)
}

fn http_rule(reader: &mut Reader<'_>, value: &Value) -> Option<HttpRule> {
    let fields = reader.fields("a request of http", value, HTTP_RULE)?;
    let matcher = matcher(reader, fields);
    let method = maybe(reader, fields, "method", method);
    let host = maybe(reader, fields, "host", text::<HostPattern>);
    let rewrite = maybe(reader, fields, "rewrite", text::<Rewrite>);
    let (host, rewrite) = (host?, rewrite?);
    let rule = HttpRule::new(matcher?, method?, rewrite);
    let place = fields.object.get("rewrite").unwrap_or(value);
    let rule = reader.kept(rule.map_err(|error| wrong(place, &error)))?;
    Some(rule.at_host(host))
}

/// Reads a field that may be missing. The outer `None` means that it is there and wrong.
fn maybe<T>(
    reader: &mut Reader<'_>,
    fields: Fields<'_>,
    key: &str,
    read: fn(&Value) -> Result<T, Refusal>,
) -> Option<Option<T>> {
    let is_there = fields.object.get(key).is_some_and(|value| !value.is_null());
    let read = reader.optional(fields, key, read);
    if is_there && read.is_none() {
        None
    } else {
        Some(read)
    }
}

fn method(value: &Value) -> Result<Method, Refusal> {
    let word = value.as_str().map_err(refusal)?;
    word.to_ascii_uppercase()
        .parse()
        .map_err(|error| wrong(value, &error))
}

fn matcher(reader: &mut Reader<'_>, fields: Fields<'_>) -> Option<PathMatch> {
    let found: Vec<&str> = ["path", "path-beg", "path-regex"]
        .into_iter()
        .filter(|key| fields.object.get(key).is_some_and(|value| !value.is_null()))
        .collect();
    match found.as_slice() {
        [] => {
            let missing = "a request has one of path, path-beg and path-regex";
            reader.report(Diagnostic::error(fields.span, missing).help("add path-beg = \"/\""));
            None
        }
        ["path"] => reader
            .optional(fields, "path", text::<UriPath>)
            .map(PathMatch::Exact),
        ["path-beg"] => reader
            .optional(fields, "path-beg", text::<UriPath>)
            .map(PathMatch::Prefix),
        ["path-regex"] => reader
            .optional(fields, "path-regex", text::<PathRegex>)
            .map(PathMatch::Regex),
        several => {
            let message = format!("a request has only one of {}", several.join(" and "));
            reader.error(fields.span, message);
            None
        }
    }
}
