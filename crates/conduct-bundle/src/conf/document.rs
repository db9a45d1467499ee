//! One or two texts as one value in which every key is spelled in one way.

use std::sync::Arc;

use conduct_hocon::{Document, HoconError, Limits, Object, Source, Span, Value};

use super::keys::{Alias, COMPONENT_SERVED, ENDPOINT_ALIASES, TOP_ALIASES};
use super::reader::{Reading, Rules};
use super::top;

/// What the text of a bundle is called in messages, unless the caller knows better.
pub const CONF_SOURCE: &str = "bundle.conf";
/// What the text laid over it is called.
pub const CONFIGURATION_SOURCE: &str = "configuration/bundle.conf";

/// A `bundle.conf`, perhaps with that of a configuration laid over it: objects merged field by
/// field, all else replaced.
#[derive(Clone, Debug)]
pub struct Conf {
    value: Value,
    /// The text on top, if there are two: what it says was not said by the bundle.
    overlay: Option<Arc<Source>>,
}

impl Conf {
    /// Reads a bundle's text, and lays a configuration's over it. What that one appends to or
    /// refers to may be in either.
    pub fn parse(conf: &str, overlay: Option<&str>) -> Result<Conf, HoconError> {
        Conf::parse_named(
            CONF_SOURCE,
            conf,
            overlay.map(|text| (CONFIGURATION_SOURCE, text)),
        )
    }

    /// The same with other names for the texts in messages, such as their paths.
    pub fn parse_named(
        name: &str,
        conf: &str,
        overlay: Option<(&str, &str)>,
    ) -> Result<Conf, HoconError> {
        let limits = Limits::default();
        let mut document = Document::parse(&Source::new(name, conf), &limits)?;
        let overlay = overlay.map(|(name, text)| Source::new(name, text));
        if let Some(source) = &overlay {
            document = document.overlay(Document::parse(source, &limits)?);
        }
        Ok(Conf::new(document.resolve(&limits)?, overlay))
    }

    /// Takes a value that has been read or made elsewhere.
    pub fn from_value(value: Value) -> Conf {
        Conf::new(value, None)
    }

    fn new(mut value: Value, overlay: Option<Arc<Source>>) -> Conf {
        if let Some(object) = value.object_mut() {
            spell(object, TOP_ALIASES, overlay.as_deref());
        }
        each_object_in(value.get_mut("components"), &mut |component| {
            each_object_in(component.get_mut("endpoints"), &mut |endpoint| {
                spell(endpoint, ENDPOINT_ALIASES, overlay.as_deref());
            });
        });
        Conf { value, overlay }
    }

    /// Everything that it says, keys as they are spelled today.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Reads it into types.
    pub fn read(&self, rules: &Rules) -> Reading {
        top::read(&self.value, *rules, self.overlay.as_deref())
    }

    /// Writes it as one text, in which every component has the keys that clients rely on.
    pub fn render(&self) -> String {
        let mut value = self.value.clone();
        each_object_in(value.get_mut("components"), &mut |component| {
            for key in COMPONENT_SERVED {
                if component.get(key).is_none_or(Value::is_null) {
                    component.insert(key, served_default(key));
                }
            }
        });
        value.to_hocon()
    }
}

fn served_default(key: &str) -> Value {
    match key {
        "description" => Value::string(""),
        "file-system-type" => Value::string("universal"),
        "start-command" => Value::list([]),
        _ => Value::object(),
    }
}

/// Changes every object that is a field of `holder`.
fn each_object_in(holder: Option<&mut Value>, change: &mut dyn FnMut(&mut Object)) {
    let Some(holder) = holder.and_then(Value::object_mut) else {
        return;
    };
    let keys: Vec<String> = holder.keys().map(str::to_owned).collect();
    for key in keys {
        if let Some(object) = holder.get_mut(&key).and_then(Value::object_mut) {
            change(object);
        }
    }
}

/// Gives old keys their name of today. Where both are there, what was laid on top wins, and within
/// one text today's.
fn spell(object: &mut Object, aliases: &[Alias], overlay: Option<&Source>) {
    for Alias { key, old } in aliases {
        if object.rename(old, key) || object.get(old).is_none() {
            continue;
        }
        let level = |key: &str| object.key_span(key).map_or(0, |span| level(span, overlay));
        if level(old) > level(key) {
            object.remove(key);
            object.rename(old, key);
        } else {
            object.remove(old);
        }
    }
}

/// How far on top a key was set: by the bundle, by the configuration, by the program.
fn level(span: &Span, overlay: Option<&Source>) -> u8 {
    match span.source() {
        Some(source) if is_same(source, overlay) => 1,
        Some(_) => 0,
        None => 2,
    }
}

/// Whether a source is the one of the overlay, and not only one with the same name.
pub(crate) fn is_same(source: &Source, overlay: Option<&Source>) -> bool {
    overlay.is_some_and(|overlay| std::ptr::eq(source, overlay))
}
