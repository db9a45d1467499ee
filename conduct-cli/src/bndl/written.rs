//! How a `bundle.conf` is written, so that every reader there ever was understands it.

use conduct_bundle::conf::ConfKind;
use conduct_hocon::Value;

use super::defaults::{add, for_each};

/// Keys of the top level as readers of all ages know them, beside their spelling of today.
const OLD_SPELLINGS: [(&str, &str); 4] = [
    ("compatibility-version", "compatibilityVersion"),
    ("disk-space", "diskSpace"),
    ("nr-of-cpus", "nrOfCpus"),
    ("system-version", "systemVersion"),
];

/// The text of a `bundle.conf`: keys as old readers know them, sizes in plain bytes, no key twice.
pub(super) fn text(conf: &Value, kind: ConfKind) -> String {
    let mut conf = conf.clone();
    for key in ["memory", "disk-space"] {
        let bytes = conf
            .get(key)
            .filter(|size| !size.is_null())
            .map(Value::as_bytes);
        if let Some(Ok(bytes)) = bytes {
            conf.set(&[key], bytes);
        }
    }
    if let Some(object) = conf.object_mut() {
        for (key, old) in OLD_SPELLINGS {
            object.rename(key, old);
        }
    }
    if kind == ConfKind::Bundle {
        for_each(conf.get_mut("components"), |component| {
            add(component, "endpoints", Value::object());
        });
    }
    conf.to_hocon()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_readers_find_the_keys_and_numbers_that_they_know() {
        let conf = conduct_hocon::parse(
            "nr-of-cpus = 0.5, memory = 384 MiB, compatibility-version = \"2\", components { a {} }",
        )
        .expect("sound");
        let expected = "nrOfCpus = 0.5\nmemory = 402653184\ncompatibilityVersion = \"2\"\n\
                        components {\n  a {\n    endpoints {}\n  }\n}\n";
        assert_eq!(text(&conf, ConfKind::Bundle), expected);
    }

    #[test]
    fn an_empty_configuration_is_a_pair_of_braces() {
        assert_eq!(text(&Value::object(), ConfKind::Configuration), "{}\n");
    }
}
