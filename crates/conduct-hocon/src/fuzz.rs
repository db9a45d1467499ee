//! What must hold for any input at all: the body of the fuzz target, and of a property test.

use crate::{Kind, Limits, Source, Value};

/// Reads bytes as a text, and what it says as a text again. Panics if anything that this crate
/// promises does not hold.
pub fn fuzz_parse(bytes: &[u8]) {
    let Ok(source) = Source::from_bytes("fuzz", bytes) else {
        return;
    };
    let limits = Limits::default();
    let parsed = crate::Document::parse(&source, &limits).and_then(|it| it.resolve(&limits));
    let value = match parsed {
        Ok(value) => value,
        Err(error) => {
            let position = error.position();
            assert!(
                position.line > 0 && position.column > 0,
                "an error without a place: {error}"
            );
            assert!(
                !error.render().chars().any(|c| c.is_control() && c != '\n'),
                "unsafe to show"
            );
            return;
        }
    };
    assert!(
        matches!(value.kind(), Kind::Object(_) | Kind::List(_)),
        "a document is one of the two"
    );
    check_print(&value);
}

/// Prints a value and reads it back. Panics if that is not the same.
pub fn check_print(value: &Value) {
    let room = Limits {
        input_bytes_max: usize::MAX,
        ..Limits::default()
    };
    let room = Limits {
        values_max: usize::MAX,
        text_bytes_max: usize::MAX,
        ..room
    };
    for text in [value.to_hocon(), value.to_line()] {
        let again = crate::Document::parse(&Source::new("printed", text.as_str()), &room)
            .and_then(|document| document.resolve(&room))
            .unwrap_or_else(|error| panic!("printed text is refused: {}", error.render()));
        assert_eq!(*value, again, "printed as {text}");
        assert_eq!(value.to_hocon(), again.to_hocon(), "keys change places");
    }
}
