//! What components listen on.

use std::collections::BTreeMap;

use conduct_hocon::{Diagnostic, Entry, Span, Value};
use conduct_model::{BindProtocol, Endpoint, EndpointName, ServiceName};

use super::acls;
use super::components::name;
use super::keys::ENDPOINT;
use super::reader::{Fields, Reader, refusal};
use super::values::{choice, text};

/// The endpoints of all components so far: their names, and the variables made of these, are a
/// bundle's own.
#[derive(Default)]
pub(crate) struct Names {
    by_prefix: BTreeMap<String, String>,
}

/// What variables that every instance has begin with: an endpoint must not shadow those.
const PREFIXES_TAKEN: &[&str] = &[
    "BUNDLE",
    "CONDUCTR",
    "CONDUCTR_CONTROL",
    "CONDUCTR_STATUS",
    "SERVICE_LOCATOR",
];

/// Reads the endpoints of one component; nothing if one of them has something wrong.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    fields: Fields<'_>,
    names: &mut Names,
) -> Option<BTreeMap<EndpointName, Endpoint>> {
    let Some(value) = fields
        .object
        .get("endpoints")
        .filter(|value| !value.is_null())
    else {
        return Some(BTreeMap::new());
    };
    let object = match value.as_object() {
        Ok(object) => object,
        Err(error) => {
            reader.report(error.named("endpoints").into());
            return None;
        }
    };
    let mut all = Some(BTreeMap::new());
    for entry in object.entries().filter(|entry| !entry.value.is_null()) {
        let name = name::<EndpointName>(reader, entry);
        let is_new = name
            .as_ref()
            .is_none_or(|name| names.add(reader, name, entry.key_span));
        let endpoint = endpoint(reader, entry);
        match (name, endpoint, &mut all) {
            (Some(name), Some(endpoint), Some(all)) if is_new => {
                all.insert(name, endpoint);
            }
            _ => all = None,
        }
    }
    all
}

impl Names {
    /// Notes a name; `false` if it cannot be.
    fn add(&mut self, reader: &mut Reader<'_>, name: &EndpointName, span: &Span) -> bool {
        let prefix = name.env_prefix();
        if PREFIXES_TAKEN.contains(&prefix.as_str()) {
            let message = format!("an endpoint called {name} would hide the variables {prefix}_…");
            reader.error(span, message);
            return false;
        }
        let Some(other) = self.by_prefix.insert(prefix.clone(), name.to_string()) else {
            return true;
        };
        let message = if other == name.as_str() {
            format!("an endpoint called {name} is in another component already")
        } else {
            format!("the endpoints {other} and {name} both have the variables {prefix}_…")
        };
        reader.error(span, message);
        false
    }
}

fn endpoint(reader: &mut Reader<'_>, entry: Entry<'_>) -> Option<Endpoint> {
    let fields = reader.fields(entry.key, entry.value, ENDPOINT)?;
    let bind_protocol = reader.required(fields, "bind-protocol", |value| {
        choice::<BindProtocol>("bind-protocol", BindProtocol::WORDS, value)
    });
    let bind_port = reader.required(fields, "bind-port", |value| {
        value.as_whole(0..=65_535).map_err(refusal)
    });
    let has_service_name = fields
        .object
        .get("service-name")
        .is_some_and(|it| !it.is_null());
    let service_name = reader.optional(fields, "service-name", text::<ServiceName>);
    let acls = acls::read(reader, fields);
    judge_services(reader, fields);
    if has_service_name && service_name.is_none() {
        return None;
    }
    Some(Endpoint {
        bind_protocol: bind_protocol?,
        bind_port: u16::try_from(bind_port?).ok()?,
        service_name,
        acls: acls?,
    })
}

/// Addresses of the kind that came before ACLs are not read any more. Samples still have an empty
/// list of them.
fn judge_services(reader: &mut Reader<'_>, fields: Fields<'_>) {
    let Some(value) = fields
        .object
        .get("services")
        .filter(|value| !value.is_null())
    else {
        return;
    };
    let is_empty = value.as_list().is_ok_and(|services| services.is_empty());
    let has_acls = fields
        .object
        .get("acls")
        .is_some_and(|acls| !acls.is_null());
    if is_empty {
        return;
    }
    if has_acls {
        reader.error(value.span(), "services and acls exclude each other");
    } else {
        let message = "services is not read any more";
        let help = "name the service with service-name, let requests in with acls";
        reader.report(Diagnostic::warning(value.span(), message).help(help));
    }
}

/// Whether a value is an object of a kind; used for lists of them.
pub(crate) fn items<'v>(
    reader: &mut Reader<'_>,
    key: &str,
    value: &'v Value,
) -> Option<Vec<&'v Value>> {
    reader.kept(value.as_list().map_err(|error| refusal(error.named(key))))
}
