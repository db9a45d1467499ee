//! What a `bundle.conf` says of an image: its ports become endpoints, its volumes volumes.

use conduct_hocon::{Object, Value};
use conduct_image::Image;

use super::check;
use super::flags::ConfFlags;

/// Where readers look for the tag of a component's image.
const TAG_KEYS: [&str; 4] = ["com", "lightbend", "conductr", "oci-image-tags"];

/// How patiently the default check tries.
const CHECK_PARAMETERS: &str = "?retry-delay=10&retry-count=6";

/// The conf of a bundle with one component that is this image.
pub(super) fn conf(image: &Image, name: &str, component: &str, flags: &ConfFlags) -> Value {
    let mut conf = Value::object();
    conf.set(&["name"], name);
    if image.tag != "latest" {
        conf.set(&["tags"], Value::list([image.tag.as_str().into()]));
    }
    conf.set(&["annotations"], annotations(image, component));
    let at = |key| ["components", component, key];
    conf.set(&at("description"), "");
    conf.set(&at("file-system-type"), "oci-image");
    conf.set(&at("start-command"), Value::list([]));
    conf.set(&at("endpoints"), Value::object());
    if !flags.image.no_default_endpoints {
        for port in ports(image) {
            let endpoint = format!("{component}-{}-{}", port.protocol, port.number);
            let keys = ["components", component, "endpoints", &endpoint];
            conf.set(&keys, endpoint_value(&port, &endpoint));
        }
    }
    if !flags.image.no_default_volumes {
        for path in image.config.config.volumes.keys() {
            let keys = ["components", component, "volumes", &volume_name(path)];
            conf.set(&keys, path.as_str());
        }
    }
    conf
}

/// The check that an image gets which knows nothing of start signals: one of its endpoints answers.
/// Made when all flags have been applied, so that it names endpoints that are there.
pub(super) fn add_check(conf: &mut Value, component: &str, flags: &ConfFlags) {
    let unwanted = flags.image.no_default_endpoints || flags.image.no_default_check;
    if unwanted || !flags.check.addresses.is_empty() {
        return;
    }
    let endpoints = conf
        .get("components")
        .and_then(|all| all.get(component)?.get("endpoints"));
    let endpoints = endpoints.and_then(|endpoints| endpoints.as_object().ok());
    let names = endpoints.into_iter().flat_map(Object::keys);
    let addresses: Vec<String> = names
        .map(|name| check::address_of(name, CHECK_PARAMETERS))
        .collect();
    if !addresses.is_empty() {
        check::put(conf, &flags.check, &addresses, check::Needed::Any);
    }
}

/// Labels nest by their dots. One that would have to be a text and an object at once stays whole.
fn annotations(image: &Image, component: &str) -> Value {
    let mut all = Value::object();
    for (label, text) in &image.annotations {
        let keys: Vec<&str> = label.split('.').collect();
        if keys.iter().any(|key| key.is_empty()) || blocked(&all, &keys) {
            all.set(&[label], text.as_str());
        } else {
            all.set(&keys, text.as_str());
        }
    }
    let mut keys = TAG_KEYS.to_vec();
    keys.push(component);
    all.set(&keys, image.tag.as_str());
    all
}

fn blocked(all: &Value, keys: &[&str]) -> bool {
    let mut at = all;
    for key in keys {
        match at.get(key) {
            None => return at.as_object().is_err(),
            Some(inner) => at = inner,
        }
    }
    true
}

struct Port {
    number: u16,
    protocol: String,
}

/// The exposed ports, sorted as text.
fn ports(image: &Image) -> Vec<Port> {
    let exposed = image.config.config.exposed_ports.keys();
    exposed.flat_map(|text| expand(text)).collect()
}

/// `80`, `80/udp`, and the ranges that old images have: `8000-8002/tcp`.
fn expand(text: &str) -> Vec<Port> {
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else {
        return Vec::new();
    };
    let protocol = if protocol.is_empty() { "tcp" } else { protocol };
    (first..=last)
        .map(|number| Port {
            number,
            protocol: protocol.to_owned(),
        })
        .collect()
}

fn endpoint_value(port: &Port, name: &str) -> Value {
    let mut endpoint = Value::object();
    endpoint.set(&["bind-protocol"], port.protocol.as_str());
    endpoint.set(&["bind-port"], u32::from(port.number));
    endpoint.set(&["service-name"], name);
    endpoint
}

/// `/var/lib/x` becomes `volume-var-lib-x`.
fn volume_name(path: &str) -> String {
    let mut name = "volume".to_owned();
    for c in path.trim_end_matches('/').chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use conduct_image::ImageConfig;
    use serde_json::json;

    fn image(config: &serde_json::Value, labels: &[(&str, &str)]) -> Image {
        let config: ImageConfig =
            serde_json::from_value(json!({ "config": config })).expect("sound");
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Image {
            name: Some("feed".to_owned()),
            tag: "4.2".to_owned(),
            config,
            annotations: labels.iter().map(own).collect(),
            others: Vec::new(),
            platforms: Vec::new(),
        }
    }

    fn feed(flags: &ConfFlags) -> Value {
        let config =
            json!({ "ExposedPorts": { "7100/tcp": {}, "53/udp": {} }, "Volumes": { "/data": {} } });
        let mut conf = conf(&image(&config, &[]), "feed", "feed", flags);
        add_check(&mut conf, "feed", flags);
        conf
    }

    #[test]
    fn ports_become_endpoints_and_volumes_volumes() {
        let conf = feed(&ConfFlags::default());
        let said = |path: &str| conf.at(path).map(Value::to_line).expect(path);
        let feed = "components.feed";
        assert_eq!(
            said(&format!("{feed}.endpoints.feed-tcp-7100")),
            r#"{"bind-protocol":"tcp","bind-port":7100,"service-name":"feed-tcp-7100"}"#
        );
        assert_eq!(
            said(&format!("{feed}.volumes")),
            r#"{"volume-data":"/data"}"#
        );
        assert_eq!(said("tags"), r#"["4.2"]"#);
        assert_eq!(
            said("annotations.com.lightbend.conductr.oci-image-tags.feed"),
            "\"4.2\""
        );
        assert_eq!(
            said("components.bundle-status.start-command"),
            "[\"check\",\"--any-address\",\"$FEED_UDP_53_HOST?retry-delay=10&retry-count=6\",\
             \"$FEED_TCP_7100_HOST?retry-delay=10&retry-count=6\"]"
        );
    }

    #[test]
    fn each_default_can_be_left_out() {
        let mut flags = ConfFlags::default();
        flags.image.no_default_check = true;
        flags.image.no_default_volumes = true;
        let conf = feed(&flags);
        assert!(conf.at("components.bundle-status").is_none());
        assert!(conf.at("components.feed.volumes").is_none());
        flags.image.no_default_check = false;
        flags.image.no_default_endpoints = true;
        let conf = feed(&flags);
        assert!(conf.at("components.bundle-status").is_none());
        assert_eq!(conf.at("components.feed.endpoints"), Some(&Value::object()));
    }

    #[test]
    fn labels_that_are_text_and_object_at_once_keep_their_dots() {
        let labels = [
            ("a", "1"),
            ("a.b", "2"),
            ("c.d", "3"),
            ("c.d.e", "4"),
            ("f.", "5"),
        ];
        let annotations = annotations(&image(&json!({}), &labels), "feed");
        let plain = annotations.to_line();
        let expected = r#"{"a":"1","a.b":"2","c":{"d":"3"},"c.d.e":"4","f.":"5","com""#;
        assert!(plain.starts_with(expected), "{plain}");
    }

    #[test]
    fn odd_ports_and_paths_become_names_or_nothing() {
        let numbers = |text: &str| {
            expand(text)
                .iter()
                .map(|port| port.number)
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers("8000-8002/tcp"), [8000, 8001, 8002]);
        assert_eq!(numbers("80"), [80]);
        assert!(numbers("http").is_empty());
        assert_eq!(volume_name("/var/lib/x"), "volume-var-lib-x");
        assert_eq!(volume_name("/a//b c/"), "volume-a-b-c");
    }
}
