//! The page in a real browser: what two people do with it, one at a desk and one with a phone.

use serde_json::json;
use tempfile::tempdir;

use super::service::{Service, Setting};
use super::webdriver::{Browser, Driver};
use crate::tools::have;

struct Chirper {
    _services: Vec<Service>,
    chirp: Service,
    setting: Setting,
    page: String,
}

fn chirper(folder: &std::path::Path) -> Chirper {
    let url = |service: &Service| format!("http://{}", service.address);
    let friend = Setting::of("friend").keeping(folder).start();
    let setting = Setting::of("chirp").keeping(folder);
    let chirp = setting.start();
    let with = |program| {
        Setting::of(program)
            .with("FRIEND_URL", &url(&friend))
            .with("CHIRP_URL", &url(&chirp))
    };
    let activity = with("activity").start();
    let front_end = with("front-end")
        .with("ACTIVITY_URL", &url(&activity))
        .start();
    let page = url(&front_end);
    Chirper {
        _services: vec![friend, activity, front_end],
        chirp,
        setting,
        page,
    }
}

fn sign_up(browser: &Browser<'_>, page: &str, id: &str, name: &str) {
    browser.open(page);
    browser.wait_until("!document.getElementById('welcome').hidden");
    browser.type_into("#id", id);
    browser.type_into("#name", name);
    browser.click("#enter-button");
    browser.wait_until("!document.getElementById('home').hidden");
    browser.wait_until("document.getElementById('line').textContent === 'live'");
}

fn say(browser: &Browser<'_>, text: &str) {
    browser.type_into("#text", text);
    browser.click("#send");
    browser.wait_until(&shows(text));
}

/// That the latest chirp on the page is this.
fn shows(text: &str) -> String {
    let text = json!(text);
    format!("document.querySelector('#chirps li p')?.textContent === {text}")
}

#[test]
fn two_people_follow_each_other_and_see_chirps_as_they_are_said() {
    if !have("chromium", "chromium") || !have("chromedriver", "chromium-driver") {
        return;
    }
    let folder = tempdir().expect("a folder");
    let chirper = chirper(folder.path());
    let driver = Driver::start();
    let (desk, phone) = (driver.browser(1280, 900), driver.browser(390, 844));
    sign_up(&desk, &chirper.page, "ada", "Ada Lovelace");
    sign_up(&phone, &chirper.page, "bob", "Bob <b>the</b> Builder");

    // Ada finds Bob among the people, and follows him.
    desk.wait_until("document.querySelector('[data-user=bob] button')");
    desk.click("[data-user=bob] button");
    desk.wait_until("document.getElementById('me-friends').textContent === '1'");
    desk.wait_until("document.getElementById('line').textContent === 'live'");

    // What he says is on her page at once, as text whatever it is.
    say(&phone, "Hello <i>world</i> & everybody");
    desk.wait_until(&shows("Hello <i>world</i> & everybody"));
    assert_eq!(
        desk.run("return document.querySelectorAll('#chirps i').length"),
        0
    );
    let name = desk.run("return document.querySelector('#chirps strong').textContent");
    assert_eq!(name, "Bob <b>the</b> Builder");

    // The service that keeps chirps is killed and comes back: the page goes on by itself.
    let Chirper { chirp, setting, .. } = chirper;
    chirp.kill();
    let _chirp = setting.start();
    say(&phone, "Still here");
    desk.wait_until(&shows("Still here"));
    assert_eq!(
        desk.run("return document.querySelectorAll('#chirps li').length"),
        2
    );

    // On the phone everything is within reach, and nothing sticks out.
    let width = phone.run("return document.documentElement.scrollWidth - window.innerWidth");
    assert_eq!(width, 0);
    phone.click("[data-tab=people]");
    phone.wait_until("document.querySelector('[data-user=ada] button').offsetParent");
    phone.click("[data-tab=me]");
    phone.wait_until("document.getElementById('me-followers').textContent === '1'");

    // She comes back later and is still Ada.
    desk.open(&chirper.page);
    desk.wait_until(&shows("Still here"));
    let policy = |line: &String| line.contains("Content Security Policy");
    for browser in [&desk, &phone] {
        let complaints = browser.complaints();
        assert!(!complaints.iter().any(policy), "{complaints:?}");
    }
}

#[test]
fn the_page_says_what_is_wrong_with_a_name_and_lets_the_same_name_in_again() {
    if !have("chromium", "chromium") || !have("chromedriver", "chromium-driver") {
        return;
    }
    let folder = tempdir().expect("a folder");
    let chirper = chirper(folder.path());
    let driver = Driver::start();
    let browser = driver.browser(1280, 900);
    browser.open(&chirper.page);
    browser.wait_until("!document.getElementById('welcome').hidden");
    browser.type_into("#id", "no spaces, please");
    browser.click("#enter-button");
    browser.wait_until("!document.getElementById('enter-error').hidden");
    let told = browser.run("return document.getElementById('enter-error').textContent");
    let told = told.as_str().expect("a text").to_owned();
    assert!(told.contains("small letters, digits, - and _"), "{told}");

    sign_up(&browser, &chirper.page, "eve", "Eve");
    browser.click("#leave");
    sign_up(&browser, &chirper.page, "eve", "Somebody else");
    let name = browser.run("return document.getElementById('me-name').textContent");
    assert_eq!(name, "Eve");
    let offered = browser.run("return document.getElementById('served').textContent");
    assert!(
        offered.as_str().expect("a text").contains("friend1.0.0"),
        "{offered}"
    );
}
