//! What is told as it happens, and what becomes of listeners when instances go.

use serde_json::{Value, json};
use tempfile::tempdir;

use super::http::Events;
use super::service::{Service, Setting, wait_for};

fn follow(friend: &Service, user: &str, other: &str) {
    let path = format!("/api/users/{user}/friends/{other}");
    let answer = super::http::ask(friend.address, "PUT", &path, None).expect("it answers");
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn text(data: &str) -> String {
    let chirp: Value = serde_json::from_str(data).expect("JSON");
    chirp["text"].as_str().expect("a text").to_owned()
}

#[test]
fn a_listener_hears_what_is_said_at_another_instance() {
    let (here, there) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let one = Setting::of("chirp").keeping(here.path()).start();
    let two = Setting::of("chirp").keeping(there.path());
    let two = two.joining(&[one.address]).start();
    let mut events = Events::of(two.address, "/api/chirps/live?users=ada");
    events.next("open").expect("it opens");
    one.say("bob", "not for you");
    one.say("ada", "for you");
    assert_eq!(
        events.next("chirp").as_deref().map(text),
        Some("for you".to_owned())
    );
}

#[test]
fn a_chirp_that_is_sent_again_is_said_once() {
    let folder = tempdir().expect("a folder");
    let chirp = Setting::of("chirp").keeping(folder.path()).start();
    let body = json!({ "user": "ada", "text": "once", "key": "k1" });
    let first = chirp.post("/api/chirps", &body).expect("it answers");
    let again = chirp.post("/api/chirps", &body).expect("it answers");
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(chirp.texts(), ["once"]);
}

#[test]
fn a_stream_ends_with_its_instance_and_the_process_ends_well() {
    let folder = tempdir().expect("a folder");
    let chirp = Setting::of("chirp").keeping(folder.path()).start();
    let mut events = Events::of(chirp.address, "/api/chirps/live");
    events.next("open").expect("it opens");
    let (status, stderr) = chirp.terminate();
    assert_eq!(status.code(), Some(0), "{stderr:?}");
    assert_eq!(events.next("chirp"), None);
    assert!(stderr.is_empty(), "{stderr:?}");
}

/// Friend, chirp and activity, ada following bob.
fn all(folder: &std::path::Path) -> (Service, Setting, Service, Service) {
    let friend = Setting::of("friend").keeping(folder).start();
    let setting = Setting::of("chirp").keeping(folder);
    let chirp = setting.start();
    let activity = Setting::of("activity")
        .with("FRIEND_URL", &format!("http://{}", friend.address))
        .with("CHIRP_URL", &format!("http://{}", chirp.address))
        .start();
    friend.sign_up("ada");
    friend.sign_up("bob");
    follow(&friend, "ada", "bob");
    (friend, setting, chirp, activity)
}

#[test]
fn activity_is_what_those_say_whom_one_follows() {
    let folder = tempdir().expect("a folder");
    let (_friend, _, chirp, activity) = all(folder.path());
    for (user, said) in [("bob", "one"), ("eve", "two"), ("ada", "three")] {
        chirp.say(user, said);
    }
    let found = activity.get("/api/activity/ada").json();
    let chirps = found["chirps"].as_array().expect("a list");
    let texts: Vec<&Value> = chirps.iter().map(|chirp| &chirp["text"]).collect();
    assert_eq!(texts, ["three", "one"]);
    assert_eq!(found["friends"], json!(["bob"]));

    let nobody = activity.get("/api/activity/nobody");
    assert_eq!(nobody.status, 404);
    assert_eq!(nobody.json()["error"], "nobody is called nobody");
}

#[test]
fn a_live_line_goes_on_when_the_service_behind_it_is_killed_and_comes_back() {
    let folder = tempdir().expect("a folder");
    let (_friend, setting, chirp, activity) = all(folder.path());
    let mut events = Events::of(activity.address, "/api/activity/ada/live");
    events.next("refresh").expect("it opens");
    chirp.say("bob", "before");
    assert_eq!(
        events.next("chirp").as_deref().map(text),
        Some("before".to_owned())
    );
    chirp.kill();
    let chirp = setting.start();
    events.next("refresh").expect("it is connected again");
    chirp.say("bob", "after");
    assert_eq!(
        events.next("chirp").as_deref().map(text),
        Some("after".to_owned())
    );
}

#[test]
fn a_service_that_cannot_be_reached_is_named() {
    let folder = tempdir().expect("a folder");
    let (friend, _, chirp, activity) = all(folder.path());
    friend.kill();
    let answer = wait_for("it gives up", || activity.try_get("/api/activity/ada").ok());
    assert_eq!(answer.status, 503);
    let error = answer.json()["error"].to_string();
    assert!(error.contains("friend at http://"), "{error}");
    drop(chirp);
}
