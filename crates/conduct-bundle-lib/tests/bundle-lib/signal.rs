use std::time::Duration;

use conduct_bundle_lib::{Environment, Patience, SignalError, Signalled, started, started_within};
use tokio::net::TcpListener;

use crate::node::{Node, answer};

fn brief() -> Patience {
    Patience {
        total: Duration::from_millis(300),
        each: Duration::from_millis(200),
        pause: Duration::from_millis(10),
    }
}

#[tokio::test]
async fn the_start_is_signalled_with_the_words_of_the_other_libraries() {
    let node = Node::saying(&[&answer("204 No Content", "", "")]).await;
    let signalled = started(&node.environment()).await;
    assert_eq!(signalled, Ok(Signalled::Told));
    let heard = node.heard().remove(0);
    assert!(heard.starts_with("PUT /bundles/01dd0af?isStarted=true HTTP/1.1\r\n"));
    assert!(heard.contains("user-agent: TypesafeConductRBundleLib\r\n"));
}

#[tokio::test]
async fn a_node_that_is_just_restarting_is_told_when_it_is_back() {
    let away = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = away.local_addr().expect("bound");
    drop(away); // From here on nobody listens there.
    let environment = Environment::from_pairs([
        ("BUNDLE_ID", "01dd0af".to_owned()),
        ("CONDUCTR_STATUS", format!("http://{address}")),
    ]);
    let telling = tokio::spawn(async move { started(&environment).await });
    tokio::task::yield_now().await;
    let listener = TcpListener::bind(address).await.expect("the same port");
    let unready = answer("503 Service Unavailable", "", "");
    let adopting = answer("404 Not Found", "", "");
    let node = Node::on(listener, &[&unready, &adopting, &answer("200 OK", "", "")]);
    assert_eq!(telling.await.expect("no panic"), Ok(Signalled::Told));
    assert_eq!(node.heard().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let node = Node::saying(&[&answer("403 Forbidden", "", "")]).await;
    let error = started(&node.environment()).await.expect_err("refused");
    assert!(matches!(error, SignalError::Refused { status: 403, .. }));
    assert_eq!(node.heard().len(), 1);
}

#[tokio::test]
async fn giving_up_tells_whom_how_long_and_why() {
    let node = Node::saying(&[&answer("500 Internal Server Error", "", "")]).await;
    let error = started_within(&node.environment(), brief()).await;
    let words = error.expect_err("never told").to_string();
    let address = node.address;
    assert!(
        words.contains(&format!(
            "bundle 01dd0af at http://{address}/bundles/01dd0af"
        )) && words.ends_with("it answered 500"),
        "{words}"
    );
    assert!(node.heard().len() > 1);
}

#[tokio::test]
async fn without_a_bundle_id_nobody_is_called() {
    let environment = Environment::from_pairs([("CONDUCTR_STATUS", "http://127.0.0.1:1")]);
    assert_eq!(started(&environment).await, Ok(Signalled::Unmanaged));
}

#[tokio::test]
async fn a_bundle_without_a_status_service_says_which_variable_is_missing() {
    let environment = Environment::from_pairs([("BUNDLE_ID", "01dd0af")]);
    let words = started(&environment).await.expect_err("none").to_string();
    assert!(words.ends_with("CONDUCTR_STATUS is not set"), "{words}");
}
