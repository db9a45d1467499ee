//! What both proxies do alike: which request reaches whom, as what.

use std::collections::BTreeMap;

use bytes::Bytes;
use conduct_model::{BundleId, Digest};
use http_body_util::Full;
use hyper::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Ending, ask, get, head, raw, send, send_second, within};
use crate::instance::Instance;
use crate::proxy::{both, first, free_port, offer, second};

#[tokio::test]
async fn requests_go_where_the_most_specific_rule_says_with_the_path_that_it_says() {
    let (shop, feed) = (Instance::start("shop").await, Instance::start("feed").await);
    let rules = [
        "path-beg=/",
        "path-beg=/orders rewrite=/",
        "path-beg=/orders/old rewrite=/archive",
        "path-beg=/a.b(c)* rewrite=/plain",
        "path=/health rewrite=/status%20page",
        "path=/health method=POST",
        "path-regex=^/u/([^/]+)/f/(.*)$ rewrite=/files/\\2-\\1",
        "path-regex=(?i)/img/([a-z]{2,4}) rewrite=\\1",
        "path-beg=/ host=shop.example.com rewrite=/one/",
        "path-beg=/ host=*.example.com method=GET rewrite=/below/",
    ];
    let feeds = ["path-beg=/feed", "path-regex=^/f-([0-9]+)$ rewrite=/n/\\1"];
    let offers = [
        offer("shop", &rules, &[shop.at]),
        offer("feed", &feeds, &[feed.at]),
    ];
    for proxy in both(&offers).await {
        for (method, host, path, instance, seen) in [
            ("GET", "a", "/", "shop", "/"),
            ("GET", "a", "/feed?x=1", "feed", "/feed?x=1"),
            ("GET", "a", "/feedback", "feed", "/feedback"),
            ("GET", "a", "/f-12?q", "feed", "/n/12?q"),
            ("GET", "a", "/f-x", "shop", "/f-x"),
            ("GET", "a", "/orders", "shop", "/"),
            (
                "PUT",
                "a",
                "/orders/7?a=/orders/b",
                "shop",
                "/7?a=/orders/b",
            ),
            ("GET", "a", "/orders/old/7", "shop", "/archive/7"),
            ("GET", "a", "/a.b(c)*/x", "shop", "/plain/x"),
            ("GET", "a", "/aXb(c)*/x", "shop", "/aXb(c)*/x"),
            (
                "GET",
                "a",
                "/health?deep=1",
                "shop",
                "/status%20page?deep=1",
            ),
            ("POST", "a", "/health", "shop", "/health"),
            ("GET", "a", "/u/me/f/a/b.txt", "shop", "/files/a/b.txt-me"),
            ("GET", "a", "/x/IMG/png/b", "shop", "/png"),
            ("GET", "SHOP.example.com:9000", "/feed", "shop", "/one/feed"),
            ("GET", "b.example.com", "/feed", "shop", "/below/feed"),
            ("POST", "b.example.com", "/feed", "feed", "/feed"),
            (
                "GET",
                "a",
                "/a/../feed//%2e%2E/x",
                "shop",
                "/a/../feed//%2e%2E/x",
            ),
        ] {
            let answer = ask(proxy.http, method, host, path).await;
            let told = format!("{} {method} {host} {path}: {answer:?}", proxy.name);
            assert_eq!(answer.line("instance "), Some(instance), "{told}");
            assert!(answer.says(&format!("{method} {seen}")), "{told}");
        }
    }
}

#[tokio::test]
async fn what_nobody_claims_is_not_found() {
    let shop = Instance::start("shop").await;
    let idle = offer("idle", &["path-beg=/"], &[]);
    let offers = [offer("shop", &["path-beg=/a method=GET"], &[shop.at]), idle];
    for proxy in both(&offers).await {
        assert_eq!(get(proxy.http, "/b").await.status, 404, "{}", proxy.name);
        let answer = ask(proxy.http, "POST", "a", "/a").await;
        assert_eq!(answer.status, 404, "{}", proxy.name);
        let connect = b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n";
        let (answer, _) = raw(proxy.http, connect).await;
        assert!(
            answer.starts_with("HTTP/1.1 405"),
            "{} {answer}",
            proxy.name
        );
    }
    assert_eq!(shop.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn instances_of_all_releases_take_turns() {
    let (one, two) = (Instance::start("one").await, Instance::start("two").await);
    let mut new = offer("shop", &["path-beg=/"], &[two.at]);
    new.bundle = BundleId::plain(Digest::of(b"new"));
    new.system.version = "2".parse().unwrap();
    for proxy in both(&[offer("shop", &["path-beg=/"], &[one.at]), new]).await {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for _ in 0..20 {
            let answer = get(proxy.http, "/").await;
            let name = answer.line("instance ").unwrap().to_owned();
            *counts.entry(name).or_default() += 1;
        }
        let even = BTreeMap::from([("one".to_owned(), 10), ("two".to_owned(), 10)]);
        assert_eq!(counts, even, "{}", proxy.name);
    }
}

#[tokio::test]
async fn instances_learn_who_called_and_nobody_can_pretend_to_be_another() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer("shop", &["path-beg=/"], &[shop.at])]).await {
        let request = Request::get("/")
            .header("host", "shop.example.com:9000")
            .header("x-forwarded-for", "1.2.3.4")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "evil")
            .header("x-forwarded-port", "1")
            .header("forwarded", "for=1.2.3.4")
            .header("x-mine", "kept");
        let answer = send(proxy.http, request.body(Full::default()).unwrap()).await;
        let port = proxy.http.port().to_string();
        for (name, value) in [
            ("x-forwarded-for: ", Some("127.0.0.1")),
            ("x-forwarded-proto: ", Some("http")),
            ("x-forwarded-host: ", Some("shop.example.com:9000")),
            ("x-forwarded-port: ", Some(port.as_str())),
            ("forwarded: ", None),
            ("host: ", Some("shop.example.com:9000")),
            ("x-mine: ", Some("kept")),
        ] {
            assert_eq!(answer.line(name), value, "{} {}", proxy.name, answer.text);
        }
    }
}

#[tokio::test]
async fn a_web_socket_carries_both_ways() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer("shop", &["path-beg=/chat rewrite=/ws"], &[shop.at])]).await {
        within(async {
            let mut socket = TcpStream::connect(proxy.http).await.unwrap();
            let hello = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\
                         Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            socket.write_all(hello.as_bytes()).await.unwrap();
            let head = head(&mut socket).await.to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 101"), "{} {head}", proxy.name);
            assert!(head.contains("upgrade: websocket"), "{} {head}", proxy.name);
            for piece in ["hello\n\0", "POST / HTTP/1.1\r\n", "bye"] {
                socket.write_all(piece.as_bytes()).await.unwrap();
                let mut echo = vec![0; piece.len()];
                socket.read_exact(&mut echo).await.unwrap();
                assert_eq!(
                    echo,
                    piece.to_ascii_uppercase().as_bytes(),
                    "{}",
                    proxy.name
                );
            }
        })
        .await;
    }
    let seen = shop.seen();
    assert!(seen.iter().all(|asked| asked == "GET /ws"), "{seen:?}");
}

#[tokio::test]
async fn http_2_is_spoken_with_callers_that_begin_with_it() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer(
        "shop",
        &["path-beg=/ host=shop.example.com"],
        &[shop.at],
    )])
    .await
    {
        let request = |number: usize| {
            let uri = format!("http://shop.example.com/{number}?q={number}");
            let content = Full::new(Bytes::from(vec![b'z'; number * 1000]));
            Request::post(uri).body(content).unwrap()
        };
        let answers = send_second(proxy.http, (0..20).map(request).collect()).await;
        for (number, answer) in answers.iter().enumerate() {
            let told = format!("{} {answer:?}", proxy.name);
            assert!(answer.says(&format!("POST /{number}?q={number}")), "{told}");
            assert!(answer.says(&format!("content {}", number * 1000)), "{told}");
            assert_eq!(answer.line("host: "), Some("shop.example.com"), "{told}");
        }
    }
}

#[tokio::test]
async fn one_connection_carries_one_request_after_the_other() {
    let shop = Instance::start("shop").await;
    for proxy in both(&[offer("shop", &["path-beg=/"], &[shop.at])]).await {
        let requests = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\
                        POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                        POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                        2\r\nab\r\n1\r\nc\r\n0\r\n\r\n\
                        HEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n\
                        GET /empty HTTP/1.1\r\nHost: a\r\n\r\n\
                        GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let (answers, ending) = raw(proxy.http, requests.as_bytes()).await;
        let told = format!("{} {answers}", proxy.name);
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 5, "{told}");
        assert_eq!(answers.matches("HTTP/1.1 204").count(), 1, "{told}");
        assert_eq!(answers.matches("content 3").count(), 2, "{told}");
        assert!(answers.contains("GET /5"), "{told}");
        assert_eq!(ending, Ending::Closed, "{told}");
    }
}

#[tokio::test]
async fn a_tcp_port_leads_to_the_instances_in_turn_and_passes_on_that_one_side_has_ended() {
    let mut instances = Vec::new();
    for name in ["one", "two"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        instances.push(listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut all = Vec::new();
                // The caller's end comes through before the answer goes back.
                if socket.read_to_end(&mut all).await.is_ok() {
                    let answer = format!("{name} got {}", all.len());
                    socket.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
    }
    let ports = [free_port(), free_port()];
    let offers = ports.map(|port| {
        let rule = format!("tcp={}", port.port());
        [offer("raw", &[&rule], &instances)]
    });
    let proxies = [Some(first(&offers[0]).await), second(&offers[1]).await];
    for (proxy, port) in proxies.iter().zip(ports) {
        let Some(proxy) = proxy else {
            continue;
        };
        let mut answers = Vec::new();
        for _ in 0..4 {
            let answer = within(async {
                let mut socket = TcpStream::connect(port).await.unwrap();
                socket.write_all(b"\0\xff\r\nabc").await.unwrap();
                socket.shutdown().await.unwrap();
                let mut answer = String::new();
                socket.read_to_string(&mut answer).await.unwrap();
                answer
            });
            answers.push(answer.await);
        }
        answers.sort();
        let even = ["one got 7", "one got 7", "two got 7", "two got 7"];
        assert_eq!(answers, even, "{}", proxy.name);
    }
}
