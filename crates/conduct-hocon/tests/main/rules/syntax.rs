//! Braces, commas, comments, white space, separators.

use super::check;

#[test]
fn the_outermost_braces_may_be_left_out() {
    check(&[
        ("", "{}"),
        (" \n\t ", "{}"),
        ("# only a comment", "{}"),
        ("{}", "{}"),
        ("{ a : 1 }", r#"{"a":1}"#),
        ("a : 1", r#"{"a":1}"#),
        ("\n\n a : 1 \n\n", r#"{"a":1}"#),
        ("[1, 2]", "[1,2]"),
        ("[]", "[]"),
        ("\u{feff}a = 1", r#"{"a":1}"#),
        ("{ a : 1 } # done", r#"{"a":1}"#),
        (
            "a : 1 }",
            r#"error: expected a key or the end of the text, found '}'"#,
        ),
        (
            "{ a : 1",
            r#"error: expected "}" to close what was opened in line 1"#,
        ),
        (
            "[1, 2",
            r#"error: expected "]" to close what was opened in line 1"#,
        ),
        ("{ a : 1 } }", "error: expected the end of the text"),
        ("{ a : 1 } b : 2", "error: expected the end of the text"),
        ("{ a : 1 } { b : 2 }", "error: expected the end of the text"),
        ("[1] [2]", "error: expected the end of the text"),
        (
            "just text",
            r#"error: expected "=", ":", "+=" or "{" after the key"#,
        ),
        (
            "{ a : [1 }",
            "error: expected a comma, a new line or \"]\" after an item, found '}'",
        ),
        ("{ a : { b : 1 ] }", "error: found ']'"),
    ]);
}

#[test]
fn json_is_hocon() {
    check(&[
        (
            r#"{ "a" : [ 1, -2.5, 1e3, true, false, null, "x" ], "b" : { "c" : {} } }"#,
            r#"{"a":[1,-2.5,1e3,true,false,null,"x"],"b":{"c":{}}}"#,
        ),
        ("{\"a\"\n:\n1\n,\n\"b\"\n:\n[\n]\n}", r#"{"a":1,"b":[]}"#),
        (r#"{"":1}"#, r#"{"":1}"#),
        (r#"{"a.b":1}"#, r#"{"a.b":1}"#),
        (
            r#"["\"\\\/\b\f\n\r\t"]"#,
            "[\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"]",
        ),
    ]);
}

#[test]
fn keys_are_followed_by_equals_colon_or_a_brace() {
    check(&[
        ("a = 1", r#"{"a":1}"#),
        ("a=1", r#"{"a":1}"#),
        ("a : 1", r#"{"a":1}"#),
        ("a:1", r#"{"a":1}"#),
        ("a { b = 1 }", r#"{"a":{"b":1}}"#),
        ("a{b=1}", r#"{"a":{"b":1}}"#),
        ("a = { b = 1 }", r#"{"a":{"b":1}}"#),
        ("\"a\" {}", r#"{"a":{}}"#),
        ("a\n{ b = 1 }", r#"{"a":{"b":1}}"#),
        ("a =\n  1", r#"{"a":1}"#),
        ("a = # why\n  // because\n  1", r#"{"a":1}"#),
        ("a =\n{}", r#"{"a":{}}"#),
        (
            "a [1]",
            r#"error: expected "=", ":", "+=" or "{" after the key a, found '['"#,
        ),
        (
            "a",
            r#"error: expected "=", ":", "+=" or "{" after the key a, found the end of the text"#,
        ),
        (
            "a\nb = 1",
            r#"error: after the key a, found the end of the line"#,
        ),
        ("a = ", "error: expected a value, found the end of the text"),
        ("{ a = }", "error: expected a value, found '}'"),
        ("a = , b = 1", "error: expected a value, found ','"),
        ("a == 1", "error: expected a value, found '='"),
        ("= 1", "error: expected a key, found '='"),
        ("[1] = 2", "error: expected the end of the text"),
        ("a = 1, [b] = 2", "error: expected a key, found '['"),
    ]);
}

#[test]
fn a_comma_or_a_new_line_stands_between_values() {
    check(&[
        ("a = [1,2,3,]", r#"{"a":[1,2,3]}"#),
        ("a = [1\n2\n3]", r#"{"a":[1,2,3]}"#),
        ("a = [\n1,\n2\n,3\n]", r#"{"a":[1,2,3]}"#),
        ("a = [1\n\n\n2]", r#"{"a":[1,2]}"#),
        ("a = [1 # one\n2 // two\n]", r#"{"a":[1,2]}"#),
        (
            "a = [1,2,3,,]",
            "error: expected an item or \"]\", found ','",
        ),
        (
            "a = [,1,2,3]",
            "error: expected an item or \"]\", found ','",
        ),
        ("a = [1,,2]", "error: expected an item or \"]\", found ','"),
        ("a = [,]", "error: expected an item or \"]\", found ','"),
        ("a = 1, b = 2,", r#"{"a":1,"b":2}"#),
        ("{ a = 1, b = 2, }", r#"{"a":1,"b":2}"#),
        ("a = 1\nb = 2", r#"{"a":1,"b":2}"#),
        ("a = 1\n, b = 2", r#"{"a":1,"b":2}"#),
        ("a = 1,\n\nb = 2", r#"{"a":1,"b":2}"#),
        ("a = 1,, b = 2", "error: expected a key, found ','"),
        (", a = 1", "error: expected a key, found ','"),
        ("a {}, b {}", r#"{"a":{},"b":{}}"#),
        (
            "a {} b {}",
            "error: expected a comma or a new line after an object, found \"b\"",
        ),
        (
            "a = 1 b = 2",
            "error: expected a comma or a new line after the value, found '='",
        ),
        (
            "a = \"x\" : 2",
            "error: expected a comma or a new line after the value, found ':'",
        ),
    ]);
}

#[test]
fn comments_run_to_the_end_of_the_line() {
    check(&[
        ("a = 1 # x", r#"{"a":1}"#),
        ("a = 1 // x", r#"{"a":1}"#),
        ("a = foo#bar", r#"{"a":"foo"}"#),
        ("a = foo//bar", r#"{"a":"foo"}"#),
        ("a = foo/bar", r#"{"a":"foo/bar"}"#),
        ("a = /", r#"{"a":"/"}"#),
        (r#"a = "x # y // z""#, r#"{"a":"x # y // z"}"#),
        ("# a = 1\nb = 2", r#"{"b":2}"#),
        ("a { # x } \n b = 1 // } \n }", r#"{"a":{"b":1}}"#),
        ("a = [ # x ]\n 1\n ]", r#"{"a":[1]}"#),
        ("a //\n = 1", r#"{"a":1}"#),
        ("## //\n//#\na = 1#", r#"{"a":1}"#),
    ]);
}

#[test]
fn white_space_is_that_of_unicode_and_a_new_line_is_only_a_line_feed() {
    check(&[
        ("\u{a0}a\u{2003}=\u{3000}1\u{2028}", r#"{"a":1}"#),
        ("\u{c}a\u{b}=\t1\u{1c}", r#"{"a":1}"#),
        ("a = 1\r\nb = 2\r\n", r#"{"a":1,"b":2}"#),
        ("a = [\r\n  x\r\n  y\r\n]\r\n", r#"{"a":["x","y"]}"#),
        ("a = 1\u{2029}b", "{\"a\":\"1\u{2029}b\"}"),
        ("a = 1\r2", r#"{"a":"1\r2"}"#),
    ]);
}
