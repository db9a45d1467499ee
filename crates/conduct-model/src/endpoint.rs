//! What a component listens on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::acl::Acl;
use crate::name::ServiceName;

/// Something that a component listens on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// What is spoken there.
    pub bind_protocol: BindProtocol,
    /// The port, or 0 for one that the host allots.
    pub bind_port: u16,
    /// What the service locator finds it by; none keeps it private.
    pub service_name: Option<ServiceName>,
    /// What the proxy lets through; nothing keeps it behind the proxy.
    pub acls: Vec<Acl>,
}

/// What is spoken at an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum BindProtocol {
    /// HTTP/1 or later.
    Http,
    /// Any stream.
    Tcp,
    /// Any datagrams.
    Udp,
}

/// Why a text names none of a few.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {known}, not {found:?}")]
pub struct ChoiceError {
    known: String,
    found: String,
}

/// An enum that people choose from by words.
macro_rules! choice {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// The words that people choose from.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = ChoiceError;

            fn from_str(text: &str) -> Result<$name, ChoiceError> {
                match text {
                    $($word => Ok($name::$variant),)+
                    other => Err(ChoiceError::new($name::WORDS, other)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use choice;

choice!(BindProtocol { Http = "http", Tcp = "tcp", Udp = "udp" });

impl ChoiceError {
    pub(crate) fn new(known: &[&str], found: &str) -> ChoiceError {
        ChoiceError {
            known: known.join(", "),
            found: found.chars().take(64).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_chosen_by_its_word() {
        assert_eq!("udp".parse(), Ok(BindProtocol::Udp));
        let refused = "https".parse::<BindProtocol>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "must be one of http, tcp, udp, not \"https\""
        );
    }
}
