//! Where the value of a path is defined.

use std::sync::Arc;

use super::budget::Weight;
use super::{Active, Halt, Place, Resolved, Resolver};
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
    /// How many keys led to something that is no object, where that ended the search.
    blocked: Option<usize>,
    /// After how many keys there were objects, one bit for each number: what is hidden by an object
    /// above it blocks nothing.
    /// [`crate::Limits::DEPTH_MAX`] keeps the numbers below 128.
    objects: u128,
}

/// What a part of a reference's target has come to.
enum Part {
    Value(Value),
    /// The target is no object, and so has no parts.
    Blocked,
    Nothing,
}

impl<'a> Found<'a> {
    fn nothing() -> Found<'a> {
        Found {
            places: Vec::new(),
            passed: None,
            blocked: None,
            objects: 0,
        }
    }

    /// The part of a value that `keys` lead to, or how to go on without. The value lies `level` keys
    /// from the outermost.
    fn part_of<'v>(
        &mut self,
        value: &'v Value,
        keys: &[Arc<str>],
        level: usize,
    ) -> Result<&'v Value, Search> {
        let mut value = value;
        for (index, key) in keys.iter().enumerate() {
            let Kind::Object(object) = &value.kind else {
                return Err(self.block(level + index));
            };
            self.objects |= 1 << (level + index);
            value = object.get(key).ok_or(Search::On)?;
        }
        Ok(value)
    }

    fn add(&mut self, value: Value) -> Search {
        let is_object = matches!(value.kind, Kind::Object(_));
        self.places.push(Place::Value(value));
        if is_object { Search::On } else { Search::Done }
    }

    /// The search ends at something that is no object, `level` keys from the outermost value.
    fn block(&mut self, level: usize) -> Search {
        if self.objects >> level & 1 == 0 {
            self.blocked = Some(level);
        }
        Search::Done
    }
}

impl<'a> Resolver<'a> {
    /// All that is said about what a reference, and `rest` behind it, leads to.
    pub(super) fn find(
        &mut self,
        reference: &'a Reference,
        rest: &[Arc<str>],
    ) -> Resolved<Found<'a>> {
        let mut found = Found::nothing();
        match &reference.target {
            // Nothing lies as deep as that.
            Target::Path(path) if path.as_slice().len() > self.depth_max => {}
            Target::Path(path) => {
                let keys: Vec<Arc<str>> = path.as_slice().iter().chain(rest).cloned().collect();
                if keys.len() > self.depth_max {
                    return Err(self.cycle(0));
                }
                let root = self.root;
                self.gather(root, &keys, 0, &mut found)?;
            }
            Target::Below => {
                let asking = self
                    .active
                    .last()
                    .expect("a reference belongs to an active formula");
                let (stack, below) = (asking.stack, asking.definition);
                found.places.push(Place::Stack { stack, below });
            }
        }
        Ok(found)
    }

    /// Looks for `keys` in a stack that lies `level` keys from the outermost value.
    fn gather(
        &mut self,
        stack: &'a Stack,
        keys: &[Arc<str>],
        level: usize,
        found: &mut Found<'a>,
    ) -> Resolved<Search> {
        self.look(1 + stack.definitions.len())?;
        let Some((key, rest)) = keys.split_first() else {
            return Ok(self.gather_whole(stack, found));
        };
        for index in (0..self.start(stack, keys, found)).rev() {
            let search = match &stack.definitions[index] {
                Definition::Plain(_) | Definition::List(_) => found.block(level),
                Definition::Fields(fields) => {
                    found.objects |= 1 << level;
                    match fields.stack(key) {
                        Some(inner) => self.gather(inner, rest, level + 1, found)?,
                        None => Search::On,
                    }
                }
                Definition::Formula(formula) => {
                    self.gather_formula(stack, index, formula, keys, (level, found))?
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
        (level, found): (usize, &mut Found<'a>),
    ) -> Resolved<Search> {
        let lazy = formula
            .as_reference()
            .filter(|_| self.known[formula.id].is_none());
        let Some(reference) = lazy else {
            if let Some(active) = self.active_at(stack, &[])
                && self.active[active].definition <= index
            {
                found.passed = Some(active);
                return Ok(Search::On);
            }
            let known = self.know(stack, index, formula)?;
            let Some(whole) = &known.value else {
                return Ok(Search::On);
            };
            return match found.part_of(whole, keys, level) {
                Ok(part) => {
                    self.budget.spend(&Weight::of(part), &formula.span)?;
                    Ok(found.add(part.clone()))
                }
                Err(search) => Ok(search),
            };
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
            Part::Value(value) => {
                found.objects |= ((1 << keys.len()) - 1) << level;
                found.add(value)
            }
            Part::Blocked => found.block(level),
            Part::Nothing => Search::On,
        })
    }

    /// A part of what a reference leads to.
    fn part(&mut self, reference: &'a Reference, keys: &[Arc<str>]) -> Resolved<Part> {
        let own = self.active.len() - 1;
        let mut blocked = None;
        let outcome = self.find(reference, keys).and_then(|found| {
            blocked = found.blocked;
            self.settle(found.places, 1)
        });
        match outcome {
            Ok(Some(value)) => Ok(Part::Value(value)),
            // In front of the target it only means that the reference leads nowhere.
            Ok(None) if blocked.is_some_and(|level| level >= reference.level()) => {
                Ok(Part::Blocked)
            }
            Ok(None) => Ok(Part::Nothing),
            Err(Halt::Cycle { active, .. }) if reference.optional && active <= own => {
                Ok(Part::Nothing)
            }
            Err(halt) => Err(halt),
        }
    }
}
