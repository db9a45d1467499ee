//! Texts that have been read, laid over each other, and are resolved as one.

use std::sync::Arc;

use crate::limits::Limits;
use crate::source::Source;
use crate::syntax::Stack;
use crate::value::Value;
use crate::{HoconError, parser, resolve};

/// What one or more texts say, with substitutions still open.
///
/// Lay the more specific over the more general and resolve the whole once: then a substitution in the
/// defaults sees what the command line has set.
#[derive(Clone, Debug)]
pub struct Document {
    root: Stack,
}

impl Document {
    /// Reads a text.
    pub fn parse(source: &Arc<Source>, limits: &Limits) -> Result<Document, HoconError> {
        Ok(Document {
            root: parser::parse_document(source, limits)?,
        })
    }

    /// Reads one setting, `path=value`, as it is given to a command.
    ///
    /// A value that begins with `[`, `{` or `"` is HOCON. Any other is taken letter by letter, so that
    /// addresses need no quotes there: `proxy.url=http://10.0.0.1:9000`. Numbers, `true`, `false`
    /// and `null` keep their type, nothing at all is the empty string.
    pub fn setting(name: &str, text: &str) -> Result<Document, HoconError> {
        let limits = Limits::default();
        limits.check_size(name, text.len())?;
        Ok(Document {
            root: parser::parse_setting(&Source::new(name, text), &limits)?,
        })
    }

    /// Lays `over` over this, exactly as if its text followed.
    #[must_use]
    pub fn overlay(mut self, over: Document) -> Document {
        for definition in over.root.definitions {
            self.root.push(definition);
        }
        self
    }

    /// Puts values in the place of all substitutions.
    pub fn resolve(mut self, limits: &Limits) -> Result<Value, HoconError> {
        resolve::resolve(&mut self.root, limits)
    }
}
