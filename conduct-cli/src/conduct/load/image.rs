//! Images from registries.

use std::path::Path;

use conduct_client::registry::{ImageCache, ImageName, Pull, Pulled, Wanted};
use conduct_client::{Credentials, Passed};
use conduct_image::Platform;

use super::Args;
use super::archive::Kept;
use super::cache::Caches;
use super::source::{Image, Source};
use super::{bar, watched};
use crate::conduct::session::Session;
use crate::exit::{Exit, Failure, OrFail as _};

/// Fetches what is not here yet, and makes a layout of it.
pub(super) async fn fetch(
    name: &ImageName,
    args: &Args,
    caches: &Caches,
    session: &mut Session<'_>,
) -> Result<Source, Failure> {
    let platform = args.conf.image.platform.clone();
    let Platform {
        architecture,
        os,
        variant,
    } = platform.unwrap_or_else(Platform::here);
    let wanted = Wanted {
        os,
        architecture,
        variant,
    };
    let cache = ImageCache::new(caches.images()?);
    let pulled = if args.resolving.is_offline() {
        Pulled::kept(name, &wanted, &cache).map_err(|error| session.failure(error))?
    } else {
        session.note(format_args!("fetching {name}"));
        let pull = Pull::new(name, &cache, credentials(name)?);
        let pull = pull.map_err(|error| session.failure(error))?;
        let passed = Passed::default();
        let mut progress = bar(session, "fetching", None);
        let work = pull.run(&wanted, |_| {}, &passed);
        let pulled = watched(work, &passed, &mut progress).await;
        drop(progress);
        pulled.map_err(|error| unreachable(session, name, error))?
    };
    let folder = tempfile::tempdir().or_fail(Exit::Failed, "could not make a temporary folder")?;
    let laid_out = pulled.lay_out(&cache, folder.path());
    laid_out.map_err(|error| session.failure(error))?;
    let source = Source {
        image: Some(Image {
            name: name.short().to_owned(),
            tag: name.tag.clone(),
        }),
        ..Source::file(folder.path(), &name.to_string())
    };
    Ok(source.holding(Kept::Folder(folder)))
}

/// What was no file was taken for an image; maybe it was to be a file.
fn unreachable(
    session: &Session<'_>,
    name: &ImageName,
    error: conduct_client::ClientError,
) -> Failure {
    use conduct_client::ClientError;
    let (reason, exit) = match &error {
        ClientError::Unreachable { tried } => {
            let reason = tried.first().map(|it| it.reason.clone());
            (reason.unwrap_or_default(), Exit::Failed)
        }
        ClientError::Image { why, .. } => (why.clone(), Exit::NotFound),
        _ => return session.failure(error),
    };
    let sentence = format!("the image {name} could not be had: {reason}");
    Failure::new(exit, crate::conduct::text::plain(&sentence))
        .hint("if a file was meant: there is none that is called so here")
}

/// Who asks a registry, as old releases wrote it down.
fn credentials(name: &ImageName) -> Result<Option<Credentials>, Failure> {
    let Some(home) = std::env::home_dir() else {
        return Ok(None);
    };
    let folder = home.join(".lightbend");
    let own = folder.join(format!("docker.credentials-{}", name.registry));
    for path in [own, folder.join("docker.credentials")] {
        if path.is_file() {
            return read(&path).map(Some);
        }
    }
    Ok(None)
}

/// `user = …` and `password = …`, a line each.
fn read(path: &Path) -> Result<Credentials, Failure> {
    let doing = format!("could not read {}", path.display());
    let text = std::fs::read_to_string(path).or_fail(Exit::Failed, doing)?;
    let said = |wanted: &[&str]| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        let found = pairs.find(|(key, _)| wanted.contains(&key.trim()));
        found.map(|(_, value)| value.trim().to_owned())
    };
    match (said(&["user", "username"]), said(&["password"])) {
        (Some(username), Some(password)) => Ok(Credentials { username, password }),
        _ => Err(Failure::new(
            Exit::Failed,
            format_args!("{} has to say user and password", path.display()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_as_old_releases_wrote_them() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "realm = x\nuser = me\npassword = a=b\n").expect("written");
        let read = read(file.path()).expect("whole");
        assert_eq!(
            (read.username.as_str(), read.password.as_str()),
            ("me", "a=b")
        );
        std::fs::write(file.path(), "user = me\n").expect("written");
        assert!(super::read(file.path()).is_err());
    }
}
