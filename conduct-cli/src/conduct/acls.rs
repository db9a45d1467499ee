//! `conduct acls`.

use std::cmp::Reverse;

use clap::ValueEnum;
use conduct_client::answers::{Acl, Bundle, HttpRequest};
use serde_json::{Value, json};

use super::services::status;
use super::session::Session;
use super::table::{Align, Table};
use super::text::short_id;
use crate::exit::{Exit, Failure};

/// List what the proxy lets through to bundles that have instances
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Requests of HTTP in the order in which they are matched, or ports
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Family {
    /// Requests of HTTP
    Http,
    /// Ports
    Tcp,
}

/// What leads to a bundle.
#[derive(Debug, Clone)]
pub(crate) struct Rule<'a, T> {
    what: T,
    bundle: &'a Bundle,
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let bundles = session.bundles().await?;
    let with_instances = bundles.iter().filter(|it| !it.bundle_executions.is_empty());
    let with_instances: Vec<&Bundle> = with_instances.collect();
    let long = session.looks.long_ids;
    match args.family {
        Family::Http => {
            let rules = http(&with_instances);
            session.show(
                || http_table(&rules, Some(long)).text(),
                || rules.iter().map(http_value).collect(),
                || ids(rules.iter().map(|it| it.bundle)),
            )?;
        }
        Family::Tcp => {
            let rules = tcp(&with_instances);
            session.show(
                || tcp_table(&rules, Some(long)).text(),
                || rules.iter().map(tcp_value).collect(),
                || ids(rules.iter().map(|it| it.bundle)),
            )?;
        }
    }
    Ok(Exit::Done)
}

fn ids<'a>(bundles: impl Iterator<Item = &'a Bundle>) -> Vec<String> {
    let mut ids: Vec<String> = bundles.map(|it| it.bundle_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn acls<'a>(bundles: &[&'a Bundle]) -> impl Iterator<Item = (&'a Bundle, &'a Acl)> {
    let acls = |bundle: &'a Bundle| {
        let endpoints = bundle.bundle_config.endpoints.values();
        endpoints
            .flat_map(|it| &it.acls)
            .map(move |acl| (bundle, acl))
    };
    bundles.iter().copied().flat_map(acls)
}

/// In the order in which the proxy matches them.
pub(crate) fn http<'a>(bundles: &[&'a Bundle]) -> Vec<Rule<'a, &'a HttpRequest>> {
    let requests = acls(bundles).flat_map(|(bundle, acl)| {
        let requests = acl.http.iter().flat_map(|it| &it.requests);
        requests.map(move |what| Rule { what, bundle })
    });
    let mut rules: Vec<_> = requests.collect();
    rules.sort_by_key(|rule| precedence(rule.what));
    rules
}

/// By port.
pub(crate) fn tcp<'a>(bundles: &[&'a Bundle]) -> Vec<Rule<'a, u16>> {
    let ports = acls(bundles).flat_map(|(bundle, acl)| {
        let ports = acl.tcp.iter().flat_map(|it| &it.requests);
        ports.map(move |port| Rule {
            what: *port,
            bundle,
        })
    });
    let mut rules: Vec<_> = ports.collect();
    rules.sort_by_key(|rule| rule.what);
    rules
}

/// Expressions come first, the longest of them before the others, then prefixes, then paths.
fn precedence(request: &HttpRequest) -> (u8, Reverse<usize>) {
    let pieces = |path: &str| path.split('/').count();
    if let Some(regex) = &request.path_regex {
        let runs = regex
            .split(['(', ')'])
            .filter(|run| !run.is_empty())
            .count();
        (0, Reverse(runs))
    } else if let Some(path) = &request.path_beg {
        (1, Reverse(pieces(path)))
    } else {
        (
            2,
            Reverse(pieces(request.path.as_deref().unwrap_or_default())),
        )
    }
}

/// The path as the table writes it: a prefix is marked.
fn path(request: &HttpRequest) -> String {
    match (&request.path, &request.path_beg, &request.path_regex) {
        (Some(path), _, _) => path.clone(),
        (_, Some(path), _) => format!("^{path}"),
        (_, _, Some(regex)) => regex.clone(),
        (None, None, None) => String::new(),
    }
}

/// With ids and names, long or short, or without.
pub(crate) fn http_table(rules: &[Rule<'_, &HttpRequest>], long: Option<bool>) -> Table {
    let mut columns = vec![
        ("METHOD", Align::Left),
        ("PATH", Align::Left),
        ("REWRITE", Align::Left),
    ];
    columns.extend(bundle_columns(long));
    let mut table = Table::new(&columns);
    for rule in rules {
        let method = rule.what.method.as_deref().unwrap_or("*").to_owned();
        let rewrite = rule.what.rewrite.clone().unwrap_or_default();
        let mut cells = vec![method, path(rule.what), rewrite];
        cells.extend(bundle_cells(rule.bundle, long));
        table.row(cells);
    }
    table
}

pub(crate) fn tcp_table(rules: &[Rule<'_, u16>], long: Option<bool>) -> Table {
    let mut columns = vec![("TCP/PORT", Align::Left)];
    columns.extend(bundle_columns(long));
    let mut table = Table::new(&columns);
    for rule in rules {
        let mut cells = vec![rule.what.to_string()];
        cells.extend(bundle_cells(rule.bundle, long));
        table.row(cells);
    }
    table
}

fn bundle_columns(long: Option<bool>) -> Vec<(&'static str, Align)> {
    let mut columns = Vec::new();
    if long.is_some() {
        columns.extend([("BUNDLE ID", Align::Left), ("BUNDLE NAME", Align::Left)]);
    }
    columns.push(("STATUS", Align::Left));
    columns
}

fn bundle_cells(bundle: &Bundle, long: Option<bool>) -> Vec<String> {
    let mut cells = Vec::new();
    match long {
        Some(true) => cells.push(bundle.bundle_id.clone()),
        Some(false) => cells.push(short_id(&bundle.bundle_id)),
        None => {}
    }
    if long.is_some() {
        cells.push(bundle.name().to_owned());
    }
    cells.push(status(bundle.started() > 0).to_owned());
    cells
}

fn http_value(rule: &Rule<'_, &HttpRequest>) -> Value {
    json!({
        "method": rule.what.method,
        "path": rule.what.path,
        "pathBeg": rule.what.path_beg,
        "pathRegex": rule.what.path_regex,
        "rewrite": rule.what.rewrite,
        "bundleId": rule.bundle.bundle_id,
        "bundleName": rule.bundle.name(),
        "isRunning": rule.bundle.started() > 0,
    })
}

fn tcp_value(rule: &Rule<'_, u16>) -> Value {
    json!({
        "port": rule.what,
        "bundleId": rule.bundle.bundle_id,
        "bundleName": rule.bundle.name(),
        "isRunning": rule.bundle.started() > 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(requests: &Value, ports: &Value) -> Bundle {
        let acls = json!([{"http": {"requests": requests}}, {"tcp": {"requests": ports}}]);
        let value = json!({
            "bundleId": "0123456789",
            "attributes": {"bundleName": "b"},
            "bundleConfig": {"endpoints": {"web": {"acls": acls}}},
            "bundleExecutions": [{"host": "h", "isStarted": true}],
        });
        serde_json::from_value(value).expect("a bundle")
    }

    #[test]
    fn expressions_come_before_prefixes_and_these_before_paths() {
        let requests = json!([
            {"path": "/a"}, {"path": "/a/b"}, {"pathBeg": "/"}, {"pathBeg": "/x/y"},
            {"pathRegex": "/one"}, {"pathRegex": "/(two)/(three)", "method": "GET"},
            {"pathRegex": "(/)(four)", "rewrite": "/z"},
        ]);
        let bundle = bundle(&requests, &json!([7002, 7001]));
        let text = http_table(&http(&[&bundle]), Some(false)).text();
        let paths: Vec<&str> = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        let expected = [
            "/(two)/(three)",
            "(/)(four)",
            "/one",
            "^/x/y",
            "^/",
            "/a/b",
            "/a",
        ];
        assert_eq!(paths, expected);
        let text = tcp_table(&tcp(&[&bundle]), None).text();
        assert_eq!(
            text,
            "TCP/PORT  STATUS\n7001      Running\n7002      Running\n"
        );
    }
}
