//! What a formula comes to.

use std::rc::Rc;

use super::budget::Weight;
use super::{Active, Halt, Known, Resolved, Resolver};
use crate::HoconError;
use crate::access::numbered;
use crate::source::Span;
use crate::syntax::{Formula, Piece, Reference, Role, Stack};
use crate::value::{Kind, Value};

/// A piece of a formula, worked out.
enum Part<'a> {
    Text(&'a str),
    Space(&'a str),
    /// A list that is written there, or anything that a reference has led to.
    Value(Value),
    /// `${?path}` that led to nothing.
    Nothing,
}

impl<'a> Resolver<'a> {
    /// The value of a formula, or nothing if all in it is undefined.
    pub(super) fn formula(
        &mut self,
        stack: &'a Stack,
        index: usize,
        formula: &'a Formula,
        depth: usize,
    ) -> Resolved<Option<Value>> {
        let known = self.know(stack, index, formula)?;
        self.budget.spend(&known.weight, &formula.span)?;
        if depth - 1 + known.weight.depth > self.depth_max {
            let expected = format!("at most {} values inside each other", self.depth_max);
            return Err(HoconError::limit(&formula.span, expected, "more").into());
        }
        Ok(known.value.clone())
    }

    /// Works a formula out, unless that has been done.
    pub(super) fn know(
        &mut self,
        stack: &'a Stack,
        index: usize,
        formula: &'a Formula,
    ) -> Resolved<Rc<Known>> {
        if let Some(known) = &self.known[formula.id] {
            return Ok(Rc::clone(known));
        }
        self.enter(Active {
            stack,
            definition: index,
            rest: Vec::new(),
            reference: None,
        })?;
        let value = self.work_out(formula);
        self.leave();
        let value = value?;
        let weight = value.as_ref().map_or_else(Weight::default, Weight::of);
        let known = Rc::new(Known { value, weight });
        self.known[formula.id] = Some(Rc::clone(&known));
        Ok(known)
    }

    fn work_out(&mut self, formula: &'a Formula) -> Resolved<Option<Value>> {
        let value = if let Some(reference) = formula.as_reference() {
            self.reference(reference)?
        } else {
            let mut parts = Vec::with_capacity(formula.pieces.len());
            for piece in &formula.pieces {
                parts.push(match piece {
                    Piece::Text(text) => Part::Text(text),
                    Piece::Space(space) => Part::Space(space),
                    Piece::Items(items) => {
                        let list = self.items(&items.stacks, 1)?;
                        Part::Value(Value::new(Kind::List(list), items.span.clone()))
                    }
                    Piece::Reference(reference) => self
                        .reference(reference)?
                        .map_or(Part::Nothing, Part::Value),
                });
            }
            self.join(parts, &formula.span)?
        };
        match value {
            Some(value) if formula.role == Role::PartOfObject => {
                as_object(value, formula).map(Some)
            }
            value => Ok(value),
        }
    }

    fn reference(&mut self, reference: &'a Reference) -> Resolved<Option<Value>> {
        let own = self.active.len() - 1;
        self.active[own].reference = Some(reference);
        let mut passed = None;
        let outcome = self.find(reference, &[]).and_then(|found| {
            passed = found.passed;
            self.settle(found.places, 1)
        });
        match outcome {
            Ok(Some(value)) => Ok(Some(value)),
            Ok(None) if reference.optional => Ok(None),
            Ok(None) => {
                Err(passed.map_or_else(|| undefined(reference).into(), |active| self.cycle(active)))
            }
            Err(Halt::Cycle { active, .. }) if reference.optional && active <= own => Ok(None),
            Err(halt) => Err(halt),
        }
    }

    /// Puts parts together: lists to a list, objects to an object, anything else to a text.
    fn join(&mut self, parts: Vec<Part<'a>>, span: &Span) -> Resolved<Option<Value>> {
        let has = |wanted: fn(&Kind) -> bool| {
            parts
                .iter()
                .any(|part| matches!(part, Part::Value(value) if wanted(&value.kind)))
        };
        let defined = |part: &&Part<'_>| !matches!(part, Part::Nothing | Part::Space(_));
        if has(|kind| matches!(kind, Kind::List(_))) {
            join_lists(parts, span).map(Some)
        } else if has(|kind| matches!(kind, Kind::Object(_))) {
            join_objects(parts, span).map(Some)
        } else {
            match parts.iter().filter(defined).count() {
                0 => Ok(None),
                _ => self.join_texts(parts, span).map(Some),
            }
        }
    }

    fn join_texts(&mut self, parts: Vec<Part<'a>>, span: &Span) -> Resolved<Value> {
        let pieces = parts
            .iter()
            .filter(|part| !matches!(part, Part::Nothing))
            .count();
        let mut text = String::new();
        for part in parts {
            let more = match &part {
                Part::Text(text) | Part::Space(text) => text,
                Part::Nothing => "",
                Part::Value(value) if pieces == 1 => return Ok(value.clone().with_span(span)),
                Part::Value(value) if value.is_null() => "null",
                Part::Value(value) => value.as_str()?,
            };
            // Paid for before it is there: what doubles a few dozen times does not fit a machine.
            self.budget.spend(&Weight::text(more), span)?;
            text.push_str(more);
        }
        Ok(Value::new(Kind::String(text), span.clone()))
    }
}

fn join_lists(parts: Vec<Part<'_>>, span: &Span) -> Resolved<Value> {
    let mut list = Vec::new();
    for part in parts {
        match part {
            Part::Nothing | Part::Space(_) => {}
            Part::Text(text) => return Err(cannot_join("a list", &Value::string(text), span)),
            Part::Value(value) => match value.kind {
                Kind::List(items) => list.extend(items),
                Kind::Object(ref object) => match numbered(object) {
                    Some(items) => list.extend(items.into_iter().cloned()),
                    None => return Err(cannot_join("a list", &value, span)),
                },
                _ => return Err(cannot_join("a list", &value, span)),
            },
        }
    }
    Ok(Value::new(Kind::List(list), span.clone()))
}

fn join_objects(parts: Vec<Part<'_>>, span: &Span) -> Resolved<Value> {
    let mut joined = Value::object();
    for part in parts {
        match part {
            Part::Nothing | Part::Space(_) => {}
            Part::Text(text) => return Err(cannot_join("an object", &Value::string(text), span)),
            Part::Value(value) if matches!(value.kind, Kind::Object(_)) => joined.overlay(value),
            Part::Value(value) => return Err(cannot_join("an object", &value, span)),
        }
    }
    Ok(joined.with_span(span))
}

fn as_object(value: Value, formula: &Formula) -> Resolved<Value> {
    match value.kind {
        Kind::Object(_) => Ok(value),
        _ => Err(cannot_join("an object", &value, &formula.span)),
    }
}

fn cannot_join(with: &str, value: &Value, span: &Span) -> Halt {
    let expected = format!("{with} to put together with {with}");
    HoconError::malformed(span, expected, value.describe()).into()
}

fn undefined(reference: &Reference) -> HoconError {
    let path = reference.describe();
    HoconError::unresolved(&reference.span, format!("nothing is defined at {path}")).help(format!(
        "${{?{path}}} stands for nothing where nothing is defined"
    ))
}
