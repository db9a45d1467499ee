//! How much a text may ask of its reader.

use crate::source::Span;
use crate::{HoconError, Source};

/// Bounds on a text and on what becomes of it.
///
/// The defaults fit what people write as `bundle.conf` many times over and keep the work for a
/// hostile text within milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Length of the text in bytes.
    pub input_bytes_max: usize,
    /// Objects, lists and the parts of dotted keys inside each other. At most
    /// [`Limits::DEPTH_MAX`] counts.
    pub depth_max: usize,
    /// Values in the result and in what it is put together from; twice as many looks at other values
    /// on the way.
    pub values_max: usize,
    /// Text of all strings and keys in the result together, in bytes.
    pub text_bytes_max: usize,
}

impl Limits {
    /// The deepest nesting that can be asked for: readers and writers of values call themselves once
    /// per level, and a stack has an end.
    pub const DEPTH_MAX: usize = 100;

    /// The same limits for a text of up to `bytes`, with room for all that it can say without
    /// substitutions.
    #[must_use]
    pub fn with_input_bytes(self, bytes: usize) -> Limits {
        Limits {
            input_bytes_max: bytes,
            values_max: self.values_max.max(bytes),
            text_bytes_max: self.text_bytes_max.max(bytes),
            ..self
        }
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth_max.min(Limits::DEPTH_MAX)
    }

    /// Refuses a text by its length alone, before anything is copied.
    pub(crate) fn check_size(&self, name: &str, bytes: usize) -> Result<(), HoconError> {
        if bytes <= self.input_bytes_max {
            return Ok(());
        }
        Err(HoconError::limit(
            &Span::start_of(&Source::new(name, "")),
            format!("at most {} bytes of text", self.input_bytes_max),
            format!("{bytes} bytes"),
        ))
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            input_bytes_max: 64 * 1024,
            depth_max: 64,
            values_max: 50_000,
            text_bytes_max: 1024 * 1024,
        }
    }
}
