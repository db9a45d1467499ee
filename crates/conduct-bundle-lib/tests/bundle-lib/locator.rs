use conduct_bundle_lib::{Environment, Locator, LookupError};

use crate::node::{Node, answer};

const FALLBACK: &str = "http://127.0.0.1:1";

fn redirect(to: &str, age: &str) -> String {
    let headers = format!("location: {to}\r\ncache-control: private=\"Location\"{age}\r\n");
    answer("307 Temporary Redirect", &headers, "")
}

#[tokio::test]
async fn a_location_is_asked_for_once_and_shared_until_it_is_old() {
    let here = redirect("http://10.0.0.1:10001", ", max-age=60");
    let node = Node::saying(&[&here]).await;
    let locator = Locator::new(&node.environment());
    let (one, two) = tokio::join!(
        locator.lookup("friend", FALLBACK),
        locator.lookup("/friend", FALLBACK)
    );
    assert_eq!(one, Ok(Some("http://10.0.0.1:10001".to_owned())));
    assert_eq!(two, one);
    assert_eq!(locator.lookup("friend", FALLBACK).await, one);
    let heard = node.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].starts_with("GET /services/friend HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_location_that_led_nowhere_is_asked_for_again() {
    let one = redirect("http://10.0.0.1:10001", ", max-age=60");
    let two = redirect("http://10.0.0.2:10001", ", max-age=60");
    let node = Node::saying(&[&one, &two]).await;
    let locator = Locator::new(&node.environment());
    locator.lookup("friend", FALLBACK).await.expect("found");
    locator.evict("/friend");
    let found = locator.lookup("friend", FALLBACK).await;
    assert_eq!(found, Ok(Some("http://10.0.0.2:10001".to_owned())));
}

#[tokio::test]
async fn what_has_no_age_or_no_instance_is_not_kept() {
    let ageless = redirect("http://10.0.0.1:10001", "");
    let old = redirect("http://10.0.0.2:10001", ", max-age=0");
    let node = Node::saying(&[&ageless, &answer("404 Not Found", "", ""), &old, &ageless]).await;
    let locator = Locator::new(&node.environment());
    let mut found = Vec::new();
    for _ in 0..2 {
        found.push(locator.lookup("friend", FALLBACK).await.expect("answered"));
    }
    assert_eq!(found, [Some("http://10.0.0.1:10001".to_owned()), None]);
    assert_eq!(node.heard().len(), 2);
    locator.lookup("friend", FALLBACK).await.expect("answered");
}

#[tokio::test]
async fn an_error_is_told_and_not_kept() {
    let strange = answer("200 OK", "", "hello");
    let lost = answer("307 Temporary Redirect", "", "");
    let found = redirect("tcp://10.0.0.7:10121", ", max-age=60");
    let node = Node::saying(&[&strange, &lost, &found]).await;
    let locator = Locator::new(&node.environment());
    for status in [200, 307] {
        let error = locator.lookup("jms", FALLBACK).await.expect_err("no place");
        assert!(
            matches!(&error, LookupError::Answer { status: it, .. } if *it == status),
            "{error}"
        );
    }
    let found = locator.lookup("jms", FALLBACK).await;
    assert_eq!(found, Ok(Some("tcp://10.0.0.7:10121".to_owned())));
}

#[tokio::test]
async fn all_hosts_are_listed_beside_the_redirects() {
    let list = r#"[{"protocol":"http","port":10001,"ipv4Host":"10.0.0.1"}]"#;
    let node = Node::saying(&[&answer("200 OK", "", list)]).await;
    let locator = Locator::new(&node.environment());
    let hosts = locator.hosts("friend").await.expect("a list");
    assert_eq!(hosts[0].url().as_deref(), Some("http://10.0.0.1:10001"));
    assert!(node.heard()[0].starts_with("GET /v2/service-hosts/friend "));
}

#[tokio::test]
async fn outside_a_cluster_nobody_is_asked() {
    let alone = Environment::from_pairs([("SERVICE_LOCATOR", "http://127.0.0.1:1/services")]);
    let locator = Locator::new(&alone);
    let found = locator.lookup("friend", FALLBACK).await;
    assert_eq!(found, Ok(Some(FALLBACK.to_owned())));
    assert_eq!(locator.hosts("friend").await, Ok(Vec::new()));
    assert_eq!(
        locator.lookup_url("friend", FALLBACK),
        Ok(FALLBACK.to_owned())
    );
}

#[tokio::test]
async fn a_bundle_without_a_locator_says_which_variable_is_missing() {
    let locator = Locator::new(&Environment::from_pairs([("BUNDLE_ID", "01dd0af")]));
    let error = locator.lookup("friend", FALLBACK).await.expect_err("none");
    assert_eq!(error, LookupError::NoLocator);
}
