//! Substitutions to values.
//!
//! A field is worked out when it is asked for, and only as far as it is asked for: `${a.b}` looks at
//! `b` in all places that define `a`, from the last to the first, and at nothing else in them. So an
//! object may refer to its own fields, and what is hidden by a later value is never looked at.
//!
//! Formulas that are being worked out stand on a list of active ones. A reference that leads back to
//! one of them is about the value that it had before, `path = ${path} [x]`: the search goes on
//! below the active definition. If nothing is below, or if an object would have to contain itself, that
//! is a cycle: an error for `${a}`, nothing for `${?a}`.
//!
//! Each formula is worked out once and remembered, so that all who ask get the same answer.

use std::rc::Rc;

use crate::HoconError;
use crate::limits::Limits;
use crate::object::Object;
use crate::ordered::Ordered;
use crate::source::Span;
use crate::syntax::{Definition, Fields, Piece, Stack};
use crate::value::{Kind, Value};

mod active;
mod budget;
mod find;
mod formula;

use active::Active;
use budget::{Budget, Weight};

pub(crate) fn resolve(root: &mut Stack, limits: &Limits) -> Result<Value, HoconError> {
    let mut names = Names::default();
    names.give(root);
    let mut resolver = Resolver {
        root,
        budget: Budget::new(limits),
        depth_max: limits.depth(),
        known: vec![None; names.formulas],
        active: Vec::new(),
        waiting: 0,
    };
    let places = vec![Place::Stack {
        stack: root,
        below: root.definitions.len(),
    }];
    match resolver.settle(places, 1) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Ok(Value::object()),
        Err(Halt::Error(error) | Halt::Cycle { error, .. }) => Err(error),
    }
}

/// Numbers for all stacks and formulas of a document.
#[derive(Default)]
struct Names {
    stacks: usize,
    formulas: usize,
}

impl Names {
    fn give(&mut self, stack: &mut Stack) {
        stack.id = self.stacks;
        self.stacks += 1;
        for definition in &mut stack.definitions {
            match definition {
                Definition::Plain(_) => {}
                Definition::List(items) => items.stacks.iter_mut().for_each(|it| self.give(it)),
                Definition::Fields(fields) => {
                    fields
                        .by_key
                        .iter_mut()
                        .for_each(|(_, field)| self.give(&mut field.stack));
                }
                Definition::Formula(formula) => {
                    formula.id = self.formulas;
                    self.formulas += 1;
                    for piece in &mut formula.pieces {
                        if let Piece::Items(items) = piece {
                            items.stacks.iter_mut().for_each(|it| self.give(it));
                        }
                    }
                }
            }
        }
    }
}

struct Resolver<'a> {
    root: &'a Stack,
    budget: Budget,
    depth_max: usize,
    /// What formulas have come to, by their number.
    known: Vec<Option<Rc<Known>>>,
    /// Formulas that are being worked out, the outermost first.
    active: Vec<Active<'a>>,
    waiting: usize,
}

/// What a formula has come to.
struct Known {
    value: Option<Value>,
    weight: Weight,
}

/// Somewhere that defines a value, alone or together with others.
enum Place<'a> {
    /// The first `below` definitions of a stack.
    Stack { stack: &'a Stack, below: usize },
    /// What a formula has come to.
    Value(Value),
}

/// One of the objects that a value is merged from.
enum Layer<'a> {
    Fields(&'a Fields),
    Object(Span, Object),
}

/// Why the work stops.
enum Halt {
    Error(HoconError),
    /// The active formula with this index waits for itself.
    Cycle {
        active: usize,
        error: HoconError,
    },
}

impl From<HoconError> for Halt {
    fn from(error: HoconError) -> Halt {
        Halt::Error(error)
    }
}

type Resolved<T> = Result<T, Halt>;

impl<'a> Resolver<'a> {
    /// The value that places define together, the last that was written first. None if all that they
    /// say is undefined.
    fn settle(&mut self, places: Vec<Place<'a>>, depth: usize) -> Resolved<Option<Value>> {
        let mut layers = Vec::new();
        let mut lowest = None;
        for place in places {
            let done = match place {
                Place::Value(value) => add_layer(&mut layers, &mut lowest, value),
                Place::Stack { stack, below } => {
                    self.settle_stack(stack, below, depth, &mut layers, &mut lowest)?
                }
            };
            if done {
                break;
            }
        }
        if layers.is_empty() {
            Ok(lowest)
        } else {
            self.merge(layers, depth).map(Some)
        }
    }

    /// Collects what a stack says. Tells whether nothing further below can matter.
    fn settle_stack(
        &mut self,
        stack: &'a Stack,
        below: usize,
        depth: usize,
        layers: &mut Vec<Layer<'a>>,
        lowest: &mut Option<Value>,
    ) -> Resolved<bool> {
        if let Some(active) = self.active_at(stack, &[])
            && self.active[active].definition < below
        {
            return Err(self.cycle(active));
        }
        for index in (0..below).rev() {
            self.look(1)?;
            match &stack.definitions[index] {
                Definition::Fields(fields) => layers.push(Layer::Fields(fields)),
                Definition::Formula(formula) => {
                    if let Some(value) = self.formula(stack, index, formula, depth)?
                        && add_layer(layers, lowest, value)
                    {
                        return Ok(true);
                    }
                }
                // Hidden by the objects above: a list in which something is undefined does no harm.
                _ if !layers.is_empty() => return Ok(true),
                Definition::Plain(value) => {
                    self.budget.spend(&Weight::of(value), &value.span)?;
                    *lowest = Some(value.clone());
                    return Ok(true);
                }
                Definition::List(items) => {
                    let list = self.items(&items.stacks, depth)?;
                    *lowest = Some(Value::new(Kind::List(list), items.span.clone()));
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn items(&mut self, stacks: &'a [Stack], depth: usize) -> Resolved<Vec<Value>> {
        let mut list = Vec::new();
        for stack in stacks {
            let place = Place::Stack {
                stack,
                below: stack.definitions.len(),
            };
            list.extend(self.deeper(vec![place], depth)?);
        }
        Ok(list)
    }

    /// One object out of several, the last that was written first.
    fn merge(&mut self, layers: Vec<Layer<'a>>, depth: usize) -> Resolved<Value> {
        let span = layers.first().map_or_else(Span::default, Layer::span);
        let mut by_key: Ordered<(Span, Vec<Place<'a>>)> = Ordered::default();
        for layer in layers.into_iter().rev() {
            self.look(layer.len())?;
            layer.spread(&mut by_key);
        }
        self.budget.spend(&Weight::value(), &span)?;
        let mut object = Object::default();
        for (key, (key_span, mut places)) in by_key.into_entries() {
            places.reverse();
            if let Some(value) = self.deeper(places, depth)? {
                self.budget.spend(&Weight::key(&key), &key_span)?;
                object.put(&key, key_span, value);
            }
        }
        Ok(Value::new(Kind::Object(object), span))
    }

    /// A value inside another.
    fn deeper(&mut self, places: Vec<Place<'a>>, depth: usize) -> Resolved<Option<Value>> {
        self.wait()?;
        let value = self.settle(places, depth + 1);
        self.waiting -= 1;
        value
    }
}

impl<'a> Layer<'a> {
    fn span(&self) -> Span {
        match self {
            Layer::Fields(fields) => fields.span.clone(),
            Layer::Object(span, _) => span.clone(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Layer::Fields(fields) => fields.by_key.len(),
            Layer::Object(_, object) => object.len(),
        }
    }

    /// Adds each field to what is known of its key, the lowest first.
    fn spread(self, by_key: &mut Ordered<(Span, Vec<Place<'a>>)>) {
        match self {
            Layer::Fields(fields) => {
                for (key, field) in fields.by_key.iter() {
                    let known = by_key.get_or_insert_with(key, Default::default);
                    known.0 = field.key_span.clone();
                    let below = field.stack.definitions.len();
                    known.1.push(Place::Stack {
                        stack: &field.stack,
                        below,
                    });
                }
            }
            Layer::Object(_, object) => {
                for (key, key_span, value) in object.into_parts() {
                    let known = by_key.get_or_insert_with(&key, Default::default);
                    known.0 = key_span;
                    known.1.push(Place::Value(value));
                }
            }
        }
    }
}

/// Adds a value to those that are merged. Anything but an object ends the search: it is the value if
/// no object lies above it, and hidden otherwise.
fn add_layer(layers: &mut Vec<Layer<'_>>, lowest: &mut Option<Value>, value: Value) -> bool {
    match value.kind {
        Kind::Object(object) => {
            layers.push(Layer::Object(value.span, object));
            false
        }
        kind => {
            if layers.is_empty() {
                *lowest = Some(Value::new(kind, value.span));
            }
            true
        }
    }
}
