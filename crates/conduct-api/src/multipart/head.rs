//! The header of a request's body, and that of a part.

use super::{BOUNDARY_BYTES_MAX, MultipartError};

/// What a part says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartHead {
    /// Its name.
    pub name: String,
    /// The name of the file that it was.
    pub file_name: Option<String>,
}

/// The boundary that the value of a `Content-Type` header names.
pub fn boundary(content_type: &str) -> Result<String, MultipartError> {
    let refused = MultipartError::ContentType;
    let (kind, parameters) = content_type.split_once(';').ok_or(refused.clone())?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(refused);
    }
    let found = parameters_of(parameters).find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
    let boundary = found.map(|(_, value)| value).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
    let is_boundary = (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len())
        && boundary.chars().all(is_plain)
        && !boundary.ends_with(' ');
    if is_boundary {
        Ok(boundary)
    } else {
        Err(refused)
    }
}

impl PartHead {
    /// Reads the lines of a part's header, without the blank one behind them.
    pub(super) fn parse(text: &[u8]) -> Result<PartHead, MultipartError> {
        let text = std::str::from_utf8(text).map_err(|_| MultipartError::Head)?;
        let mut head = None;
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(MultipartError::Head)?;
            if name.trim().eq_ignore_ascii_case("content-disposition")
                && head.replace(disposition(value)?).is_some()
            {
                return Err(MultipartError::Head);
            }
        }
        head.ok_or(MultipartError::Head)
    }
}

fn disposition(value: &str) -> Result<PartHead, MultipartError> {
    let (kind, parameters) = value.split_once(';').ok_or(MultipartError::Head)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(MultipartError::Head);
    }
    let mut head = PartHead::default();
    for (name, value) in parameters_of(parameters) {
        match name.to_ascii_lowercase().as_str() {
            "name" => head.name = value,
            "filename" => head.file_name = Some(value),
            // Names beyond ASCII, as old clients send them.
            "filename*" if head.file_name.is_none() => head.file_name = extended(&value),
            _ => {}
        }
    }
    if head.name.is_empty() {
        Err(MultipartError::Head)
    } else {
        Ok(head)
    }
}

/// Reads `name=value; name="quoted value"`. What is no such pair is passed over.
fn parameters_of(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches([' ', '\t', ';']);
            if rest.is_empty() {
                return None;
            }
            let Some(at) = rest.find(['=', ';']) else {
                rest = "";
                continue;
            };
            let name = rest[..at].trim().to_owned();
            let has_value = rest[at..].starts_with('=');
            rest = &rest[at + 1..];
            if has_value {
                let (value, after) = parameter_value(rest);
                rest = after;
                return Some((name, value));
            }
        }
    })
}

fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// `UTF-8''caf%C3%A9.zip`.
fn extended(value: &str) -> Option<String> {
    let (_, encoded) = value.rsplit_once('\'')?;
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        let code = match (first, after) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
                Some(digit(*high)? << 4 | digit(*low)?)
            }
            _ => None,
        };
        rest = if code.is_some() { &after[2..] } else { after };
        bytes.push(code.unwrap_or(*first));
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_found_quoted_or_bare() {
        let found = |text| boundary(text).ok();
        assert_eq!(
            found("multipart/form-data; boundary=a1-b").as_deref(),
            Some("a1-b")
        );
        assert_eq!(
            found("Multipart/Form-Data; charset=x; Boundary=\"a b\"").as_deref(),
            Some("a b")
        );
        for text in [
            "",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=a",
            "text/plain; boundary=a",
            "multipart/form-data; boundary=\"a\r\nb\"",
        ] {
            assert_eq!(boundary(text), Err(MultipartError::ContentType), "{text}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        assert_eq!(boundary(&long), Err(MultipartError::ContentType));
    }

    #[test]
    fn a_part_says_its_name_and_its_files_name() {
        let head = |text: &str| PartHead::parse(text.as_bytes());
        let named = |name: &str, file: Option<&str>| {
            Ok(PartHead {
                name: name.to_owned(),
                file_name: file.map(str::to_owned),
            })
        };
        assert_eq!(
            head("Content-Disposition: form-data; name=\"bundle\"; filename=\"a-1.zip\"\r\n"),
            named("bundle", Some("a-1.zip"))
        );
        assert_eq!(
            head("content-type: x/y\r\ncontent-disposition:form-data;filename=a;name=b"),
            named("b", Some("a"))
        );
        assert_eq!(
            head("Content-Disposition: form-data; name=\"a;b\\\"c\"; filename*=UTF-8''caf%C3%A9"),
            named("a;b\"c", Some("café"))
        );
        for text in [
            "",
            "Content-Type: text/plain",
            "Content-Disposition: attachment; name=\"a\"",
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; filename=\"a\"",
            "no colon",
            "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b",
        ] {
            assert_eq!(head(text), Err(MultipartError::Head), "{text}");
        }
    }
}
