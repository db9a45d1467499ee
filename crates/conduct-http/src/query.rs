//! Queries that may name a thing several times.

/// All values of `name`, in their order.
pub(crate) fn values<'a>(
    query: Option<&'a str>,
    name: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let pairs = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    pairs
        .filter(move |(key, _)| decoded(key) == name)
        .map(|(_, value)| decoded(value))
}

/// Without `%XX`; what is no such code stands for itself, and what is no text is replaced.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = match (first, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        rest = if code.is_some() { &after[2..] } else { after };
        bytes.push(code.map_or(*first, |(high, low)| high << 4 | low));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_come_several_times() {
        let query = "events=info&x=1&%65vents=con%66ig&events&events=";
        let found: Vec<String> = values(Some(query), "events").collect();
        assert_eq!(found, ["info", "config", ""]);
        assert_eq!(values(None, "events").count(), 0);
    }

    #[test]
    fn what_is_no_code_stands_for_itself() {
        assert_eq!(decoded("a%2Fb%zz%4"), "a/b%zz%4");
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }
}
