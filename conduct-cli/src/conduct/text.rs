//! Texts and times as people read them. What comes from a cluster was written by bundles, so none
//! of it may be a command to a terminal.

use std::time::Duration;

pub(crate) use conduct_terminal::plain::plain;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The lines of a text, each made plain; not more than a person would read.
pub(crate) fn plain_lines(text: &str) -> Vec<String> {
    const LINES_MAX: usize = 40;
    const CHARS_MAX: usize = 1000;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .take(LINES_MAX)
        .map(|line| plain(&line.chars().take(CHARS_MAX).collect::<String>()))
        .collect()
}

/// The first digits of each half of an id.
pub(crate) fn short_id(id: &str) -> String {
    const DIGITS: usize = 7;
    let halves = id
        .split('-')
        .map(|half| half.chars().take(DIGITS).collect::<String>());
    plain(&halves.collect::<Vec<_>>().join("-"))
}

/// A moment as tables show it; a text that is none stays as it is.
pub(crate) fn moment(text: &str, utc: bool) -> String {
    let Ok(timestamp) = text.parse::<Timestamp>() else {
        return plain(text);
    };
    let (zone, format) = if utc {
        (TimeZone::UTC, "%a %Y-%m-%dT%H:%M:%SZ")
    } else {
        (TimeZone::system(), "%a %Y-%m-%dT%H:%M:%S%z")
    };
    timestamp.to_zoned(zone).strftime(format).to_string()
}

/// A moment without the day of the week.
pub(crate) fn since(text: &str) -> String {
    let Ok(timestamp) = text.parse::<Timestamp>() else {
        return plain(text);
    };
    let local = timestamp.to_zoned(TimeZone::system());
    local.strftime("%Y-%m-%dT%H:%M:%S%z").to_string()
}

/// The time of the day, for lines that tell of changes.
pub(crate) fn clock() -> String {
    let now = Timestamp::now().to_zoned(TimeZone::system());
    now.strftime("%H:%M:%S").to_string()
}

/// How long ago a moment was: `2d, 2h, 11m, 4s`.
pub(crate) fn uptime(since: &str, now: Timestamp) -> Option<String> {
    let seconds = now.as_second() - since.parse::<Timestamp>().ok()?.as_second();
    let seconds = seconds.max(0);
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let shown = units.iter().filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    Some(if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown.join(", ")
    })
}

/// A span with one digit behind the point.
pub(crate) fn span(span: Duration) -> String {
    let tenths = (span.as_millis() + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// `1 copy`, `2 copies`.
pub(crate) fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_characters() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{9b}0m\r\n\u{7}"),
            "a\u{fffd}[31mb\u{fffd}0m\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(plain("x\u{202e}y\tz é"), "x\u{fffd}y z é");
        assert_eq!(plain_lines("a\n\n\u{1b}b\n"), ["a", "\u{fffd}b"]);
    }

    #[test]
    fn ids_are_cut_half_by_half() {
        assert_eq!(short_id("878acb80e9f13bade2b35dee3fb4c976"), "878acb8");
        assert_eq!(short_id("878acb80e9f1-745fa3162e3b"), "878acb8-745fa31");
        assert_eq!(short_id("ab"), "ab");
    }

    #[test]
    fn moments_are_shown_with_their_zone() {
        assert_eq!(
            moment("2030-01-07T09:00:00.123Z", true),
            "Mon 2030-01-07T09:00:00Z"
        );
        assert_eq!(
            moment("2030-01-07T10:00:00+01:00", true),
            "Mon 2030-01-07T09:00:00Z"
        );
        assert_eq!(moment("soon\u{1b}", true), "soon\u{fffd}");
    }

    #[test]
    fn uptimes_leave_out_what_is_zero() {
        let now: Timestamp = "2030-01-09T11:11:04Z".parse().expect("a moment");
        let shown = |since: &str| uptime(since, now);
        assert_eq!(
            shown("2030-01-07T09:00:00.1Z").as_deref(),
            Some("2d, 2h, 11m, 4s")
        );
        assert_eq!(shown("2030-01-09T11:00:04Z").as_deref(), Some("11m"));
        assert_eq!(shown("2030-01-09T11:11:04Z").as_deref(), Some("0s"));
        assert_eq!(shown("2031-01-09T11:11:04Z").as_deref(), Some("0s"));
        assert_eq!(shown("never"), None);
    }

    #[test]
    fn spans_have_one_digit_behind_the_point() {
        assert_eq!(span(Duration::from_millis(1949)), "1.9 s");
        assert_eq!(span(Duration::from_millis(1950)), "2.0 s");
        assert_eq!(count(1, "copy", "copies"), "1 copy");
        assert_eq!(count(0, "copy", "copies"), "0 copies");
    }
}
