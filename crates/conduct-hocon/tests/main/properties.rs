//! What holds for any text and any value.

use conduct_hocon::fuzz::{check_print, fuzz_parse};
use conduct_hocon::{Object, Value};
use proptest::collection::vec;
use proptest::prelude::*;

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}",
        Just("include".to_owned()),
        Just(String::new()),
        "[ a-z.0-9\"\\\\$+/#-]{0,6}",
        any::<String>(),
    ]
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::null()),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?"
            .prop_map(|text| Value::number(&text).expect("the pattern is that of numbers")),
        any::<String>().prop_map(Value::from),
        "[ -~\n\t\r]{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("true"),
            Just("null"),
            Just("1.0"),
            Just("${a}"),
            Just("\"\"\"")
        ]
        .prop_map(Value::from),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((any_key(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().collect::<Object>().into()),
        ]
    })
}

fn any_document() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => vec((any_key(), any_value()), 0..8)
            .prop_map(|fields| Value::from(fields.into_iter().collect::<Object>())),
        1 => vec(any_value(), 0..8).prop_map(Value::from),
    ]
}

/// Text that is nearly HOCON: its words in any order.
fn any_words() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "a",
        "b",
        "a.b",
        "c",
        "=",
        ":",
        "+=",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\n",
        " ",
        "${a}",
        "${?b}",
        "${a.b}",
        "${?c}",
        "${",
        "}",
        "\"",
        "\"x\"",
        "\"\"\"",
        "1",
        "-2.5",
        "1e5",
        "true",
        "null",
        "#",
        "//",
        "include",
        "\\",
        "\\u00e9",
        ".",
        "$",
        "é",
        "\u{2028}",
        "a = ",
        "b = ${a}\n",
        "a += 1\n",
        "c { a = ${?a.b} }\n",
        "a = ${?a} [1]\n",
        "a = ${?a} {c = 1}\n",
    ]);
    vec(words, 0..40).prop_map(|words| words.concat())
}

/// Documents that refer to themselves a lot, line by line.
fn any_lines() -> impl Strategy<Value = Vec<String>> {
    let path = prop::sample::select(vec!["a", "b", "c", "a.x", "a.y", "b.x", "b.x.y", "c.z"]);
    let reference = (path.clone(), prop::bool::weighted(0.8))
        .prop_map(|(path, optional)| format!("${{{}{path}}}", if optional { "?" } else { "" }));
    let value = prop_oneof![
        3 => reference.clone(),
        2 => Just("1".to_owned()),
        1 => Just("[1]".to_owned()),
        1 => Just("{}".to_owned()),
        2 => reference.clone().prop_map(|it| format!("{{ x = 1, y = {it} }}")),
        2 => (path.clone(), reference.clone()).prop_map(|(path, it)| format!("{{ {path} = {it} }}")),
        2 => reference.clone().prop_map(|it| format!("{it} {{ x = 2 }}")),
        1 => reference.clone().prop_map(|it| format!("{it} [2]")),
        1 => (reference.clone(), reference.clone()).prop_map(|(one, two)| format!("{one} {two}")),
        1 => reference.prop_map(|it| format!("[{it}]")),
    ];
    vec(
        (path, value).prop_map(|(path, value)| format!("{path} = {value}")),
        0..9,
    )
}

fn paths(value: &Value, prefix: &str, found: &mut Vec<String>) {
    if let Ok(object) = value.as_object() {
        for entry in object.entries() {
            let path = format!("{prefix}{}", entry.key);
            paths(entry.value, &format!("{path}."), found);
            found.push(path);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back_as_the_same(value in any_document()) {
        check_print(&value);
    }

    #[test]
    fn any_bytes_are_read_or_refused_with_a_place(bytes in vec(any::<u8>(), 0..200)) {
        fuzz_parse(&bytes);
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_place(text in any::<String>()) {
        fuzz_parse(text.as_bytes());
    }

    #[test]
    fn words_of_the_language_in_any_order_are_read_or_refused(text in any_words()) {
        fuzz_parse(text.as_bytes());
    }

    #[test]
    fn real_descriptors_with_something_cut_out_are_read_or_refused(
        which in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..40,
    ) {
        let corpus = super::comparison::corpus();
        let (_, text) = &corpus[which.index(corpus.len())];
        let mut bytes = text.clone().into_bytes();
        let from = from.index(bytes.len());
        let to = (from + length).min(bytes.len());
        bytes.drain(from..to);
        fuzz_parse(&bytes);
    }

    #[test]
    fn a_substitution_finds_what_a_reader_finds_at_its_path(lines in any_lines()) {
        let text = lines.join("\n");
        if let Ok(value) = conduct_hocon::parse(&text) {
            let mut all = Vec::new();
            paths(&value, "", &mut all);
            for path in all {
                let asking = conduct_hocon::parse(&format!("{text}\nfound = ${{{path}}}")).unwrap();
                prop_assert_eq!(asking.get("found"), value.at(&path), "{}", path);
            }
        }
    }

    #[test]
    fn one_document_over_another_is_one_text_after_the_other(lines in any_lines(), cut in 0_usize..9) {
        let limits = conduct_hocon::Limits::default();
        let (first, second) = lines.split_at(cut.min(lines.len()));
        let read = |lines: &[String]| {
            let source = conduct_hocon::Source::new("lines", lines.join("\n"));
            conduct_hocon::Document::parse(&source, &limits).unwrap()
        };
        let laid = read(first).overlay(read(second)).resolve(&limits);
        let written = read(&lines).resolve(&limits);
        prop_assert_eq!(laid.is_ok(), written.is_ok());
        if let (Ok(laid), Ok(written)) = (laid, written) {
            prop_assert_eq!(laid, written);
        }
    }

    #[test]
    fn laying_over_is_the_same_before_and_after_printing(below in any_document(), over in any_document()) {
        let mut direct = below.clone();
        direct.overlay(over.clone());
        let as_text = format!("a {}\na {}", wrapped(&below), wrapped(&over));
        let read = conduct_hocon::parse(&as_text).unwrap();
        prop_assert_eq!(read.at("a.v").unwrap(), &direct);
    }
}

fn wrapped(value: &Value) -> String {
    let mut holder = Value::object();
    holder.set(&["v"], value.clone());
    holder.to_line()
}
