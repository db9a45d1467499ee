//! `conduct service-names`.

use std::collections::BTreeMap;

use conduct_client::answers::Bundle;
use serde_json::{Value, json};

use super::session::Session;
use super::table::{Align, Table};
use super::text::plain;
use crate::exit::{Exit, Failure};

/// List the services of bundles that have instances
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// A service of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Service {
    name: String,
    id: String,
    bundle: String,
    is_running: bool,
    /// How it was written in the old style.
    uri: Option<String>,
}

pub(crate) async fn run(_: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let bundles = session.bundles().await?;
    let services = of_all(&bundles);
    let long = session.looks.long_ids;
    session.show(
        || table(&services, long),
        || services.iter().map(value).collect(),
        || services.iter().map(|it| it.name.clone()).collect(),
    )?;
    for warning in clashes(&services) {
        session.screen.warning(warning);
    }
    Ok(Exit::Done)
}

/// Whether any instance of a bundle takes calls, in a word.
pub(crate) fn status(is_running: bool) -> &'static str {
    if is_running { "Running" } else { "Starting" }
}

fn of_all(bundles: &[Bundle]) -> Vec<Service> {
    let with_instances = bundles.iter().filter(|it| !it.bundle_executions.is_empty());
    let mut services: Vec<Service> = with_instances.flat_map(of).collect();
    services.sort();
    services
}

/// The services of one bundle.
pub(crate) fn of(bundle: &Bundle) -> Vec<Service> {
    let service = |name: &str, uri: Option<&String>| Service {
        name: name.to_owned(),
        id: bundle.bundle_id.clone(),
        bundle: bundle.name().to_owned(),
        is_running: bundle.started() > 0,
        uri: uri.cloned(),
    };
    let mut services = Vec::new();
    for endpoint in bundle.bundle_config.endpoints.values() {
        let name = endpoint
            .service_name
            .as_deref()
            .filter(|name| !name.is_empty());
        services.extend(name.map(|name| service(name, None)));
        for uri in &endpoint.services {
            services.extend(first_segment(uri).map(|name| service(name, Some(uri))));
        }
    }
    services
}

/// `http://:9000/shop/cart?x` is called `shop`.
fn first_segment(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let segment = path.split(['/', '?', '#']).next()?;
    Some(segment).filter(|segment| !segment.is_empty())
}

/// Its name, and whether it is running.
pub(crate) fn names(services: &[Service]) -> impl Iterator<Item = (&str, bool)> {
    services.iter().map(|it| (it.name.as_str(), it.is_running))
}

fn table(services: &[Service], long: bool) -> String {
    let mut table = Table::new(&[
        ("SERVICE NAME", Align::Left),
        ("BUNDLE ID", Align::Left),
        ("BUNDLE NAME", Align::Left),
        ("STATUS", Align::Left),
    ]);
    for service in services {
        let id = if long {
            service.id.clone()
        } else {
            super::text::short_id(&service.id)
        };
        table.row([
            &service.name,
            &id,
            &service.bundle,
            status(service.is_running),
        ]);
    }
    table.text()
}

fn value(service: &Service) -> Value {
    json!({
        "serviceName": service.name,
        "bundleId": service.id,
        "bundleName": service.bundle,
        "isRunning": service.is_running,
        "uri": service.uri,
    })
}

/// Addresses in the old style that lead to the same path and differ otherwise.
fn clashes(services: &[Service]) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for service in services {
        if let Some(uri) = &service.uri {
            let uris = by_name.entry(&service.name).or_default();
            if !uris.contains(&uri.as_str()) {
                uris.push(uri);
            }
        }
    }
    let several = by_name.into_iter().filter(|(_, uris)| uris.len() > 1);
    let several: Vec<_> = several.collect();
    if several.is_empty() {
        return Vec::new();
    }
    let listed = several
        .iter()
        .map(|(name, uris)| format!("{name} ({})", uris.join(", ")));
    let listed = plain(&listed.collect::<Vec<_>>().join("; "));
    vec![
        format!("several services are reached by one path: {listed}"),
        "which of them answers is left to the proxy".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_uris_are_called_by_their_first_segment() {
        assert_eq!(first_segment("http://:9000/shop/cart?x"), Some("shop"));
        assert_eq!(first_segment("http:///shop"), Some("shop"));
        assert_eq!(first_segment("http://:9000/"), None);
        assert_eq!(first_segment("http://:9000"), None);
        assert_eq!(first_segment("shop"), None);
    }

    #[test]
    fn services_are_sorted_and_clashes_are_told() {
        let bundle = |id: &str, uri: &str, started: bool| -> Bundle {
            let value = serde_json::json!({
                "bundleId": id,
                "attributes": {"bundleName": "b"},
                "bundleConfig": {"endpoints": {"web": {"serviceName": "zeta", "services": [uri]}}},
                "bundleExecutions": [{"host": "h", "isStarted": started}],
            });
            serde_json::from_value(value).expect("a bundle")
        };
        let all = [
            bundle("1", "http://:80/a", true),
            bundle("2", "http://:81/a", false),
        ];
        let services = of_all(&all);
        let names: Vec<_> = names(&services).collect();
        assert_eq!(
            names,
            [("a", true), ("a", false), ("zeta", true), ("zeta", false)]
        );
        assert_eq!(clashes(&services).len(), 2);
        assert!(clashes(&services[..1]).is_empty());
    }
}
