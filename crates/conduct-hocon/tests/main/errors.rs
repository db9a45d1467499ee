//! The words of every refusal: where, what was expected, what was found, and what to do about it.

use conduct_hocon::{HoconError, parse_named};

/// A text, and its refusal: the line that `Display` gives, and the help, if there is one.
const REFUSALS: &[(&str, &str, &str)] = &[
    (
        "a = 1 }",
        "x.conf:1:7: expected a key or the end of the text, found '}'",
        "no object is open here",
    ),
    (
        "a {\n  b = 1\n",
        "x.conf:3:1: expected \"}\" to close what was opened in line 1, found the end of the text",
        "",
    ),
    (
        "a = [\n  1\n",
        "x.conf:3:1: expected \"]\" to close what was opened in line 1, found the end of the text",
        "",
    ),
    (
        "name\nsystem = x",
        "x.conf:1:5: expected \"=\", \":\", \"+=\" or \"{\" after the key name, found the end of the line",
        "",
    ),
    (
        "a [1]",
        "x.conf:1:3: expected \"=\", \":\", \"+=\" or \"{\" after the key a, found '['",
        "",
    ),
    (
        "\"a b\".c",
        "x.conf:1:8: expected \"=\", \":\", \"+=\" or \"{\" after the key \"a b\".c, found the end of the text",
        "",
    ),
    ("a =\n\n}", "x.conf:3:1: expected a value, found '}'", ""),
    ("a = ]", "x.conf:1:5: expected a value, found ']'", ""),
    ("= 1", "x.conf:1:1: expected a key, found '='", ""),
    ("a = 1,, b = 2", "x.conf:1:7: expected a key, found ','", ""),
    (
        "a = [1,, 2]",
        "x.conf:1:8: expected an item or \"]\", found ','",
        "",
    ),
    (
        "a = [1, 2}",
        "x.conf:1:10: expected a comma, a new line or \"]\" after an item, found '}'",
        "",
    ),
    (
        "a {} b {}",
        "x.conf:1:6: expected a comma or a new line after an object, found \"b\"",
        "",
    ),
    (
        "a = [1] x",
        "x.conf:1:9: expected a comma or a new line after a list, found \"x\"",
        "",
    ),
    (
        "url = http://x.org",
        "x.conf:1:11: expected a comma or a new line after the value, found ':'",
        "text with : in it must be quoted",
    ),
    (
        "mail = a@b",
        "x.conf:1:9: expected a comma or a new line after the value, found '@'",
        "text with @ in it must be quoted",
    ),
    (
        "home = $HOME",
        "x.conf:1:8: expected a value or ${path}, found '$'",
        "text with a dollar sign must be quoted: \"$NAME\"",
    ),
    (
        "a = ${b",
        "x.conf:1:8: expected \"}\" at the end of the substitution, found the end of the text",
        "",
    ),
    (
        "a = ${}",
        "x.conf:1:7: expected the path of a value, found '}'",
        "",
    ),
    (
        "a..b = 1",
        "x.conf:1:3: expected a name between the dots of a path, found two dots in a row",
        "an empty name is written \"\"",
    ),
    (
        "a. = 1",
        "x.conf:1:3: expected a name between the dots of a path, found the end of the path",
        "an empty name is written \"\"",
    ),
    (
        ".a = 1",
        "x.conf:1:1: expected a name between the dots of a path, found a dot at the beginning",
        "an empty name is written \"\"",
    ),
    (
        "a = \"x\nb = 1",
        "x.conf:1:5: expected a closing quote on the same line, found the end of the line",
        "a line break is written \\n, or put the text into \"\"\"three quotes\"\"\"",
    ),
    (
        "a = \"\"\"x\ny",
        "x.conf:1:5: expected a closing \"\"\", found the end of the text",
        "",
    ),
    (
        r#"a = "C:\dir""#,
        r#"x.conf:1:8: expected one of " \ / b f n r t u after a backslash, found "dir""#,
        r"a backslash itself is written \\",
    ),
    (
        r#"a = "\u00g0""#,
        r#"x.conf:1:10: expected four hexadecimal digits after \u, found "g0""#,
        "",
    ),
    (
        r#"a = "\ud800x""#,
        r"x.conf:1:6: expected both halves of a surrogate pair, found half of one, \ud800",
        "",
    ),
    (
        "a = \"x\ty\"",
        "x.conf:1:7: expected the escape \\u0009, found the control character U+0009",
        "",
    ),
    (
        "a = 1\ninclude \"b.conf\"",
        "x.conf:2:1: expected a key, found an include, which is not supported",
        "nothing but this text is read, so write here what it would include (a key of that name is \
         written \"include\")",
    ),
    (
        "{ a = 1 }\nb = 2",
        "x.conf:2:1: expected the end of the text after the outermost value, found \"b\"",
        "",
    ),
    (
        "b = 1\na = ${c.d}",
        "x.conf:2:5: nothing is defined at c.d",
        "${?c.d} stands for nothing where nothing is defined",
    ),
    (
        "a = ${b}\nb = x ${a}",
        "x.conf:2:7: this substitution leads back to itself: b → a → b",
        "a value can contain its own earlier value, but not itself",
    ),
    (
        "a = 1\nb = ${a} [2]",
        "x.conf:2:5: expected a list to put together with a list, found the number 1",
        "",
    ),
    (
        "a = [1]\nb = v${a}",
        "x.conf:2:5: expected a list to put together with a list, found the string \"v\"",
        "",
    ),
    (
        "a = 1, a += 2",
        "x.conf:1:8: expected a list to put together with a list, found the number 1",
        "",
    ),
];

#[test]
fn every_refusal_says_where_what_was_expected_and_what_was_found() {
    assert!(REFUSALS.len() >= 25);
    let mut wrong = Vec::new();
    for (text, line, help) in REFUSALS {
        let error = parse_named("x.conf", text).expect_err(text);
        let diagnostic = error.diagnostic();
        if error.to_string() != *line || diagnostic.help_text().unwrap_or("") != *help {
            wrong.push(format!(
                "{text:?}\n  {error}\n  help: {:?}",
                diagnostic.help_text()
            ));
        }
        if matches!(error, HoconError::Malformed(_)) {
            assert!(
                diagnostic.expected().is_some() && diagnostic.found().is_some(),
                "{error}"
            );
        }
        assert!(diagnostic.line_text().is_some(), "{error}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let error = conduct_hocon::Source::from_bytes("x.conf", b"a = 1\nb = \xff").unwrap_err();
    assert_eq!(
        error.to_string(),
        "x.conf:2:5: expected text in UTF-8, found the byte 0xff"
    );
}

#[test]
fn values_of_another_type_are_refused_at_their_own_place() {
    let conf = parse_named(
        "x.conf",
        "list = [1]\ntext = lots\nobject {}\nnone = null\nminus = -5\nhalf = 0.5\nlong = 300 us\nhuge = 99 EiB",
    )
    .unwrap();
    let at = |path: &str| conf.at(path).unwrap();
    for (error, expected) in [
        (
            at("list").as_str().unwrap_err(),
            "x.conf:1:8: expected a string, found a list",
        ),
        (
            at("object").as_list().unwrap_err(),
            "x.conf:3:8: expected a list, found an object",
        ),
        (
            at("text").as_object().unwrap_err(),
            "x.conf:2:8: expected an object, found the string \"lots\"",
        ),
        (
            at("none").as_str().unwrap_err(),
            "x.conf:4:8: expected a string, found null",
        ),
        (
            at("text").as_bool().unwrap_err(),
            "x.conf:2:8: expected true or false, found the string \"lots\"",
        ),
        (
            at("half").as_i64().unwrap_err(),
            "x.conf:6:8: expected a whole number, found the number 0.5",
        ),
        (
            at("minus").as_u64().unwrap_err(),
            "x.conf:5:9: expected a whole number of at least 0, found the number -5",
        ),
        (
            at("minus").as_whole(0..=9).unwrap_err(),
            "x.conf:5:9: expected a whole number from 0 to 9, found the number -5",
        ),
        (
            at("text").as_decimal().unwrap_err(),
            "x.conf:2:8: expected a number, found the string \"lots\"",
        ),
        (
            at("text").as_bytes().unwrap_err(),
            "x.conf:2:8: expected a size such as 384 MiB or 402653184, found the string \"lots\"",
        ),
        (
            at("huge").as_bytes().unwrap_err(),
            "x.conf:8:8: expected less than 2^64 bytes, found the string \"99 EiB\"",
        ),
        (
            at("minus").as_bytes().unwrap_err(),
            "x.conf:5:9: expected a size such as 384 MiB or 402653184, not below 0, found the number -5",
        ),
        (
            at("half").as_bytes().unwrap_err(),
            "x.conf:6:8: expected a whole number of bytes, found the number 0.5",
        ),
        (
            at("long").as_duration_ms().unwrap_err(),
            "x.conf:7:8: expected a whole number of milliseconds, found the string \"300 us\"",
        ),
        (
            at("text").as_duration_ms().unwrap_err(),
            "x.conf:2:8: expected a duration such as 10 s or 5 minutes, found the string \"lots\"",
        ),
    ] {
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error, HoconError::WrongType(_)));
    }
}

#[test]
fn the_sample_of_an_error_reads_as_people_know_it() {
    let text = "components.shop {\n    file-system-type = universal\n    start-command = \"bin/shop -v\"\n}";
    let conf = parse_named("shop/bundle.conf", text).unwrap();
    let error = conf
        .at("components.shop.start-command")
        .unwrap()
        .as_strings()
        .unwrap_err();
    let error = error
        .named("start-command")
        .help("write [\"bin/shop\", \"-v\"]");
    assert_eq!(
        error.render(),
        "error: shop/bundle.conf:3:21: start-command must be a list of strings, found the string \"bin/shop -v\"\n    \
         2 |     file-system-type = universal\n    \
         3 |     start-command = \"bin/shop -v\"\n      \
           |                     ^^^^^^^^^^^^^ write [\"bin/shop\", \"-v\"]"
    );
}
