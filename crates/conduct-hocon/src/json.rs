//! Values to and from JSON.

use crate::object::Object;
use crate::value::{Kind, Value};

impl Value {
    /// The same as JSON. Numbers that a JSON library cannot hold exactly become the nearest that it
    /// can, so what must be exact is read from the value itself.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Null => serde_json::Value::Null,
            Kind::Bool(value) => serde_json::Value::Bool(*value),
            Kind::Number(text) => match serde_json::from_str(text) {
                Ok(number) => serde_json::Value::Number(number),
                Err(_) => serde_json::Value::String(text.clone()),
            },
            Kind::String(text) => serde_json::Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Value::to_json).collect(),
            Kind::Object(object) => serde_json::Value::Object(
                object
                    .entries()
                    .map(|e| (e.key.to_owned(), e.value.to_json()))
                    .collect(),
            ),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::null(),
            serde_json::Value::Bool(value) => Value::from(value),
            serde_json::Value::Number(number) => {
                let text = number.to_string();
                Value::number(&text).unwrap_or_else(|| Value::string(text))
            }
            serde_json::Value::String(text) => Value::string(text),
            serde_json::Value::Array(items) => Value::list(items.into_iter().map(Value::from)),
            serde_json::Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (key, Value::from(value)))
                .collect::<Object>()
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Value, parse};

    #[test]
    fn json_goes_there_and_back() {
        let conf = parse("a { b = [1, 2.5, true, null, text], c {} }, big = 1e999").unwrap();
        let json = conf.to_json();
        assert_eq!(json["a"]["b"][1], serde_json::json!(2.5));
        assert_eq!(json["big"], serde_json::json!("1e999"));
        assert_eq!(Value::from(json["a"].clone()), *conf.at("a").unwrap());
    }
}
