//! JSON values as YAML, in the plainest subset: blocks, and texts in quotes unless they are words.

use serde_json::Value;

/// A document.
pub(crate) fn yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Array(_) | Value::Object(_) if !is_empty(value) => block(value, 0, &mut text),
        _ => text += &format!("{}\n", scalar(value)),
    }
    text
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A list or an object that is not empty, each line indented so far.
fn block(value: &Value, indent: usize, text: &mut String) {
    let blanks = " ".repeat(indent);
    match value {
        Value::Array(items) => {
            for item in items {
                *text += &format!("{blanks}-");
                match item {
                    Value::Array(_) | Value::Object(_) if !is_empty(item) => {
                        // The first line of what is inside stands behind the dash.
                        let mut inner = String::new();
                        block(item, indent + 2, &mut inner);
                        *text += &format!(" {}", &inner[indent + 2..]);
                    }
                    _ => *text += &format!(" {}\n", scalar(item)),
                }
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                *text += &format!("{blanks}{}:", word(key));
                match field {
                    Value::Array(_) | Value::Object(_) if !is_empty(field) => {
                        text.push('\n');
                        block(field, indent + 2, text);
                    }
                    _ => *text += &format!(" {}\n", scalar(field)),
                }
            }
        }
        _ => *text += &format!("{blanks}{}\n", scalar(value)),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A text, bare only where no reader could take it for anything else.
fn word(text: &str) -> String {
    const MEANING: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];
    let is_word = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && !MEANING.contains(&text.to_ascii_lowercase().as_str())
        && !text.eq_ignore_ascii_case("n")
        && !text.ends_with('.');
    if is_word {
        text.to_owned()
    } else {
        // Quotes and escapes of JSON are ones of YAML.
        super::session::json_line(&Value::String(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_blocks_with_words_and_quotes() {
        let value = json!([
            {"id": "0a1b", "name": "shop", "n": 2, "x": null, "on": true, "tags": [], "o": {},
             "list": [1, [2, 3], {"a": "no", "b": "12"}]},
            "a: b\n\u{9b}",
        ]);
        let expected = r#"- id: "0a1b"
  name: shop
  "n": 2
  x: null
  "on": true
  tags: []
  o: {}
  list:
    - 1
    - - 2
      - 3
    - a: "no"
      b: "12"
- "a: b\n\u009b"
"#;
        assert_eq!(yaml(&value), expected);
        assert_eq!(yaml(&json!([])), "[]\n");
        assert_eq!(yaml(&json!("x")), "x\n");
    }
}
