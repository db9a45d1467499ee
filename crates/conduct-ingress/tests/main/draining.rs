//! Routes that change while requests are under way, and the word that they have changed.

use std::time::{Duration, Instant};

use conduct_ingress::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{ask, get, head, within};
use crate::instance::Instance;
use crate::proxy::{embedded, free_port, offer, settings};

#[tokio::test]
async fn a_new_instance_gets_requests_at_once_and_one_that_left_gets_none() {
    let (one, two) = (Instance::start("one").await, Instance::start("two").await);
    let ingress = embedded(&[offer("shop", &["path-beg=/"], &[one.at])], settings()).await;
    assert_eq!(get(ingress.http, "/").await.line("instance "), Some("one"));
    let begun = Instant::now();
    ingress.tell(2, &[offer("shop", &["path-beg=/"], &[two.at])]);
    ingress.applies(2).await;
    assert!(begun.elapsed() < Duration::from_millis(200));
    let before = one.seen().len();
    for _ in 0..10 {
        assert_eq!(get(ingress.http, "/").await.line("instance "), Some("two"));
    }
    assert_eq!(one.seen().len(), before);
}

#[tokio::test]
async fn it_is_said_that_an_instance_is_out_once_its_last_request_is_answered() {
    let (one, two) = (Instance::start("one").await, Instance::start("two").await);
    let ingress = embedded(&[offer("shop", &["path-beg=/"], &[one.at])], settings()).await;
    let at = ingress.http;
    let slow = tokio::spawn(async move { get(at, "/slow").await });
    within(async {
        while one.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    ingress.tell(2, &[offer("shop", &["path-beg=/"], &[two.at])]);
    within(async { while get(at, "/").await.line("instance ") != Some("two") {} }).await;
    assert_eq!(
        *ingress.ingress.applied().borrow(),
        1,
        "its request is not answered yet"
    );
    ingress.applies(2).await;
    assert!(slow.is_finished() || slow.await.unwrap().status == 200);
}

#[tokio::test]
async fn a_stream_without_end_does_not_keep_an_instance_for_ever() {
    let (one, two) = (Instance::start("one").await, Instance::start("two").await);
    let ingress = embedded(&[offer("shop", &["path-beg=/"], &[one.at])], settings()).await;
    let mut socket = TcpStream::connect(ingress.http).await.unwrap();
    socket
        .write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    head(&mut socket).await;
    let begun = Instant::now();
    ingress.tell(2, &[offer("shop", &["path-beg=/"], &[two.at])]);
    ingress.applies(2).await;
    let waited = begun.elapsed();
    assert!(
        waited > Duration::from_secs(1) && waited < Duration::from_secs(2),
        "{waited:?}"
    );
}

#[tokio::test]
async fn no_request_fails_while_instances_come_and_go() {
    let mut instances = Vec::new();
    for name in ["a", "b", "c", "d"] {
        instances.push(Instance::start(name).await);
    }
    let ingress = embedded(
        &[offer("shop", &["path-beg=/"], &[instances[0].at])],
        settings(),
    )
    .await;
    let at = ingress.http;
    let callers = (0..4).map(|number| {
        tokio::spawn(async move {
            for _ in 0..300 {
                let method = if number % 2 == 0 { "GET" } else { "POST" };
                let answer = ask(at, method, "a", "/").await;
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut version = 2;
    while !callers.iter().all(tokio::task::JoinHandle::is_finished) {
        let count = 1 + (version as usize) % 4;
        let from = (version as usize) % (5 - count);
        let servers: Vec<_> = instances[from..from + count].iter().map(|i| i.at).collect();
        ingress.tell(version, &[offer("shop", &["path-beg=/"], &servers)]);
        ingress.applies(version).await;
        version += 1;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(version > 10, "there were changes: {version}");
}

#[tokio::test]
async fn a_port_opens_and_closes_with_its_rule_and_one_that_is_taken_is_told_and_tried_again() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, rival) = (free_port(), taken.local_addr().unwrap());
    let one = Instance::start("one").await;
    let rules = [
        format!("tcp={}", port.port()),
        format!("tcp={}", rival.port()),
    ];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let ingress = embedded(&[offer("raw", &rules, &[one.at])], settings()).await;
    within(async {
        while get(ingress.status, "/status")
            .await
            .text
            .contains("\"ports\":[]")
        {}
    })
    .await;
    assert_eq!(get(port, "/").await.line("instance "), Some("one"));
    let status = get(ingress.status, "/status").await;
    let failed = format!("\"failedPorts\":[{{\"port\":{}", rival.port());
    assert!(status.text.contains(&failed), "{status:?}");
    drop(taken);
    within(async {
        while TcpStream::connect(rival).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    ingress.tell(2, &[offer("raw", &["path-beg=/"], &[one.at])]);
    within(async {
        while TcpStream::connect(port).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_status_tells_load_balancers_that_there_are_routes_and_what_clashes() {
    let one = Instance::start("one").await;
    let offers = [
        offer("early", &["path-beg=/a"], &[one.at]),
        offer("late", &["path-beg=/a"], &[one.at]),
    ];
    let ingress = embedded(&offers, settings()).await;
    let status = get(ingress.status, "/status").await;
    assert_eq!(status.status, 200);
    assert!(status.text.contains("\"configured\":true"), "{status:?}");
    assert!(status.text.contains("not to web of late"), "{status:?}");
    assert_eq!(get(ingress.status, "/").await.status, 404);
    assert_eq!(
        ask(ingress.status, "POST", "a", "/status").await.status,
        405
    );
}

#[tokio::test]
async fn the_proxy_protocol_tells_who_called_and_passes_it_on_where_that_is_asked() {
    let one = Instance::start("one").await;
    let raw = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free_port();
    let rule = format!("tcp={}", port.port());
    let offers = [
        offer("shop", &["path-beg=/"], &[one.at]),
        offer("raw", &[&rule], &[raw.local_addr().unwrap()]),
    ];
    let settings = Settings {
        accept_proxy: true,
        send_proxy: [port.port().try_into().unwrap()].into(),
        ..settings()
    };
    let ingress = embedded(&offers, settings).await;
    within(async {
        let header = b"PROXY TCP4 203.0.113.7 203.0.113.1 50000 443\r\n";
        let mut socket = TcpStream::connect(ingress.http).await.unwrap();
        socket.write_all(header).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        socket.write_all(request).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("x-forwarded-for: 203.0.113.7"), "{answer}");

        let mut without = TcpStream::connect(ingress.http).await.unwrap();
        without.write_all(request).await.unwrap();
        let mut nothing = Vec::new();
        // It may be cut off before it has read everything.
        let _ = without.read_to_end(&mut nothing).await;
        assert_eq!(nothing, b"", "who does not say who called is refused");

        let mut socket = loop {
            match TcpStream::connect(port).await {
                Ok(socket) => break socket,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        socket.write_all(header).await.unwrap();
        socket.write_all(b"hello").await.unwrap();
        let (mut instance, _) = raw.accept().await.unwrap();
        let mut seen = vec![0; 28 + 5];
        instance.read_exact(&mut seen).await.unwrap();
        let told = conduct_proxy::proxy_protocol::read(&seen).unwrap().unwrap();
        assert_eq!(
            told.ends.unwrap().source,
            "203.0.113.7:50000".parse().unwrap()
        );
        assert_eq!(&seen[told.bytes..], b"hello");
    })
    .await;
}

#[tokio::test]
async fn what_is_under_way_when_the_daemon_stops_is_answered() {
    let one = Instance::start("one").await;
    let mut settings = settings();
    settings.limits.farewell_time_max = Duration::from_secs(5);
    let ingress = embedded(&[offer("shop", &["path-beg=/"], &[one.at])], settings).await;
    let at = ingress.http;
    let slow = tokio::spawn(async move { get(at, "/slow").await });
    within(async {
        while one.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let ingress = ingress.stop();
    within(ingress.ended()).await;
    assert_eq!(slow.await.unwrap().status, 200);
    assert!(TcpStream::connect(at).await.is_err());
}
