//! HOCON text to values that remember line and column.
//!
//! The text of a [`Source`] is parsed into a [`Document`]: what it says, word for word, with its
//! substitutions still open. Documents are laid over each other (settings, a file, the command line)
//! and resolved once into a [`Value`]. Every value knows the place that it came from, so whoever finds
//! something wrong with it can say where: as a [`Diagnostic`] that shows the line.
//!
//! The language is that of the HOCON specification, with three things left out on purpose: no
//! `include`, no environment variables, no file access. What is read here comes from strangers, so
//! [`Limits`] bound its size, its depth and what its substitutions expand to, and nothing that it says
//! can make this crate touch the world.
//!
//! ```
//! let conf = conduct_hocon::parse("system = shop, memory = 384 MiB, roles = [web]")?;
//! assert_eq!(conf.at("system").unwrap().as_str()?, "shop");
//! assert_eq!(conf.at("memory").unwrap().as_bytes()?, 402_653_184);
//! assert_eq!(conf.at("roles").unwrap().span().start().column, 42);
//! # Ok::<(), conduct_hocon::HoconError>(())
//! ```

mod access;
mod build;
mod cursor;
mod diagnostic;
mod document;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod json;
mod limits;
mod object;
mod ordered;
mod parser;
mod path;
mod print;
mod resolve;
mod source;
mod suggest;
mod syntax;
mod text;
mod units;
mod value;

pub use diagnostic::{Diagnostic, Severity};
pub use document::Document;
pub use error::HoconError;
pub use limits::Limits;
pub use object::{Entry, Object};
pub use path::Path;
pub use source::{Position, Source, Span};
pub use suggest::nearest_name;
pub use units::Decimal;
pub use value::{Kind, Value};

/// Parses and resolves one text within the usual [`Limits`].
pub fn parse(text: &str) -> Result<Value, HoconError> {
    parse_named("input", text)
}

/// Like [`parse`], for a text that has a name to be told in messages, such as that of its file.
pub fn parse_named(name: &str, text: &str) -> Result<Value, HoconError> {
    let limits = Limits::default();
    limits.check_size(name, text.len())?;
    Document::parse(&Source::new(name, text), &limits)?.resolve(&limits)
}
