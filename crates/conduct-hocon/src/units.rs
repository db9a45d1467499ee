//! Numbers, durations and sizes, without ever going through floating point.

/// A decimal number exactly as written: `digits × 10^exponent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
}

/// Powers of ten beyond this leave every type that we count in.
const EXPONENT_MAX: i32 = 60;

impl Decimal {
    /// Reads `12`, `-0.5`, `.5` or `1e3`. None for anything else, and for numbers of more digits than
    /// anything that is counted here has.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.len() + fraction.len() == 0 {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let mut digits: u128 = 0;
        for c in whole.chars().chain(fraction.chars()) {
            digits = digits
                .checked_mul(10)?
                .checked_add(u128::from(c.to_digit(10)?))?;
        }
        let exponent = power.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let in_reach = digits == 0 || (-EXPONENT_MAX..=EXPONENT_MAX).contains(&exponent);
        let exponent = if digits == 0 { 0 } else { exponent };
        in_reach.then_some(Decimal {
            negative: negative && digits != 0,
            digits,
            exponent,
        })
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// This many times `factor`, if that is a whole number that fits.
    pub fn times_exactly(&self, factor: u64) -> Option<u64> {
        let (whole, cut) = self.times(u128::from(factor))?;
        if cut { None } else { u64::try_from(whole).ok() }
    }

    /// This many times `factor`, rounded up to a whole number, if that is not negative and fits.
    pub fn times_rounded_up(&self, factor: u64) -> Option<u64> {
        let (whole, cut) = self.times(u128::from(factor))?;
        u64::try_from(whole).ok()?.checked_add(u64::from(cut))
    }

    /// The whole number that it is, if it is one and fits.
    pub fn whole(&self) -> Option<i64> {
        let (whole, cut) = Decimal {
            negative: false,
            ..*self
        }
        .times(1)?;
        let whole = i128::try_from(whole).ok()?;
        let signed = if self.negative { -whole } else { whole };
        if cut {
            None
        } else {
            i64::try_from(signed).ok()
        }
    }

    /// The whole part of the product and whether anything behind it was cut off.
    fn times(&self, factor: u128) -> Option<(u128, bool)> {
        if self.negative {
            return None;
        }
        let product = self.digits.checked_mul(factor)?;
        match 10_u128.checked_pow(self.exponent.unsigned_abs()) {
            Some(power) if self.exponent >= 0 => Some((product.checked_mul(power)?, false)),
            Some(power) => Some((product / power, !product.is_multiple_of(power))),
            None if self.exponent >= 0 => (product == 0).then_some((0, false)),
            None => Some((0, product != 0)),
        }
    }
}

/// Why a text is no amount in some family of units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoAmount {
    /// Not a number followed by a unit of the family.
    Shape,
    /// Below zero.
    Negative,
    /// Not a whole number of the smallest unit that is counted in.
    Fraction,
    /// More than fits.
    Overflow,
}

const NANOS_PER_MILLI: u128 = 1_000_000;

/// Milliseconds; a number without a unit is milliseconds already.
pub(crate) fn duration_ms(text: &str) -> Result<u64, NoAmount> {
    amount(text, NANOS_PER_MILLI, duration_unit_ns, NANOS_PER_MILLI)
}

/// Bytes; a number without a unit is bytes already.
pub(crate) fn size_bytes(text: &str) -> Result<u64, NoAmount> {
    amount(text, 1, size_unit, 1)
}

fn amount(
    text: &str,
    unitless: u128,
    factor_of: fn(&str) -> Option<u128>,
    divisor: u128,
) -> Result<u64, NoAmount> {
    let text = text.trim();
    let unit_at = text.len()
        - text
            .chars()
            .rev()
            .take_while(|c| c.is_alphabetic())
            .count_bytes();
    let (number, unit) = text.split_at(unit_at);
    let factor = if unit.is_empty() {
        Some(unitless)
    } else {
        factor_of(unit)
    };
    let factor = factor.ok_or(NoAmount::Shape)?;
    let number = Decimal::parse(number.trim_end()).ok_or(NoAmount::Shape)?;
    if number.is_negative() {
        return Err(NoAmount::Negative);
    }
    let (whole, cut) = number.times(factor).ok_or(NoAmount::Overflow)?;
    if cut || !whole.is_multiple_of(divisor) {
        return Err(NoAmount::Fraction);
    }
    u64::try_from(whole / divisor).map_err(|_| NoAmount::Overflow)
}

trait CountBytes {
    fn count_bytes(self) -> usize;
}

impl<I: Iterator<Item = char>> CountBytes for I {
    fn count_bytes(self) -> usize {
        self.map(char::len_utf8).sum()
    }
}

fn duration_unit_ns(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        "us" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => NANOS_PER_MILLI,
        "s" | "second" | "seconds" => 1_000 * NANOS_PER_MILLI,
        "m" | "minute" | "minutes" => 60_000 * NANOS_PER_MILLI,
        "h" | "hour" | "hours" => 3_600_000 * NANOS_PER_MILLI,
        "d" | "day" | "days" => 86_400_000 * NANOS_PER_MILLI,
        _ => return None,
    })
}

/// The prefixes of sizes in order of their power: one letter, of ten, of two.
const PREFIXES: [(&str, &str, &str); 8] = [
    ("k", "kilo", "kibi"),
    ("m", "mega", "mebi"),
    ("g", "giga", "gibi"),
    ("t", "tera", "tebi"),
    ("p", "peta", "pebi"),
    ("e", "exa", "exbi"),
    ("z", "zetta", "zebi"),
    ("y", "yotta", "yobi"),
];

fn size_unit(unit: &str) -> Option<u128> {
    if matches!(unit, "B" | "b" | "byte" | "bytes") {
        return Some(1);
    }
    let long = unit
        .strip_suffix("bytes")
        .or_else(|| unit.strip_suffix("byte"));
    let (mut of_ten, mut of_two) = (1_u128, 1_u128);
    for (letter, ten, two) in PREFIXES {
        of_ten *= 1_000;
        of_two *= 1_024;
        let upper = letter.to_ascii_uppercase();
        let ten_letter = if letter == "k" { letter } else { &upper };
        if long == Some(ten) || unit.strip_suffix('B') == Some(ten_letter) {
            return Some(of_ten);
        }
        let short = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('i'));
        if long == Some(two) || short == Some(&upper) || unit == letter || unit == upper {
            return Some(of_two);
        }
    }
    None
}

/// Whether a text is a number in the grammar of JSON.
pub(crate) fn is_json_number(text: &str) -> bool {
    json_number_len(text) == Some(text.len())
}

/// The length of the JSON number that a text begins with.
pub(crate) fn json_number_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits_from = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };

    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits_from(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') && digits_from(at + 1) > 0 {
        at += 1 + digits_from(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if digits_from((at + 1 + signed).min(bytes.len())) > 0 {
            at += 1 + signed + digits_from(at + 1 + signed);
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_milliseconds() {
        for (text, expected) in [
            ("10 s", Ok(10_000)),
            ("5 minutes", Ok(300_000)),
            ("1.5h", Ok(5_400_000)),
            ("250", Ok(250)),
            (" 2 d ", Ok(172_800_000)),
            ("3000 us", Ok(3)),
            ("0.0000001 d", Err(NoAmount::Fraction)),
            ("1500 us", Err(NoAmount::Fraction)),
            ("10 S", Err(NoAmount::Shape)),
            ("ten s", Err(NoAmount::Shape)),
            ("s", Err(NoAmount::Shape)),
            ("", Err(NoAmount::Shape)),
            ("-1 s", Err(NoAmount::Negative)),
            ("1e30 d", Err(NoAmount::Overflow)),
        ] {
            assert_eq!(duration_ms(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_exact_bytes() {
        for (text, expected) in [
            ("1342701568", Ok(1_342_701_568)),
            ("384 MiB", Ok(402_653_184)),
            ("512M", Ok(536_870_912)),
            ("512m", Ok(536_870_912)),
            ("1 kB", Ok(1_000)),
            ("1 KB", Err(NoAmount::Shape)),
            ("1K", Ok(1_024)),
            ("2Ki", Ok(2_048)),
            ("1.5 GiB", Ok(1_610_612_736)),
            ("3 gigabytes", Ok(3_000_000_000)),
            ("1 gibibyte", Ok(1_073_741_824)),
            ("7 bytes", Ok(7)),
            ("1 EB", Ok(1_000_000_000_000_000_000)),
            ("1 YiB", Err(NoAmount::Overflow)),
            ("0 YiB", Ok(0)),
            ("0.3 B", Err(NoAmount::Fraction)),
            ("16 EiB", Err(NoAmount::Overflow)),
            ("1e9", Ok(1_000_000_000)),
        ] {
            assert_eq!(size_bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn decimals_are_scaled_without_rounding_errors() {
        let scaled = |text: &str| Decimal::parse(text).and_then(|d| d.times_rounded_up(1_000));
        assert_eq!(scaled("0.1"), Some(100));
        assert_eq!(scaled(".5"), Some(500));
        assert_eq!(scaled("2"), Some(2_000));
        assert_eq!(scaled("1e-1"), Some(100));
        assert_eq!(scaled("0.0001"), Some(1));
        assert_eq!(scaled("1e-60"), Some(1));
        assert_eq!(scaled("0e999"), Some(0));
        assert_eq!(scaled("-1"), None);
        assert_eq!(scaled("1e99"), None);
        assert_eq!(scaled("1e60"), None);
        assert_eq!(scaled("."), None);
        assert_eq!(scaled("1.2.3"), None);
        assert_eq!(
            Decimal::parse("-9223372036854775808").and_then(|d| d.whole()),
            Some(i64::MIN)
        );
        assert_eq!(
            Decimal::parse("9223372036854775808").and_then(|d| d.whole()),
            None
        );
        assert_eq!(Decimal::parse("5.0").and_then(|d| d.whole()), Some(5));
        assert_eq!(Decimal::parse("5.1").and_then(|d| d.whole()), None);
        assert_eq!(Decimal::parse("0.1").and_then(|d| d.times_exactly(5)), None);
    }

    #[test]
    fn numbers_are_those_of_json() {
        for number in ["0", "-0", "12", "1.10", "1e5", "1E+5", "-3.5e-7"] {
            assert!(is_json_number(number), "{number}");
        }
        for other in [
            "", "-", "01", "1.", ".5", "1.0.0", "1e", "1e+", "+1", "0x1", "1 ",
        ] {
            assert!(!is_json_number(other), "{other}");
        }
        assert_eq!(json_number_len("10.0bar"), Some(4));
        assert_eq!(json_number_len("1e+5x"), Some(4));
    }
}
