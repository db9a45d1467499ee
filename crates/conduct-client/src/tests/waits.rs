//! Whoever waits sees each change, and nobody waits for ever.

use std::time::Duration;

use tokio::time::Instant;

use super::{client, nobody, run};
use crate::fake::Fake;
use crate::{Client, ClientError, Limits};

const THREE_STATES: &str = "\
> GET /v2/bundles/events
< stream
data:0a
event:bundleExecutionAdded

data:0a
event:bundleExecutionChanged
> GET /v2/bundles
< 200 application/json
[]
< 200 application/json
[{\"bundleId\": \"0a\"}]
< 200 application/json
[{\"bundleId\": \"0a\", \"hasError\": true}]
";

fn soon(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[test]
fn each_event_leads_to_a_look() {
    let fake = Fake::new(THREE_STATES);
    let client = client(&fake);
    run(async {
        let mut watch = client.watch();
        let mut seen = Vec::new();
        while seen.last() != Some(&(1, true)) {
            let bundles = watch
                .next(soon(5))
                .await
                .expect("answers")
                .expect("in time");
            seen.push((bundles.len(), bundles.iter().any(|it| it.has_error)));
        }
        assert_eq!(seen, [(0, false), (1, false), (1, true)]);
    });
    assert_eq!(
        fake.lines()[0],
        "GET /v2/bundles/events",
        "the stream comes first"
    );
}

#[test]
fn time_is_up_although_heartbeats_go_on() {
    let fake = Fake::new(
        "> GET /v2/bundles/events\n< stream\n> GET /v2/bundles\n< 200 application/json\n[]",
    );
    let client = client(&fake);
    run(async {
        let mut watch = client.watch();
        assert!(watch.next(soon(5)).await.expect("answers").is_some());
        let until = Instant::now() + Duration::from_millis(300);
        assert_eq!(watch.next(until).await.expect("answers"), None);
        assert!(Instant::now() >= until);
    });
}

#[test]
fn without_a_stream_it_is_looked_again_and_again() {
    let fake = Fake::new(
        "> GET /v2/bundles/events\n< 429 text/plain\ntoo many\n\
         > GET /v2/bundles\n< 200 application/json\n[]",
    );
    let client = client(&fake);
    run(async {
        let mut watch = client.watch();
        for _ in 0..2 {
            assert!(watch.next(soon(5)).await.expect("answers").is_some());
        }
    });
}

#[test]
fn a_stream_that_ends_is_opened_again() {
    let fake = Fake::new(
        "> GET /v2/bundles/events\n< ending\n< stream\ndata:0a\nevent:x\n\
         > GET /v2/bundles\n< 200 application/json\n[]",
    );
    let client = client(&fake);
    run(async {
        let mut watch = client.watch();
        while fake
            .lines()
            .iter()
            .filter(|it| it.ends_with("/events"))
            .count()
            < 2
        {
            assert!(watch.next(soon(5)).await.expect("answers").is_some());
        }
    });
}

#[test]
fn a_node_that_is_gone_for_good_is_not_waited_for() {
    let client = Client::new([nobody()], Limits::default());
    run(async {
        let mut watch = client.watch();
        let begun = Instant::now();
        let error = watch.next(soon(60)).await.expect_err("nobody is there");
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(6));
    });
}

#[test]
fn an_event_is_an_event_whatever_heartbeats_look_like() {
    let fake = Fake::new(
        "> GET /v2/events/stream\n< ending\n: comment\n\nid:1-1\n\ndata\n\nid:1-2\nevent:a\n\
         data:{\"x\": 1}\n\nevent:b\ndata:y",
    );
    let client = client(&fake);
    run(async {
        let mut stream = client.follow_events(Some("1-0")).await.expect("a stream");
        let first = stream.next().await.expect("whole").expect("an event");
        assert_eq!(first.data, "{\"x\": 1}");
        assert_eq!(stream.last_id(), Some("1-2"));
        let second = stream.next().await.expect("whole").expect("an event");
        assert_eq!(second.event.as_deref(), Some("b"));
        assert!(stream.next().await.expect("whole").is_none());
    });
    let headers = &fake.seen()[0].headers;
    assert_eq!(headers["last-event-id"], "1-0");
    assert!(
        headers["accept"].starts_with("text/event-stream"),
        "it is asked for once"
    );
}

#[test]
fn what_is_no_stream_is_refused() {
    let fake = Fake::new("> GET /v2/events/stream\n< 200 application/json\n[]");
    let error = run(client(&fake).follow_events(None)).expect_err("no stream");
    assert!(
        error
            .to_string()
            .contains("with application/json, not with text/event-stream")
    );
}
