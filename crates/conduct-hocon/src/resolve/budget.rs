//! What a document may expand to.

use crate::HoconError;
use crate::limits::Limits;
use crate::source::Span;
use crate::value::{Kind, Value};

/// How much there is of a value.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight {
    values: usize,
    text_bytes: usize,
    /// Values inside each other, itself included; 0 for what contains nothing.
    pub(super) depth: usize,
}

impl Weight {
    pub(super) fn value() -> Weight {
        Weight {
            values: 1,
            ..Weight::default()
        }
    }

    pub(super) fn text(text: &str) -> Weight {
        Weight {
            text_bytes: text.len(),
            ..Weight::default()
        }
    }

    /// A field costs as much as two items: there is more to do for it.
    pub(super) fn key(key: &str) -> Weight {
        Weight::value().plus(&Weight::text(key))
    }

    pub(super) fn of(value: &Value) -> Weight {
        match &value.kind {
            Kind::Null | Kind::Bool(_) => Weight::value(),
            Kind::Number(text) | Kind::String(text) => Weight::value().plus(&Weight::text(text)),
            Kind::List(items) => items.iter().fold(Weight::container(), |sum, item| {
                sum.around(&Weight::of(item))
            }),
            Kind::Object(object) => object.entries().fold(Weight::container(), |sum, entry| {
                sum.plus(&Weight::key(entry.key))
                    .around(&Weight::of(entry.value))
            }),
        }
    }

    fn container() -> Weight {
        Weight {
            values: 1,
            text_bytes: 0,
            depth: 1,
        }
    }

    fn plus(self, other: &Weight) -> Weight {
        Weight {
            values: self.values + other.values,
            text_bytes: self.text_bytes + other.text_bytes,
            depth: self.depth,
        }
    }

    fn around(self, inner: &Weight) -> Weight {
        Weight {
            depth: self.depth.max(inner.depth + 1),
            ..self.plus(inner)
        }
    }
}

/// A plain value in a list costs two: one for the item, one for what is said about it.
const STEPS_PER_VALUE: usize = 2;

/// What is left to spend. Everything that the result is made of is paid for once for each copy, also
/// for copies that are thrown away, and so is each look at a definition; so the time is bounded by the
/// same numbers as the memory.
pub(super) struct Budget {
    limits: Limits,
    values: usize,
    text_bytes: usize,
    steps: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Budget {
        Budget {
            limits: *limits,
            values: limits.values_max,
            text_bytes: limits.text_bytes_max,
            steps: limits.values_max.saturating_mul(STEPS_PER_VALUE),
        }
    }

    pub(super) fn spend(&mut self, weight: &Weight, at: &Span) -> Result<(), HoconError> {
        take(
            &mut self.values,
            weight.values,
            self.limits.values_max,
            "values",
            at,
        )?;
        take(
            &mut self.text_bytes,
            weight.text_bytes,
            self.limits.text_bytes_max,
            "bytes",
            at,
        )
    }

    /// Looks at things, whether that leads to a value or not.
    pub(super) fn look(&mut self, steps: usize, at: &Span) -> Result<(), HoconError> {
        take(
            &mut self.steps,
            steps,
            self.limits.values_max,
            "looks at other values",
            at,
        )
    }
}

fn take(
    left: &mut usize,
    amount: usize,
    max: usize,
    what: &str,
    at: &Span,
) -> Result<(), HoconError> {
    match left.checked_sub(amount) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => Err(HoconError::limit(
            at,
            format!("at most {max} {what} by substitution"),
            "more",
        )),
    }
}
