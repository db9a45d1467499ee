//! Names and passwords that an endpoint asks for.

use super::quote::{Setting, SettingError};

/// Somebody who is let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    pub(crate) user: Setting,
    pub(crate) password: Setting,
}

/// Why nobody can be let in by this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The name cannot be written down, or holds a colon or a space.
    #[error("a user's name is a word without a colon")]
    User,
    /// The password cannot be written down.
    #[error("the password cannot be written to the configuration")]
    Password(#[source] SettingError),
}

impl Credentials {
    /// A name with its password, plain or as `crypt(3)` writes it (`$5$…`, `$6$…`).
    pub fn new(user: &str, password: &str) -> Result<Credentials, CredentialsError> {
        let is_word = |c: char| c.is_ascii_graphic() && c != ':';
        let user = Some(user).filter(|user| user.chars().all(is_word));
        let user = user.and_then(|user| user.parse().ok());
        Ok(Credentials {
            user: user.ok_or(CredentialsError::User)?,
            password: password.parse().map_err(CredentialsError::Password)?,
        })
    }

    pub(crate) fn keyword(&self) -> &'static str {
        if self.password.as_str().starts_with('$') {
            "password"
        } else {
            "insecure-password"
        }
    }
}
