//! One request on a connection of its own: what status service and locator need, and no more.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, HOST, HeaderName, LOCATION, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The name that the libraries for other languages give as well.
const AGENT: &str = "TypesafeConductRBundleLib";

/// Longer answers than a list of a few thousand hosts are nothing that a node says.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) body: Bytes,
}

/// Asks, and follows no redirect. Whatever goes wrong is told in words: callers can only repeat it.
pub(crate) async fn ask(method: Method, url: &str, patience: Duration) -> Result<Answer, String> {
    match timeout(patience, exchange(method, url)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer in {} ms", patience.as_millis())),
    }
}

async fn exchange(method: Method, url: &str) -> Result<Answer, String> {
    let uri: Uri = url.parse().map_err(in_words)?;
    let authority = uri.authority().ok_or("the URL names no host")?;
    if uri.scheme_str() != Some("http") {
        return Err("only http is spoken here".to_owned());
    }
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, port)).await.map_err(in_words)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(in_words)?;
    let request = Request::builder()
        .method(method)
        .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, authority.as_str())
        .header(USER_AGENT, AGENT)
        .body(Empty::<Bytes>::new())
        .map_err(in_words)?;
    let answered = async {
        let answer = sender.send_request(request).await.map_err(in_words)?;
        let header = |name: HeaderName| {
            let value = answer.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let (status, location, cache_control) =
            (answer.status(), header(LOCATION), header(CACHE_CONTROL));
        let body = Limited::new(answer.into_body(), BODY_BYTES_MAX);
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Answer {
            status,
            location,
            cache_control,
            body: body.to_bytes(),
        })
    };
    // The connection is driven here and not by a task of its own: so nothing of it stays behind.
    tokio::pin!(connection, answered);
    let mut is_open = true;
    loop {
        tokio::select! {
            answer = &mut answered => return answer,
            // How it ended is told by the request, which cannot go on either.
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}

/// An error with its causes, in a line.
fn in_words(error: impl std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !words.ends_with(&inner) {
            words = format!("{words}: {inner}");
        }
        cause = error.source();
    }
    words
}
