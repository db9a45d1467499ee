//! Texts in a configuration, so that they stay texts.

use std::fmt;
use std::str::FromStr;

/// A text of the operator's own, such as a path of a file, that can stand between single quotes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Setting(String);

/// Why a text cannot stand in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// Nothing there.
    #[error("a setting of the proxy cannot be empty")]
    Empty,
    /// A quote or a control character.
    #[error("a setting of the proxy cannot hold {0:?}")]
    Character(char),
    /// More than a line of the configuration takes.
    #[error("a setting of the proxy has at most {max} characters, this has {0}", max = Setting::CHARS_MAX)]
    Long(usize),
}

impl Setting {
    /// Longest text.
    pub const CHARS_MAX: usize = 1024;

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Setting {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Setting, SettingError> {
        if text.is_empty() {
            return Err(SettingError::Empty);
        }
        let count = text.chars().count();
        if count > Setting::CHARS_MAX {
            return Err(SettingError::Long(count));
        }
        match text.chars().find(|c| *c == '\'' || c.is_control()) {
            Some(found) => Err(SettingError::Character(found)),
            None => Ok(Setting(text.to_owned())),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A word between single quotes, in which nothing but their end means anything.
pub(crate) fn quoted(text: &str) -> String {
    assert!(
        !text.contains('\'') && !text.chars().any(char::is_control),
        "no type of a descriptor or a setting lets a quote or a control character through"
    );
    format!("'{text}'")
}

/// A text where HAProxy looks for variables, which begin with a percent sign.
pub(crate) fn without_variables(text: &str) -> String {
    text.replace('%', "%%")
}

/// A path as an expression that fits it alone.
pub(crate) fn as_regex(path: &str) -> String {
    let mut regex = String::new();
    for c in path.chars() {
        if !c.is_ascii_alphanumeric() && !"/-_~!&,;=:@%".contains(c) {
            regex.push('\\');
        }
        regex.push(c);
    }
    regex
}
