//! Texts that want to cost more than they weigh.

use std::time::{Duration, Instant};

use conduct_hocon::{Document, HoconError, Limits, Source, parse};

/// What a refusal may take.
const PATIENCE: Duration = Duration::from_millis(100);
/// The same where a budget has to be used up first, which an unoptimised build is slow at.
const PATIENCE_FOR_BUDGETS: Duration =
    Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 100 });
const TRIES: usize = 5;

#[track_caller]
fn refused(text: &str) -> HoconError {
    refused_within(PATIENCE, text)
}

#[track_caller]
fn refused_within(patience: Duration, text: &str) -> HoconError {
    // The fastest of a few tries: what else runs on the machine is not what is measured.
    let took = (0..TRIES).map(|_| {
        let began = Instant::now();
        drop(parse(text));
        began.elapsed()
    });
    let fastest = took.min().expect("there is at least one try");
    assert!(fastest < patience, "took {fastest:?}");
    parse(text).expect_err("it should be refused")
}

#[track_caller]
fn refused_as_too_large(text: &str, part: &str) {
    let error = refused(text);
    assert!(matches!(error, HoconError::TooLarge(_)), "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn ten_thousand_levels_are_refused_at_once() {
    const LEVELS: &str = "at most 64 values inside each other";
    for opening in ["[", "{a:", "a{", "a=[{", "a=[1,{", "a {\n"] {
        refused_as_too_large(&opening.repeat(10_000), LEVELS);
    }
    refused_as_too_large(&format!("a{} = 1", ".a".repeat(10_000)), LEVELS);
    refused_as_too_large(
        &format!("a = {}1{}", "[".repeat(64), "]".repeat(64)),
        LEVELS,
    );
    assert!(parse(&format!("a = {}1{}", "[".repeat(63), "]".repeat(63))).is_ok());
}

#[test]
fn a_path_of_ten_thousand_keys_leads_nowhere_at_once() {
    assert!(matches!(
        refused(&format!("x = ${{a{}}}", ".a".repeat(10_000))),
        HoconError::Unresolved(_)
    ));
}

#[test]
fn ten_megabytes_are_refused_at_once() {
    refused_as_too_large(
        &"a = 1\n".repeat(10 * 1024 * 1024 / 6),
        "at most 65536 bytes of text",
    );
    refused_as_too_large(&" ".repeat(10 * 1024 * 1024), "at most 65536 bytes of text");
    refused_as_too_large(&" ".repeat(64 * 1024 + 1), "65537 bytes");
    assert!(parse(&" ".repeat(64 * 1024)).is_ok());
}

#[test]
fn a_reader_of_larger_texts_says_so() {
    let limits = Limits::default().with_input_bytes(1024 * 1024);
    let source = Source::new("large", format!("a = 1{}", " ".repeat(100_000)));
    assert!(Document::parse(&source, &Limits::default()).is_err());
    let value = Document::parse(&source, &limits)
        .unwrap()
        .resolve(&limits)
        .unwrap();
    assert_eq!(value.at("a").unwrap().as_i64().unwrap(), 1);
}

/// `a0` is what is given, each further one is twice the one before.
fn doubling(first: &str, twice: &str) -> String {
    let mut text = format!("a0 = {first}\n");
    for level in 1..64 {
        let before = format!("${{a{}}}", level - 1);
        text.push_str(&format!("a{level} = {}\n", twice.replace('@', &before)));
    }
    text
}

#[test]
fn what_doubles_and_doubles_is_refused_at_once() {
    for (first, twice) in [
        ("lol", "@@"),
        ("lol", "@ @ x"),
        ("[lol]", "@ @"),
        ("[lol]", "[@, @]"),
        ("{ x = lol }", "{ x = @, y = @ }"),
        ("{ x = lol }", "@ { y = @ }"),
        ("{ x = lol }", "@ @ { z = [@] }"),
    ] {
        let error = refused_within(PATIENCE_FOR_BUDGETS, &doubling(first, twice));
        assert!(matches!(error, HoconError::TooLarge(_)), "{twice}: {error}");
    }
}

#[test]
fn looking_twice_as_often_at_each_step_is_refused_at_once() {
    // Asked first, while none of the answers is known yet.
    let mut text = "x = ${?a59.x}\na0 {}\n".to_owned();
    for level in 1..60 {
        let before = level - 1;
        text.push_str(&format!(
            "a{level} = ${{a{before}}}, a{level} = ${{a{before}}}\n"
        ));
    }
    let error = refused_within(PATIENCE_FOR_BUDGETS, &text);
    assert!(matches!(error, HoconError::TooLarge(_)), "{error}");
}

#[test]
fn looking_at_a_long_row_of_definitions_again_and_again_is_refused_at_once() {
    let row = "a = ${?b}\na { c = 1 }\n".repeat(1_500);
    for look in ["${?a}", "${?a.c}", "${?a.d}", "${?a.d.e}"] {
        let looks: String = (0..1_500).map(|i| format!("x{i} = {look}\n")).collect();
        let error = refused_within(PATIENCE_FOR_BUDGETS, &(row.clone() + &looks));
        assert!(matches!(error, HoconError::TooLarge(_)), "{look}: {error}");
    }
}

#[test]
fn a_long_chain_is_refused_before_it_fills_the_stack() {
    let mut text: String = (0..3_000)
        .map(|i| format!("a{i} = ${{a{}}}\n", i + 1))
        .collect();
    text.push_str("a3000 = 1");
    refused_as_too_large(&text, "values that wait for each other");
}

#[test]
fn levels_made_by_substitution_count_as_well() {
    let mut text: String = (0..70)
        .map(|i| format!("a{i} {{ x = ${{a{}}} }}\n", i + 1))
        .collect();
    text.push_str("a70 = 1");
    refused_as_too_large(&text, "at most 64 values inside each other");
}

#[test]
fn the_deepest_that_is_allowed_fits_a_small_stack() {
    let deep = |level: usize| "{ x = [".repeat(level / 2) + "1" + &"] }".repeat(level / 2);
    let limits = Limits {
        depth_max: usize::MAX,
        ..Limits::default()
    };
    let texts = [
        format!("a = {}", deep(Limits::DEPTH_MAX - 2)),
        (0..150)
            .map(|i| format!("a{i} = ${{a{}}} x\n", i + 1))
            .collect::<String>()
            + "a150 = 1",
        (0..75)
            .map(|i| format!("a{i} {{ x = ${{a{}}} }}\n", i + 1))
            .collect::<String>()
            + "a75 = 1",
    ];
    for text in texts {
        let small = std::thread::Builder::new().stack_size(3 * 512 * 1024);
        let reader = small.spawn(move || {
            let source = Source::new("deep", text);
            let read = Document::parse(&source, &limits).and_then(|it| it.resolve(&limits));
            match read {
                Ok(value) => {
                    value.to_hocon().len()
                        + value.to_line().len()
                        + value.clone().to_json().to_string().len()
                }
                Err(error) => panic!("{error}"),
            }
        });
        assert!(reader.unwrap().join().unwrap() > 0);
    }
}

#[test]
fn many_keys_and_many_items_are_no_problem() {
    let keys: String = (0..5_000).map(|i| format!("k{i} = {i}\n")).collect();
    let items = format!("a = [{}]", "1,".repeat(32_000));
    let additions = "a += 1\n".repeat(9_000);
    let overwritten = "a { b = 1 }\n".repeat(5_000);
    let unresolved = "a = ${?b}\n".repeat(6_000);
    for text in [keys, items, additions, overwritten, unresolved] {
        let began = Instant::now();
        let outcome = parse(&text);
        assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "took {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_line_of_sixty_thousand_characters_is_shown_in_part() {
    let error = refused(&format!(
        "a = \"{}\" ] {}",
        "x".repeat(30_000),
        "y".repeat(30_000)
    ));
    assert!(error.render().len() < 1_000);
    assert_eq!(error.position().column, 30_008);
}

#[test]
fn the_environment_and_files_are_out_of_reach() {
    let value = parse("a = ${?PATH}, b = ${?HOME}, c = ${?java.version}").unwrap();
    assert_eq!(value.to_line(), "{}");
    for text in [
        "include \"/etc/hostname\"",
        "include file(\"/etc/hostname\")",
        "a { include url(\"file:///etc/hostname\") }",
    ] {
        assert!(
            refused(text)
                .to_string()
                .contains("an include, which is not supported")
        );
    }
}
