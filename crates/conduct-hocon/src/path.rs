//! Paths into objects.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::HoconError;
use crate::cursor::Cursor;
use crate::print;
use crate::source::Source;
use crate::text::read_path;

/// The keys that lead to a value, such as `components."my.web".endpoints`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Path {
    keys: Arc<[Arc<str>]>,
}

impl Path {
    /// Reads a dotted path; keys that contain dots or other signs are quoted in it.
    pub fn parse(text: &str) -> Result<Path, HoconError> {
        let source = Source::new("path", text);
        let mut cursor = Cursor::new(&source);
        let keys = read_path(&mut cursor, "a path such as a.b")?;
        cursor.skip_spaces();
        match cursor.peek() {
            None => Ok(Path::new(keys)),
            Some(_) => Err(cursor.unexpected("the end of the path")),
        }
    }

    pub(crate) fn new(keys: Vec<Arc<str>>) -> Path {
        Path {
            keys: Arc::from(keys),
        }
    }

    /// The keys, the outermost first.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.keys.iter().map(|key| &**key)
    }

    pub(crate) fn as_slice(&self) -> &[Arc<str>] {
        &self.keys
    }
}

impl FromStr for Path {
    type Err = HoconError;

    fn from_str(text: &str) -> Result<Path, HoconError> {
        Path::parse(text)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.keys.iter().enumerate() {
            let dot = if index > 0 { "." } else { "" };
            let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            if !key.is_empty() && key.chars().all(plain) {
                write!(f, "{dot}{key}")?;
            } else {
                write!(f, "{dot}{}", print::quoted(key))?;
            }
        }
        Ok(())
    }
}
