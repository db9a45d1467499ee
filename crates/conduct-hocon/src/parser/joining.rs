//! Which parts of a value may stand side by side, and what they mean together.

use crate::HoconError;
use crate::source::Span;
use crate::syntax::{Definition, Fields, Formula, Items, Piece, Reference, Role};
use crate::text::word_value;
use crate::value::{Kind, Value, quoted_in_part};

/// A part of a value, with the white space in front of it.
pub(super) struct Part<'a> {
    pub(super) space: &'a str,
    pub(super) span: Span,
    pub(super) what: What<'a>,
}

pub(super) enum What<'a> {
    Word(&'a str),
    Quoted(String),
    Fields(Fields),
    Items(Items),
    Reference(Reference),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Text,
    List,
    Object,
}

impl What<'_> {
    /// None for substitutions: they can stand for anything.
    fn class(&self) -> Option<Class> {
        match self {
            What::Word(_) | What::Quoted(_) => Some(Class::Text),
            What::Items(_) => Some(Class::List),
            What::Fields(_) => Some(Class::Object),
            What::Reference(_) => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            What::Word(word) => quoted_in_part(word),
            What::Quoted(text) => quoted_in_part(text),
            What::Items(_) => "a list".to_owned(),
            What::Fields(_) => "an object".to_owned(),
            What::Reference(_) => "a substitution".to_owned(),
        }
    }
}

fn class_of(parts: &[Part<'_>]) -> Option<Class> {
    parts.iter().find_map(|part| part.what.class())
}

/// Refuses text beside a list, a list beside an object, and so on.
pub(super) fn check(before: &[Part<'_>], next: &Part<'_>) -> Result<(), HoconError> {
    match (class_of(before), next.what.class()) {
        (Some(before), Some(class)) if before != class => {
            let before = match before {
                Class::Text => "text",
                Class::List => "a list",
                Class::Object => "an object",
            };
            let expected = format!("a comma or a new line after {before}");
            Err(HoconError::malformed(
                &next.span,
                expected,
                next.what.describe(),
            ))
        }
        _ => Ok(()),
    }
}

/// What the parts of a value mean together. Objects stay apart, since substitutions among them are
/// resolved one by one, like definitions that follow each other.
pub(super) fn join(parts: Vec<Part<'_>>, span: &Span) -> Vec<Definition> {
    match class_of(&parts) {
        Some(Class::Object) => parts.into_iter().map(object_part).collect(),
        class if parts.iter().all(|part| part.what.class().is_some()) => {
            vec![literal(parts, class, span)]
        }
        _ => {
            let pieces = pieces(parts);
            vec![Definition::Formula(Formula {
                id: 0,
                span: span.clone(),
                pieces,
                role: Role::Whole,
            })]
        }
    }
}

fn object_part(part: Part<'_>) -> Definition {
    match part.what {
        What::Fields(fields) => Definition::Fields(fields),
        other => {
            let pieces = pieces(vec![Part {
                space: "",
                what: other,
                span: part.span.clone(),
            }]);
            Definition::Formula(Formula {
                id: 0,
                span: part.span,
                pieces,
                role: Role::PartOfObject,
            })
        }
    }
}

/// Parts without a substitution among them.
fn literal(mut parts: Vec<Part<'_>>, class: Option<Class>, span: &Span) -> Definition {
    if class == Some(Class::List) {
        let stacks = parts.into_iter().filter_map(|part| match part.what {
            What::Items(items) => Some(items.stacks),
            _ => None,
        });
        return Definition::List(Items {
            span: span.clone(),
            stacks: stacks.flatten().collect(),
        });
    }
    if let [
        Part {
            what: What::Word(word),
            ..
        },
    ] = parts.as_slice()
    {
        return Definition::Plain(word_value(word, span.clone()));
    }
    let mut text = String::new();
    for part in parts.drain(..) {
        text.push_str(part.space);
        match part.what {
            What::Word(word) => text.push_str(word),
            What::Quoted(quoted) => text.push_str(&quoted),
            _ => {}
        }
    }
    Definition::Plain(Value::new(Kind::String(text), span.clone()))
}

fn pieces(parts: Vec<Part<'_>>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 && !part.space.is_empty() {
            pieces.push(Piece::Space(part.space.to_owned()));
        }
        pieces.push(match part.what {
            What::Word(word) => Piece::Text(word.to_owned()),
            What::Quoted(text) => Piece::Text(text),
            What::Items(items) => Piece::Items(items),
            What::Reference(reference) => Piece::Reference(reference),
            What::Fields(fields) => {
                unreachable!(
                    "parts with an object among them stay apart: {:?}",
                    fields.span
                )
            }
        });
    }
    pieces
}
