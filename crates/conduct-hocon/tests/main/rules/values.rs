//! Strings, numbers, and what stands side by side.

use super::check;

#[test]
fn text_without_quotes_is_taken_as_it_is() {
    check(&[
        ("a = hello", r#"{"a":"hello"}"#),
        ("a = hello world", r#"{"a":"hello world"}"#),
        ("a =   two  spaces   ", r#"{"a":"two  spaces"}"#),
        (
            "a = it's-a.path/with~signs|(and;more)<%>",
            r#"{"a":"it's-a.path/with~signs|(and;more)<%>"}"#,
        ),
        ("a = footrue", r#"{"a":"footrue"}"#),
        ("a = truefoo", r#"{"a":"truefoo"}"#),
        ("a = nullable", r#"{"a":"nullable"}"#),
        ("a = true false", r#"{"a":"true false"}"#),
        ("a = bar10.0", r#"{"a":"bar10.0"}"#),
        ("a = 10.0bar", r#"{"a":"10.0bar"}"#),
        ("a = 10 s", r#"{"a":"10 s"}"#),
        ("a = 127.0.0.1", r#"{"a":"127.0.0.1"}"#),
        ("a = -", r#"{"a":"-"}"#),
        ("a = --flag", r#"{"a":"--flag"}"#),
        ("a = 1-2", r#"{"a":"1-2"}"#),
        ("a = größe", r#"{"a":"größe"}"#),
        ("a = include", r#"{"a":"include"}"#),
        ("a = [include]", r#"{"a":["include"]}"#),
        (
            "a = C:/x",
            "error: expected a comma or a new line after the value, found ':'",
        ),
        ("a = http://x", "error: found ':'"),
        ("a = $HOME", "error: expected a value or ${path}, found '$'"),
        ("a = x$y", "error: expected a value or ${path}, found '$'"),
        ("a = a+b", "error: found '+'"),
        ("a = x`y", "error: found '`'"),
        ("a = x^y", "error: found '^'"),
        ("a = x?", "error: found '?'"),
        ("a = x!", "error: found '!'"),
        ("a = x@y", "error: found '@'"),
        ("a = *", "error: expected a value, found '*'"),
        ("a = &x", "error: expected a value, found '&'"),
        ("a = x\\y", "error: found '\\'"),
    ]);
}

#[test]
fn numbers_keep_the_text_that_they_were_written_with() {
    check(&[
        ("a = 1", r#"{"a":1}"#),
        ("a = -1", r#"{"a":-1}"#),
        ("a = 1.10", r#"{"a":1.10}"#),
        ("a = 1e5", r#"{"a":1e5}"#),
        ("a = 1E+05", r#"{"a":1E+05}"#),
        ("a = 1.0.0", r#"{"a":"1.0.0"}"#),
        ("a = 0080", r#"{"a":"0080"}"#),
        ("a = .5", r#"{"a":".5"}"#),
        ("a = 1.", r#"{"a":"1."}"#),
        ("a = 1e", r#"{"a":"1e"}"#),
        (
            "a = 123456789012345678901234567890",
            r#"{"a":123456789012345678901234567890}"#,
        ),
        ("a = 1e5 x", r#"{"a":"1e5 x"}"#),
        ("a = 1 2 3", r#"{"a":"1 2 3"}"#),
        ("a = [1 2 3]", r#"{"a":["1 2 3"]}"#),
    ]);
}

#[test]
fn quoted_strings_are_those_of_json() {
    check(&[
        (r#"a = "x""#, r#"{"a":"x"}"#),
        (r#"a = """#, r#"{"a":""}"#),
        (r#"a = "1""#, r#"{"a":"1"}"#),
        (r#"a = "true""#, r#"{"a":"true"}"#),
        (r#"a = "$HOME/${x}""#, r#"{"a":"$HOME/${x}"}"#),
        (r#"a = "A\u00e9""#, r#"{"a":"Aé"}"#),
        (r#"a = "\ud83d\ude00""#, r#"{"a":"😀"}"#),
        (r#"a = "\uD83D\uDE00!""#, r#"{"a":"😀!"}"#),
        (
            r#"a = "\ud83d""#,
            "error: expected both halves of a surrogate pair",
        ),
        (
            r#"a = "\ude00""#,
            "error: expected both halves of a surrogate pair",
        ),
        (
            r#"a = "\ud83dA""#,
            "error: expected both halves of a surrogate pair",
        ),
        (
            r#"a = "\u12""#,
            "error: expected four hexadecimal digits after \\u",
        ),
        (
            r#"a = "\u12g4""#,
            "error: expected four hexadecimal digits after \\u",
        ),
        (r#"a = "\x""#, "error: after a backslash, found \"x\""),
        (
            "a = \"x\ny\"",
            "error: expected a closing quote on the same line, found the end of the line",
        ),
        (
            "a = \"x",
            "error: expected a closing quote on the same line, found the end of the text",
        ),
        (
            "a = \"x\\",
            "error: after a backslash, found the end of the text",
        ),
        (
            "a = \"x\ty\"",
            "error: expected the escape \\u0009, found the control character U+0009",
        ),
    ]);
}

#[test]
fn three_quotes_hold_anything() {
    check(&[
        (r#"a = """x""""#, r#"{"a":"x"}"#),
        ("a = \"\"\"x\ny\"\"\"", r#"{"a":"x\ny"}"#),
        ("a = \"\"\"\n  x\n\"\"\"", r#"{"a":"\n  x\n"}"#),
        (
            r#"a = """a "b" c \u0041""""#,
            r#"{"a":"a \"b\" c \\u0041"}"#,
        ),
        (r#"a = """""""#, r#"{"a":""}"#),
        (r#"a = """x"""""#, r#"{"a":"x\""}"#),
        (r#"a = """x""""""#, r#"{"a":"x\"\""}"#),
        (r#"a = """${b}""""#, r#"{"a":"${b}"}"#),
        (r#"a = """x""" y"#, r#"{"a":"x y"}"#),
        (
            r#"a = """x"#,
            r#"error: expected a closing """, found the end of the text"#,
        ),
        (r#"a = """x"""#, r#"error: expected a closing """"#),
        (r#""""a b""" = 1"#, r#"{"a b":1}"#),
    ]);
}

#[test]
fn values_side_by_side_become_one_text() {
    check(&[
        (r#"a = "x" "y""#, r#"{"a":"x y"}"#),
        (r#"a = "x""y""#, r#"{"a":"xy"}"#),
        (r#"a = x"y"z"#, r#"{"a":"xyz"}"#),
        (r#"a = " x " y"#, r#"{"a":" x  y"}"#),
        (r#"a = true"""#, r#"{"a":"true"}"#),
        (r#"a = """ 5"#, "error: expected a closing \"\"\""),
        (r#"a = "" 5"#, r#"{"a":" 5"}"#),
        ("a = 1 true null x", r#"{"a":"1 true null x"}"#),
        ("a = foo\nbar = 1", r#"{"a":"foo","bar":1}"#),
    ]);
}

#[test]
fn lists_join_lists_and_objects_join_objects_on_a_line() {
    check(&[
        ("a = [1, 2] [3, 4]", r#"{"a":[1,2,3,4]}"#),
        ("a = [1][2] [3]", r#"{"a":[1,2,3]}"#),
        ("a = [[1, 2] [3, 4]]", r#"{"a":[[1,2,3,4]]}"#),
        ("a = [[1, 2]\n[3, 4]]", r#"{"a":[[1,2],[3,4]]}"#),
        ("a = [\n1\n] [2\n]", r#"{"a":[1,2]}"#),
        ("a = { b = 1 } { c = 2 }", r#"{"a":{"b":1,"c":2}}"#),
        ("a = { b = 1 } { b = 2 }", r#"{"a":{"b":2}}"#),
        ("a { b = 1 } { c = 2 }", r#"{"a":{"b":1,"c":2}}"#),
        ("a = [{ b = 1 } { c = 2 }]", r#"{"a":[{"b":1,"c":2}]}"#),
        ("a = [{ b = 1 }\n{ c = 2 }]", r#"{"a":[{"b":1},{"c":2}]}"#),
        (
            "a = [1] { b = 1 }",
            "error: expected a comma or a new line after a list, found an object",
        ),
        (
            "a = { b = 1 } [1]",
            "error: expected a comma or a new line after an object, found a list",
        ),
        (
            "a = [1] x",
            "error: expected a comma or a new line after a list, found \"x\"",
        ),
        (
            "a = x [1]",
            "error: expected a comma or a new line after text, found a list",
        ),
        (
            "a = x { b = 1 }",
            "error: expected a comma or a new line after text, found an object",
        ),
        (
            "a = \"\" [1]",
            "error: expected a comma or a new line after text, found a list",
        ),
    ]);
}
