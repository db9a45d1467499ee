//! What is being worked out, what waits for it, and when that leads in a circle.

use std::sync::Arc;

use super::{Halt, Resolved, Resolver};
use crate::HoconError;
use crate::source::Span;
use crate::syntax::{Reference, Stack, Target};

/// Formulas and values that wait for each other, in total. Each of them is a few calls on the stack of
/// the machine.
const WAITING_MAX: usize = 160;

/// A formula that is being worked out.
pub(super) struct Active<'a> {
    pub(super) stack: &'a Stack,
    pub(super) definition: usize,
    /// The part of its value that is asked for; empty if all of it is.
    pub(super) rest: Vec<Arc<str>>,
    /// The reference in it that is being followed.
    pub(super) reference: Option<&'a Reference>,
}

impl<'a> Resolver<'a> {
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

    pub(super) fn wait(&mut self) -> Resolved<()> {
        self.waiting += 1;
        self.look(1)?;
        if self.waiting <= WAITING_MAX {
            return Ok(());
        }
        let expected = format!("at most {WAITING_MAX} values that wait for each other");
        Err(HoconError::limit(&self.here(), expected, "one more").into())
    }

    pub(super) fn look(&mut self, steps: usize) -> Resolved<()> {
        let here = self.active.iter().rev().find_map(|active| active.reference);
        let nowhere = Span::default();
        Ok(self
            .budget
            .look(steps, here.map_or(&nowhere, |reference| &reference.span))?)
    }

    /// The place of the reference that is being followed.
    pub(super) fn here(&self) -> Span {
        let reference = self.active.iter().rev().find_map(|active| active.reference);
        reference.map_or_else(Span::default, |reference| reference.span.clone())
    }
}

impl Reference {
    /// The number of keys that lead to what it is about.
    pub(super) fn level(&self) -> usize {
        match &self.target {
            Target::Path(path) => path.as_slice().len(),
            Target::Below => 0,
        }
    }

    pub(super) fn describe(&self) -> String {
        match &self.target {
            Target::Path(path) => crate::value::in_part(&path.to_string()),
            Target::Below => "the value before +=".to_owned(),
        }
    }
}
