//! Real descriptors and settings, read by this crate and by two others. Where the others say something
//! else, the table below says why we differ; a difference that is not in it fails, and so does an
//! entry that no longer is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Map, Value as Json};

/// File, other parser, path, and why it is right that the values differ there.
const KNOWN_DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    (
        "inheritance.conf",
        "hocon",
        "/components",
        "it drops all that follows a list joined with a substitution, without a word",
    ),
    (
        "multiline.conf",
        "hocon-rs",
        "/components",
        "it drops the object in which a text in three quotes ends with a fourth",
    ),
    (
        "play-unquoted.conf",
        "hocon",
        "/version",
        "it reads 1.0.0 as a number followed by text, and writes the number its own way",
    ),
    (
        "play-unquoted.conf",
        "hocon",
        "/tags/0",
        "it reads 1.0.0 as a number followed by text, and writes the number its own way",
    ),
];

#[test]
fn real_descriptors_mean_the_same_to_other_parsers() {
    let known: BTreeSet<(String, String, String)> = KNOWN_DIFFERENCES
        .iter()
        .map(|(file, parser, path, _)| (file.to_string(), parser.to_string(), path.to_string()))
        .collect();
    let mut seen = BTreeSet::new();
    let mut details = BTreeMap::new();
    for (file, text) in corpus() {
        let ours = match conduct_hocon::parse_named(&file, &text) {
            Ok(value) => value.to_json(),
            Err(error) => panic!("{}", error.render()),
        };
        for (parser, theirs) in [("hocon", by_hocon(&text)), ("hocon-rs", by_hocon_rs(&text))] {
            for (path, detail) in differences(&ours, &theirs) {
                let difference = (file.clone(), parser.to_owned(), path);
                details.insert(difference.clone(), detail);
                seen.insert(difference);
            }
        }
    }
    let unknown: Vec<String> = seen
        .difference(&known)
        .map(|it| format!("new: {it:?}: {}", details[it]))
        .collect();
    let gone: Vec<String> = known
        .difference(&seen)
        .map(|it| format!("gone: {it:?}"))
        .collect();
    assert!(
        unknown.is_empty() && gone.is_empty(),
        "{}\n{}",
        unknown.join("\n"),
        gone.join("\n")
    );
}

#[test]
fn printed_descriptors_mean_the_same_to_other_parsers() {
    for (file, text) in corpus() {
        let value = conduct_hocon::parse_named(&file, &text).unwrap();
        let printed = value.to_hocon();
        assert_eq!(
            normal(by_hocon_rs(&printed)),
            normal(value.to_json()),
            "{file}:\n{printed}"
        );
    }
}

pub(crate) fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .expect("the corpus lies beside this file")
        .map(|entry| entry.expect("the folder can be read").path())
        .map(|path| {
            let name = path
                .file_name()
                .expect("a file has a name")
                .to_string_lossy()
                .into_owned();
            (
                name,
                fs::read_to_string(path).expect("a descriptor is text"),
            )
        })
        .collect();
    files.sort();
    assert!(files.len() >= 12, "the corpus is not complete");
    files
}

fn by_hocon(text: &str) -> Json {
    let document = hocon::HoconLoader::new()
        .no_system()
        .load_str(text)
        .and_then(hocon::HoconLoader::hocon)
        .expect("this parser refuses nothing");
    from_hocon(document)
}

fn from_hocon(value: hocon::Hocon) -> Json {
    match value {
        hocon::Hocon::Real(number) => serde_json::json!(number),
        hocon::Hocon::Integer(number) => Json::from(number),
        hocon::Hocon::String(text) => Json::String(text),
        hocon::Hocon::Boolean(value) => Json::Bool(value),
        hocon::Hocon::Array(items) => items.into_iter().map(from_hocon).collect(),
        hocon::Hocon::Hash(fields) => Json::Object(
            fields
                .into_iter()
                .map(|(key, value)| (key, from_hocon(value)))
                .collect(),
        ),
        hocon::Hocon::Null => Json::Null,
        hocon::Hocon::BadValue(error) => Json::String(format!("(bad value: {error})")),
    }
}

/// It looks substitutions up in the environment whatever its options say, and follows includes. The
/// corpus has no include and names no variable, so neither comes into play.
fn by_hocon_rs(text: &str) -> Json {
    let options = hocon_rs::ConfigOptions::new(false, Vec::new());
    hocon_rs::Config::parse_str(text, Some(options))
        .unwrap_or_else(|error| Json::String(format!("(refused: {error})")))
}

/// The same with all numbers as floating point, which is all that the others keep of some.
fn normal(json: Json) -> Json {
    match json {
        Json::Number(number) => serde_json::json!(number.as_f64()),
        Json::Array(items) => items.into_iter().map(normal).collect(),
        Json::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, normal(value)))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

fn differences(ours: &Json, theirs: &Json) -> Vec<(String, String)> {
    let mut found = Vec::new();
    compare(
        "",
        Some(&normal(ours.clone())),
        Some(&normal(theirs.clone())),
        &mut found,
    );
    found
}

fn compare(
    path: &str,
    ours: Option<&Json>,
    theirs: Option<&Json>,
    found: &mut Vec<(String, String)>,
) {
    match (ours, theirs) {
        (Some(Json::Object(ours)), Some(Json::Object(theirs))) => {
            let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for key in keys {
                compare(
                    &format!("{path}/{key}"),
                    ours.get(key),
                    theirs.get(key),
                    found,
                );
            }
        }
        (Some(Json::Array(ours)), Some(Json::Array(theirs))) => {
            for index in 0..ours.len().max(theirs.len()) {
                compare(
                    &format!("{path}/{index}"),
                    ours.get(index),
                    theirs.get(index),
                    found,
                );
            }
        }
        (ours, theirs) if ours == theirs => {}
        (ours, theirs) => found.push((path.to_owned(), format!("{ours:?} / {theirs:?}"))),
    }
}
