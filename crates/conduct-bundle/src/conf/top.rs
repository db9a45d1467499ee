//! The top level: what a bundle is called, needs, and where it belongs.

use std::collections::{BTreeMap, BTreeSet};

use conduct_hocon::{Diagnostic, Source, Value};
use conduct_model::{
    BundleName, Check, CompatibilityVersion, Component, ComponentName, Descriptor, EndpointName,
    EnvName, OnQuarantine, Resources, Role, Span as Duration, System, SystemName, Tag, Target,
};

use super::components;
use super::keys::TOP;
use super::reader::{ConfKind, Fields, Reader, Reading, Rules, refusal};
use super::values::{annotations, bytes, choice, count, cpu_millis, duration, list, text};

const STOP_GRACE_MAX: Duration = Duration::secs(3600);
const START_TIMEOUT_MAX: Duration = Duration::secs(24 * 3600);
const PER_NODE_MAX: u32 = 1000;

/// Reads a whole `bundle.conf`, keys as they are spelled today.
pub(crate) fn read(value: &Value, rules: Rules, overlay: Option<&Source>) -> Reading {
    let mut reader = Reader::new(rules, overlay);
    let fields = reader.fields("bundle.conf", value, TOP);
    let descriptor = fields.and_then(|fields| descriptor(&mut reader, fields));
    reader.finish(descriptor.filter(|_| rules.kind == ConfKind::Bundle))
}

/// Everything is read before anything that is missing ends it, so that all is told.
fn descriptor(reader: &mut Reader<'_>, fields: Fields<'_>) -> Option<Descriptor> {
    let version = reader.required(fields, "version", text);
    let name = reader.required::<BundleName>(fields, "name", text);
    let compatibility_version =
        reader.required::<CompatibilityVersion>(fields, "compatibility-version", text);
    let system = system(reader, fields);
    let resources = resources(reader, fields);
    let roles = reader.required(fields, "roles", |value| list::<Role>("roles", value));
    let tags = reader.optional(fields, "tags", |value| list::<Tag>("tags", value));
    let annotations = reader.optional(fields, "annotations", annotations);
    let components = components::read(reader, fields);
    let policy = policy(reader, fields);
    let secrets = reader.optional(fields, "secrets", |value| list::<EnvName>("secrets", value));

    let components = components?;
    warn_of_unset_variables(reader, fields, &components);
    let mut seen = BTreeSet::new();
    let tags = tags
        .unwrap_or_default()
        .into_iter()
        .filter(|tag| seen.insert(tag.clone()));
    Some(Descriptor {
        version: version?,
        name: name?,
        compatibility_version: compatibility_version?,
        system: system?,
        resources: resources?,
        roles: roles?.into_iter().collect(),
        tags: tags.collect(),
        annotations: annotations.unwrap_or_default(),
        components,
        exclusive: policy.exclusive,
        on_quarantine: policy.on_quarantine,
        max_per_node: policy.max_per_node,
        stop_grace: policy.stop_grace,
        start_timeout: policy.start_timeout,
        secrets: secrets.unwrap_or_default().into_iter().collect(),
    })
}

fn system(reader: &mut Reader<'_>, fields: Fields<'_>) -> Option<System> {
    let name = reader.required::<SystemName>(fields, "system", text);
    let version = reader.required::<SystemName>(fields, "system-version", text);
    Some(System {
        name: name?,
        version: version?,
    })
}

fn resources(reader: &mut Reader<'_>, fields: Fields<'_>) -> Option<Resources> {
    let cpu_millis = reader.required(fields, "nr-of-cpus", cpu_millis);
    let memory_bytes = reader.required(fields, "memory", bytes);
    let disk_bytes = reader.required(fields, "disk-space", bytes);
    Some(Resources {
        cpu_millis: cpu_millis?,
        memory_bytes: memory_bytes?,
        disk_bytes: disk_bytes?,
    })
}

/// How instances are started, spread and ended, where that is not as usual.
struct Policy {
    exclusive: bool,
    on_quarantine: OnQuarantine,
    max_per_node: std::num::NonZeroU32,
    stop_grace: Option<Duration>,
    start_timeout: Option<Duration>,
}

fn policy(reader: &mut Reader<'_>, fields: Fields<'_>) -> Policy {
    let exclusive = reader.optional(fields, "exclusive", |value| {
        value.as_bool().map_err(refusal)
    });
    let on_quarantine = reader.optional(fields, "on-quarantine", |value| {
        choice::<OnQuarantine>("on-quarantine", OnQuarantine::WORDS, value)
    });
    if (exclusive, on_quarantine) == (Some(true), Some(OnQuarantine::Keep)) {
        let place = fields
            .object
            .get("on-quarantine")
            .map_or(fields.span, Value::span);
        let message = "on-quarantine = keep cannot go with exclusive = true: a cut-off instance \
                       would run beside its replacement";
        reader.report(Diagnostic::error(place, message).help("leave one of the two out"));
    }
    let per_node = reader.optional(fields, "max-per-node", |value| count(PER_NODE_MAX, value));
    Policy {
        exclusive: exclusive.unwrap_or(false),
        on_quarantine: on_quarantine.unwrap_or_default(),
        max_per_node: per_node.unwrap_or(Descriptor::MAX_PER_NODE_DEFAULT),
        stop_grace: reader.optional(fields, "stop-grace", |value| {
            duration(Duration::ZERO, STOP_GRACE_MAX, value)
        }),
        start_timeout: reader.optional(fields, "start-timeout", |value| {
            duration(Duration::secs(1), START_TIMEOUT_MAX, value)
        }),
    }
}

/// A check of a variable that nothing sets fails at every start, which is late to hear of a typo.
/// A configuration's script may set it, so it is no error.
fn warn_of_unset_variables(
    reader: &mut Reader<'_>,
    fields: Fields<'_>,
    components: &BTreeMap<ComponentName, Component>,
) {
    let prefixes: Vec<String> = components
        .values()
        .flat_map(|component| component.endpoints.keys())
        .map(EndpointName::env_prefix)
        .collect();
    let is_set = |variable: &str| {
        let of_endpoint = prefixes.iter().any(|prefix| {
            variable
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.starts_with('_'))
        });
        of_endpoint || !variable.ends_with("_HOST")
    };
    for (name, check) in checks(components) {
        for address in &check.addresses {
            let Target::Variable(variable) = &address.target else {
                continue;
            };
            if !is_set(variable.as_str()) {
                let value = fields
                    .object
                    .get("components")
                    .and_then(|it| it.get(name.as_str()));
                let command = value.and_then(|it| it.get("start-command"));
                let place = command.map_or(fields.span, Value::span).clone();
                reader.warn(
                    &place,
                    format!("no endpoint of this bundle sets {variable}"),
                );
            }
        }
    }
}

fn checks(
    components: &BTreeMap<ComponentName, Component>,
) -> impl Iterator<Item = (&ComponentName, &Check)> {
    components
        .iter()
        .filter_map(|(name, component)| Some((name, component.check.as_ref()?)))
}
