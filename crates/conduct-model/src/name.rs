//! Names that a descriptor gives to things. They end up in paths, in the environment, in the
//! configuration of a proxy and on command lines, so what could become syntax there is no name.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is none of the names of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// Nothing there.
    #[error("{what} cannot be empty")]
    Empty {
        /// The kind of name, with its article.
        what: &'static str,
    },
    /// Longer than every place that it is copied to takes.
    #[error("{what} has at most {max} characters, this has {count}")]
    Long {
        /// The kind of name.
        what: &'static str,
        /// The bound.
        max: usize,
        /// The length.
        count: usize,
    },
    /// A space, a quote, a newline …
    #[error("{what} cannot hold {found:?}")]
    Character {
        /// The kind of name.
        what: &'static str,
        /// The first character that it cannot hold.
        found: char,
    },
    /// A dash, which would make it an option, or a dot, which would hide it.
    #[error("{what} cannot begin with {found:?}")]
    Start {
        /// The kind of name.
        what: &'static str,
        /// Its first character.
        found: char,
    },
    /// A word that means something else where the name is used.
    #[error("{what} cannot be {found:?}, which has another meaning there")]
    Reserved {
        /// The kind of name.
        what: &'static str,
        /// The word.
        found: String,
    },
}

/// What a kind of name may be made of.
pub(crate) struct Rules {
    pub(crate) what: &'static str,
    pub(crate) chars_max: usize,
    pub(crate) may_hold: fn(char) -> bool,
    pub(crate) may_begin: fn(char) -> bool,
    pub(crate) reserved: &'static [&'static str],
}

impl Rules {
    pub(crate) fn check(&self, text: &str) -> Result<(), WordError> {
        let what = self.what;
        let Some(first) = text.chars().next() else {
            return Err(WordError::Empty { what });
        };
        let count = text.chars().count();
        if count > self.chars_max {
            return Err(WordError::Long {
                what,
                max: self.chars_max,
                count,
            });
        }
        if let Some(found) = text.chars().find(|c| !(self.may_hold)(*c)) {
            return Err(WordError::Character { what, found });
        }
        if !(self.may_begin)(first) {
            return Err(WordError::Start { what, found: first });
        }
        if self.reserved.contains(&text) {
            return Err(WordError::Reserved {
                what,
                found: text.to_owned(),
            });
        }
        Ok(())
    }
}

/// The text types of a descriptor: checked once, compared and shown as text.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $error:ty, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<$name, $error> {
                let check: fn(&str) -> Result<(), $error> = $check;
                check(text).map(|()| $name(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<$name, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        /// Lets a map of names be searched by text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_type;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $may_hold:expr, $may_begin:expr $(, $reserved:expr)?) => {
        text_type!($(#[$doc])* $name, WordError, |text| {
            const RESERVED: &[&[&str]] = &[$($reserved)?];
            let rules = Rules {
                what: $what,
                chars_max: $max,
                may_hold: $may_hold,
                may_begin: $may_begin,
                reserved: RESERVED.first().copied().unwrap_or_default(),
            };
            rules.check(text)
        });
    };
}

fn in_label(c: char) -> bool {
    c.is_alphanumeric() || "-_.+~@".contains(c)
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

fn in_variable(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn begins_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

name_type!(
    /// What people call a bundle; several releases of it share the name.
    BundleName, "a bundle's name", 128, in_label, begins_word
);
name_type!(
    /// The version of the descriptor's own format.
    FormatVersion, "a version", 64, in_label, begins_word
);
name_type!(
    /// Equal ones may replace each other: they share volumes and upgrade one another.
    CompatibilityVersion, "a compatibility version", 128, in_label, begins_word
);
name_type!(
    /// What people tell releases apart by, as in `name:tag`.
    Tag, "a tag", 128, in_label, begins_word
);
name_type!(
    /// A part of a bundle: also the folder that its files are in.
    ComponentName, "a component's name", 128, in_label, begins_word
);
name_type!(
    /// Something that a component listens on.
    EndpointName, "an endpoint's name", 64, in_word, begins_word
);
name_type!(
    /// What the service locator finds an endpoint by. It is one segment of a path there, beside
    /// segments of the locator's own.
    ServiceName, "a service name", 64, |c| in_word(c) || c == '~', begins_word,
    &["services", "service-hosts", "v1", "v2"]
);
name_type!(
    /// A folder of the host that outlives the instances that use it.
    VolumeName, "a volume's name", 128, in_word, begins_word
);
name_type!(
    /// An environment variable.
    EnvName, "the name of a variable", 128, in_variable, |c| c.is_ascii_alphabetic() || c == '_'
);

impl EndpointName {
    /// What the variables of this endpoint begin with: `akka-remote` has `AKKA_REMOTE_HOST` and
    /// others. Different names may share it.
    pub fn env_prefix(&self) -> String {
        let variable = |c: char| {
            if in_variable(c) {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        };
        self.as_str().chars().map(variable).collect()
    }
}

/// Why a text is no place for a volume in a container.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MountPointError {
    /// It does not begin with a slash, or is nothing else.
    #[error("a mount point is an absolute path such as /var/lib/data")]
    Relative,
    /// `..`, `.`, or nothing between two slashes.
    #[error("a mount point cannot have empty parts, . or ..")]
    Part,
    /// Separators of mount options, quotes, spaces …
    #[error("a mount point cannot hold {0:?}")]
    Character(char),
    /// Too long for a path.
    #[error("a mount point has at most 1024 characters, this has {0}")]
    Long(usize),
}

text_type!(
    /// Where a volume appears in a container: an absolute path that is no syntax in mount options.
    MountPoint, MountPointError, |text| {
        let Some(path) = text.strip_prefix('/').filter(|path| !path.is_empty()) else {
            return Err(MountPointError::Relative);
        };
        if text.len() > 1024 {
            return Err(MountPointError::Long(text.len()));
        }
        let harmless = |c: char| c.is_alphanumeric() || "/-_.+~@".contains(c);
        if let Some(found) = text.chars().find(|c| !harmless(*c)) {
            return Err(MountPointError::Character(found));
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.split('/').any(|part| ["", ".", ".."].contains(&part)) {
            return Err(MountPointError::Part);
        }
        Ok(())
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_syntax_elsewhere_is_a_name() {
        for text in [
            "a b", "a/b", "a\nb", "a{b", "a\"b", "a'b", "$a", "a;b", "a\\b", "a`b", "a#b",
        ] {
            assert!(text.parse::<BundleName>().is_err(), "{text:?}");
            assert!(text.parse::<EndpointName>().is_err(), "{text:?}");
            assert!(text.parse::<ServiceName>().is_err(), "{text:?}");
            assert!(text.parse::<EnvName>().is_err(), "{text:?}");
        }
        for text in ["", "-rf", ".hidden", ".."] {
            assert!(text.parse::<ComponentName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_and_why() {
        let refused = |text: &str| text.parse::<EndpointName>().unwrap_err().to_string();
        assert_eq!(refused("we b"), "an endpoint's name cannot hold ' '");
        assert_eq!(refused("-web"), "an endpoint's name cannot begin with '-'");
        assert_eq!(refused(""), "an endpoint's name cannot be empty");
        assert_eq!(
            refused(&"x".repeat(65)),
            "an endpoint's name has at most 64 characters, this has 65"
        );
        assert_eq!(
            "v2".parse::<ServiceName>().unwrap_err().to_string(),
            "a service name cannot be \"v2\", which has another meaning there"
        );
    }

    #[test]
    fn an_endpoint_names_its_variables() {
        let prefix = |text: &str| text.parse::<EndpointName>().unwrap().env_prefix();
        assert_eq!(prefix("akka-remote"), "AKKA_REMOTE");
        assert_eq!(prefix("cp-kafka-tcp-9092"), "CP_KAFKA_TCP_9092");
        assert_eq!(prefix("a.b"), "A_B");
    }

    #[test]
    fn a_mount_point_is_an_absolute_path_and_nothing_more() {
        assert!("/var/lib/x".parse::<MountPoint>().is_ok());
        for text in [
            "", "/", "var", "/a/../b", "/a//b", "/a:ro", "/a,b", "/a b", "/a\n",
        ] {
            assert!(text.parse::<MountPoint>().is_err(), "{text:?}");
        }
    }
}
