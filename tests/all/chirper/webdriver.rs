//! A browser, driven by ChromeDriver over HTTP as <https://www.w3.org/TR/webdriver2/> says.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::http;
use super::service::wait_for;

/// The name of an element's id in answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Runs as root, without display, and looks nothing up on any network.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// ChromeDriver.
pub(crate) struct Driver {
    child: Child,
    address: SocketAddr,
}

/// A browser of its own, with a profile of its own. It is closed when it goes out of scope.
pub(crate) struct Browser<'a> {
    driver: &'a Driver,
    session: String,
    _profile: TempDir,
}

impl Driver {
    pub(crate) fn start() -> Driver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let child = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed");
        let driver = Driver { child, address };
        wait_for("chromedriver answers", || {
            http::ask(address, "GET", "/status", None).ok()
        });
        driver
    }

    /// Opens a window of this many points.
    pub(crate) fn browser(&self, width: u32, height: u32) -> Browser<'_> {
        let profile = tempfile::tempdir().expect("a folder");
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let wishes = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": {
                "args": flags,
                // A window is never narrower than 500 points: a phone has to be said.
                "mobileEmulation": { "deviceMetrics": {
                    "width": width, "height": height, "pixelRatio": 1.0, "mobile": width < 500,
                } },
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let value = self.ask("POST", "/session", Some(&wishes));
        let session = value["sessionId"].as_str().expect("a session").to_owned();
        Browser {
            driver: self,
            session,
            _profile: profile,
        }
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = http::ask(self.address, method, path, body).expect("chromedriver answers");
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.json()["value"].take()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Its browsers were closed by those who opened them.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser<'_> {
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.driver.ask(method, &path, body)
    }

    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        self.ask("POST", "/url", Some(&json!({ "url": url })));
    }

    /// What a piece of JavaScript answers.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.ask("POST", "/execute/sync", Some(&body))
    }

    #[track_caller]
    pub(crate) fn wait_until(&self, fact: &str) {
        wait_for(fact, || {
            (self.run(&format!("return Boolean({fact})")) == json!(true)).then_some(())
        });
    }

    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let element = self.element(selector);
        let path = format!("/element/{element}/click");
        self.ask("POST", &path, Some(&json!({})));
    }

    #[track_caller]
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        let path = format!("/element/{element}/value");
        self.ask("POST", &path, Some(&json!({ "text": text })));
    }

    /// What the browser complained about.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let entries = self.ask("POST", "/se/log", Some(&json!({ "type": "browser" })));
        let entries = entries.as_array().expect("a list").clone();
        let messages = entries.iter().filter_map(|entry| entry["message"].as_str());
        messages.map(str::to_owned).collect()
    }

    #[track_caller]
    fn element(&self, selector: &str) -> String {
        let body = json!({ "using": "css selector", "value": selector });
        let found = self.ask("POST", "/element", Some(&body));
        found[ELEMENT].as_str().expect("an element").to_owned()
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        // A test that failed may have lost its driver.
        let _ = http::ask(self.driver.address, "DELETE", &path, None);
    }
}
