//! Numbers as JSON has them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Processors, counted in thousandths and written as a number of processors: `0.5`, `4`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Cpus {
    /// Thousandths of a processor.
    pub millis: u64,
}

impl Serialize for Cpus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.millis.is_multiple_of(1000) {
            serializer.serialize_u64(self.millis / 1000)
        } else {
            serializer.serialize_f64(self.millis as f64 / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Cpus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cpus, D::Error> {
        let cpus = f64::deserialize(deserializer)?;
        if cpus.is_finite() && cpus >= 0.0 {
            let millis = (cpus * 1000.0).round() as u64;
            Ok(Cpus { millis })
        } else {
            Err(serde::de::Error::custom(
                "a number of processors is never negative",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_processors_have_no_fraction() {
        for (millis, text) in [
            (0, "0"),
            (100, "0.1"),
            (500, "0.5"),
            (1250, "1.25"),
            (4000, "4"),
        ] {
            assert_eq!(serde_json::to_string(&Cpus { millis }).unwrap(), text);
            assert_eq!(serde_json::from_str::<Cpus>(text).unwrap(), Cpus { millis });
        }
        assert!(serde_json::from_str::<Cpus>("-1").is_err());
    }
}
