//! `${path}` and `${?path}`.

use super::check;

#[test]
fn a_substitution_takes_the_final_value_of_a_path() {
    check(&[
        ("a = 1, b = ${a}", r#"{"a":1,"b":1}"#),
        ("b = ${a}, a = 1", r#"{"b":1,"a":1}"#),
        ("b = ${a}, a = 1, a = 2", r#"{"b":2,"a":2}"#),
        ("a.b.c = 1, x = ${a.b.c}", r#"{"a":{"b":{"c":1}},"x":1}"#),
        (
            "a.b.c = 1, x = ${a.b}",
            r#"{"a":{"b":{"c":1}},"x":{"c":1}}"#,
        ),
        (r#""a.b" = 1, x = ${"a.b"}"#, r#"{"a.b":1,"x":1}"#),
        ("a = 1, x = ${ a }", r#"{"a":1,"x":1}"#),
        (
            "a = true, x = [${a}, ${a}]",
            r#"{"a":true,"x":[true,true]}"#,
        ),
        ("a = null, x = ${a}", r#"{"a":null,"x":null}"#),
        ("a = [1, 2], x = ${a}", r#"{"a":[1,2],"x":[1,2]}"#),
        (
            "a = 1, b { c = ${a}, a = 2 }",
            r#"{"a":1,"b":{"c":1,"a":2}}"#,
        ),
        ("a = ${b}, b = ${c}, c = 1", r#"{"a":1,"b":1,"c":1}"#),
        ("a = 1.10, b = v${a}", r#"{"a":1.10,"b":"v1.10"}"#),
        ("a = ${b}", "error: nothing is defined at b"),
        (
            "a { x = 1 }, b = ${a.y}",
            "error: nothing is defined at a.y",
        ),
        ("a = 5, b = ${a.x}", "error: nothing is defined at a.x"),
        ("a = [1], b = ${a.0}", "error: nothing is defined at a.0"),
        (
            "a { b = 1 }, a = 5, c = ${a.b}",
            "error: nothing is defined at a.b",
        ),
        (
            "f = 5, a { b = 1 }, a = ${f}, c = ${a.b}",
            "error: nothing is defined at a.b",
        ),
        ("a = ${PATH}", "error: nothing is defined at PATH"),
        ("a = ${}", "error: expected the path of a value, found '}'"),
        (
            "a = ${b",
            "error: expected \"}\" at the end of the substitution, found the end of the text",
        ),
        (
            "a = ${b c=}",
            "error: expected \"}\" at the end of the substitution, found '='",
        ),
        ("a = $ {b}", "error: expected a value or ${path}, found '$'"),
        (
            "a = ${ ?b}",
            "error: expected the path of a value, found '?'",
        ),
        (
            "a = ${${b}}",
            "error: expected the path of a value, found '$'",
        ),
    ]);
}

#[test]
fn a_path_leads_through_all_objects_that_are_merged_there() {
    check(&[
        (
            "b { z = 1 }, a { p = 1 }, a = ${b}, c = ${a.p}",
            r#"{"b":{"z":1},"a":{"p":1,"z":1},"c":1}"#,
        ),
        (
            "b = 5, b { z = 1 }, a { p = 1 }, a = ${b}, c = ${a.p}",
            r#"{"b":{"z":1},"a":{"p":1,"z":1},"c":1}"#,
        ),
        (
            "b { p = 5 }, a { p { q = 1 } }, a = ${b}, c = ${?a.p.q}",
            r#"{"b":{"p":5},"a":{"p":5}}"#,
        ),
        (
            "f = 5, a { p = 1 }, a = ${?f.x}, c = ${a.p}",
            r#"{"f":5,"a":{"p":1},"c":1}"#,
        ),
        (
            "x { p = 1 }, y {}, a { q = 2 }, a = ${x} ${y}, c = ${a.p} ${a.q}",
            r#"{"x":{"p":1},"y":{},"a":{"q":2,"p":1},"c":"1 2"}"#,
        ),
        (
            "x { p = 1 }, a { p { q = 2 } }, a = ${x}${x}, c = ${?a.p.q}",
            r#"{"x":{"p":1},"a":{"p":1}}"#,
        ),
    ]);
}

#[test]
fn an_undefined_optional_substitution_is_as_if_it_were_not_there() {
    check(&[
        ("a = ${?b}", "{}"),
        ("a = 1, a = ${?b}", r#"{"a":1}"#),
        ("a { x = 1 }, a = ${?b}", r#"{"a":{"x":1}}"#),
        ("a = [1, ${?b}, 2]", r#"{"a":[1,2]}"#),
        ("a = ${?b}${?c}", "{}"),
        ("a = ${?b} ${?c}", "{}"),
        ("a = x${?b}", r#"{"a":"x"}"#),
        ("a = x ${?b} y", r#"{"a":"x  y"}"#),
        ("a = ${?b}[1]", r#"{"a":[1]}"#),
        ("a = ${?b} { x = 1 }", r#"{"a":{"x":1}}"#),
        ("a = ${?b}${c}, c = 5", r#"{"a":5,"c":5}"#),
        ("a = ${?PATH}", "{}"),
        ("a = ${?b}, b = 1", r#"{"a":1,"b":1}"#),
        ("a = ${?b}, b = null", r#"{"a":null,"b":null}"#),
        ("a { b = ${?x} }", r#"{"a":{}}"#),
        ("a = ${?b}, b = ${c}", "error: nothing is defined at c"),
    ]);
}

#[test]
fn what_a_later_value_hides_is_never_looked_at() {
    check(&[
        ("a = ${nothing}, a = 42", r#"{"a":42}"#),
        ("a = ${a}, a = 42", r#"{"a":42}"#),
        ("a = ${nothing}, a = [1]", r#"{"a":[1]}"#),
        ("a = ${nothing}, a = ${b}, b = 1", r#"{"a":1,"b":1}"#),
        ("a = [${nothing}], a { x = 1 }", r#"{"a":{"x":1}}"#),
        (
            "o { x = 1 }, a { x = ${nothing} }, a = ${o}",
            r#"{"o":{"x":1},"a":{"x":1}}"#,
        ),
        (
            "a = ${nothing}, a { x = 1 }",
            "error: nothing is defined at nothing",
        ),
    ]);
}

#[test]
fn substitutions_join_what_stands_beside_them() {
    check(&[
        ("a = x, b = ${a} y", r#"{"a":"x","b":"x y"}"#),
        ("a = x, b = ${a}${a}", r#"{"a":"x","b":"xx"}"#),
        ("a = x, b = \"<\"${a}\">\"", r#"{"a":"x","b":"<x>"}"#),
        ("a = 5, b = ${a}\"\"", r#"{"a":5,"b":"5"}"#),
        ("a = true, b = ${a} it is", r#"{"a":true,"b":"true it is"}"#),
        ("a = null, b = x${a}", r#"{"a":null,"b":"xnull"}"#),
        ("a = [1], b = ${a} [2]", r#"{"a":[1],"b":[1,2]}"#),
        ("a = [1], b = [0] ${a} ${a}", r#"{"a":[1],"b":[0,1,1]}"#),
        ("a = [1], b = ${a} ${a}", r#"{"a":[1],"b":[1,1]}"#),
        (
            "a { 1 = y, 0 = x }, b = ${a} [z]",
            r#"{"a":{"1":"y","0":"x"},"b":["x","y","z"]}"#,
        ),
        (
            "a { x = 1 }, b = ${a} { y = 2 }",
            r#"{"a":{"x":1},"b":{"x":1,"y":2}}"#,
        ),
        (
            "a { x = 1 }, b = { y = 2 } ${a}",
            r#"{"a":{"x":1},"b":{"y":2,"x":1}}"#,
        ),
        (
            "a { x = 1 }, c { x = 2 }, b = ${a} ${c}",
            r#"{"a":{"x":1},"c":{"x":2},"b":{"x":2}}"#,
        ),
        ("a { x = 1 }, b = ${a} {}", r#"{"a":{"x":1},"b":{"x":1}}"#),
        (
            "a = [[${b}, 1] ${c}], b = 0, c = [2]",
            r#"{"a":[[0,1,2]],"b":0,"c":[2]}"#,
        ),
        (
            "a = [1], b = x ${a}",
            "error: expected a list to put together with a list, found the string \"x\"",
        ),
        (
            "a { x = 1 }, b = x${a}",
            "error: expected an object to put together with an object",
        ),
        (
            "a = 1, b = ${a} [2]",
            "error: expected a list to put together with a list, found the number 1",
        ),
        (
            "a = 1, b = ${a} { x = 1 }",
            "error: expected an object to put together with an object",
        ),
        (
            "a = [1], b = ${a} { x = 1 }",
            "error: to put together with an object, found a list",
        ),
        (
            "a { x = 1 }, b = ${a} [2]",
            "error: to put together with a list, found an object",
        ),
    ]);
}

#[test]
fn a_reference_to_the_own_field_is_about_its_earlier_value() {
    check(&[
        ("a = x, a = ${a}y", r#"{"a":"xy"}"#),
        ("a = x, a = ${a}y, a = ${a}z", r#"{"a":"xyz"}"#),
        ("a = [1], a = ${a} [2]", r#"{"a":[1,2]}"#),
        ("a = [1], a = [0] ${a}", r#"{"a":[0,1]}"#),
        ("a { b = 1 }, a = ${a}", r#"{"a":{"b":1}}"#),
        ("a { b = 1 }, a = ${a} { c = 2 }", r#"{"a":{"b":1,"c":2}}"#),
        (
            "a { b { c = 1 } }, a = ${a.b}, a { b = 2 }",
            r#"{"a":{"b":2,"c":1}}"#,
        ),
        ("a.b = x, a.b = ${a.b}y", r#"{"a":{"b":"xy"}}"#),
        (
            "a { p = [1] }, a { p = ${a.p} [2] }",
            r#"{"a":{"p":[1,2]}}"#,
        ),
        ("a = ${?a}foo", r#"{"a":"foo"}"#),
        ("a = ${?a}", "{}"),
        ("a = ${?a}, a = 5", r#"{"a":5}"#),
        ("a = 5, a = ${?a}", r#"{"a":5}"#),
        ("a = x, a = ${a} ${a}", r#"{"a":"x x"}"#),
        (
            "x.b = [1], a = ${x}, a.b = ${a.b} [2]",
            r#"{"x":{"b":[1]},"a":{"b":[1,2]}}"#,
        ),
        (
            "x {}, y {}, a.b = [0], a = ${x}, a.b = ${a.b} [2], a = ${y}",
            r#"{"x":{},"y":{},"a":{"b":[0,2]}}"#,
        ),
        ("a = 1, b = 2, a = ${b}, b = ${a}", r#"{"a":1,"b":1}"#),
        (
            "a = ${a}",
            "error: this substitution leads back to itself: a → a",
        ),
        (
            "a = ${a}bc",
            "error: this substitution leads back to itself: a → a",
        ),
        (
            "a = ${a} [1]",
            "error: this substitution leads back to itself: a → a",
        ),
        (
            "a = ${a}, a { b = 1 }",
            "error: this substitution leads back to itself: a → a",
        ),
    ]);
}

#[test]
fn an_object_may_refer_to_its_own_fields() {
    check(&[
        ("a { b = 1, c = ${a.b} }", r#"{"a":{"b":1,"c":1}}"#),
        (
            "a { b = 1, c = ${a.b} }, a { b = 2 }",
            r#"{"a":{"b":2,"c":2}}"#,
        ),
        (
            "bar { a = ${foo.d}, b = 1 }, bar.b = 3, foo { c = ${bar.b}, d = 2 }, foo.d = 4",
            r#"{"bar":{"a":4,"b":3},"foo":{"c":3,"d":4}}"#,
        ),
        (
            "a = ${b}, b { x = ${a.y}, y = 1 }",
            r#"{"a":{"x":1,"y":1},"b":{"x":1,"y":1}}"#,
        ),
        (
            "b { x = ${a.y}, y = 1 }, a = ${b}",
            r#"{"b":{"x":1,"y":1},"a":{"x":1,"y":1}}"#,
        ),
        (
            "a = ${base} { port = 81 }, base { port = 80, url = h ${a.port} }",
            r#"{"a":{"port":81,"url":"h 81"},"base":{"port":80,"url":"h 81"}}"#,
        ),
        (
            "base { port = 80, url = h ${a.port} }, a = ${base} { port = 81 }",
            r#"{"base":{"port":80,"url":"h 81"},"a":{"port":81,"url":"h 81"}}"#,
        ),
        (
            "x { y = 1 }, bar = ${x} { foo = ${bar.y} }",
            r#"{"x":{"y":1},"bar":{"y":1,"foo":1}}"#,
        ),
        (
            "a = ${b.c}, b { c = ${b.d}, d = 1 }",
            r#"{"a":1,"b":{"c":1,"d":1}}"#,
        ),
    ]);
}

#[test]
fn a_cycle_is_an_error_that_names_it_and_nothing_for_an_optional_substitution() {
    check(&[
        (
            "a = ${b}, b = ${a}",
            "error: this substitution leads back to itself: b → a → b",
        ),
        (
            "a = ${b}, b = ${c}, c = ${a}",
            "error: leads back to itself: b → c → a → b",
        ),
        (
            "a { b = ${a} }",
            "error: this substitution leads back to itself: a → a",
        ),
        (
            "a = [${a}]",
            "error: this substitution leads back to itself: a → a",
        ),
        (
            "a { b = ${c} }, c = [${a}]",
            "error: leads back to itself: c → a → c",
        ),
        ("c = ${a.b}, a { b = ${a} }", "error: leads back to itself"),
        ("a = ${b}, b = ${a.x}", "error: leads back to itself"),
        ("a { b = ${?a} }", r#"{"a":{}}"#),
        ("a = ${?b}, b = ${?a}", "{}"),
        ("a = ${?b}1, b = ${?a}2", r#"{"a":"21","b":"2"}"#),
        ("c = ${?a}, a { b = ${a} }", "error: leads back to itself"),
    ]);
}
