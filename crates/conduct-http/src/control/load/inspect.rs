//! A look into what has arrived, before anybody relies on it.

use conduct_bundle::archive::{Archive, Limits};
use conduct_bundle::conf;
use conduct_model::Descriptor;

use super::spool::Arrived;
use crate::error::ApiError;

/// Problems that one answer tells.
const PROBLEMS_MAX: usize = 10;

/// The text of a `bundle.conf` and the one to be laid over it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Confs {
    pub(super) bundle: String,
    pub(super) overlay: Option<String>,
}

impl Confs {
    /// Reads them, or tells everything that is wrong with them.
    pub(super) fn read(&self) -> Result<Descriptor, ApiError> {
        let reading = conf::read(&self.bundle, self.overlay.as_deref());
        let problems: Vec<String> = reading.errors().map(ToString::to_string).collect();
        match reading.descriptor {
            Some(descriptor) if problems.is_empty() => Ok(descriptor),
            _ => Err(ApiError::Malformed(told(&problems))),
        }
    }
}

fn told(problems: &[String]) -> String {
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    let shown = &problems[..problems.len() - more];
    let more = if more > 0 {
        format!("\nand {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", shown.join("\n"))
}

/// Opens the archives, which must be sound and hold what the request said of them. `described` is
/// what it said, where it said anything.
pub(super) fn inspect(
    bundle: &Arrived,
    configuration: Option<&Arrived>,
    described: Option<&Descriptor>,
) -> Result<Descriptor, ApiError> {
    let bundle = conf_of(bundle, "bundle")?.ok_or_else(|| {
        ApiError::Malformed("there is no bundle.conf in the archive of the bundle".to_owned())
    })?;
    let overlay = match configuration {
        Some(configuration) => conf_of(configuration, "configuration")?,
        None => None,
    };
    let held = Confs { bundle, overlay }.read()?;
    if described.is_some_and(|described| *described != held) {
        return Err(ApiError::Malformed(
            "bundleConf and bundleConfOverlay are not what the archives hold".to_owned(),
        ));
    }
    Ok(held)
}

fn conf_of(archive: &Arrived, which: &str) -> Result<Option<String>, ApiError> {
    let refused = |error: &dyn std::error::Error| {
        let mut text = format!("the archive of the {which} is refused: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        ApiError::Malformed(text)
    };
    let opened = Archive::open(archive.reader()?, Limits::default());
    let archive = opened.map_err(|error| refused(&error))?;
    archive.conf().map_err(|error| refused(&error))
}
