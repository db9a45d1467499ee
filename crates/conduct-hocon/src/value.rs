//! Values, each with the place that it came from.

use crate::object::Object;
use crate::path::Path;
use crate::source::Span;
use crate::units::is_json_number;

/// What a text says at one place, or what a program has built.
///
/// Two values are equal if they say the same: places do not matter, nor does the order of keys.
/// Numbers are compared as they were written.
#[derive(Clone, Debug)]
pub struct Value {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, exactly as it was written: `1.10` stays `1.10`.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Object),
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.kind == other.kind
    }
}

impl Value {
    pub(crate) fn new(kind: Kind, span: Span) -> Value {
        Value { span, kind }
    }

    fn made(kind: Kind) -> Value {
        Value::new(kind, Span::default())
    }

    /// `null`.
    pub fn null() -> Value {
        Value::made(Kind::Null)
    }

    /// A number, if `text` is one in JSON; its text is kept as it is.
    pub fn number(text: &str) -> Option<Value> {
        is_json_number(text).then(|| Value::made(Kind::Number(text.to_owned())))
    }

    /// A text.
    pub fn string(text: impl Into<String>) -> Value {
        Value::made(Kind::String(text.into()))
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Value {
        Value::made(Kind::List(items.into_iter().collect()))
    }

    /// An object without fields, to be filled with [`Value::set`].
    pub fn object() -> Value {
        Value::made(Kind::Object(Object::default()))
    }

    /// The same value, said to come from elsewhere.
    #[must_use]
    pub fn with_span(mut self, span: &Span) -> Value {
        self.span = span.clone();
        self
    }

    /// Where it came from.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// What it is.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What it is, without where it came from.
    pub fn into_kind(self) -> Kind {
        self.kind
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The field called `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.kind {
            Kind::Object(object) => object.get(key),
            _ => None,
        }
    }

    /// The value at a dotted path such as `components."my.web".endpoints`; parts with a dot are
    /// quoted, as in the text itself. None also for what is no path.
    pub fn at(&self, path: &str) -> Option<&Value> {
        self.at_path(&Path::parse(path).ok()?)
    }

    /// The value at a path.
    pub fn at_path(&self, path: &Path) -> Option<&Value> {
        path.keys().try_fold(self, |value, key| value.get(key))
    }

    /// How to call it in a message: "a list", "the number 5".
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Bool(value) => value.to_string(),
            Kind::Number(text) => format!("the number {text}"),
            Kind::String(text) => format!("the string {}", quoted_in_part(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Object(_) => "an object".to_owned(),
        }
    }
}

/// A text for a message: quoted, and cut where it grows longer than a message should.
pub(crate) fn quoted_in_part(text: &str) -> String {
    format!("\"{}\"", in_part(text))
}

/// A text for a message, cut where it grows longer than a message should.
pub(crate) fn in_part(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 40;
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::made(Kind::Bool(value))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::string(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::made(Kind::Number(number.to_string()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::made(Kind::Number(number.to_string()))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::from(u64::from(number))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Value {
        Value::made(Kind::Object(object))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Value {
        Value::made(Kind::List(items))
    }
}
