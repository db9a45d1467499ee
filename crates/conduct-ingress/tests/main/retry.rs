//! Instances that go away, and time that runs out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use conduct_ingress::{Limits, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{ask, get, raw, within};
use crate::instance::Instance;
use crate::proxy::{both, embedded, first, free_port, offer, settings};

/// A server that reads a request and goes away without an answer; and how many it has read.
async fn deserter() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = [0; 2048];
            if socket.read(&mut head).await.is_ok_and(|bytes| bytes > 0) {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (at, count)
}

#[tokio::test]
async fn an_instance_that_takes_no_connection_costs_no_request_of_any_method() {
    let shop = Instance::start("shop").await;
    let nobody = free_port();
    for proxy in both(&[offer("shop", &["path-beg=/"], &[nobody, shop.at])]).await {
        for method in ["GET", "POST", "GET", "POST"] {
            let answer = ask(proxy.http, method, "a", "/").await;
            assert_eq!(
                answer.line("instance "),
                Some("shop"),
                "{} {answer:?}",
                proxy.name
            );
        }
    }
}

#[tokio::test]
async fn a_request_that_may_be_repeated_is_asked_of_another_instance_and_no_other_is() {
    let shop = Instance::start("shop").await;
    for kind in 0..2 {
        let (at, count) = deserter().await;
        let proxies = both(&[offer("shop", &["path-beg=/"], &[at, shop.at])]).await;
        let Some(proxy) = proxies.get(kind) else {
            continue;
        };
        for _ in 0..4 {
            let answer = get(proxy.http, "/").await;
            assert_eq!(
                answer.line("instance "),
                Some("shop"),
                "{} {answer:?}",
                proxy.name
            );
        }
        assert!(
            count.load(Ordering::SeqCst) > 0,
            "{}: it was tried",
            proxy.name
        );
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let answer = ask(proxy.http, "POST", "a", "/").await;
            statuses.push(answer.status.as_u16());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 502, 502], "{}", proxy.name);
    }
}

#[tokio::test]
async fn with_nobody_left_callers_are_told_so_at_once() {
    let offers = [offer("shop", &["path-beg=/"], &[free_port(), free_port()])];
    for proxy in both(&offers).await {
        let answer = get(proxy.http, "/").await;
        assert_eq!(answer.status, 503, "{}", proxy.name);
    }
}

#[tokio::test]
async fn an_instance_that_closes_kept_connections_costs_no_request() {
    // It answers one request per connection and says nothing about that.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = [0; 2048];
            if socket.read(&mut head).await.is_ok() {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                socket.write_all(answer).await.unwrap();
            }
        }
    });
    let proxy = first(&[offer("shop", &["path-beg=/"], &[at])]).await;
    for number in 0..50 {
        let method = if number % 2 == 0 { "GET" } else { "DELETE" };
        let answer = ask(proxy.http, method, "a", "/").await;
        assert_eq!(answer.status, 200);
    }
}

fn hasty() -> Settings {
    Settings {
        limits: Limits {
            answer_time_max: Duration::from_millis(200),
            content_idle_max: Duration::from_millis(200),
            head_time_max: Duration::from_millis(200),
            ..settings().limits
        },
        ..settings()
    }
}

#[tokio::test]
async fn an_instance_that_does_not_answer_is_given_up() {
    let shop = Instance::start("shop").await;
    let ingress = embedded(&[offer("shop", &["path-beg=/"], &[shop.at])], hasty()).await;
    assert_eq!(get(ingress.http, "/slow").await.status, 504);
    assert_eq!(get(ingress.http, "/").await.status, 200);
}

#[tokio::test]
async fn a_caller_that_does_not_go_on_is_given_up() {
    let shop = Instance::start("shop").await;
    let ingress = embedded(&[offer("shop", &["path-beg=/"], &[shop.at])], hasty()).await;
    within(async {
        for beginning in ["", "G", "GET / HTTP/1.1\r\nHost:", "PRI * HTTP/2.0\r\n\r\n"] {
            let mut socket = TcpStream::connect(ingress.http).await.unwrap();
            socket.write_all(beginning.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // Being cut off is an end, too.
            let _ = socket.read_to_end(&mut answer).await;
        }
    })
    .await;
    let stalled = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc";
    let (answer, _) = within(raw(ingress.http, stalled)).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn callers_beyond_the_bound_wait_for_a_place() {
    let shop = Instance::start("shop").await;
    let settings = Settings {
        limits: Limits {
            connections_max: 2,
            ..settings().limits
        },
        ..settings()
    };
    let ingress = embedded(&[offer("shop", &["path-beg=/"], &[shop.at])], settings).await;
    let slow = (0..6).map(|_| get(ingress.http, "/slow"));
    let begun = std::time::Instant::now();
    let answers = futures_util::future::join_all(slow).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!(
        begun.elapsed() >= Duration::from_millis(1700),
        "two at a time"
    );
}
