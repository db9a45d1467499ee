//! Changes a `bundle.conf` as the flags say. Keys have their spelling of today here; see
//! [`super::written`] for the one that is written.

use conduct_hocon::{Object, Value};
use conduct_model::BindProtocol;

use super::check;
use super::component_flags::{Change, Edit, EndpointFlags};
use super::flags::{ConfFlags, TopFlags};
use crate::exit::{Exit, Failure};

/// Applies all flags for `bundle.conf`.
pub(super) fn apply(conf: &mut Value, flags: &ConfFlags) -> Result<(), Failure> {
    top(conf, &flags.top);
    let mut cleared = Vec::new();
    for edit in &flags.components.edits {
        let component = component_of(conf, edit, &flags.components.edits)?;
        change(conf, &component, &edit.change, &mut cleared);
    }
    if !flags.check.addresses.is_empty() {
        check::put(
            conf,
            &flags.check,
            &flags.check.addresses,
            check::Needed::All,
        );
    }
    Ok(())
}

fn top(conf: &mut Value, flags: &TopFlags) {
    let texts = [
        ("name", &flags.name),
        ("version", &flags.version),
        ("compatibility-version", &flags.compatibility_version),
        ("system", &flags.system),
        ("system-version", &flags.system_version),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            conf.set(&[key], text.as_str());
        }
    }
    let values = [
        ("nr-of-cpus", &flags.nr_of_cpus),
        ("memory", &flags.memory),
        ("disk-space", &flags.disk_space),
    ];
    for (key, value) in values {
        if let Some(value) = value {
            conf.set(&[key], value.clone());
        }
    }
    for (key, words) in [("roles", &flags.roles), ("tags", &flags.tags)] {
        if !words.is_empty() {
            conf.set(&[key], set_of(words));
        }
    }
    for annotation in &flags.annotations {
        let mut keys = vec!["annotations"];
        keys.extend(annotation.keys.iter().map(String::as_str));
        conf.set(&keys, annotation.value.as_str());
    }
}

fn set_of(words: &[String]) -> Value {
    let first = |(at, word): &(usize, &String)| !words[..*at].contains(word);
    Value::list(
        words
            .iter()
            .enumerate()
            .filter(first)
            .map(|(_, word)| word.as_str().into()),
    )
}

/// The names of the components that are no checks of this tool.
pub(super) fn components(conf: &Value) -> impl Iterator<Item = &str> {
    let components = conf
        .get("components")
        .and_then(|components| components.as_object().ok());
    components
        .into_iter()
        .flat_map(Object::keys)
        .filter(|name| *name != check::COMPONENT)
}

/// Which component an edit is for: the one that it names, or the only one there is or will be, or
/// a new one that is called like the bundle.
fn component_of(conf: &Value, edit: &Edit, all: &[Edit]) -> Result<String, Failure> {
    if let Some(name) = &edit.component {
        return Ok(name.clone());
    }
    let mut names: Vec<&str> = components(conf).collect();
    let named = all.iter().filter_map(|edit| edit.component.as_deref());
    for name in named.filter(|name| *name != check::COMPONENT) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let unclear = |what: &str| {
        let flag = flag_of(&edit.change);
        Err(
            Failure::new(Exit::Usage, format_args!("{flag}: {what}")).hint(format_args!(
                "say which component: {flag} … --component NAME"
            )),
        )
    };
    match names[..] {
        [only] => Ok(only.to_owned()),
        [] => match conf.get("name").and_then(|name| name.as_str().ok()) {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => unclear("there is no component, and no name for a new one"),
        },
        _ => unclear(&format!(
            "there are several components, {}",
            names.join(", ")
        )),
    }
}

fn flag_of(change: &Change) -> String {
    match change {
        Change::Description(_) => "--description".to_owned(),
        Change::StartCommand(_) => "--start-command".to_owned(),
        Change::Volume { name, .. } => format!("--volume {name}"),
        Change::Endpoint(endpoint) => format!("--endpoint {}", endpoint.name),
    }
}

/// Makes one change. The first endpoint of a component drops those that it had.
fn change(conf: &mut Value, component: &str, change: &Change, cleared: &mut Vec<String>) {
    let at = |key| ["components", component, key];
    match change {
        Change::Description(text) => conf.set(&at("description"), text.as_str()),
        Change::StartCommand(words) => {
            let words = words.iter().map(|word| word.as_str().into());
            conf.set(&at("start-command"), Value::list(words));
        }
        Change::Volume { name, path } => {
            conf.set(&["components", component, "volumes", name], path.as_str());
        }
        Change::Endpoint(endpoint) => {
            if !cleared.iter().any(|name| name == component) {
                conf.set(&at("endpoints"), Value::object());
                cleared.push(component.to_owned());
            }
            let keys = ["components", component, "endpoints", &endpoint.name];
            conf.set(&keys, endpoint_value(endpoint));
        }
    }
}

fn endpoint_value(flags: &EndpointFlags) -> Value {
    let mut endpoint = Value::object();
    let protocol = flags.bind_protocol.unwrap_or(BindProtocol::Tcp);
    endpoint.set(&["bind-protocol"], protocol.as_str());
    endpoint.set(&["bind-port"], u32::from(flags.bind_port));
    if let Some(name) = &flags.service_name {
        endpoint.set(&["service-name"], name.as_str());
    }
    let acls = acls(flags);
    if !acls.is_empty() {
        endpoint.set(&["acls"], Value::list(acls));
    }
    endpoint
}

/// One ACL for each family, in the order in which the families came.
fn acls(flags: &EndpointFlags) -> Vec<Value> {
    let mut families: Vec<(BindProtocol, Vec<Value>)> = Vec::new();
    for acl in &flags.acls {
        let Ok(family) = acl.check() else { continue };
        let requests = match family {
            BindProtocol::Http => vec![acl.request()],
            BindProtocol::Tcp | BindProtocol::Udp => acl.ports().unwrap_or_default(),
        };
        match families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, all)) => all.extend(requests),
            None => families.push((family, requests)),
        }
    }
    let acl = |(family, requests): (BindProtocol, Vec<Value>)| {
        let mut acl = Value::object();
        acl.set(&[family.as_str(), "requests"], Value::list(requests));
        acl
    };
    families.into_iter().map(acl).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bndl::component_flags::ComponentFlags;
    use crate::bndl::flags::Annotation;

    fn edited(text: &str, change: impl FnOnce(&mut ConfFlags)) -> Result<String, Failure> {
        let mut conf = conduct_hocon::parse(text).expect("sound");
        let mut flags = ConfFlags::default();
        change(&mut flags);
        apply(&mut conf, &flags).map(|()| conf.to_line())
    }

    fn edits(components: &[(Option<&str>, Change)]) -> ComponentFlags {
        let edit = |(component, change): &(Option<&str>, Change)| Edit {
            component: component.map(str::to_owned),
            change: change.clone(),
        };
        ComponentFlags {
            edits: components.iter().map(edit).collect(),
        }
    }

    fn described(text: &str) -> Change {
        Change::Description(text.to_owned())
    }

    fn endpoint(name: &str) -> Change {
        Change::Endpoint(EndpointFlags {
            name: name.to_owned(),
            bind_protocol: Some(BindProtocol::Http),
            bind_port: 0,
            service_name: None,
            acls: Vec::new(),
        })
    }

    #[test]
    fn keys_keep_their_place_and_new_ones_follow() {
        let conf = edited(
            "memory = 1, name = a, annotations { x { y = 1 } }",
            |flags| {
                flags.top.name = Some("b".to_owned());
                flags.top.roles = vec!["web".to_owned(), "data".to_owned(), "web".to_owned()];
                let keys = vec!["x".to_owned(), "z".to_owned()];
                flags.top.annotations = vec![Annotation {
                    keys,
                    value: "2".to_owned(),
                }];
            },
        );
        let expected =
            r#"{"memory":1,"name":"b","annotations":{"x":{"y":1,"z":"2"}},"roles":["web","data"]}"#;
        assert_eq!(conf.expect("sound"), expected);
    }

    #[test]
    fn an_edit_without_a_component_is_for_the_only_one() {
        let only = |text: &str, named: Option<&str>| {
            edited(text, |flags| {
                let mut all = vec![(None, described("d"))];
                all.extend(named.map(|name| (Some(name), described("e"))));
                flags.components = edits(&all);
            })
        };
        let one = only("components { a {}, bundle-status {} }", None).expect("clear");
        assert!(one.contains(r#""a":{"description":"d"}"#), "{one}");
        let new = only("name = shop", None).expect("clear");
        assert!(
            new.contains(r#""components":{"shop":{"description":"d"}}"#),
            "{new}"
        );
        let named = only("name = shop", Some("web")).expect("clear");
        assert!(named.contains(r#"{"web":{"description":"e"}}"#), "{named}");
        for (text, name) in [
            ("", None),
            ("components { a {}, b {} }", None),
            ("components { a {} }", Some("b")),
        ] {
            let failure = only(text, name).expect_err(text);
            assert_eq!(failure.exit, Exit::Usage);
        }
    }

    #[test]
    fn the_first_endpoint_drops_the_old_ones_of_its_component_only() {
        let conf = "components { a { endpoints { old {} } }, b { endpoints { kept {} } } }";
        let conf = edited(conf, |flags| {
            flags.components = edits(&[(Some("a"), endpoint("x")), (Some("a"), endpoint("y"))]);
        })
        .expect("sound");
        assert!(!conf.contains("old") && conf.contains("kept"), "{conf}");
        assert!(
            conf.contains(r#""x":{"#) && conf.contains(r#""y":{"#),
            "{conf}"
        );
    }
}
