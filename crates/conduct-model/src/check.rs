//! The built-in command `check`: signals the start of components that cannot do so themselves, as
//! soon as their addresses answer.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::check_address::{Address, AddressError};
use crate::check_args::Args;

/// What a `check` waits for, and how long.
///
/// At load its addresses name variables. When the instance starts the shell has put their values
/// in, and the same words are read again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Check {
    /// What is tried; at least one.
    pub addresses: Vec<Address>,
    /// How many of them have to answer.
    pub needed: Needed,
    /// How long to wait before the first try.
    pub initial_delay: Span,
    /// How long one try may take.
    pub connection_timeout: Span,
    /// How it goes on after the start, if it does.
    pub liveness: Option<Liveness>,
}

/// How many addresses have to answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Needed {
    /// Every one.
    All,
    /// One.
    Any,
}

/// How an instance is watched once it has started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Liveness {
    /// From one try to the next.
    pub interval: Span,
    /// How long a try may take.
    pub timeout: Span,
    /// After how many failed tries in a row the instance is taken for dead.
    pub failures: u32,
}

/// Why words are no `check`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Nothing to check.
    #[error("check needs an address such as $WEB_HOST or http://host:port/path")]
    NoAddress,
    /// A flag that nobody knows.
    #[error("check has no option {0}")]
    Option(String),
    /// A flag at the end that wants a value.
    #[error("the option {0} of check needs a value")]
    Value(&'static str),
    /// A value that is no number of seconds, or too large.
    #[error("the option {option} of check takes {wanted}, not {found:?}")]
    Number {
        /// Which.
        option: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What it was given.
        found: String,
    },
    /// An address that is none.
    #[error("{address:?} is no address to check")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        source: AddressError,
    },
}

impl Check {
    /// The word that a start command begins with.
    pub const COMMAND: &'static str = "check";
    /// How long one try may take, unless told.
    pub const CONNECTION_TIMEOUT_DEFAULT: Span = Span::secs(5);

    /// Reads the words behind `check`.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Check, CheckError> {
        let mut args = Args::new(words);
        let mut check = Check {
            addresses: Vec::new(),
            needed: Needed::All,
            initial_delay: Span::ZERO,
            connection_timeout: Check::CONNECTION_TIMEOUT_DEFAULT,
            liveness: None,
        };
        while let Some(arg) = args.next_arg() {
            match arg {
                "--any-address" | "--any-addresses" => check.needed = Needed::Any,
                "--initial-delay" => check.initial_delay = args.seconds("--initial-delay")?,
                "--connection-timeout" => {
                    check.connection_timeout = args.some_seconds("--connection-timeout")?;
                }
                "--liveness-interval" => {
                    check.live().interval = args.some_seconds("--liveness-interval")?;
                }
                "--liveness-timeout" => {
                    check.live().timeout = args.some_seconds("--liveness-timeout")?;
                }
                "--liveness-failures" => {
                    check.live().failures = args.count("--liveness-failures")?;
                }
                "--liveness" => {
                    check.live();
                }
                option if option.starts_with('-') => {
                    return Err(CheckError::Option(option.chars().take(64).collect()));
                }
                address => check.addresses.push(read_address(address)?),
            }
        }
        if check.addresses.is_empty() {
            Err(CheckError::NoAddress)
        } else {
            Ok(check)
        }
    }

    fn live(&mut self) -> &mut Liveness {
        self.liveness.get_or_insert_default()
    }
}

fn read_address(text: &str) -> Result<Address, CheckError> {
    Address::from_str(text).map_err(|source| CheckError::Address {
        address: text.chars().take(200).collect(),
        source,
    })
}

/// Tried every ten seconds, given up after three failures.
impl Default for Liveness {
    fn default() -> Liveness {
        Liveness {
            interval: Span::secs(10),
            timeout: Span::secs(5),
            failures: 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Check, CheckError> {
        Check::parse(line.split(' ').filter(|word| !word.is_empty()))
    }

    #[test]
    fn options_may_stand_anywhere_and_have_their_value_either_way() {
        let check =
            parse("--any-address $WEB_HOST --initial-delay 1.5 --connection-timeout=3 $OTHER_HOST");
        let check = check.unwrap();
        assert_eq!(check.addresses.len(), 2);
        assert_eq!(check.needed, Needed::Any);
        assert_eq!(check.initial_delay, Span::millis(1500));
        assert_eq!(check.connection_timeout, Span::secs(3));
        assert_eq!(check.liveness, None);
        assert_eq!(parse("--any-addresses $A").unwrap().needed, Needed::Any);
        assert_eq!(parse("$A").unwrap().needed, Needed::All);
    }

    #[test]
    fn liveness_is_watched_when_asked_for() {
        assert_eq!(
            parse("--liveness $A").unwrap().liveness,
            Some(Liveness::default())
        );
        let liveness = parse("--liveness-interval 2 --liveness-failures 5 $A")
            .unwrap()
            .liveness;
        let expected = Liveness {
            interval: Span::secs(2),
            failures: 5,
            ..Liveness::default()
        };
        assert_eq!(liveness, Some(expected));
    }

    #[test]
    fn what_check_does_not_understand_is_refused_with_the_reason() {
        let refused = |line: &str| parse(line).unwrap_err().to_string();
        assert_eq!(
            refused(""),
            "check needs an address such as $WEB_HOST or http://host:port/path"
        );
        assert_eq!(refused("--all $A"), "check has no option --all");
        assert_eq!(
            refused("$A --initial-delay"),
            "the option --initial-delay of check needs a value"
        );
        assert_eq!(
            refused("$A --connection-timeout 0"),
            "the option --connection-timeout of check takes seconds, more than none, not \"0\""
        );
        assert_eq!(
            refused("--initial-delay=-1 $A"),
            "the option --initial-delay of check takes seconds, not \"-1\""
        );
        assert_eq!(refused("ftp://x"), "\"ftp://x\" is no address to check");
    }
}
