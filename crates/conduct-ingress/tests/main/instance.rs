//! An instance of a bundle: answers with what it saw.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// A server that answers by path, and remembers what it was asked.
pub(crate) struct Instance {
    pub(crate) at: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    _serving: AbortOnDropHandle<()>,
}

type Content = UnsyncBoxBody<Bytes, Infallible>;

impl Instance {
    pub(crate) async fn start(name: &'static str) -> Instance {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                let service = service_fn(move |request: Request<Incoming>| {
                    let asked = format!("{} {}", request.method(), request.uri());
                    noted.lock().unwrap().push(asked);
                    async move { Ok::<_, Infallible>(answer(name, request).await) }
                });
                let connection = http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .with_upgrades();
                tokio::spawn(connection);
            }
        });
        Instance {
            at,
            seen,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// What it was asked, in order.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(name: &'static str, mut request: Request<Incoming>) -> Response<Content> {
    if request.headers().contains_key(UPGRADE) {
        return echo_frames(&mut request);
    }
    match request.uri().path() {
        "/events" => return events(),
        "/large" => return large(),
        "/slow" => tokio::time::sleep(Duration::from_millis(600)).await,
        "/empty" => {
            let mut response = text("");
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        }
        _ => {}
    }
    let mut lines = vec![
        format!("instance {name}"),
        format!("{} {}", request.method(), request.uri()),
    ];
    for (name, value) in request.headers() {
        lines.push(format!("{name}: {}", value.to_str().unwrap_or("?")));
    }
    let Ok(content) = request.into_body().collect().await else {
        return text("the content broke off");
    };
    lines.push(format!("content {}", content.to_bytes().len()));
    text(&lines.join("\n"))
}

fn text(text: &str) -> Response<Content> {
    Response::new(Full::new(Bytes::from(text.to_owned())).boxed_unsync())
}

/// Switches to a protocol in which everything comes back in capitals.
fn echo_frames(request: &mut Request<Incoming>) -> Response<Content> {
    let switched = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(switched.await.unwrap());
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut bytes).await {
            bytes[..count].make_ascii_uppercase();
            if stream.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    });
    let mut response = text("");
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, "Upgrade".parse().unwrap());
    headers.insert(UPGRADE, "websocket".parse().unwrap());
    // What belongs to the one key that is asked with.
    let accepted = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".parse().unwrap();
    headers.insert("sec-websocket-accept", accepted);
    response
}

/// An event at once, and another one that the caller would wait for in vain.
fn events() -> Response<Content> {
    let (into, from) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
    tokio::spawn(async move {
        let event = Frame::data(Bytes::from_static(b"data: first\n\n"));
        if into.send(Ok(event)).await.is_ok() {
            into.closed().await;
        }
    });
    let mut response = Response::new(StreamBody::new(stream(from)).boxed_unsync());
    let kind = "text/event-stream".parse().unwrap();
    response.headers_mut().insert("content-type", kind);
    response
}

/// 32 MiB in chunks.
fn large() -> Response<Content> {
    let (into, from) = mpsc::channel(4);
    tokio::spawn(async move {
        for _ in 0..512 {
            let piece = Frame::data(Bytes::from(vec![b'x'; 64 * 1024]));
            if into.send(Ok(piece)).await.is_err() {
                return;
            }
        }
    });
    Response::new(StreamBody::new(stream(from)).boxed_unsync())
}

fn stream<T: Send + 'static>(from: mpsc::Receiver<T>) -> impl Stream<Item = T> + Send {
    futures_util::stream::unfold(from, |mut from| async {
        let item = from.recv().await?;
        Some((item, from))
    })
}
