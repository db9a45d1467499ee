//! Keys that are said more than once.

use super::check;

#[test]
fn later_values_replace_earlier_ones_and_objects_merge() {
    check(&[
        ("a = 1, a = 2", r#"{"a":2}"#),
        ("a = 1, b = 2, a = 3", r#"{"a":3,"b":2}"#),
        ("a { b = 1 }, a { c = 2 }", r#"{"a":{"b":1,"c":2}}"#),
        ("a { b = 1 }, a { b = 2 }", r#"{"a":{"b":2}}"#),
        (
            "a { b { c = 1 } }, a { b { d = 2 } }",
            r#"{"a":{"b":{"c":1,"d":2}}}"#,
        ),
        ("a { b = 1 }, a = null, a { c = 2 }", r#"{"a":{"c":2}}"#),
        ("a { b = 1 }, a = 5, a { c = 2 }", r#"{"a":{"c":2}}"#),
        ("a { b = 1 }, a = [1], a { c = 2 }", r#"{"a":{"c":2}}"#),
        ("a { b = 1 }, a = 5", r#"{"a":5}"#),
        ("a { b = 1 }, a = null", r#"{"a":null}"#),
        ("a = 5, a.b = 1", r#"{"a":{"b":1}}"#),
        ("a.b = 1, a = 5", r#"{"a":5}"#),
        ("a.b.c = 1, a.b = 2", r#"{"a":{"b":2}}"#),
        ("a = [1, 2], a = [3]", r#"{"a":[3]}"#),
        ("a { b = 1 }, a {}", r#"{"a":{"b":1}}"#),
        (
            r#"a.b = 1, "a" { "b" = 2, c = 3 }"#,
            r#"{"a":{"b":2,"c":3}}"#,
        ),
    ]);
}

#[test]
fn plus_equals_adds_an_item() {
    check(&[
        ("a += 1", r#"{"a":[1]}"#),
        ("a += 1, a += 2", r#"{"a":[1,2]}"#),
        ("a = [1], a += 2", r#"{"a":[1,2]}"#),
        ("a = [1], a += [2]", r#"{"a":[1,[2]]}"#),
        ("a += { b = 1 }", r#"{"a":[{"b":1}]}"#),
        ("a.b += 1, a.b += 2", r#"{"a":{"b":[1,2]}}"#),
        ("a { b += 1 }, a { b += 2 }", r#"{"a":{"b":[1,2]}}"#),
        ("a += x y", r#"{"a":["x y"]}"#),
        ("a += ${b}, b = 1", r#"{"a":[1],"b":1}"#),
        ("a = ${b}, a += 2, b = [1]", r#"{"a":[1,2],"b":[1]}"#),
        ("a = [{ b += 1, b += 2 }]", r#"{"a":[{"b":[1,2]}]}"#),
        ("a { 0 = x }, a += y", r#"{"a":["x","y"]}"#),
        (
            "x { b = [1] }, a = ${x}, a.b += 2",
            r#"{"x":{"b":[1]},"a":{"b":[1,2]}}"#,
        ),
        (
            "a = 1, a += 2",
            "error: expected a list to put together with a list, found the number 1",
        ),
        (
            "a { b = 1 }, a += 2",
            "error: to put together with a list, found an object",
        ),
        (
            "a = null, a += 2",
            "error: to put together with a list, found null",
        ),
        ("a + = 2", "error: after the key a, found '+'"),
    ]);
}
