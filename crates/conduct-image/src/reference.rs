//! Image names as people and archives write them: `team/feed:4.2`, `localhost:5000/feed@sha256:…`.

use std::fmt;

/// A name and, where one is given, a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// With host and path: `localhost:5000/team/feed`.
    pub repository: String,
    /// Behind the last colon: `4.2`.
    pub tag: Option<String>,
}

impl Reference {
    /// Takes a name apart. A colon before the last slash belongs to the host's port.
    pub fn parse(text: &str) -> Reference {
        let text = text.split_once('@').map_or(text, |(name, _digest)| name);
        let last = text.rfind('/').map_or(0, |slash| slash + 1);
        match text[last..].rfind(':') {
            Some(colon) => Reference {
                repository: text[..last + colon].to_owned(),
                tag: Some(text[last + colon + 1..].to_owned()),
            },
            None => Reference {
                repository: text.to_owned(),
                tag: None,
            },
        }
    }

    /// The last part of the repository: what a bundle is called by default.
    pub fn short_name(&self) -> &str {
        self.repository
            .rsplit('/')
            .next()
            .unwrap_or(&self.repository)
    }

    /// Whether someone who asks for `name` means this: all of it, its end, or its last part.
    pub fn is_called(&self, name: &str) -> bool {
        self.repository == name || self.repository.ends_with(&format!("/{name}"))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tag {
            Some(tag) => write!(f, "{}:{tag}", self.repository),
            None => f.write_str(&self.repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        let cases = [
            ("team/feed:4.2", "team/feed", Some("4.2"), "feed"),
            ("feed", "feed", None, "feed"),
            (
                "localhost:5000/team/feed",
                "localhost:5000/team/feed",
                None,
                "feed",
            ),
            (
                "localhost:5000/team/feed:1",
                "localhost:5000/team/feed",
                Some("1"),
                "feed",
            ),
            ("feed:2@sha256:00", "feed", Some("2"), "feed"),
        ];
        for (text, repository, tag, short) in cases {
            let reference = Reference::parse(text);
            assert_eq!(reference.repository, repository, "{text}");
            assert_eq!(reference.tag.as_deref(), tag, "{text}");
            assert_eq!(reference.short_name(), short, "{text}");
        }
    }

    #[test]
    fn an_image_answers_to_the_end_of_its_name() {
        let feed = Reference::parse("docker.io/team/feed:4.2");
        assert!(feed.is_called("feed") && feed.is_called("team/feed"));
        assert!(!feed.is_called("eed") && !feed.is_called("other/feed"));
    }
}
