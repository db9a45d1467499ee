//! A caller.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long anything may take that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Answer {
    /// The line that begins so, without its beginning.
    pub(crate) fn line(&self, beginning: &str) -> Option<&str> {
        self.text
            .lines()
            .find_map(|line| line.strip_prefix(beginning))
    }

    /// Whether this is a line of it.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.lines().any(|line| line == words)
    }
}

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it happens in time")
}

/// Asks on a connection of its own.
pub(crate) async fn ask(at: SocketAddr, method: &str, host: &str, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("host", host).body(Full::default());
    send(at, request.unwrap()).await
}

pub(crate) async fn get(at: SocketAddr, path: &str) -> Answer {
    ask(at, "GET", "any.host", path).await
}

pub(crate) async fn send(at: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    within(async {
        let mut sender = connect(at).await;
        whole(sender.send_request(request).await.unwrap()).await
    })
    .await
}

/// A connection of HTTP/1.1.
pub(crate) async fn connect<B>(at: SocketAddr) -> SendRequest<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let socket = TcpStream::connect(at).await.unwrap();
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await;
    let (sender, connection) = shaken.unwrap();
    tokio::spawn(connection);
    sender
}

/// Asks by HTTP/2 without TLS, as whoever knows that it is spoken there.
pub(crate) async fn send_second(
    at: SocketAddr,
    requests: Vec<Request<Full<Bytes>>>,
) -> Vec<Answer> {
    within(async {
        let socket = TokioIo::new(TcpStream::connect(at).await.unwrap());
        let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), socket).await;
        let (sender, connection) = shaken.unwrap();
        tokio::spawn(connection);
        let asked = requests.into_iter().map(|request| {
            let mut sender = sender.clone();
            async move { whole(sender.send_request(request).await.unwrap()).await }
        });
        futures_util::future::join_all(asked).await
    })
    .await
}

pub(crate) async fn whole(response: Response<Incoming>) -> Answer {
    let status = response.status();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    Answer {
        status,
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

/// How a connection was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    Closed,
    StillOpen,
}

/// Sends bytes as they are and reads what comes until the connection ends, or nothing more comes.
pub(crate) async fn raw(at: SocketAddr, bytes: &[u8]) -> (String, Ending) {
    let mut socket = TcpStream::connect(at).await.unwrap();
    // The other side may close before it has read everything.
    let _ = socket.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    let ending = loop {
        let read = socket.read(&mut piece);
        match tokio::time::timeout(Duration::from_millis(1500), read).await {
            Ok(Ok(0) | Err(_)) => break Ending::Closed,
            Ok(Ok(count)) => answer.extend(&piece[..count]),
            Err(_) => break Ending::StillOpen,
        }
    };
    (String::from_utf8_lossy(&answer).into_owned(), ending)
}

/// Reads up to the end of a head.
pub(crate) async fn head(socket: &mut TcpStream) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(socket.read_u8().await.unwrap()));
    }
    head
}
