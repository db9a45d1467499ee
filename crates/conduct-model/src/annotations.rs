//! What a descriptor carries for others: a tree of anything.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A value in an annotation. Numbers are kept as they were written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub enum Annotation {
    /// Nothing, said explicitly.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number, in the words of JSON.
    Number(String),
    /// A text.
    Text(String),
    /// Several.
    List(Vec<Annotation>),
    /// Several with names.
    Map(Annotations),
}

/// Annotations by name; dots in a name nest.
pub type Annotations = BTreeMap<String, Annotation>;

impl Annotation {
    /// Values in values in values; as deep as a descriptor can be.
    pub const DEPTH_MAX: u32 = 128;

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Annotation::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What is called `path` in `annotations`, a name for each level: `com`, `example`, `team`.
    pub fn find<'a>(annotations: &'a Annotations, path: &[&str]) -> Option<&'a Annotation> {
        let (first, rest) = path.split_first()?;
        let found = annotations.get(*first)?;
        match found {
            _ if rest.is_empty() => Some(found),
            Annotation::Map(inner) => Annotation::find(inner, rest),
            _ => None,
        }
    }
}

/// Reads a value of a bounded depth: each level is a call, and a stack has an end, which a few
/// kilobytes from a peer must not reach.
impl<'de> Deserialize<'de> for Annotation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Annotation, D::Error> {
        Value {
            depth_left: Annotation::DEPTH_MAX,
        }
        .deserialize(deserializer)
    }
}

const VARIANTS: &[&str] = &["Null", "Bool", "Number", "Text", "List", "Map"];

#[derive(Deserialize)]
#[serde(variant_identifier)]
enum Kind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Map,
}

#[derive(Clone, Copy)]
struct Value {
    depth_left: u32,
}

struct Items(Value);
struct Fields(Value);

impl Value {
    fn inner<E: Error>(self) -> Result<Value, E> {
        let depth_left = self.depth_left.checked_sub(1);
        depth_left
            .map(|depth_left| Value { depth_left })
            .ok_or_else(|| E::custom("annotations are nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Annotation;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Annotation, D::Error> {
        deserializer.deserialize_enum("Annotation", VARIANTS, self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Annotation;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an annotation")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Annotation, A::Error> {
        let (kind, content) = data.variant()?;
        Ok(match kind {
            Kind::Null => {
                content.unit_variant()?;
                Annotation::Null
            }
            Kind::Bool => Annotation::Bool(content.newtype_variant()?),
            Kind::Number => Annotation::Number(content.newtype_variant()?),
            Kind::Text => Annotation::Text(content.newtype_variant()?),
            Kind::List => Annotation::List(content.newtype_variant_seed(Items(self.inner()?))?),
            Kind::Map => Annotation::Map(content.newtype_variant_seed(Fields(self.inner()?))?),
        })
    }
}

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<Annotation>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Annotation>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of annotations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self.0)? {
            all.push(item);
        }
        Ok(all)
    }
}

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Annotations;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Annotations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("annotations by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut all = Annotations::new();
        while let Some(name) = fields.next_key()? {
            all.insert(name, fields.next_value_seed(self.0)?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Annotation {
        Annotation::Text(text.to_owned())
    }

    fn config() -> impl bincode::config::Config {
        bincode::config::standard()
    }

    fn read(bytes: &[u8]) -> Result<Annotation, bincode::error::DecodeError> {
        bincode::serde::decode_from_slice(bytes, config()).map(|(tree, _)| tree)
    }

    #[test]
    fn a_tree_reads_back_as_it_was_written() {
        let tree = Annotation::Map(Annotations::from([
            (
                "a".to_owned(),
                Annotation::List(vec![Annotation::Null, Annotation::Bool(true)]),
            ),
            ("b".to_owned(), Annotation::Number("1.10".to_owned())),
            (
                "c".to_owned(),
                Annotation::Map(Annotations::from([("d".to_owned(), text("e"))])),
            ),
        ]));
        let written = bincode::serde::encode_to_vec(&tree, config()).unwrap();
        assert_eq!(read(&written).unwrap(), tree);
    }

    #[test]
    fn a_tree_too_deep_for_a_stack_is_refused_instead_of_read() {
        let list_of_one = [4, 1];
        let nested = |depth| [list_of_one.repeat(depth), vec![0]].concat();
        assert!(read(&nested(128)).is_ok());
        assert!(read(&nested(129)).is_err());
        assert!(read(&nested(1_000_000)).is_err());
    }

    #[test]
    fn what_is_nested_is_found_by_its_names() {
        let inner = Annotations::from([("team".to_owned(), text("shop"))]);
        let all = Annotations::from([("com".to_owned(), Annotation::Map(inner))]);
        assert_eq!(
            Annotation::find(&all, &["com", "team"]).unwrap().as_text(),
            Some("shop")
        );
        assert_eq!(Annotation::find(&all, &["com", "team", "x"]), None);
        assert_eq!(Annotation::find(&all, &[]), None);
    }
}
