//! Where the value of a path is defined.

use std::sync::Arc;

use super::{Active, Halt, Place, Resolved, Resolver};
use crate::HoconError;
use crate::source::Span;
use crate::syntax::{Definition, Formula, Reference, Stack, Target};
use crate::value::{Kind, Value};

/// Whether a search goes on to what was written earlier.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    On,
    /// What has been seen hides everything earlier.
    Done,
}

/// What the search for a path has come to.
pub(super) struct Found<'a> {
    /// The last that was written first.
    pub(super) places: Vec<Place<'a>>,
    /// The active formula that stood in the way, if one did.
    pub(super) passed: Option<usize>,
    /// Whether the way led through something that is no object.
    pub(super) blocked: bool,
}

impl<'a> Resolver<'a> {
    /// All that is said about what a reference, and `rest` behind it, leads to.
    pub(super) fn find(
        &mut self,
        reference: &'a Reference,
        rest: &[Arc<str>],
    ) -> Resolved<Found<'a>> {
        let mut found = Found {
            places: Vec::new(),
            passed: None,
            blocked: false,
        };
        let search = match &reference.target {
            Target::Path(path) => {
                let keys: Vec<Arc<str>> = path.as_slice().iter().chain(rest).cloned().collect();
                if keys.len() > self.depth_max {
                    return Err(self.cycle(0));
                }
                let root = self.root;
                self.gather(root, &keys, &mut found)?
            }
            Target::Below => {
                let asking = self
                    .active
                    .last()
                    .expect("a reference belongs to an active formula");
                let (stack, below) = (asking.stack, asking.definition);
                found.places.push(Place::Stack { stack, below });
                Search::On
            }
        };
        found.blocked = search == Search::Done && found.places.is_empty();
        Ok(found)
    }

    fn gather(
        &mut self,
        stack: &'a Stack,
        keys: &[Arc<str>],
        found: &mut Found<'a>,
    ) -> Resolved<Search> {
        self.look(1 + stack.definitions.len())?;
        let Some((key, rest)) = keys.split_first() else {
            return Ok(self.gather_whole(stack, found));
        };
        for index in (0..self.start(stack, keys, found)).rev() {
            let search = match &stack.definitions[index] {
                Definition::Plain(_) | Definition::List(_) => Search::Done,
                Definition::Fields(fields) => match fields.stack(key) {
                    Some(inner) => self.gather(inner, rest, found)?,
                    None => Search::On,
                },
                Definition::Formula(formula) => {
                    self.gather_formula(stack, index, formula, keys, found)?
                }
            };
            if search == Search::Done {
                return Ok(Search::Done);
            }
        }
        Ok(Search::On)
    }

    /// The path ends at this stack. A formula of it that is active asks for what was said before it.
    fn gather_whole(&mut self, stack: &'a Stack, found: &mut Found<'a>) -> Search {
        let mut below = stack.definitions.len();
        if let Some(active) = self.active_at(stack, &[]) {
            below = self.active[active].definition;
            found.passed = Some(active);
        }
        if below > 0 {
            found.places.push(Place::Stack { stack, below });
        }
        if stack.is_closed(below) {
            Search::Done
        } else {
            Search::On
        }
    }

    /// The number of definitions to look at: all, unless the reference belongs to one of them, or to
    /// something inside one of them, and so is about what was said before.
    fn start(&self, stack: &Stack, keys: &[Arc<str>], found: &mut Found<'a>) -> usize {
        let last = self.active.len().saturating_sub(1);
        if self
            .active
            .last()
            .is_some_and(|asking| asking.stack.id == stack.id)
        {
            found.passed = Some(last);
            return self.active[last].definition;
        }
        let asked_within = |definition: &Definition| match definition {
            Definition::Fields(fields) => fields
                .stack(&keys[0])
                .is_some_and(|inner| self.asks_within(inner, &keys[1..])),
            _ => false,
        };
        stack
            .definitions
            .iter()
            .rposition(asked_within)
            .map_or(stack.definitions.len(), |at| at + 1)
    }

    /// Whether looking up `keys` in a stack leads to a formula that is being worked out and so to what
    /// was said before it.
    fn asks_within(&self, stack: &Stack, keys: &[Arc<str>]) -> bool {
        if keys.is_empty() {
            return self.active_at(stack, &[]).is_some();
        }
        self.active
            .last()
            .is_some_and(|asking| asking.stack.id == stack.id)
            || stack.definitions.iter().any(|definition| match definition {
                Definition::Fields(fields) => fields
                    .stack(&keys[0])
                    .is_some_and(|inner| self.asks_within(inner, &keys[1..])),
                _ => false,
            })
    }

    /// The path goes on inside what a formula comes to. If that is a single reference, only the part of
    /// its target that is asked for is worked out.
    fn gather_formula(
        &mut self,
        stack: &'a Stack,
        index: usize,
        formula: &'a Formula,
        keys: &[Arc<str>],
        found: &mut Found<'a>,
    ) -> Resolved<Search> {
        let Some(reference) = formula.as_reference() else {
            if let Some(active) = self.active_at(stack, &[])
                && self.active[active].definition <= index
            {
                found.passed = Some(active);
                return Ok(Search::On);
            }
            let whole = self.formula(stack, index, formula, 1)?;
            return Ok(whole.map_or(Search::On, |value| add_part(value, keys, found)));
        };
        if let Some(active) = self.active_at(stack, keys)
            && self.active[active].definition <= index
        {
            found.passed = Some(active);
            return Ok(Search::On);
        }
        let rest = keys.to_vec();
        self.enter(Active {
            stack,
            definition: index,
            rest,
            reference: Some(reference),
        })?;
        let part = self.part(reference, keys);
        self.leave();
        Ok(match part? {
            (Some(value), _) => add_place(value, found),
            (None, blocked) => {
                if blocked {
                    Search::Done
                } else {
                    Search::On
                }
            }
        })
    }

    /// A part of what a reference leads to, and whether something that is no object was in the way.
    fn part(
        &mut self,
        reference: &'a Reference,
        keys: &[Arc<str>],
    ) -> Resolved<(Option<Value>, bool)> {
        let own = self.active.len() - 1;
        let found = match self.find(reference, keys) {
            Ok(found) => found,
            Err(Halt::Cycle { active, .. }) if reference.optional && active <= own => {
                return Ok((None, false));
            }
            Err(halt) => return Err(halt),
        };
        let blocked = found.blocked;
        match self.settle(found.places, 1) {
            Ok(value) => Ok((value, blocked)),
            Err(Halt::Cycle { active, .. }) if reference.optional && active <= own => {
                Ok((None, false))
            }
            Err(halt) => Err(halt),
        }
    }

    /// The lowest active formula of a stack that is asked for the same part.
    pub(super) fn active_at(&self, stack: &Stack, rest: &[Arc<str>]) -> Option<usize> {
        let mut lowest: Option<usize> = None;
        for (index, active) in self.active.iter().enumerate() {
            let is_lower =
                || lowest.is_none_or(|at| active.definition < self.active[at].definition);
            if active.stack.id == stack.id && active.rest == rest && is_lower() {
                lowest = Some(index);
            }
        }
        lowest
    }

    pub(super) fn enter(&mut self, active: Active<'a>) -> Resolved<()> {
        self.active.push(active);
        self.wait()
    }

    pub(super) fn leave(&mut self) {
        self.active.pop();
        self.waiting -= 1;
    }

    /// The error that an active formula waits for itself: the paths that lead around.
    pub(super) fn cycle(&self, active: usize) -> Halt {
        const SHOWN_MAX: usize = 8;
        let references: Vec<&Reference> = self.active[active..]
            .iter()
            .filter_map(|active| active.reference)
            .collect();
        let mut paths: Vec<String> = references.iter().map(|it| it.describe()).collect();
        paths.extend(paths.first().cloned());
        if paths.len() > SHOWN_MAX {
            paths.splice(SHOWN_MAX - 2..paths.len() - 1, ["…".to_owned()]);
        }
        let span = references
            .last()
            .map_or_else(Span::default, |it| it.span.clone());
        let message = format!(
            "this substitution leads back to itself: {}",
            paths.join(" → ")
        );
        let error = HoconError::unresolved(&span, message)
            .help("a value can contain its own earlier value, but not itself");
        Halt::Cycle { active, error }
    }
}

impl Reference {
    pub(super) fn describe(&self) -> String {
        match &self.target {
            Target::Path(path) => crate::value::in_part(&path.to_string()),
            Target::Below => "the value before +=".to_owned(),
        }
    }
}

/// Adds the part of a value that a path leads to.
fn add_part(value: Value, keys: &[Arc<str>], found: &mut Found<'_>) -> Search {
    let mut value = value;
    for key in keys {
        let Kind::Object(mut object) = value.kind else {
            return Search::Done;
        };
        match object.remove(key) {
            Some(inner) => value = inner,
            None => return Search::On,
        }
    }
    add_place(value, found)
}

fn add_place(value: Value, found: &mut Found<'_>) -> Search {
    let is_object = matches!(value.kind, Kind::Object(_));
    found.places.push(Place::Value(value));
    if is_object { Search::On } else { Search::Done }
}
