//! Values as the types that a reader wants, converted as the HOCON specification recommends.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::HoconError;
use crate::object::Object;
use crate::units::{self, Decimal, NoAmount};
use crate::value::{Kind, Value};

impl Value {
    /// The text of a string, a number (as it was written) or a boolean.
    pub fn as_str(&self) -> Result<&str, HoconError> {
        match &self.kind {
            Kind::String(text) | Kind::Number(text) => Ok(text),
            Kind::Bool(true) => Ok("true"),
            Kind::Bool(false) => Ok("false"),
            _ => Err(self.not("a string")),
        }
    }

    /// `true`, `yes`, `on` or `false`, `no`, `off`, quoted or not.
    pub fn as_bool(&self) -> Result<bool, HoconError> {
        match &self.kind {
            Kind::Bool(value) => Ok(*value),
            Kind::String(text) => match text.as_str() {
                "true" | "yes" | "on" => Ok(true),
                "false" | "no" | "off" => Ok(false),
                _ => Err(self.not("true or false")),
            },
            _ => Err(self.not("true or false")),
        }
    }

    /// A whole number, quoted or not.
    pub fn as_i64(&self) -> Result<i64, HoconError> {
        let whole = self
            .scalar_text()
            .and_then(Decimal::parse)
            .and_then(|it| it.whole());
        whole.ok_or_else(|| self.not("a whole number"))
    }

    /// A whole number of at least 0, quoted or not.
    pub fn as_u64(&self) -> Result<u64, HoconError> {
        let whole = self
            .scalar_text()
            .and_then(Decimal::parse)
            .and_then(|it| it.times_exactly(1));
        whole.ok_or_else(|| self.not("a whole number of at least 0"))
    }

    /// A whole number within bounds, such as a port.
    pub fn as_whole(&self, bounds: RangeInclusive<i64>) -> Result<i64, HoconError> {
        match self.as_i64() {
            Ok(number) if bounds.contains(&number) => Ok(number),
            _ => Err(self.not(format!(
                "a whole number from {} to {}",
                bounds.start(),
                bounds.end()
            ))),
        }
    }

    /// A number with or without a fraction, exactly as written, quoted or not.
    pub fn as_decimal(&self) -> Result<Decimal, HoconError> {
        self.scalar_text()
            .and_then(Decimal::parse)
            .ok_or_else(|| self.not("a number"))
    }

    /// A duration such as `10 s`, in milliseconds. A bare number is milliseconds already.
    pub fn as_duration_ms(&self) -> Result<u64, HoconError> {
        self.amount(
            "a duration such as 10 s or 5 minutes",
            "milliseconds",
            units::duration_ms,
        )
    }

    /// A size such as `384 MiB`, in bytes. A bare number is bytes already.
    pub fn as_bytes(&self) -> Result<u64, HoconError> {
        self.amount(
            "a size such as 384 MiB or 402653184",
            "bytes",
            units::size_bytes,
        )
    }

    /// The items of a list. An object whose keys are numbers is one too: that is what setting
    /// `seeds.0` and `seeds.1` makes.
    pub fn as_list(&self) -> Result<Vec<&Value>, HoconError> {
        match &self.kind {
            Kind::List(items) => Ok(items.iter().collect()),
            Kind::Object(object) => numbered(object).ok_or_else(|| self.not("a list")),
            _ => Err(self.not("a list")),
        }
    }

    /// The items of a list of strings.
    pub fn as_strings(&self) -> Result<Vec<&str>, HoconError> {
        self.as_list()
            .map_err(|_| self.not("a list of strings"))?
            .into_iter()
            .map(Value::as_str)
            .collect()
    }

    /// An object.
    pub fn as_object(&self) -> Result<&Object, HoconError> {
        match &self.kind {
            Kind::Object(object) => Ok(object),
            _ => Err(self.not("an object")),
        }
    }

    /// The error that this value is not what it should be, pointing at its place.
    pub fn not(&self, expected: impl Into<String>) -> HoconError {
        HoconError::wrong_type(&self.span, expected, self.describe())
    }

    fn scalar_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Number(text) => Some(text),
            Kind::String(text) => Some(text.trim()),
            _ => None,
        }
    }

    fn amount(
        &self,
        expected: &str,
        counted_in: &str,
        read: fn(&str) -> Result<u64, NoAmount>,
    ) -> Result<u64, HoconError> {
        let amount = self.scalar_text().map_or(Err(NoAmount::Shape), read);
        amount.map_err(|reason| {
            let expected: Cow<'_, str> = match reason {
                NoAmount::Shape => expected.into(),
                NoAmount::Negative => format!("{expected}, not below 0").into(),
                NoAmount::Fraction => format!("a whole number of {counted_in}").into(),
                NoAmount::Overflow => format!("less than 2^64 {counted_in}").into(),
            };
            self.not(expected)
        })
    }
}

/// The fields with whole numbers as keys, in the order of these; none if there are none.
pub(crate) fn numbered(object: &Object) -> Option<Vec<&Value>> {
    let mut items: Vec<(u64, &Value)> = object
        .entries()
        .filter(|entry| entry.key.bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|entry| Some((entry.key.parse().ok()?, entry.value)))
        .collect();
    items.sort_by_key(|(number, _)| *number);
    (!items.is_empty()).then(|| items.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn quoted_numbers_are_read_as_numbers() {
        let conf = parse(r#"memory = "1342701568", cpus = "0.1", port = " 80 ""#).unwrap();
        assert_eq!(
            conf.at("memory").unwrap().as_bytes().unwrap(),
            1_342_701_568
        );
        assert_eq!(
            conf.at("cpus")
                .unwrap()
                .as_decimal()
                .unwrap()
                .times_exactly(1_000),
            Some(100)
        );
        assert_eq!(conf.at("port").unwrap().as_whole(0..=65_535).unwrap(), 80);
    }

    #[test]
    fn numbers_keep_their_text() {
        let conf = parse("version = 1.0.0, tag = 1.10, power = 1e5").unwrap();
        assert_eq!(conf.at("version").unwrap().as_str().unwrap(), "1.0.0");
        assert_eq!(conf.at("tag").unwrap().as_str().unwrap(), "1.10");
        assert_eq!(conf.at("power").unwrap().as_str().unwrap(), "1e5");
        assert_eq!(conf.at("power").unwrap().as_i64().unwrap(), 100_000);
    }

    #[test]
    fn six_words_are_booleans() {
        let conf = parse("a = [true, yes, on, \"true\", false, no, off, 1]").unwrap();
        let read: Vec<Option<bool>> = conf
            .at("a")
            .unwrap()
            .as_list()
            .unwrap()
            .iter()
            .map(|v| v.as_bool().ok())
            .collect();
        let expected = [Some(true); 4]
            .into_iter()
            .chain([Some(false); 3])
            .chain([None]);
        assert_eq!(read, expected.collect::<Vec<_>>());
    }

    #[test]
    fn an_object_with_numbers_as_keys_is_a_list() {
        let conf = parse("seeds.10 = c, seeds.0 = a, seeds.2 = b, seeds.x = y").unwrap();
        assert_eq!(
            conf.at("seeds").unwrap().as_strings().unwrap(),
            ["a", "b", "c"]
        );
        assert!(parse("a {}").unwrap().at("a").unwrap().as_list().is_err());
    }

    #[test]
    fn null_is_of_no_type() {
        let conf = parse("a = null").unwrap();
        let null = conf.at("a").unwrap();
        assert!(null.is_null());
        assert!(null.as_str().is_err() && null.as_i64().is_err() && null.as_list().is_err());
        assert!(null.as_bool().is_err() && null.as_object().is_err() && null.as_bytes().is_err());
    }
}
