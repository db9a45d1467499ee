//! Who is let in, and who is told why not.

use std::time::{Duration, Instant};

use conduct_tests::{Cluster, Node, run};

/// So soon a refusal must come.
const REFUSAL_MAX: Duration = Duration::from_secs(2);

fn stranger(cluster: &Cluster, name: &str) -> Node {
    Node::new(cluster[0].ip(), &cluster.folder().join(name), &[])
}

#[test]
fn a_token_lets_one_node_in_and_the_second_is_told_why_not() {
    let cluster = Cluster::start(1);
    let made = run(&mut cluster[0].conductd(&["token", "--quiet"]));
    let token = made.ok().trim().to_owned();
    let member = format!("{}:9004", cluster[0].ip());
    let join = |node: &Node, token: &str| {
        let mut command = node.conductd(&["join", &member]);
        run(command.env("CONDUCT_JOIN_TOKEN", token))
    };

    let first = join(&stranger(&cluster, "first"), &token);
    assert!(first.ok().contains("cluster"));

    let begun = Instant::now();
    let second = stranger(&cluster, "second");
    join(&second, &token).failed(78, "was used already");
    assert!(
        begun.elapsed() < REFUSAL_MAX,
        "refused after {:?}",
        begun.elapsed()
    );

    let expired = stranger(&cluster, "third");
    let foreign = Cluster::start(1);
    let made = run(&mut foreign[0].conductd(&["token", "--quiet"]));
    let begun = Instant::now();
    join(&expired, made.ok().trim()).failed(78, "belongs to another cluster");
    assert!(
        begun.elapsed() < REFUSAL_MAX,
        "refused after {:?}",
        begun.elapsed()
    );
}

#[test]
fn whoever_guesses_tokens_has_to_wait() {
    let cluster = Cluster::start(1);
    let token = run(&mut cluster[0].conductd(&["token", "--quiet"]));
    let token = token.ok().trim().to_owned();
    let member = format!("{}:9004", cluster[0].ip());
    let node = stranger(&cluster, "guesser");
    let join = |token: &str| {
        run(node
            .conductd(&["join", &member])
            .env("CONDUCT_JOIN_TOKEN", token))
    };
    join(&token).ok();
    // A used token is refused like a wrong one, and counts like one.
    let other = stranger(&cluster, "other");
    let again = || {
        run(other
            .conductd(&["join", &member])
            .env("CONDUCT_JOIN_TOKEN", &token))
    };
    for _ in 0..5 {
        again().failed(78, "was used already");
    }
    again().failed(78, "too many tries");
}
