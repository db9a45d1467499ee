//! Contents, large and slow ones too, through both proxies.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{connect, head, whole, within};
use crate::instance::Instance;
use crate::proxy::{both, offer};

type Content = UnsyncBoxBody<Bytes, Infallible>;

/// So many pieces of so many bytes, with a pause before each.
fn content(pieces: usize, piece: usize, pause: Duration) -> Content {
    let frames = futures_util::stream::unfold(0, move |count| async move {
        if count == pieces {
            return None;
        }
        tokio::time::sleep(pause).await;
        let frame = Frame::data(Bytes::from(vec![b'y'; piece]));
        Some((Ok(frame), count + 1))
    });
    StreamBody::new(frames).boxed_unsync()
}

#[tokio::test]
async fn large_and_slow_contents_come_through_whole_in_both_directions() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer("shop", &["path-beg=/"], &[shop.at])]).await {
        within(async {
            let mut sender = connect::<Content>(proxy.http).await;
            for (pieces, piece, millis) in [(512, 64 * 1024, 0), (20, 100, 20)] {
                let sent = content(pieces, piece, Duration::from_millis(millis));
                let request = Request::post("/up").header("host", "a").body(sent);
                let answer = sender.send_request(request.unwrap()).await.unwrap();
                let answer = whole(answer).await;
                let count = format!("content {}", pieces * piece);
                assert!(answer.says(&count), "{} {answer:?}", proxy.name);
                sender.ready().await.unwrap();
            }
            let empty = Full::default().boxed_unsync();
            let request = Request::get("/large").header("host", "a").body(empty);
            let answer = sender.send_request(request.unwrap()).await.unwrap();
            assert_eq!(whole(answer).await.text.len(), 32 << 20, "{}", proxy.name);
        })
        .await;
    }
}

#[tokio::test]
async fn an_event_is_passed_on_when_it_comes_and_not_when_the_stream_ends() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer("shop", &["path-beg=/"], &[shop.at])]).await {
        within(async {
            let mut socket = TcpStream::connect(proxy.http).await.unwrap();
            let request = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n";
            socket.write_all(request).await.unwrap();
            let mut seen = String::new();
            while !seen.contains("data: first") {
                seen.push(char::from(socket.read_u8().await.unwrap()));
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_caller_that_asks_first_whether_it_may_go_on_is_told_so() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer("shop", &["path-beg=/"], &[shop.at])]).await {
        within(async {
            let mut socket = TcpStream::connect(proxy.http).await.unwrap();
            let request = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\
                           Expect: 100-continue\r\nConnection: close\r\n\r\n";
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut seen = head(&mut socket).await;
            assert!(seen.starts_with("HTTP/1.1 100"), "{} {seen}", proxy.name);
            socket.write_all(b"abc").await.unwrap();
            socket.read_to_string(&mut seen).await.unwrap();
            assert!(seen.contains("content 3"), "{} {seen}", proxy.name);
        })
        .await;
    }
}
