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

    pub(super) fn of(value: &Value) -> Weight {
        match &value.kind {
            Kind::Null | Kind::Bool(_) => Weight::value(),
            Kind::Number(text) | Kind::String(text) => Weight::value().plus(&Weight::text(text)),
            Kind::List(items) => items.iter().fold(Weight::container(), |sum, item| {
                sum.around(&Weight::of(item))
            }),
            Kind::Object(object) => object.entries().fold(Weight::container(), |sum, entry| {
                sum.plus(&Weight::text(entry.key))
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

/// What is left to spend. Everything that the result is made of is paid for once for each copy, also
/// for copies that are thrown away; so the time is bounded by the same numbers as the memory.
pub(super) struct Budget {
    values_max: usize,
    text_bytes_max: usize,
    values: usize,
    text_bytes: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Budget {
        Budget {
            values_max: limits.values_max,
            text_bytes_max: limits.text_bytes_max,
            values: limits.values_max,
            text_bytes: limits.text_bytes_max,
        }
    }

    pub(super) fn spend(&mut self, weight: &Weight, at: &Span) -> Result<(), HoconError> {
        let left = self.values.checked_sub(weight.values);
        self.values = left.ok_or_else(|| {
            let expected = format!("at most {} values after substitution", self.values_max);
            HoconError::limit(at, expected, "more")
        })?;
        let left = self.text_bytes.checked_sub(weight.text_bytes);
        self.text_bytes = left.ok_or_else(|| {
            let expected = format!("at most {} bytes after substitution", self.text_bytes_max);
            HoconError::limit(at, expected, "more")
        })?;
        Ok(())
    }

    /// A step of the search, whether it finds something or not.
    pub(super) fn step(&mut self, at: &Span) -> Result<(), HoconError> {
        self.spend(&Weight::value(), at)
    }
}
