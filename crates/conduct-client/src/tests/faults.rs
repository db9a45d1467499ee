//! Nothing that a server does makes a client hang, panic, or believe what is not so.

use super::{client, limits, nobody, run, target};
use crate::fake::Fake;
use crate::{Client, ClientError};

fn bundles(answer: &str) -> Result<usize, ClientError> {
    let fake = Fake::new(&format!("> GET /v2/bundles\n{answer}"));
    let bundles = run(client(&fake).bundles());
    bundles.map(|bundles| bundles.value.len())
}

#[test]
fn each_way_to_fail_is_told_apart() {
    let cases: [(&str, &str); 9] = [
        (
            "< 200 application/json\n{\"not\": \"a list\"}",
            "cannot be understood as a list of bundles",
        ),
        (
            "< 200 application/json\n[{]",
            "cannot be understood as a list of bundles",
        ),
        (
            "< 200 application/json\n",
            "cannot be understood as a list of bundles",
        ),
        ("< broken\n[", "broke off"),
        ("< silence", "no answer within 0 s"),
        ("< raw\n", "no node answers at"),
        ("< raw\nGARBAGE", "no node answers at"),
        ("< endless", "is larger than 1048576 bytes"),
        (
            "< 500 text/plain\nit hurts",
            "answered 500 Internal Server Error: it hurts",
        ),
    ];
    for (answer, told) in cases {
        let error = bundles(answer).expect_err(answer).to_string();
        assert!(error.contains(told), "{answer}: {error}");
    }
    assert_eq!(
        bundles("< 200 application/json\n[{\"bundleId\": \"0a\"}]").ok(),
        Some(1)
    );
}

#[test]
fn a_node_that_is_not_there_is_passed_over() {
    let fake = Fake::new("> GET /v2/bundles\n< 200 application/json\n[]");
    let client = Client::new([nobody(), target(&fake), nobody()], limits());
    run(async {
        client.bundles().await.expect("the second answers");
        assert_eq!(
            client.target(),
            &target(&fake).0,
            "it is asked first from now on"
        );
        client.bundles().await.expect("again");
    });
    assert_eq!(fake.lines().len(), 2);
}

#[test]
fn all_that_were_tried_are_told() {
    let silent = Fake::new("> GET /v2/bundles\n< silence");
    let client = Client::new([nobody(), target(&silent)], limits());
    let Err(ClientError::Unreachable { tried }) = run(client.bundles()) else {
        panic!("nobody answers");
    };
    assert_eq!(tried.len(), 2);
    assert!(tried[0].reason.contains("refused"), "{tried:?}");
    assert_eq!(tried[1].reason, "no answer within 0 s");
}

#[test]
fn a_change_goes_on_to_a_node_that_accepts_it_under_the_same_name() {
    let refusing =
        "> PUT /v2/bundles/a?scale=1\n< 503 text/plain conduct-error=quarantined\ncut off";
    let taking = "> PUT /v2/bundles/a?scale=1\n< 200 application/json\n{\"bundleId\": \"0a\"}";
    let (cut_off, able) = (Fake::new(refusing), Fake::new(taking));
    let client = Client::new([target(&cut_off), target(&able)], limits());
    let accepted = run(client.scale("a", 1, None)).expect("accepted").value;
    assert_eq!(accepted.bundle_id, "0a");
    let name = |fake: &Fake| fake.seen()[0].headers["idempotency-key"].clone();
    assert_eq!(name(&cut_off), name(&able));
    assert_eq!(cut_off.seen()[0].headers["content-length"], "0");

    let alone = Client::new([target(&cut_off)], limits());
    let error = run(alone.scale("a", 1, None)).expect_err("cut off");
    assert_eq!(
        (error.status(), error.code()),
        (Some(503), Some("quarantined"))
    );
}

#[test]
fn what_a_person_types_stays_one_segment_of_the_path() {
    let fake = Fake::new("");
    let client = client(&fake);
    run(async {
        for reference in ["shop:1.0", "a/../b", "x?scale=9", "%2e%2e"] {
            let error = client.why(reference).await.expect_err("nothing is there");
            assert_eq!(error.status(), Some(404));
        }
        for reference in ["", ".", ".."] {
            let error = client.why(reference).await.expect_err("it names nothing");
            assert!(
                matches!(error, ClientError::Url { .. }),
                "{reference:?}: {error}"
            );
        }
    });
    let expected = [
        "GET /v2/bundles/shop%3A1.0/why",
        "GET /v2/bundles/a%2F..%2Fb/why",
        "GET /v2/bundles/x%3Fscale%3D9/why",
        "GET /v2/bundles/%252e%252e/why",
    ];
    assert_eq!(fake.lines(), expected);
}

#[test]
fn a_redirect_is_followed_and_300_is_an_error() {
    let fake = Fake::new(
        "> GET /v2/bundles\n< 307 text/plain location=/other\n\
         > GET /other\n< 200 application/json\n[]\n\
         > GET /v2/members\n< 300 text/plain\nambiguous",
    );
    let client = client(&fake);
    run(async {
        client.bundles().await.expect("followed");
        let error = client.members().await.expect_err("300");
        assert_eq!(error.status(), Some(300));
    });
}
