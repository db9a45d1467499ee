//! Several texts as one, settings from a command line, and where the values came from.

use conduct_hocon::{Document, HoconError, Limits, Source, Value, parse, parse_named};

fn document(name: &str, text: &str) -> Document {
    Document::parse(&Source::new(name, text), &Limits::default()).expect("the text is well-formed")
}

fn resolved(document: Document) -> Value {
    document
        .resolve(&Limits::default())
        .expect("all substitutions lead somewhere")
}

fn place(value: &Value, path: &str) -> String {
    value
        .at(path)
        .expect("something is there")
        .span()
        .to_string()
}

#[test]
fn every_value_remembers_where_it_came_from() {
    let conf = parse_named(
        "f",
        "a = 1\nb { c = [x,\n  y], \"d e\" = \"z\" }\nb.f.g = 5",
    )
    .unwrap();
    for (path, expected) in [
        ("a", "f:1:5"),
        ("b.c", "f:2:9"),
        ("b.\"d e\"", "f:3:15"),
        ("b.f.g", "f:4:9"),
    ] {
        assert_eq!(place(&conf, path), expected, "{path}");
    }
    let items = conf.at("b.c").unwrap().as_list().unwrap();
    assert_eq!(items[1].span().to_string(), "f:3:3");
    let b = conf.at("b").unwrap().as_object().unwrap();
    assert_eq!(b.key_span("d e").unwrap().to_string(), "f:3:7");
    assert_eq!(b.key_span("d e").unwrap().end().column, 12);
    assert_eq!(b.key_span("f").unwrap().to_string(), "f:4:1");
}

#[test]
fn merged_values_remember_the_text_that_won() {
    let over = parse_named("over", "\n\na { y = 3 }").unwrap();
    let mut conf = parse_named("base", "a { x = 1,\n y = 2 }").unwrap();
    conf.overlay(over.clone());
    assert_eq!(conf.to_line(), r#"{"a":{"x":1,"y":3}}"#);
    assert_eq!(place(&conf, "a.x"), "base:1:9");
    assert_eq!(place(&conf, "a.y"), "over:3:9");

    let later = parse_named("f", "a { x = 1, y = 2 }\na { y = 3 }\nb = ${a} { x = 4 }").unwrap();
    assert_eq!(place(&later, "a.y"), "f:2:9");
    assert_eq!(place(&later, "b.x"), "f:3:16");
    assert_eq!(place(&later, "b.y"), "f:2:9");
}

#[test]
fn a_substituted_value_points_at_the_text_that_made_it() {
    let conf = parse_named("f", "a = 1\nb = ${a}\nc = ${a} x").unwrap();
    assert_eq!(place(&conf, "b"), "f:1:5");
    assert_eq!(place(&conf, "c"), "f:3:5");
}

#[test]
fn documents_are_laid_over_each_other_before_they_are_resolved() {
    let defaults = document(
        "defaults",
        "ip = 127.0.0.1, control { ip = ${ip}, port = 9005 }, seeds = [a]",
    );
    let file = document("file", "control.port = 80, seeds = ${seeds} [b]");
    let flag = Document::setting("-D", "ip=10.0.0.1").unwrap();
    let conf = resolved(defaults.overlay(file).overlay(flag));
    assert_eq!(
        conf.to_line(),
        r#"{"ip":"10.0.0.1","control":{"ip":"10.0.0.1","port":80},"seeds":["a","b"]}"#
    );
    assert_eq!(place(&conf, "control.port"), "file:1:16");
    assert_eq!(place(&conf, "control.ip"), "-D:1:4");
}

#[test]
fn settings_take_their_value_letter_by_letter_unless_it_looks_like_hocon() {
    for (setting, expected) in [
        ("a.b=c", r#"{"a":{"b":"c"}}"#),
        ("a=9005", r#"{"a":9005}"#),
        ("a=true", r#"{"a":true}"#),
        ("a=null", r#"{"a":null}"#),
        ("a=1.0.0", r#"{"a":"1.0.0"}"#),
        ("a = 10 s ", r#"{"a":"10 s"}"#),
        (
            "a=http://10.0.0.1:80/x?y=z#t",
            r#"{"a":"http://10.0.0.1:80/x?y=z#t"}"#,
        ),
        ("a=zk://x,zk://y", r#"{"a":"zk://x,zk://y"}"#),
        ("a=$HOME", r#"{"a":"$HOME"}"#),
        ("a=", r#"{"a":""}"#),
        ("a=\"  x \"", r#"{"a":"  x "}"#),
        ("a=[web, db]", r#"{"a":["web","db"]}"#),
        ("a={ b = 1, c = [2] }", r#"{"a":{"b":1,"c":[2]}}"#),
        ("a.\"b.c\".d=1", r#"{"a":{"b.c":{"d":1}}}"#),
        ("seeds.0=x:9004", r#"{"seeds":{"0":"x:9004"}}"#),
    ] {
        assert_eq!(
            resolved(Document::setting("-D", setting).unwrap()).to_line(),
            expected,
            "{setting}"
        );
    }
}

#[test]
fn settings_that_cannot_be_read_say_why() {
    for (setting, expected) in [
        (
            "a",
            "-D:1:2: expected \"=\" after the path, found the end of the text",
        ),
        ("=1", "-D:1:1: expected a key, found '='"),
        (
            "a..b=1",
            "-D:1:3: expected a name between the dots of a path, found two dots in a row",
        ),
        (
            "a=[1",
            "-D:1:5: expected \"]\" to close what was opened in line 1, found the end of the text",
        ),
        (
            "a=[1] [2], b",
            "-D:1:10: expected the end of the setting, found ','",
        ),
        (
            "a={} x",
            "-D:1:6: expected a comma or a new line after an object, found \"x\"",
        ),
        (
            "include=1",
            "-D:1:1: expected a key, found an include, which is not supported",
        ),
    ] {
        assert_eq!(
            Document::setting("-D", setting).unwrap_err().to_string(),
            expected
        );
    }
    let deep = format!("a{}=1", ".a".repeat(1_000));
    assert!(matches!(
        Document::setting("-D", &deep),
        Err(HoconError::TooLarge(_))
    ));
}

#[test]
fn items_that_are_set_one_by_one_replace_the_list() {
    let file = document("file", "seeds = [a, b, c]");
    let conf = resolved(file.overlay(Document::setting("-D", "seeds.0=x").unwrap()));
    assert_eq!(conf.at("seeds").unwrap().as_strings().unwrap(), ["x"]);
}

#[test]
fn values_are_found_by_key_and_by_path() {
    let conf = parse("a { \"b.c\" { d = 1 } }").unwrap();
    assert!(conf.get("a").unwrap().get("b.c").is_some());
    assert!(conf.at("a.\"b.c\".d").is_some());
    for missing in ["a.b.c.d", "b", "a.\"b.c\".d.e", "", "a..b", "a."] {
        assert!(conf.at(missing).is_none(), "{missing}");
    }
}

#[test]
fn values_are_built_and_changed_in_place() {
    let mut conf = parse("name = x, system = y, nrOfCpus = 1").unwrap();
    conf.set(&["name"], "z");
    conf.set(&["components", "z", "endpoints"], Value::object());
    conf.set(&["components", "z", "endpoints", "web", "bind-port"], 0_u64);
    conf.set(&["roles"], Value::list(["web".into(), "db".into()]));
    conf.set(&["system", "deeper"], true);
    assert!(conf.object_mut().unwrap().rename("nrOfCpus", "nr-of-cpus"));
    assert!(!conf.object_mut().unwrap().rename("nr-of-cpus", "name"));
    assert!(!conf.object_mut().unwrap().rename("nothing", "something"));
    conf.get_mut("roles")
        .unwrap()
        .list_mut()
        .unwrap()
        .push("cache".into());
    assert_eq!(
        conf.to_line(),
        r#"{"name":"z","system":{"deeper":true},"nr-of-cpus":1,"components":{"z":{"endpoints":{"web":{"bind-port":0}}}},"roles":["web","db","cache"]}"#
    );
    assert!(conf.remove(&["components", "z", "endpoints"]).is_some());
    assert!(conf.remove(&["components", "z", "endpoints"]).is_none());
    assert!(conf.remove(&["name", "deeper"]).is_none());
    assert!(conf.remove(&["name"]).is_some());
    assert_eq!(
        conf.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["system", "nr-of-cpus", "components", "roles"]
    );
    assert_eq!(conf.get("nr-of-cpus").unwrap().as_i64().unwrap(), 1);
}

#[test]
fn values_and_documents_travel_between_threads() {
    fn travels<T: Send + Sync>(_: &T) {}
    travels(&document("f", "a = ${?b}"));
    travels(&parse("a = 1").unwrap());
    travels(&parse("a").unwrap_err());
}

#[test]
fn equal_values_say_the_same_in_any_order_and_at_any_place() {
    assert_eq!(
        parse("a = 1, b = [x]").unwrap(),
        parse("\n\nb = [\"x\"]\na = 1").unwrap()
    );
    assert_ne!(parse("a = 1").unwrap(), parse("a = \"1\"").unwrap());
    assert_ne!(parse("a = 1").unwrap(), parse("a = 1, b = 2").unwrap());
    assert_ne!(parse("a = [1, 2]").unwrap(), parse("a = [2, 1]").unwrap());
}
