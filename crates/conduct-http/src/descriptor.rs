//! From what a `bundle.conf` says to what the cluster keeps of it.

use std::collections::BTreeMap;

use conduct_api::Acl;
use conduct_model::{Annotation, Annotations, Descriptor as Conf, FileSystemType};
use conduct_node::config::ComponentKind;
use conduct_node::descriptor::{Descriptor, Endpoint, OnQuarantine};
use serde_json::{Map, Number, Value};

/// What nodes decide by and show. Of the annotations only those at `annotation_paths` are kept, so
/// that nobody's megabytes are copied to every node.
pub fn for_node(conf: &Conf, annotation_paths: &[String]) -> Descriptor {
    let kinds = conf
        .main_components()
        .map(|(_, component)| kind(component.file_system_type));
    Descriptor {
        name: conf.name.to_string(),
        compatibility_version: conf.compatibility_version.to_string(),
        system: conf.system.clone(),
        needs: conf.resources,
        roles: conf.roles.clone(),
        tags: conf.tags.iter().map(ToString::to_string).collect(),
        annotations: kept(&conf.annotations, annotation_paths),
        kinds: kinds.collect(),
        endpoints: endpoints(conf),
        exclusive: conf.exclusive,
        on_quarantine: match conf.on_quarantine {
            conduct_model::OnQuarantine::Stop => OnQuarantine::Stop,
            conduct_model::OnQuarantine::Keep => OnQuarantine::Keep,
        },
        max_per_node: conf.max_per_node.get(),
        start_timeout: conf.start_timeout,
        stop_grace: conf.stop_grace,
    }
}

const fn kind(file_system_type: FileSystemType) -> ComponentKind {
    match file_system_type {
        FileSystemType::Universal => ComponentKind::Universal,
        FileSystemType::OciImage => ComponentKind::OciImage,
        FileSystemType::OciBundle => ComponentKind::OciBundle,
        FileSystemType::Docker => ComponentKind::Docker,
    }
}

fn endpoints(conf: &Conf) -> BTreeMap<String, Endpoint> {
    let endpoint = |endpoint: &conduct_model::Endpoint| {
        let acls: Vec<Acl> = endpoint.acls.iter().map(Acl::from).collect();
        Endpoint {
            protocol: endpoint.bind_protocol.to_string(),
            bind_port: endpoint.bind_port,
            service_name: endpoint.service_name.as_ref().map(ToString::to_string),
            acls: match acls.as_slice() {
                [] => String::new(),
                acls => serde_json::to_string(acls).expect("rules are plain texts and numbers"),
            },
        }
    };
    conf.endpoints()
        .map(|(name, it)| (name.to_string(), endpoint(it)))
        .collect()
}

/// The annotations at the paths, as the text of a JSON object; no text where there are none.
fn kept(annotations: &Annotations, paths: &[String]) -> String {
    let mut kept = Map::new();
    for path in paths {
        let names: Vec<&str> = path.split('.').collect();
        if let Some(found) = Annotation::find(annotations, &names) {
            put(&mut kept, &names, json(found));
        }
    }
    if kept.is_empty() {
        String::new()
    } else {
        Value::Object(kept).to_string()
    }
}

fn put(object: &mut Map<String, Value>, path: &[&str], value: Value) {
    let [name, rest @ ..] = path else { return };
    if rest.is_empty() {
        object.insert((*name).to_owned(), value);
        return;
    }
    let inner = object
        .entry(*name)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}

fn json(annotation: &Annotation) -> Value {
    match annotation {
        Annotation::Null => Value::Null,
        Annotation::Bool(yes) => Value::Bool(*yes),
        // Numbers are kept as they were written; one that JSON has no word for stays a text.
        Annotation::Number(text) => match text.parse::<Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(text.clone()),
        },
        Annotation::Text(text) => Value::String(text.clone()),
        Annotation::List(items) => Value::Array(items.iter().map(json).collect()),
        Annotation::Map(fields) => {
            let field = |(name, value): (&String, &Annotation)| (name.clone(), json(value));
            Value::Object(fields.iter().map(field).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conduct_model::Span;

    const CONF: &str = r#"
        version = "1", name = orders, compatibility-version = "2", system = shop
        system-version = "3", nr-of-cpus = 0.5, memory = 256 MiB, disk-space = 50 MB
        roles = [web], tags = ["2.4.0"], exclusive = true, max-per-node = 2, stop-grace = 7s
        annotations { com.lightbend.conductr.application-ids = [shop], big = megabytes }
        components.orders {
            description = "", file-system-type = oci-image, start-command = []
            endpoints {
                web {
                    bind-protocol = http, bind-port = 0, service-name = orders
                    acls = [{ http { requests = [{ path-beg = "/orders" }] } }]
                }
                remote { bind-protocol = tcp, bind-port = 0 }
            }
        }
    "#;

    #[test]
    fn a_descriptor_keeps_what_nodes_decide_by() {
        let reading = conduct_bundle::conf::read(CONF, None);
        let problems: Vec<String> = reading.errors().map(ToString::to_string).collect();
        let conf = reading.descriptor.unwrap_or_else(|| panic!("{problems:?}"));
        let paths = [
            "com.lightbend.conductr.application-ids".to_owned(),
            "absent".to_owned(),
        ];
        let descriptor = for_node(&conf, &paths);

        assert_eq!(descriptor.name, "orders");
        assert_eq!(descriptor.system.to_string(), "shop@3");
        assert_eq!(descriptor.needs.cpu_millis, 500);
        assert_eq!(descriptor.kinds, [ComponentKind::OciImage].into());
        assert!(descriptor.exclusive);
        assert_eq!(descriptor.max_per_node, 2);
        assert_eq!(descriptor.stop_grace, Some(Span::secs(7)));
        assert_eq!(
            descriptor.annotations,
            r#"{"com":{"lightbend":{"conductr":{"application-ids":["shop"]}}}}"#
        );
        let web = &descriptor.endpoints["web"];
        assert_eq!(web.service_name.as_deref(), Some("orders"));
        assert_eq!(
            web.acls,
            r#"[{"http":{"requests":[{"pathBeg":"/orders"}]}}]"#
        );
        assert_eq!(descriptor.endpoints["remote"].acls, "");
    }
}
