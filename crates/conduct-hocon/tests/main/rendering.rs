//! How values and messages look.

use conduct_hocon::{Diagnostic, Severity, Value, parse, parse_named};

#[test]
fn values_are_printed_one_to_a_line_in_the_order_of_the_text() {
    let conf = parse(
        "version = \"1\", n = 0.1, on = true, none = null, roles = [web, \"a b\"], empty = [], annotations {}, \
         components { \"my.web\" { include = 1, \"include\" = 2 }, w = [[1], { x = 2 }] }"
            .replace("include = 1, ", "")
            .as_str(),
    )
    .unwrap();
    let expected = r#"version = "1"
n = 0.1
on = true
none = null
roles = [
  "web"
  "a b"
]
empty = []
annotations {}
components {
  "my.web" {
    "include" = 2
  }
  w = [
    [
      1
    ]
    {
      x = 2
    }
  ]
}
"#;
    assert_eq!(conf.to_hocon(), expected);
    assert_eq!(parse(expected).unwrap(), conf);
    assert_eq!(Value::object().to_hocon(), "{}\n");
    assert_eq!(parse("[1, {}]").unwrap().to_hocon(), "[\n  1\n  {}\n]\n");
}

#[test]
fn strings_are_printed_so_that_nothing_in_them_is_lost() {
    let text = "a\"b\\c\n\t\r\u{0}\u{1b}\u{7f}\u{85}é😀${x}$HOME";
    let mut conf = Value::object();
    conf.set(&["key with \"quotes\".and dots"], text);
    let printed = conf.to_hocon();
    assert_eq!(
        printed,
        "\"key with \\\"quotes\\\".and dots\" = \
         \"a\\\"b\\\\c\\n\\t\\r\\u0000\\u001b\\u007f\\u0085é😀${x}$HOME\"\n"
    );
    assert_eq!(parse(&printed).unwrap(), conf);
}

#[test]
fn a_warning_points_at_its_place() {
    let conf = parse_named("shop/bundle.conf", "name = x\nnr-of-cpu = 1").unwrap();
    let entry = conf.as_object().unwrap().entries().nth(1).unwrap();
    let warning = Diagnostic::warning(
        entry.key_span,
        format!("unknown key {}, did you mean nr-of-cpus?", entry.key),
    );
    assert_eq!(warning.severity(), Severity::Warning);
    assert_eq!(
        warning.to_string(),
        "shop/bundle.conf:2:1: unknown key nr-of-cpu, did you mean nr-of-cpus?"
    );
    assert_eq!(
        warning.render(),
        "warning: shop/bundle.conf:2:1: unknown key nr-of-cpu, did you mean nr-of-cpus?\n    \
         1 | name = x\n    \
         2 | nr-of-cpu = 1\n      \
           | ^^^^^^^^^"
    );
}

#[test]
fn a_message_about_a_value_without_a_text_stands_alone() {
    let mut conf = Value::object();
    conf.set(&["roles"], "web");
    let error = conf
        .at("roles")
        .unwrap()
        .as_list()
        .unwrap_err()
        .named("roles")
        .help("write [\"web\"]");
    assert_eq!(
        error.to_string(),
        "roles must be a list, found the string \"web\""
    );
    assert_eq!(
        error.render(),
        "error: roles must be a list, found the string \"web\"\n  write [\"web\"]"
    );
}

#[test]
fn marks_stand_below_their_place_in_lines_of_any_kind() {
    let marked = |text: &str, path: &str| {
        let conf = parse_named("f", text).unwrap();
        let shown = Diagnostic::error(conf.at(path).unwrap().span(), "here").render();
        let lines: Vec<&str> = shown.lines().collect();
        let mark = lines[lines.len() - 1];
        let line = lines[lines.len() - 2];
        let from = mark.chars().position(|c| c == '^').unwrap();
        let length = mark.chars().filter(|&c| c == '^').count();
        line.chars().skip(from).take(length).collect::<String>()
    };
    assert_eq!(marked("a = value # c", "a"), "value");
    assert_eq!(marked("\ta\t= two words\t", "a"), "two words");
    assert_eq!(marked("größe = ß, b = [1, 2]", "b"), "[1, 2]");
    assert_eq!(marked("a = [1,\n 2]", "a"), "[1,");
    assert_eq!(marked("a = \"x\"\r\nb = y\r\n", "b"), "y");
    let long = format!(
        "x = \"{}\", a = here, y = \"{}\"",
        "x".repeat(500),
        "y".repeat(500)
    );
    assert_eq!(marked(&long, "a"), "here");
    let wide = format!("a = \"{}\"", "w".repeat(500));
    assert_eq!(marked(&wide, "a").chars().count(), 116);
}

#[test]
fn nothing_in_a_text_can_play_tricks_on_a_terminal() {
    let error = parse("a = \"\u{1b}[2J\" ]").unwrap_err();
    let spoof = parse("x = \u{202e}y, a = \u{7} ]").unwrap_err();
    for shown in [error.render(), spoof.render(), spoof.to_string()] {
        assert!(
            !shown
                .chars()
                .any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{shown:?}"
        );
    }
    let conf = parse("\"a\\nerror: b\" = 1").unwrap();
    let entry = conf.as_object().unwrap().entries().next().unwrap();
    let warning = Diagnostic::warning(entry.key_span, format!("unknown key {}", entry.key));
    assert_eq!(warning.to_string().lines().count(), 1);
}
