//! The language by its rules, its errors by their words, its limits by the clock.

mod comparison;
mod documents;
mod errors;
mod hostile;
mod properties;
mod rendering;
mod rules;
