//! A node of a few lines: answers requests in the order of its script and writes down what it heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use conduct_bundle_lib::Environment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Node {
    /// Answers the first request with the first of these, and so on; the last answer stays.
    pub(crate) async fn saying(script: &[&str]) -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Node::on(listener, script)
    }

    pub(crate) fn on(listener: TcpListener, script: &[&str]) -> Node {
        let address = listener.local_addr().expect("bound");
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let (all, script) = (Arc::clone(&heard), owned(script));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let read = stream.read_buf(&mut request).await.expect("a request");
                    assert!(read > 0, "the request is cut off");
                }
                let answer = {
                    let mut heard = all.lock().expect("whole");
                    heard.push(String::from_utf8(request).expect("text"));
                    script[(heard.len() - 1).min(script.len() - 1)].clone()
                };
                stream.write_all(answer.as_bytes()).await.expect("heard");
            }
        });
        Node { address, heard }
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("whole").clone()
    }

    pub(crate) fn environment(&self) -> Environment {
        let url = format!("http://{}", self.address);
        Environment::from_pairs([
            ("BUNDLE_ID", "01dd0af"),
            ("CONDUCTR_STATUS", &url),
            ("SERVICE_LOCATOR", &format!("{url}/services")),
        ])
    }
}

fn owned(script: &[&str]) -> Vec<String> {
    script.iter().map(|answer| (*answer).to_owned()).collect()
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
