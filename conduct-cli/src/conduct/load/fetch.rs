//! Files from the web.

use std::path::Path;

use conduct_bundle::archive::{Archive, ArchiveName, Limits};
use conduct_client::{Passed, download};

use super::cache::{Caches, Kind};
use super::source::Source;
use super::{bar, watched};
use crate::conduct::session::Session;
use crate::exit::{Exit, Failure, OrFail as _};

/// Fetches a file, or takes the one that was fetched before where its name proves that it is the
/// same, or where nothing may be fetched.
pub(super) async fn fetch(
    url: &str,
    kind: Kind,
    is_offline: bool,
    caches: &Caches,
    session: &mut Session<'_>,
) -> Result<Source, Failure> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '~' | '%');
    let name = if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
        "bundle.zip"
    } else {
        name
    };
    let target = caches.folder(kind)?.join(name);
    if target.is_file() && (is_offline || is_proven(&target, name)) {
        return Ok(Source::file(target, name));
    }
    if is_offline {
        let sentence = format!("{url} was never fetched, and --offline forbids to");
        return Err(Failure::new(Exit::NotFound, sentence));
    }
    // Under another name until it is whole, so that nobody takes a part of it for it.
    let temporary = target.with_file_name(format!("{name}.{}.tmp", std::process::id()));
    let passed = Passed::default();
    let mut progress = bar(session, &format!("fetching {name}"), None);
    let work = download::download(url, &temporary, |_| {}, &passed);
    let fetched = watched(work, &passed, &mut progress).await;
    drop(progress);
    if let Err(error) = fetched {
        // What is left of it is of no use to anybody; that it cannot be removed changes nothing.
        let _ = std::fs::remove_file(&temporary);
        return Err(told(session, error));
    }
    let doing = format!("could not keep {}", target.display());
    std::fs::rename(&temporary, &target).or_fail(Exit::Failed, doing)?;
    Ok(Source::file(target, name))
}

/// No cluster is involved, so nothing is said of one.
fn told(session: &Session<'_>, error: conduct_client::ClientError) -> Failure {
    let mut failure = session.failure(error);
    if failure.exit == Exit::Unreachable {
        failure.exit = Exit::Failed;
        failure.hints.clear();
        if let crate::exit::Told::Sentence(sentence) = &mut failure.told {
            *sentence = sentence.replace("no node answers at", "nobody answers at");
        }
    }
    failure
}

/// Whether a file is what its name says.
fn is_proven(path: &Path, name: &str) -> bool {
    let Ok(name) = name.parse::<ArchiveName>() else {
        return false;
    };
    let archive = std::fs::File::open(path)
        .ok()
        .and_then(|file| Archive::open(file, Limits::default()).ok());
    archive.is_some_and(|archive| archive.verify(name.digest).is_ok())
}
