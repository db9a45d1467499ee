//! Changing values: setting, removing, laying one over another.

use crate::object::Object;
use crate::value::{Kind, Value};

impl Value {
    /// Lays `over` over this: objects are merged field by field, anything else is replaced. Each part
    /// of the result remembers where it came from.
    pub fn overlay(&mut self, over: Value) {
        match (&mut self.kind, over.kind) {
            (Kind::Object(below), Kind::Object(object)) => {
                below.overlay(object);
                self.span = over.span;
            }
            (kind, replacement) => {
                *kind = replacement;
                self.span = over.span;
            }
        }
    }

    /// Sets the field that `keys` lead to. Objects on the way are made where they are missing, and
    /// take the place of what is no object.
    pub fn set(&mut self, keys: &[&str], value: impl Into<Value>) {
        let Some((last, way)) = keys.split_last() else {
            *self = value.into();
            return;
        };
        let mut object = self.as_object_or_new();
        for key in way {
            if object.get(key).is_none() {
                object.insert(key, Value::object());
            }
            let inner = object.get_mut(key).expect("the field has just been made");
            object = inner.as_object_or_new();
        }
        object.insert(last, value);
    }

    /// Takes the field out that `keys` lead to.
    pub fn remove(&mut self, keys: &[&str]) -> Option<Value> {
        let (last, way) = keys.split_last()?;
        let holder = way.iter().try_fold(self, |value, key| value.get_mut(key))?;
        match &mut holder.kind {
            Kind::Object(object) => object.remove(last),
            _ => None,
        }
    }

    /// The field called `key`, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match &mut self.kind {
            Kind::Object(object) => object.get_mut(key),
            _ => None,
        }
    }

    /// The fields of an object, to change them.
    pub fn object_mut(&mut self) -> Option<&mut Object> {
        match &mut self.kind {
            Kind::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items of a list, to change them.
    pub fn list_mut(&mut self) -> Option<&mut Vec<Value>> {
        match &mut self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    fn as_object_or_new(&mut self) -> &mut Object {
        if !matches!(self.kind, Kind::Object(_)) {
            self.kind = Kind::Object(Object::default());
        }
        self.object_mut()
            .expect("an object has just been put there")
    }
}
