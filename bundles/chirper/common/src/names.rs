//! How users are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name of a user, in letters.
pub const USER_LETTERS_MAX: usize = 20;

/// Names a user: 1 to 20 of `a`–`z`, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

/// It does not name a user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} cannot be the name of a user: 1 to 20 small letters, digits, - and _ can")]
pub struct UserIdError {
    text: String,
}

impl UserId {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = UserIdError;

    fn from_str(text: &str) -> Result<UserId, UserIdError> {
        UserId::try_from(text.to_owned())
    }
}

impl TryFrom<String> for UserId {
    type Error = UserIdError;

    fn try_from(text: String) -> Result<UserId, UserIdError> {
        let fits = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-' | '_');
        if text.is_empty() || text.len() > USER_LETTERS_MAX || !text.chars().all(fits) {
            return Err(UserIdError { text });
        }
        Ok(UserId(text))
    }
}

impl From<UserId> for String {
    fn from(user: UserId) -> String {
        user.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Reads `a,b,c`; empty elements are left out.
///
/// # Errors
/// If one of them is not the name of a user.
pub fn users(list: &str) -> Result<Vec<UserId>, UserIdError> {
    let names = list.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::parse)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_called_by_a_few_plain_letters() {
        for fine in ["ada", "a", "grace-hopper_7", "12345678901234567890"] {
            assert_eq!(
                fine.parse::<UserId>().map(|it| it.to_string()),
                Ok(fine.into())
            );
        }
        for wrong in ["", "Ada", "a b", "ä", "a/b", "123456789012345678901"] {
            assert!(wrong.parse::<UserId>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_list_is_read_with_its_gaps() {
        let names = users("ada, bob,,").expect("names");
        assert_eq!(names.len(), 2);
        assert!(users("ada,B b").is_err());
    }
}
