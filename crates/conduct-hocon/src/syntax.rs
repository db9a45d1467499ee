//! What a text says, before its substitutions are resolved.

use std::sync::Arc;

use crate::ordered::Ordered;
use crate::path::Path;
use crate::source::Span;
use crate::value::Value;

/// All that is said about one field or list item, the earliest first. Later definitions win over
/// earlier ones or merge with them; which of the two can be unknown until substitutions are resolved.
///
/// A definition that hides everything before it empties the stack first. So a plain value or a list,
/// which merges with nothing below, is always the lowest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack {
    /// Names the stack while its document is resolved.
    pub(crate) id: usize,
    pub(crate) definitions: Vec<Definition>,
}

#[derive(Clone, Debug)]
pub(crate) enum Definition {
    Plain(Value),
    List(Items),
    Fields(Fields),
    Formula(Formula),
}

/// A list as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Items {
    pub(crate) span: Span,
    pub(crate) stacks: Vec<Stack>,
}

/// An object as it is written, or several that were written on top of each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) span: Span,
    pub(crate) by_key: Ordered<FieldStack>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct FieldStack {
    pub(crate) key_span: Span,
    pub(crate) stack: Stack,
}

/// A value with substitutions in it.
#[derive(Clone, Debug)]
pub(crate) struct Formula {
    /// Names the formula while its document is resolved.
    pub(crate) id: usize,
    pub(crate) span: Span,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) role: Role,
}

/// What a formula stands for in its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// The whole value behind a key.
    Whole,
    /// A part of an object that is written as several, `${base} { … }`: must be an object itself.
    PartOfObject,
    /// An item added with `+=`.
    Append,
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// Text, quoted or not.
    Text(String),
    /// White space between two pieces.
    Space(String),
    Items(Items),
    Reference(Reference),
}

/// `${path}` or `${?path}`.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) span: Span,
    pub(crate) target: Target,
    pub(crate) optional: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Target {
    Path(Path),
    /// What the same stack says below: `+=` inside a list, where no path leads to.
    Below,
}

impl Stack {
    pub(crate) fn of(definition: Definition) -> Stack {
        Stack {
            id: 0,
            definitions: vec![definition],
        }
    }

    /// Adds what is said later.
    pub(crate) fn push(&mut self, definition: Definition) {
        match (self.definitions.last_mut(), definition) {
            (Some(Definition::Fields(below)), Definition::Fields(fields)) => below.merge(fields),
            (Some(Definition::Formula(below)), Definition::Formula(formula))
                if below.role == Role::Append && formula.role == Role::Append =>
            {
                below.append(formula);
            }
            (_, definition @ (Definition::Plain(_) | Definition::List(_))) => {
                self.definitions.clear();
                self.definitions.push(definition);
            }
            (_, definition) => self.definitions.push(definition),
        }
    }

    /// Whether nothing from elsewhere can show through the first `below` definitions.
    pub(crate) fn is_closed(&self, below: usize) -> bool {
        let lowest = self.definitions[..below].first();
        matches!(lowest, Some(Definition::Plain(_) | Definition::List(_)))
    }
}

impl Fields {
    pub(crate) fn at(span: Span) -> Fields {
        Fields {
            span,
            by_key: Ordered::default(),
        }
    }

    pub(crate) fn stack(&self, key: &str) -> Option<&Stack> {
        self.by_key.get(key).map(|field| &field.stack)
    }

    fn stack_mut(&mut self, key: &Arc<str>, key_span: &Span) -> &mut Stack {
        let field = self.by_key.get_or_insert_with(key, FieldStack::default);
        field.key_span = key_span.clone();
        &mut field.stack
    }

    /// Adds what is said about a path, making the objects on the way.
    pub(crate) fn put(&mut self, path: &[Arc<str>], key_span: &Span, said: Vec<Definition>) {
        let (last, way) = path.split_last().expect("a path has at least one key");
        let mut fields = self;
        for key in way {
            fields = fields.stack_mut(key, key_span).fields_on_top(key_span);
        }
        let stack = fields.stack_mut(last, key_span);
        for definition in said {
            stack.push(definition);
        }
    }

    fn merge(&mut self, over: Fields) {
        self.span = over.span;
        for (key, field) in over.by_key.into_entries() {
            let stack = self.stack_mut(&key, &field.key_span);
            for definition in field.stack.definitions {
                stack.push(definition);
            }
        }
    }
}

impl Stack {
    fn fields_on_top(&mut self, span: &Span) -> &mut Fields {
        if !matches!(self.definitions.last(), Some(Definition::Fields(_))) {
            self.definitions
                .push(Definition::Fields(Fields::at(span.clone())));
        }
        match self.definitions.last_mut() {
            Some(Definition::Fields(fields)) => fields,
            _ => unreachable!("fields have just been put on top"),
        }
    }
}

impl Formula {
    /// `a += 1`, `a += 2` is `a = ${?a} [1, 2]`: so a long row of additions costs no more than a list.
    fn append(&mut self, more: Formula) {
        let added = more.pieces.into_iter().filter_map(|piece| match piece {
            Piece::Items(items) => Some(items),
            _ => None,
        });
        for items in added {
            match self.pieces.last_mut() {
                Some(Piece::Items(own)) => own.stacks.extend(items.stacks),
                _ => self.pieces.push(Piece::Items(items)),
            }
        }
    }

    /// The reference, if the formula is nothing else.
    pub(crate) fn as_reference(&self) -> Option<&Reference> {
        match self.pieces.as_slice() {
            [Piece::Reference(reference)] => Some(reference),
            _ => None,
        }
    }
}
