//! Keys, simple and dotted, and the word `include`.

use super::check;

#[test]
fn a_dotted_key_makes_objects() {
    check(&[
        ("a.b = 1", r#"{"a":{"b":1}}"#),
        ("a.b.c = 1", r#"{"a":{"b":{"c":1}}}"#),
        ("a.x = 1, a.y = 2", r#"{"a":{"x":1,"y":2}}"#),
        ("a.b { c = 1 }, a.b.d = 2", r#"{"a":{"b":{"c":1,"d":2}}}"#),
        (r#"a."b.c".d = 1"#, r#"{"a":{"b.c":{"d":1}}}"#),
        (r#""a.b" = 1"#, r#"{"a.b":1}"#),
        (r#"a."".b = 1"#, r#"{"a":{"":{"b":1}}}"#),
        ("3.14 = 1", r#"{"3":{"14":1}}"#),
        ("1.2.3 = x", r#"{"1":{"2":{"3":"x"}}}"#),
        ("10.0foo = 1", r#"{"10":{"0foo":1}}"#),
        ("foo10.0 = 1", r#"{"foo10":{"0":1}}"#),
        (r#"foo"10.0" = 1"#, r#"{"foo10.0":1}"#),
        (r#"a"b"c = 1"#, r#"{"abc":1}"#),
        (r#""a" "b" = 1"#, r#"{"a b":1}"#),
        ("true = 1", r#"{"true":1}"#),
        ("null.x = 1", r#"{"null":{"x":1}}"#),
        ("3 = 1", r#"{"3":1}"#),
        ("a b c = 1", r#"{"a b c":1}"#),
        ("a b.c d = 1", r#"{"a b":{"c d":1}}"#),
        ("  a . b  = 1", r#"{"a ":{" b":1}}"#),
        ("a-b_c.d/e = 1", r#"{"a-b_c":{"d/e":1}}"#),
        ("1e5 = x", r#"{"1e5":"x"}"#),
        (
            "a..b = 1",
            "error: expected a name between the dots of a path, found two dots in a row",
        ),
        (".a = 1", "error: found a dot at the beginning"),
        ("a. = 1", "error: found the end of the path"),
        ("a. .b = 1", "error: found two dots in a row"),
        (". = 1", "error: found a dot at the beginning"),
        ("${a} = 1", "error: expected a key, found '$'"),
        ("a${b} = 1", "error: after the key a, found '$'"),
    ]);
}

#[test]
fn include_is_refused_where_it_is_special_and_a_word_elsewhere() {
    check(&[
        (
            r#"include "x.conf""#,
            "error: found an include, which is not supported",
        ),
        (
            r#"include file("/etc/passwd")"#,
            "error: found an include, which is not supported",
        ),
        (
            r#"include url("http://x")"#,
            "error: found an include, which is not supported",
        ),
        (
            r#"include classpath("x")"#,
            "error: found an include, which is not supported",
        ),
        (
            r#"include required("x")"#,
            "error: found an include, which is not supported",
        ),
        (
            "a { include \"x\" }",
            "error: found an include, which is not supported",
        ),
        (
            "include = 1",
            "error: found an include, which is not supported",
        ),
        (r#""include" = 1"#, r#"{"include":1}"#),
        ("includes = 1", r#"{"includes":1}"#),
        ("foo include = 1", r#"{"foo include":1}"#),
        ("a.include = 1", r#"{"a":{"include":1}}"#),
        ("include.a = 1", r#"{"include":{"a":1}}"#),
    ]);
}
