//! Objects: fields in the order of the text.

use std::sync::Arc;

use crate::ordered::Ordered;
use crate::source::Span;
use crate::value::Value;

/// Fields in the order in which their keys first came.
#[derive(Clone, Debug, Default)]
pub struct Object {
    fields: Ordered<Field>,
}

#[derive(Clone, Debug)]
struct Field {
    key_span: Span,
    value: Value,
}

/// One field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its key, unescaped.
    pub key: &'a str,
    /// Where the key stands that set it last.
    pub key_span: &'a Span,
    /// Its value.
    pub value: &'a Value,
}

impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.len() == other.len()
            && self
                .entries()
                .all(|entry| other.get(entry.key) == Some(entry.value))
    }
}

impl Object {
    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).map(|field| &field.value)
    }

    /// The value of a field, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.fields.get_mut(key).map(|field| &mut field.value)
    }

    /// Where the key stands that set a field last.
    pub fn key_span(&self, key: &str) -> Option<&Span> {
        self.fields.get(key).map(|field| &field.key_span)
    }

    /// The fields in order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> {
        self.fields.iter().map(|(key, field)| Entry {
            key,
            key_span: &field.key_span,
            value: &field.value,
        })
    }

    /// The keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.fields.iter().map(|(key, _)| &**key)
    }

    /// Sets a field; one that was there keeps its place. Returns what it had been.
    pub fn insert(&mut self, key: &str, value: impl Into<Value>) -> Option<Value> {
        let value = value.into();
        let key_span = value.span.clone();
        self.put(&Arc::from(key), key_span, value)
    }

    pub(crate) fn put(&mut self, key: &Arc<str>, key_span: Span, value: Value) -> Option<Value> {
        self.fields
            .insert(key, Field { key_span, value })
            .map(|field| field.value)
    }

    /// Takes a field out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.fields.remove(key).map(|field| field.value)
    }

    /// Gives a field another key at the same place. `false`, and nothing changed, if there is no such
    /// field or the new key is taken.
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        self.fields.rename(from, to)
    }

    /// The fields of `over` win, objects are merged field by field.
    pub fn overlay(&mut self, over: Object) {
        for (key, field) in over.fields.into_entries() {
            match self.fields.get_mut(&key) {
                Some(below) => {
                    below.key_span = field.key_span;
                    below.value.overlay(field.value);
                }
                None => {
                    self.fields.insert(&key, field);
                }
            }
        }
    }

    pub(crate) fn into_parts(self) -> impl Iterator<Item = (Arc<str>, Span, Value)> {
        let entries = self.fields.into_entries().into_iter();
        entries.map(|(key, field)| (key, field.key_span, field.value))
    }
}

impl<K: AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Object {
        let mut object = Object::default();
        for (key, value) in fields {
            object.insert(key.as_ref(), value);
        }
        object
    }
}
