//! `docs/reference/api.md` and `openapi.json` beside it, made of the description that nodes serve.

use serde_json::{Map, Value};

use crate::server::document;

/// Set to `write` to have the pages made anew.
const VARIABLE: &str = "CONDUCT_REFERENCE";

const INTRODUCTION: &str = "# The interfaces of a node

Made of the description that every node serves at `/v2/openapi.json` (a copy stands beside this page).

The control API listens on port 9005, the status service on 9007, the service locator on 9008. Every path \
below `/v2` also answers without that prefix. Errors are `text/plain` sentences for people; the header \
`conduct-error` holds a word for programs.

";

/// Headings and the tags whose operations stand below them.
const SECTIONS: [(&str, &str); 7] = [
    ("Bundles", "bundles"),
    ("Members and agents", "members"),
    ("Events", "events"),
    ("Status service", "status"),
    ("Service locator", "locator"),
    ("Health", "health"),
    ("Other", "other"),
];

fn page(document: &Value) -> String {
    let mut page = INTRODUCTION.to_owned();
    for (heading, tag) in SECTIONS {
        let section: String = operations(document)
            .filter(|(_, _, operation)| operation["tags"][0] == tag)
            .map(|(method, path, operation)| entry(method, path, operation))
            .collect();
        if !section.is_empty() {
            page += &format!("## {heading}\n\n{section}");
        }
    }
    format!("{}\n", page.trim_end())
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = object(&document["paths"]);
    paths.into_iter().flatten().flat_map(|(path, item)| {
        let methods = object(item).into_iter().flatten();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn object(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object()
}

fn entry(method: &str, path: &str, operation: &Value) -> String {
    let mut entry = format!("### `{} {path}`\n\n", method.to_uppercase());
    for part in ["summary", "description"] {
        if let Some(text) = operation[part].as_str() {
            entry += &format!("{}\n\n", one_line(text));
        }
    }
    let parameters = operation["parameters"].as_array();
    if let Some(parameters) = parameters.filter(|all| !all.is_empty()) {
        entry += "| parameter | in | what it is |\n|---|---|---|\n";
        for parameter in parameters {
            let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
            let what = one_line(text(&parameter["description"]));
            entry += &format!("| `{name}` | {place} | {what} |\n");
        }
        entry.push('\n');
    }
    entry += "| status | answer |\n|---|---|\n";
    for (status, response) in object(&operation["responses"]).into_iter().flatten() {
        let what = one_line(text(&response["description"]));
        let kinds = object(&response["content"]).into_iter().flatten();
        let kinds: Vec<String> = kinds.map(|(kind, body)| shape(kind, body)).collect();
        let answer: Vec<String> = [what, kinds.join(" or ")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        entry += &format!("| {status} | {} |\n", answer.join(": "));
    }
    entry.push('\n');
    entry
}

/// What a body is: its type, and the name of its shape in the description.
fn shape(kind: &str, body: &Value) -> String {
    let schema = &body["schema"];
    let name = |schema: &Value| {
        let name = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
        name.map(str::to_owned)
    };
    let shape = match name(schema) {
        Some(name) => Some(name),
        None => name(&schema["items"]).map(|name| format!("list of {name}")),
    };
    shape.map_or_else(|| format!("`{kind}`"), |shape| format!("{shape}, `{kind}`"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

#[test]
fn the_reference_of_the_interfaces_is_current() {
    let document = document();
    let json = format!("{}\n", document.to_pretty_json().expect("texts"));
    let value = serde_json::from_str(&json).expect("JSON");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");
    for (name, expected) in [("api.md", page(&value)), ("openapi.json", json)] {
        let path = format!("{folder}/{name}");
        if std::env::var(VARIABLE).is_ok_and(|mode| mode == "write") {
            std::fs::write(&path, &expected).expect("the folder is there");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == expected,
            "docs/reference/{name} is not what nodes serve; if the change is meant, make it anew with: \
             {VARIABLE}=write cargo test -p conduct-http reference"
        );
    }
}

#[test]
fn every_operation_is_on_the_page_and_says_what_it_does() {
    let value = serde_json::to_value(document()).expect("texts");
    let page = page(&value);
    for (method, path, operation) in operations(&value) {
        let heading = format!("### `{} {path}`", method.to_uppercase());
        assert!(page.contains(&heading), "{heading} is not on the page");
        assert!(
            !text(&operation["summary"]).is_empty() || !text(&operation["description"]).is_empty(),
            "{heading} says nothing"
        );
    }
}
