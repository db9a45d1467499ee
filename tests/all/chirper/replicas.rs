//! Adding, killing and replacing instances of a service that keeps data.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use serde_json::json;
use tempfile::tempdir;

use super::service::{Service, Setting, address, ended, wait_for};

#[test]
fn a_second_friend_starts_with_what_the_first_has_and_both_stay_equal() {
    let (here, there) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let one = Setting::of("friend").keeping(here.path()).start();
    one.sign_up("ada");
    let two = Setting::of("friend").keeping(there.path());
    let two = two.joining(&[one.address]).start();
    wait_for("the second has what the first has", || {
        (two.users() == ["ada"]).then_some(())
    });
    two.sign_up("bob");
    wait_for("the first has what the second wrote", || {
        (one.users() == ["ada", "bob"]).then_some(())
    });
    let taken = one.post("/api/users", &json!({ "id": "bob" })).expect("up");
    assert_eq!(taken.status, 409);
}

#[test]
fn three_that_know_only_one_of_the_others_become_equal() {
    let folders: Vec<_> = (0..3).map(|_| tempdir().expect("a folder")).collect();
    let mut services: Vec<Service> = Vec::new();
    for folder in &folders {
        let last: Vec<_> = services.last().map(|it| it.address).into_iter().collect();
        let setting = Setting::of("chirp").keeping(folder.path()).joining(&last);
        services.push(setting.start());
    }
    for (number, service) in services.iter().enumerate() {
        service.say("ada", &format!("from {number}"));
    }
    let all = wait_for("all have all", || {
        let texts: Vec<_> = services.iter().map(Service::texts).collect();
        let first = texts[0].clone();
        (first.len() == 3 && texts.iter().all(|it| *it == first)).then_some(first)
    });
    assert!(all.contains(&"from 2".to_owned()));
}

#[test]
fn killing_one_of_two_loses_nothing_that_both_had_acknowledged() {
    let (here, there) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let one = Setting::of("chirp").keeping(here.path()).start();
    let two = Setting::of("chirp").keeping(there.path());
    let two = two.joining(&[one.address]).start();
    wait_for("both know each other", || {
        (one.say("ada", "hello") > 1).then_some(())
    });

    // Killed in the middle of writing, by somebody else.
    let address = one.address;
    let writer = std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        for number in 0.. {
            let text = format!("chirp {number}");
            let body = json!({ "user": "ada", "text": text });
            match super::http::ask(address, "POST", "/api/chirps", Some(&body)) {
                Ok(answer) if answer.status == 201 && answer.json()["copies"] == json!(2) => {
                    acknowledged.push(text);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        acknowledged
    });
    wait_for("some are written", || {
        (two.texts().len() > 20).then_some(())
    });
    one.kill();
    let acknowledged = writer.join().expect("the writer does not panic");
    assert!(acknowledged.len() >= 10, "{}", acknowledged.len());
    let listed = two.get("/api/chirps?limit=200").body;
    for text in acknowledged.iter().rev().take(150) {
        assert!(listed.contains(&format!("{text:?}")), "{text:?} is lost");
    }

    // Its successor, on an empty disk, has the same before it says that it has started.
    let empty = tempdir().expect("a folder");
    let next = Setting::of("chirp").keeping(empty.path());
    let next = next.joining(&[two.address]).start();
    wait_for("the successor has all", || {
        (next.texts() == two.texts()).then_some(())
    });
}

#[test]
fn what_one_alone_has_acknowledged_is_on_its_disk_when_it_is_killed() {
    let folder = tempdir().expect("a folder");
    let setting = Setting::of("chirp").keeping(folder.path());
    let service = setting.start();
    let copies: Vec<u64> = (0..20)
        .map(|number| service.say("ada", &format!("chirp {number}")))
        .collect();
    assert!(copies.iter().all(|copies| *copies == 1), "{copies:?}");
    service.kill();
    let again = setting.start();
    assert_eq!(again.texts().len(), 20);
    assert_eq!(again.texts()[0], "chirp 19");
}

#[test]
fn an_old_and_a_new_release_share_a_folder_while_both_run() {
    let folder = tempdir().expect("a folder");
    let old = Setting::of("friend").keeping(folder.path()).start();
    old.sign_up("ada");
    let new = Setting::beside("friend", old.address).keeping(folder.path());
    let new = new.with("BUNDLE_TAGS", "2.0.0");
    let new = new.joining(&[old.address]).start();
    old.sign_up("bob");
    new.sign_up("eve");
    wait_for("both have all", || {
        (old.users().len() == 3 && new.users().len() == 3).then_some(())
    });
    assert_eq!(new.get("/health").json()["version"], "2.0.0");
    let served = new.get("/api/users");
    let served = served.header("x-served-by").expect("every answer has it");
    assert_eq!(served, format!("friend 2.0.0 {}", new.address));
    assert_eq!(old.terminate().0.code(), Some(0));
    assert_eq!(new.users(), ["ada", "bob", "eve"]);
}

#[test]
fn a_peer_that_is_gone_is_not_named_to_others() {
    let (here, there) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let one = Setting::of("chirp").keeping(here.path()).start();
    let two = Setting::of("chirp").keeping(there.path());
    let two = two.joining(&[one.address]).start();
    let gone = two.address.to_string();
    let message = json!({
        "service": "chirp", "from": address(), "origin": "0000000000000009",
        "have": {}, "peers": [], "entries": [],
    });
    let names_it = || {
        let answer = one.post("/peers/exchange", &message).expect("it answers");
        let named = answer.json()["peers"].as_array().expect("a list").clone();
        named.contains(&json!(gone))
    };
    wait_for("it is named while it answers", || names_it().then_some(()));
    two.kill();
    wait_for("it is not named any more", || (!names_it()).then_some(()));
}

/// Plays the status service of a node; answers the lines that it heard.
fn node(on_signal: impl FnOnce() + Send + 'static) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let heard = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a signal");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("a request");
        on_signal();
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        reader.into_inner().write_all(answer).expect("heard");
        line
    });
    (url, heard)
}

#[test]
fn the_start_is_signalled_when_the_data_of_the_others_is_there_and_not_before() {
    let (here, there) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let one = Setting::of("friend").keeping(here.path()).start();
    for number in 0..30 {
        one.sign_up(&format!("user{number}"));
    }
    let setting = Setting::of("friend").keeping(there.path());
    let address = setting.address;
    let (url, heard) = node(move || {
        let answer = super::http::ask(address, "GET", "/api/users", None).expect("it listens");
        let count = answer.json().as_array().expect("a list").len();
        assert_eq!(count, 30, "signalled too early");
    });
    let _two = setting
        .with("BUNDLE_ID", "01dd0af")
        .with("CONDUCTR_STATUS", &url)
        .joining(&[one.address])
        .start();
    let line = heard.join().expect("all was there");
    assert_eq!(line, "PUT /bundles/01dd0af?isStarted=true HTTP/1.1\r\n");
}

#[test]
fn an_instance_that_cannot_reach_the_others_ends_instead_of_starting_empty() {
    let folder = tempdir().expect("a folder");
    let nobody = address();
    let setting = Setting::of("friend")
        .keeping(folder.path())
        .with("BUNDLE_ID", "01dd0af")
        .joining(&[nobody]);
    let (status, words) = ended(setting.spawn());
    assert!(!status.success());
    let told = format!("could not get what the others have: {nobody} did not answer in full");
    assert!(words.contains(&told), "{words}");
}
