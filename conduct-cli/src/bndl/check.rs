//! The component that signals the start on behalf of others.

use conduct_hocon::Value;

use super::flags::CheckFlags;

/// What it is called.
pub(super) const COMPONENT: &str = "bundle-status";

/// How many of the addresses have to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    /// Every one.
    All,
    /// One.
    Any,
}

/// Writes the component, or gives the one that is there another command.
pub(super) fn put(conf: &mut Value, flags: &CheckFlags, addresses: &[String], needed: Needed) {
    let mut words = vec!["check".to_owned()];
    if needed == Needed::Any {
        words.push("--any-address".to_owned());
    }
    let options = [
        ("--initial-delay", &flags.initial_delay),
        ("--connection-timeout", &flags.connection_timeout),
    ];
    for (option, seconds) in options {
        if let Some(seconds) = seconds {
            words.extend([option.to_owned(), seconds.clone()]);
        }
    }
    words.extend(addresses.iter().cloned());
    let at = |key| ["components", COMPONENT, key];
    let there = conf
        .get("components")
        .is_some_and(|all| all.get(COMPONENT).is_some());
    if !there {
        conf.set(
            &at("description"),
            "Signals the start when the bundle's addresses answer",
        );
        conf.set(&at("file-system-type"), "universal");
    }
    conf.set(
        &at("start-command"),
        Value::list(words.into_iter().map(Value::from)),
    );
    if !there {
        conf.set(&at("endpoints"), Value::object());
    }
}

/// The address of an endpoint as `check` takes it: a variable that is set where the bundle runs.
pub(super) fn address_of(endpoint: &str, parameters: &str) -> String {
    let variable: String = endpoint
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("${variable}_HOST{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_becomes_a_variable() {
        assert_eq!(
            address_of("feed-tcp-7100", "?a=b"),
            "$FEED_TCP_7100_HOST?a=b"
        );
    }

    #[test]
    fn a_check_that_is_there_keeps_all_but_its_command() {
        let mut conf = conduct_hocon::parse(
            "components { bundle-status { description = mine, start-command = [check, x] } }",
        )
        .expect("sound");
        let flags = CheckFlags {
            initial_delay: Some("3".to_owned()),
            ..CheckFlags::default()
        };
        put(&mut conf, &flags, &["$A_HOST".to_owned()], Needed::All);
        let expected = r#"{"components":{"bundle-status":{"description":"mine","start-command":["check","--initial-delay","3","$A_HOST"]}}}"#;
        assert_eq!(conf.to_line(), expected);
    }
}
