//! What holds for every text that is offered as a value of a descriptor.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use conduct_model::{
    Address, BundleName, Check, ComponentName, EndpointName, EnvName, Method, MountPoint, Part,
    PathRegex, Rewrite, RewritePart, Role, ServiceName, SystemName, Tag, UriPath, UriQuery, Word,
};
use proptest::prelude::*;

/// Texts out of the pieces that mean something somewhere, and some that mean nothing.
fn texts() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "$",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "/",
        "?",
        "&",
        "=",
        "\\",
        "%",
        ":",
        ".",
        "..",
        ",",
        "-",
        "--liveness",
        "--initial-delay",
        "#",
        "\"",
        "'",
        "`",
        "\n",
        "\0",
        " ",
        "ä",
        "日",
        "1",
        "20",
        "A",
        "web",
        "http://",
        "tcp://",
        "docker+",
        "retry-count",
        "^",
        "*",
        "+",
        "|",
        "a{2}",
    ];
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..10);
    prop_oneof![pieces.prop_map(|pieces| pieces.concat()), "\\PC{0,20}"]
}

/// Whatever is taken keeps its text and holds none of `never`.
fn taken<T: FromStr + Display + Debug>(text: &str, never: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    assert_eq!(value.to_string(), text);
    assert!(
        !text.chars().any(|c| c.is_control() || never.contains(c)),
        "{value:?}"
    );
    Some(value)
}

/// What is syntax in a shell, in HAProxy's configuration, or on the way to them.
const SYNTAX: &str = " \"'`\\#$;&|<>(){}[]*?!^";

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn names_hold_nothing_that_is_syntax(text in texts()) {
        taken::<BundleName>(&text, SYNTAX);
        taken::<ComponentName>(&text, SYNTAX);
        taken::<EndpointName>(&text, SYNTAX);
        taken::<EnvName>(&text, SYNTAX);
        taken::<MountPoint>(&text, SYNTAX);
        taken::<Role>(&text, SYNTAX);
        taken::<ServiceName>(&text, SYNTAX);
        taken::<SystemName>(&text, SYNTAX);
        taken::<Tag>(&text, SYNTAX);
        taken::<Method>(&text, SYNTAX);
    }

    #[test]
    fn paths_are_single_words_everywhere(text in texts()) {
        taken::<UriPath>(&text, " \"'`\\#$<>{}[]?^|");
        taken::<UriQuery>(&text, " \"'`\\#$<>{}[]^|");
        if let Some(regex) = taken::<PathRegex>(&text, " \"'`#") {
            prop_assert!(regex.groups() <= text.len());
            prop_assert!(text.find('{') != Some(0), "a brace that counts nothing");
        }
    }

    #[test]
    fn the_pieces_of_a_rewrite_are_all_of_it(text in texts()) {
        if let Some(rewrite) = taken::<Rewrite>(&text, " \"'`#$<>{}[]?^|") {
            let again: String = rewrite.parts().map(|part| match part {
                RewritePart::Text(text) => text.to_owned(),
                RewritePart::Group(group) => format!("\\{group}"),
            }).collect();
            prop_assert_eq!(again, text);
        }
    }

    #[test]
    fn the_pieces_of_a_word_are_all_of_it(text in texts()) {
        if let Some(word) = taken::<Word>(&text, "") {
            let again: String = word.parts().map(|part| match part {
                Part::Text(text) => text.to_owned(),
                Part::Variable(name) if text.contains(&format!("${{{name}}}")) => format!("${{{name}}}"),
                Part::Variable(name) => format!("${name}"),
                Part::Command(command) => format!("$({command})"),
            }).collect();
            // A word that has one variable both with and without braces is told alike.
            prop_assert_eq!(again.replace(['{', '}'], ""), text.replace(['{', '}'], ""));
        }
    }

    #[test]
    fn a_check_is_read_to_an_end(words in prop::collection::vec(texts(), 0..5)) {
        let _ = Check::parse(words.iter().map(String::as_str));
        for word in &words {
            let _ = word.parse::<Address>();
        }
    }
}
