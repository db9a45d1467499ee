//! Fills in what is missing, as kinds of applications usually have it.

use conduct_hocon::Value;

use super::flags::Defaults;

const MEMORY_BYTES: u64 = 384 << 20;

impl Defaults {
    fn disk_bytes(self) -> u64 {
        match self {
            Defaults::Akka | Defaults::Generic => 1024 << 20,
            Defaults::Lagom | Defaults::Play => 1600 << 20,
        }
    }

    fn tags(self) -> Value {
        match self {
            Defaults::Akka | Defaults::Generic => Value::list(["0.0.1".into()]),
            Defaults::Lagom | Defaults::Play => Value::list([]),
        }
    }
}

/// Adds the keys that are missing. Components without a type get `file_system_type`.
pub(super) fn fill(conf: &mut Value, kind: Defaults, file_system_type: &str) {
    add(conf, "annotations", Value::object());
    // A version that is only filled in says nothing of the system.
    let version = conf.get("version").cloned().unwrap_or_else(|| "0".into());
    add(conf, "version", "1");
    add(conf, "name", "bundle");
    add(conf, "compatibility-version", "0");
    let name = conf.get("name").cloned().unwrap_or_else(|| "bundle".into());
    add(conf, "system", name);
    add(conf, "system-version", version);
    let cpus = Value::number("0.1").expect("this is a number");
    add(conf, "nr-of-cpus", cpus);
    add(conf, "memory", MEMORY_BYTES);
    add(conf, "disk-space", kind.disk_bytes());
    add(conf, "roles", Value::list(["web".into()]));
    add(conf, "tags", kind.tags());
    for_each(conf.get_mut("components"), |component| {
        add(component, "description", "");
        add(component, "file-system-type", file_system_type);
    });
}

/// Does something with every field of an object.
pub(super) fn for_each(object: Option<&mut Value>, mut work: impl FnMut(&mut Value)) {
    let Some(object) = object.and_then(Value::object_mut) else {
        return;
    };
    let keys: Vec<String> = object.keys().map(str::to_owned).collect();
    for key in keys {
        work(object.get_mut(&key).expect("the object has this key"));
    }
}

/// Sets a key that is not there.
pub(super) fn add(conf: &mut Value, key: &str, value: impl Into<Value>) {
    if conf.get(key).is_none() {
        conf.set(&[key], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, kind: Defaults) -> Value {
        let mut conf = conduct_hocon::parse(text).expect("sound");
        fill(&mut conf, kind, "universal");
        conf
    }

    #[test]
    fn what_is_there_stays_and_the_rest_is_added() {
        let conf = filled(
            "name = shop, memory = 5, components { a { description = x } }",
            Defaults::Generic,
        );
        let said = |path: &str| conf.at(path).map(Value::to_line);
        assert_eq!(said("memory").as_deref(), Some("5"));
        assert_eq!(said("system").as_deref(), Some("\"shop\""));
        assert_eq!(said("system-version").as_deref(), Some("\"0\""));
        assert_eq!(said("disk-space").as_deref(), Some("1073741824"));
        assert_eq!(said("components.a.description").as_deref(), Some("\"x\""));
        assert_eq!(
            said("components.a.file-system-type").as_deref(),
            Some("\"universal\"")
        );
    }

    #[test]
    fn kinds_differ_in_disk_space_and_tags() {
        let of = |kind| {
            let conf = filled("", kind);
            ["disk-space", "tags"].map(|key| conf.get(key).expect("filled in").to_line())
        };
        assert_eq!(of(Defaults::Akka), ["1073741824", "[\"0.0.1\"]"]);
        assert_eq!(of(Defaults::Play), ["1677721600", "[]"]);
    }
}
