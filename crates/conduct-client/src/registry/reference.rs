//! What images are called: `[registry/][folders/]name[:tag][@sha256:digest]`.

use std::fmt;
use std::str::FromStr;

use conduct_model::Digest;

/// Where a name without a registry leads.
const HUB: &str = "docker.io";
/// Under which name that answers.
const HUB_HOST: &str = "registry-1.docker.io";
/// Where a name without a folder leads there.
const HUB_FOLDER: &str = "library";
const LATEST: &str = "latest";
const CHARS_MAX: usize = 255;

/// The name of an image, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// Who has it: a host, maybe with a port.
    pub registry: String,
    /// Folders and name.
    pub repository: String,
    /// Which of them.
    pub tag: String,
    /// Which one exactly; then the tag is a comment.
    pub digest: Option<Digest>,
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an image is called [registry/]name[:tag][@sha256:digest], all in small letters")]
pub struct ImageNameError;

impl ImageName {
    /// The host to ask.
    pub fn host(&self) -> &str {
        if self.registry == HUB {
            HUB_HOST
        } else {
            &self.registry
        }
    }

    /// The last part of the name.
    pub fn short(&self) -> &str {
        self.repository
            .rsplit('/')
            .next()
            .unwrap_or(&self.repository)
    }

    /// What a manifest is asked for by.
    pub(crate) fn reference(&self) -> String {
        match &self.digest {
            Some(digest) => format!("sha256:{digest}"),
            None => self.tag.clone(),
        }
    }
}

impl FromStr for ImageName {
    type Err = ImageNameError;

    fn from_str(text: &str) -> Result<ImageName, ImageNameError> {
        if text.len() > CHARS_MAX {
            return Err(ImageNameError);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let hex = digest.strip_prefix("sha256:").ok_or(ImageNameError)?;
                (rest, Some(hex.parse().map_err(|_| ImageNameError)?))
            }
            None => (text, None),
        };
        let (registry, path) = match rest.split_once('/') {
            Some((first, path)) if is_registry(first) => (first, path),
            _ => (HUB, rest),
        };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, tag),
            None => (path, LATEST),
        };
        if !path.split('/').all(is_part) || !is_tag(tag) {
            return Err(ImageNameError);
        }
        let repository = if registry == HUB && !path.contains('/') {
            format!("{HUB_FOLDER}/{path}")
        } else {
            path.to_owned()
        };
        Ok(ImageName {
            registry: registry.to_owned(),
            repository,
            tag: tag.to_owned(),
            digest,
        })
    }
}

/// A first part that looks like a host, as opposed to a folder.
fn is_registry(text: &str) -> bool {
    let (host, port) = text
        .split_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    let is_host = host
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        && host
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric());
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let is_marked = host.contains('.') || port.is_some() || host == "localhost";
    is_host && is_port && is_marked
}

fn is_part(text: &str) -> bool {
    let is_inner = |c: char| matches!(c, '.' | '_' | '-');
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.chars().all(|c| is_plain(c) || is_inner(c))
        && text.chars().next().is_some_and(is_plain)
        && text.chars().next_back().is_some_and(is_plain)
}

fn is_tag(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128
        && text.chars().next().is_some_and(is_first)
        && text.chars().all(|c| is_first(c) || matches!(c, '.' | '-'))
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match &self.digest {
            Some(digest) => write!(f, "@sha256:{digest}"),
            None => write!(f, ":{}", self.tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_lead_to_the_hub() {
        let digest = Digest::of(b"x");
        let cases = [
            ("nginx", "docker.io/library/nginx:latest".to_owned()),
            ("nginx:1.27", "docker.io/library/nginx:1.27".to_owned()),
            ("team/feed:4.2", "docker.io/team/feed:4.2".to_owned()),
            (
                "localhost:5000/feed",
                "localhost:5000/feed:latest".to_owned(),
            ),
            ("ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1".to_owned()),
            (
                &format!("nginx:1@sha256:{digest}"),
                format!("docker.io/library/nginx@sha256:{digest}"),
            ),
        ];
        for (text, whole) in cases {
            let name: ImageName = text.parse().expect(text);
            assert_eq!(name.to_string(), whole);
        }
        let hub: ImageName = "nginx".parse().expect("a name");
        assert_eq!((hub.host(), hub.short()), (HUB_HOST, "nginx"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "A",
            "a:",
            "a:b:c",
            "a b",
            "a@x",
            "a@sha256:1",
            "a.io:x/b",
            "-a",
            "a..",
            "../a",
            "a/../b",
            "a?b",
            "localhost:5000/",
        ] {
            assert_eq!(text.parse::<ImageName>(), Err(ImageNameError), "{text:?}");
        }
    }
}
