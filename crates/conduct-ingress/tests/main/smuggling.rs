//! Requests that one reader could take for one and another for two: behind neither proxy they
//! ever become two.

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Ending, get, raw};
use crate::instance::Instance;
use crate::proxy::{both, first, offer};

/// What hides in a content; all are equally long.
fn hidden(number: usize) -> String {
    format!("GET /hid-{number:02} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Beginnings of a request, up to where its content would be, with two meanings each. Behind each
/// comes `0`, an empty line and a hidden request.
const TWO_LENGTHS: &[&str] = &[
    "Content-Length: 48\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 48\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 48\r\n",
    "Content-Length: 48\r\nContent-Length: 5\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 5, 48\r\n",
    "Content-Length: 0x30\r\n",
    "Content-Length : 48\r\nContent-Length: 5\r\n",
    "Content-Length: 48\r\nTransfer-Encoding : chunked\r\n",
    "Content-Length: 48\r\nTransfer-Encoding: xchunked\r\n",
    "Content-Length: 48\r\nTransfer-Encoding: identity\r\n",
    "Content-Length: 48\r\nTransfer-Encoding:\x0bchunked\r\n",
    "Content-Length: 48\r\n Transfer-Encoding: chunked\r\n",
    "Content-Length: 48\r\nA: b\r\n Transfer-Encoding: chunked\r\n",
    "Content-Length: 48\r\nA: b\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 48\r\nA: b\rTransfer-Encoding: chunked\r\n",
    "Content-Length: 48\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nContent-Length: 48\r\n",
];

/// Contents in chunks of which one reader finds the end elsewhere than another.
const TWO_ENDS: &[&str] = &[
    "5;a=\r\nb\r\nhello\r\n0\r\n\r\n",
    "5;\nxx\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloo\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "100000000000000005\r\nhello\r\n0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
];

/// HAProxy takes a bare newline behind the size of a chunk for its end, and passes on what it made
/// of that in its own words; so whatever is behind it agrees. The ingress refuses it.
const TAKEN_BY_HAPROXY: &[&str] = &["5\nhello\r\n0\r\n\r\n"];

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn requests(name: &str) -> Vec<String> {
    let lengths = TWO_LENGTHS.iter().map(|lines| (*lines, "0\r\n\r\n"));
    let more = TAKEN_BY_HAPROXY.iter().filter(|_| name == "embedded");
    let ends = TWO_ENDS
        .iter()
        .chain(more)
        .map(|content| (CHUNKED, *content));
    let numbered = lengths.chain(ends).enumerate();
    let request = |(number, (lines, content)): (usize, (&str, &str))| {
        let hidden = hidden(number);
        format!("POST /first HTTP/1.1\r\nHost: a\r\n{lines}\r\n{content}{hidden}")
    };
    numbered.map(request).collect()
}

#[tokio::test]
async fn no_request_ever_becomes_two() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer("shop", &["path-beg=/"], &[shop.at])]).await {
        let requests = requests(proxy.name);
        let sent = requests
            .iter()
            .map(|request| raw(proxy.http, request.as_bytes()));
        let answers = futures_util::future::join_all(sent).await;
        for (request, (answer, ending)) in requests.iter().zip(answers) {
            let told = format!("{} {request:?}\n{answer}", proxy.name);
            assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{told}");
            if proxy.name == "embedded" {
                assert!(answer.starts_with("HTTP/1.1 400"), "{told}");
                assert_eq!(ending, Ending::Closed, "{told}");
            }
        }
        // Nor does any next caller get anything of them.
        for _ in 0..20 {
            let next = get(proxy.http, "/next").await;
            assert!(next.says("GET /next"), "{} {next:?}", proxy.name);
        }
        let seen = shop.seen();
        let hidden: Vec<&String> = seen.iter().filter(|asked| asked.contains("hid-")).collect();
        assert!(hidden.is_empty(), "{} {hidden:?}", proxy.name);
    }
}

#[tokio::test]
async fn behind_a_refused_switch_of_protocols_comes_no_other_request() {
    // This server takes the upgrade for nothing and answers as usual.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
            let mut head = [0; 2048];
            if tokio::io::AsyncReadExt::read(&mut socket, &mut head)
                .await
                .is_ok()
            {
                socket.write_all(answer).await.unwrap();
            }
        }
    });
    let proxy = first(&[offer("shop", &["path-beg=/"], &[plain])]).await;
    let request = format!(
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{}",
        hidden(0)
    );
    let (answer, ending) = raw(proxy.http, request.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert_eq!(ending, Ending::Closed);
}

#[tokio::test]
async fn a_head_without_end_is_refused_and_not_kept() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer("shop", &["path-beg=/"], &[shop.at])]).await {
        let long = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n",
            "x".repeat(64 << 10)
        );
        let (answer, _) = raw(proxy.http, long.as_bytes()).await;
        let is_refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(is_refused, "{} {answer}", proxy.name);
    }
    assert_eq!(shop.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_request_without_a_host_is_refused() {
    let shop = Instance::start("shop").await;
    let proxy = first(&[offer("shop", &["path-beg=/"], &[shop.at])]).await;
    let (answer, _) = raw(proxy.http, b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(TcpStream::connect(proxy.http).await.is_ok());
}
