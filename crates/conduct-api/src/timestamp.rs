//! Dates as clients parse them: `2017-06-29T18:41:05.657Z`, always with three digits and a `Z`.

use std::fmt;
use std::str::FromStr;

use conduct_model::Wall;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, written as `2017-06-29T18:41:05.657Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Timestamp(pub Wall);

/// A text that is no such date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a date is written as 2017-06-29T18:41:05.657Z, this is {0:?}")]
pub struct TimestampError(String);

const DAY_MILLIS: u64 = 86_400_000;
/// Days from the first of March of the year 0 to the first of January 1970.
const EPOCH_DAYS: u64 = 719_468;
const ERA_DAYS: u64 = 146_097;
/// The last year that is written with four digits.
const YEAR_MAX: u64 = 9999;

/// Year, month and day of a day since 1970. Years begin in March here, so that the day that comes
/// and goes is the last one.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH_DAYS;
    let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

/// The day since 1970 of a date; nothing for one before.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, of_era) = (year / 400, year % 400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month + 2) / 5 + day - 1;
    let of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * ERA_DAYS + of_era).checked_sub(EPOCH_DAYS)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let (year, month, day) = civil(millis / DAY_MILLIS);
        let year = year.min(YEAR_MAX);
        let of_day = millis % DAY_MILLIS;
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Takes a date with or without a fraction of a second.
    fn from_str(text: &str) -> Result<Timestamp, TimestampError> {
        parse(text).ok_or_else(|| TimestampError(text.chars().take(64).collect()))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':')?;
    let is_date = (1970..=YEAR_MAX).contains(&year) && (1..=12).contains(&month);
    if !is_date || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let fraction: String = fraction.chars().chain("00".chars()).take(3).collect();
    let milli = number(&fraction)?;
    let of_day = ((hour * 60 + minute) * 60 + second) * 1000 + milli;
    let days = days(year, month, day)?;
    // The 31st of June is no day: it reads back as another one.
    (civil(days) == (year, month, day))
        .then(|| Timestamp(Wall::from_millis(days * DAY_MILLIS + of_day)))
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let three = [
        number(parts.next()?)?,
        number(parts.next()?)?,
        number(parts.next()?)?,
    ];
    parts.next().is_none().then_some(three)
}

fn number(text: &str) -> Option<u64> {
    let is_short = (1..=4).contains(&text.len());
    let is_number = is_short && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp(Wall::from_millis(millis))
    }

    #[test]
    fn dates_are_written_with_three_digits_and_a_z() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_498_761_665_657, "2017-06-29T18:41:05.657Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(at(millis).to_string(), text);
            assert_eq!(text.parse(), Ok(at(millis)));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2017-06-29",
            "2017-06-31T00:00:00.000Z",
            "2017-13-01T00:00:00.000Z",
            "2017-06-29T24:00:00.000Z",
            "2017-06-29T18:41:05.657",
            "1969-12-31T23:59:59.999Z",
            "2017-06-29T18:41:+5.657Z",
            "20170-06-29T18:41:05.657Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(at(1000)));
    }

    proptest::proptest! {
        #[test]
        fn every_date_reads_back_as_it_was_written(millis in 0..253_402_300_800_000_u64) {
            proptest::prop_assert_eq!(at(millis).to_string().parse(), Ok(at(millis)));
        }
    }
}
