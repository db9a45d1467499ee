//! Bundles in a list, found by what a person calls them.

use conduct_client::ClientError;
use conduct_client::answers::Bundle;
use conduct_hocon::nearest_name;
use serde_json::{Value, json};

use super::session::Session;
use crate::exit::Failure;

/// A bundle among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tag: Option<String>,
}

/// Why a reference leads to no bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missed {
    /// None is called so; maybe this one was meant.
    None(Option<Named>),
    /// These are.
    Several(Vec<Named>),
}

impl Session<'_> {
    /// All bundles, ordered by name.
    pub(crate) async fn bundles(&mut self) -> Result<Vec<Bundle>, Failure> {
        let list = self.client.bundles().await;
        let list = list.map_err(|error: ClientError| self.failure(error))?;
        self.heard(&list)?;
        Ok(list.value)
    }

    /// The one bundle that is called so.
    pub(crate) async fn bundle(&mut self, reference: &str) -> Result<Bundle, Failure> {
        let list = self.client.bundles().await;
        let list = list.map_err(|error| self.failure(error))?.value;
        match find(&list, reference) {
            Ok(at) => Ok(list[at].clone()),
            Err(missed) => Err(self.missed(reference, &missed)),
        }
    }
}

impl Named {
    fn of(bundle: &Bundle) -> Named {
        Named {
            id: bundle.bundle_id.clone(),
            name: bundle.name().to_owned(),
            tag: bundle.tag().map(str::to_owned),
        }
    }
}

/// Where in the list the one bundle is that is called so. The first way to call a bundle that
/// anything answers to decides, as it does on nodes, so that a whole name is never ambiguous with a
/// longer one.
pub(crate) fn find(list: &[Bundle], reference: &str) -> Result<usize, Missed> {
    let ways: [fn(&Bundle, &str) -> bool; 4] = [is_id, is_name, begins_id, begins_name];
    for answers in ways {
        let found: Vec<usize> = (0..list.len())
            .filter(|at| answers(&list[*at], reference))
            .collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(*one),
            several => {
                let named = several.iter().map(|at| Named::of(&list[*at]));
                return Err(Missed::Several(named.collect()));
            }
        }
    }
    let near = nearest_name(reference, list.iter().map(Bundle::name));
    let near = near.and_then(|near| list.iter().find(|bundle| bundle.name() == near));
    Err(Missed::None(near.map(Named::of)))
}

fn is_id(bundle: &Bundle, reference: &str) -> bool {
    bundle.bundle_id == reference
}

fn is_name(bundle: &Bundle, reference: &str) -> bool {
    let is_tagged = |(name, tag): (&str, &str)| {
        let tags = bundle.attributes.tags.iter().flatten();
        name == bundle.name() && tags.into_iter().any(|it| it == tag)
    };
    reference == bundle.name() || reference.split_once(':').is_some_and(is_tagged)
}

/// With a dash on both sides, half by half.
fn begins_id(bundle: &Bundle, reference: &str) -> bool {
    if reference.is_empty() {
        return false;
    }
    match (bundle.bundle_id.split_once('-'), reference.split_once('-')) {
        (Some((first, second)), Some((wanted, other))) => {
            first.starts_with(wanted) && second.starts_with(other)
        }
        _ => bundle.bundle_id.starts_with(reference),
    }
}

fn begins_name(bundle: &Bundle, reference: &str) -> bool {
    !reference.is_empty() && bundle.name().starts_with(reference)
}

/// A bundle as programs read it: the same for every command.
pub(crate) fn value(bundle: &Bundle) -> Value {
    let attributes = &bundle.attributes;
    let installations = bundle.bundle_installations.iter().map(|it| {
        json!({
            "host": it.unique_address.host(),
            "address": it.unique_address.address,
            "uid": number_or_text(&it.unique_address.uid),
            "bundleFile": it.bundle_file,
            "configurationFile": it.configuration_file,
        })
    });
    let endpoints = bundle.bundle_config.endpoints.iter().map(|(name, it)| {
        json!({
            "name": name,
            "protocol": it.bind_protocol,
            "serviceName": it.service_name,
            "acls": it.acls,
        })
    });
    json!({
        "id": bundle.bundle_id,
        "name": bundle.name(),
        "tags": attributes.tags.clone().unwrap_or_default(),
        "compatibilityVersion": attributes.compatibility_version,
        "system": attributes.system,
        "systemVersion": attributes.system_version,
        "roles": attributes.roles,
        "nrOfCpus": attributes.nr_of_cpus,
        "memoryBytes": attributes.memory,
        "diskSpaceBytes": attributes.disk_space,
        "bundleDigest": bundle.bundle_digest,
        "configurationDigest": bundle.configuration_digest,
        "wanted": bundle.bundle_scale.as_ref().map(|it| it.scale),
        "affinity": bundle.bundle_scale.as_ref().and_then(|it| it.affinity.clone()),
        "running": bundle.started(),
        "starting": bundle.bundle_executions.len() - bundle.started(),
        "hasError": bundle.has_error,
        "error": bundle.error,
        "endpoints": endpoints.collect::<Vec<_>>(),
        "installations": installations.collect::<Vec<_>>(),
        "executions": executions(bundle),
    })
}

/// The instances of a bundle as programs read them.
pub(crate) fn executions(bundle: &Bundle) -> Vec<Value> {
    let each = bundle.bundle_executions.iter().map(|it| {
        let endpoints = it.endpoints.iter().map(|(name, ports)| {
            json!({"name": name, "bindPort": ports.bind_port, "hostPort": ports.host_port})
        });
        json!({
            "host": it.host,
            "pid": it.pid,
            "startedAt": it.start_time,
            "isStarted": it.is_started,
            "state": it.state,
            "instance": it.instance,
            "node": it.node,
            "endpoints": endpoints.collect::<Vec<_>>(),
        })
    });
    each.collect()
}

/// A number that may have come as a text.
pub(crate) fn number_or_text(text: &str) -> Value {
    text.parse::<i64>()
        .map_or_else(|_| json!(text), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<Bundle> {
        let bundle = |id: &str, name: &str, tag: &str| -> Bundle {
            let value = json!({
                "bundleId": id,
                "attributes": {"bundleName": name, "tags": [tag]},
            });
            serde_json::from_value(value).expect("a bundle")
        };
        vec![
            bundle("0123456aaaa", "shop", "1.0"),
            bundle("0123456bbbb-9876543cccc", "shop", "2.0"),
            bundle("7777777dddd", "shopping", "1.0"),
            bundle("8888888eeee", "friend-impl", "1.0"),
        ]
    }

    #[test]
    fn each_way_to_call_a_bundle_finds_it() {
        let at = |reference: &str| find(&list(), reference);
        for (reference, expected) in [
            ("0123456aaaa", 0),
            ("shop:1.0", 0),
            ("shop:2.0", 1),
            ("0123456-9876543", 1),
            ("7777777", 2),
            ("shopping", 2),
            ("fri", 3),
        ] {
            assert_eq!(at(reference), Ok(expected), "{reference}");
        }
    }

    #[test]
    fn several_and_none_are_told_apart() {
        let Err(Missed::Several(both)) = find(&list(), "shop") else {
            panic!("two are called so");
        };
        assert_eq!(both.len(), 2);
        assert!(matches!(find(&list(), "0123456"), Err(Missed::Several(_))));
        let Err(Missed::None(Some(near))) = find(&list(), "frend-impl") else {
            panic!("none is called so, and one nearly");
        };
        assert_eq!(near.name, "friend-impl");
        assert_eq!(find(&list(), ""), Err(Missed::None(None)));
        assert_eq!(find(&list(), "zzz"), Err(Missed::None(None)));
    }
}
