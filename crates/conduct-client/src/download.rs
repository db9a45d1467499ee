//! Files from the web.

use std::path::Path;
use std::time::Duration;

use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt as _;

use crate::client::{Answer, Limits, no_answer_within};
use crate::error::{Attempt, ClientError, reason};
use crate::http;
use crate::target::Target;
use crate::upload::Passed;

/// Until an answer begins, and between its pieces: servers of files may be slower than nodes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest file that is fetched.
pub const FILE_BYTES_MAX: u64 = 64 << 30;

/// Whether what is spoken with this address is plain HTTP on this machine, where neither a proxy
/// nor an authority has a part.
pub(crate) fn is_plain(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    Target::new(authority).is_ok_and(|target| target.is_loopback())
}

/// Fetches the file at `url` into `path`, which is made anew and readable by nobody else. Tells
/// its size.
pub async fn download(
    url: &str,
    path: &Path,
    started: impl FnOnce(Option<u64>),
    passed: &Passed,
) -> Result<u64, ClientError> {
    let http = http::for_anything(is_plain(url), Limits::default().connect)?;
    let request = http.get(url).build().map_err(|error| ClientError::Url {
        url: url.to_owned(),
        reason: reason(&error),
    })?;
    let unreachable = |reason| ClientError::Unreachable {
        tried: vec![Attempt {
            url: url.to_owned(),
            reason,
        }],
    };
    let response = match tokio::time::timeout(PATIENCE, http.execute(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(unreachable(reason(&error))),
        Err(_) => return Err(unreachable(no_answer_within(PATIENCE))),
    };
    let answer = Answer::new(url.to_owned(), response, Limits::default());
    let answer = answer.succeeded().await?;
    started(answer.response.content_length());
    save(answer, path, FILE_BYTES_MAX, passed, &mut |_| {}).await
}

/// Writes the content of an answer into a new file, showing each piece to `see`.
pub(crate) async fn save(
    mut answer: Answer,
    path: &Path,
    bytes_max: u64,
    passed: &Passed,
    see: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<u64, ClientError> {
    let failed = |source| ClientError::File {
        path: path.to_owned(),
        doing: "write",
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await.map_err(failed)?;
    let mut bytes = 0;
    while let Some(piece) = answer.piece(PATIENCE).await? {
        bytes += piece.len() as u64;
        if bytes > bytes_max {
            return Err(ClientError::TooLarge {
                url: answer.url,
                bytes_max,
            });
        }
        see(&piece);
        file.write_all(&piece).await.map_err(failed)?;
        passed.add(piece.len());
    }
    file.flush().await.map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_on_this_machine_goes_past_proxies() {
        assert!(is_plain("http://127.0.0.1:5000/x") && is_plain("http://localhost/"));
        assert!(!is_plain("https://127.0.0.1/x") && !is_plain("http://example.org/127.0.0.1"));
    }
}
