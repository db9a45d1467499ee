//! Features, as scripts for the original name them, and what became of each.

use conduct_terminal::exit::{Exit, Failure};

/// A feature by its name.
struct Feature {
    name: &'static str,
    /// Two features that provide the same thing exclude each other.
    provides: Option<&'static str>,
    /// What asking for it comes to.
    note: Option<&'static str>,
}

const FEATURES: &[Feature] = &[
    Feature {
        name: "proxying",
        provides: None,
        note: None,
    },
    Feature {
        name: "lite-logging",
        provides: Some("logging"),
        note: Some("every node keeps the lines of its instances: conduct logs BUNDLE"),
    },
    Feature {
        name: "logging",
        provides: Some("logging"),
        note: Some("every node keeps the lines of its instances: conduct logs BUNDLE"),
    },
    Feature {
        name: "oci-in-docker",
        provides: None,
        note: Some("containers run through runc, without Docker"),
    },
    Feature {
        name: "continuous-delivery",
        provides: None,
        note: Some("there is no bundle to run for it: use conduct load and conduct run"),
    },
    Feature {
        name: "visualization",
        provides: None,
        note: Some("there is no bundle to run for it: see sandbox status and conduct watch"),
    },
    Feature {
        name: "monitoring",
        provides: None,
        note: Some("every node offers its figures at /metrics of its control port"),
    },
];

/// Whether bundles are reached through the ingress, and what is to be said about the rest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) proxying: bool,
    pub(crate) notes: Vec<String>,
}

/// Reads `-f NAME [ARG…]`, each as its words, and `--no-default-features`.
pub(crate) fn choose(asked: &[Vec<String>], no_defaults: bool) -> Result<Chosen, Failure> {
    let mut chosen = Chosen {
        proxying: !no_defaults,
        notes: Vec::new(),
    };
    let mut provided: Vec<(&str, &str)> = Vec::new();
    for words in asked {
        let Some(name) = words.first() else { continue };
        let Some(feature) = FEATURES.iter().find(|feature| feature.name == name) else {
            let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
            return Err(
                Failure::new(Exit::Failed, format_args!("there is no feature {name}"))
                    .hint(format_args!("there are {}", names.join(", "))),
            );
        };
        if let Some(what) = feature.provides {
            if let Some((_, other)) = provided
                .iter()
                .find(|(provides, other)| *provides == what && *other != feature.name)
            {
                return Err(Failure::new(
                    Exit::Failed,
                    format_args!("{other} and {name} both provide {what}: take one of them"),
                ));
            }
            provided.push((what, feature.name));
        }
        chosen.proxying |= feature.name == "proxying";
        if let Some(note) = feature.note {
            chosen.notes.push(format!("feature {name}: {note}"));
        }
    }
    chosen.notes.dedup();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(asked: &[&str], no_defaults: bool) -> Result<Chosen, Failure> {
        let asked: Vec<Vec<String>> = asked
            .iter()
            .map(|words| words.split(' ').map(str::to_owned).collect())
            .collect();
        choose(&asked, no_defaults)
    }

    #[test]
    fn the_ingress_is_on_unless_the_defaults_are_left_out() {
        let proxying = |asked, no_defaults| chosen(asked, no_defaults).expect("known").proxying;
        assert!(proxying(&[], false));
        assert!(!proxying(&[], true));
        assert!(proxying(&["proxying"], true));
    }

    #[test]
    fn what_has_become_needless_is_said_and_accepted() {
        let chosen = chosen(&["visualization 1.1-2", "monitoring snapshot 3"], false);
        let notes = chosen.expect("known").notes;
        assert_eq!(notes.len(), 2);
        assert!(notes[0].starts_with("feature visualization: "), "{notes:?}");
    }

    #[test]
    fn unknown_features_and_two_for_the_same_are_refused() {
        for asked in [&["loging"][..], &["logging", "lite-logging"]] {
            let failure = chosen(asked, false).expect_err("refused");
            assert_eq!(failure.exit, Exit::Failed);
        }
        assert!(chosen(&["logging", "logging"], false).is_ok());
    }
}
