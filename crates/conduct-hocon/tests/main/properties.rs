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
