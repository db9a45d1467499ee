//! A server that says what a script says, and whatever else real ones never would.
//!
//! A script has a line `> METHOD /path?query` for each request that it knows, and below it one or
//! several answers. Asked again, it gives the next answer, and the last one for ever. A request that
//! stands nowhere is answered with 404.
//!
//! ```text
//! > GET /v2/bundles
//! < 200 application/json
//! []
//! < 503 text/plain conduct-error=quarantined
//! no
//! ```
//!
//! Other answers: `< silence` never comes; `< broken` ends in its middle; `< raw` is the text below
//! it and nothing else; `< endless` goes on and on; `< stream` sends the paragraphs below it as
//! events, then heartbeats; `< ending` does the same and ends.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Between the events of a stream: apart from each other, so that they are several.
const BEAT: Duration = Duration::from_millis(100);

/// A server on a port of its own. It ends when it is dropped.
#[derive(Debug)]
pub struct Fake {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET /v2/bundles`.
    pub line: String,
    /// By name in small letters.
    pub headers: BTreeMap<String, String>,
    /// What came behind them.
    pub body: Vec<u8>,
}

#[derive(Debug)]
struct Shared {
    script: BTreeMap<String, Vec<Reply>>,
    asked: Mutex<BTreeMap<String, usize>>,
    seen: Mutex<Vec<Seen>>,
    is_over: AtomicBool,
    tls: Option<Arc<ServerConfig>>,
}

#[derive(Debug, Clone)]
struct Reply {
    head: String,
    body: String,
}

impl Fake {
    /// A server that plays `script`.
    pub fn new(script: &str) -> Fake {
        Fake::start(script, None)
    }

    /// The same over TLS.
    pub fn with_tls(script: &str, tls: Arc<ServerConfig>) -> Fake {
        Fake::start(script, Some(tls))
    }

    fn start(script: &str, tls: Option<Arc<ServerConfig>>) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            script: parse(script),
            asked: Mutex::default(),
            seen: Mutex::default(),
            is_over: AtomicBool::new(false),
            tls,
        });
        let serving = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.is_over() {
                    return;
                }
                let shared = Arc::clone(&serving);
                // A client that hangs up in the middle is what these tests are about.
                thread::spawn(move || stream.and_then(|stream| shared.serve(stream)));
            }
        });
        Fake {
            address,
            shared,
            listener: Some(listener),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.shared.seen).clone()
    }

    /// The requests that it saw, one a line.
    pub fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes the one that waits for connections.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse(script: &str) -> BTreeMap<String, Vec<Reply>> {
    let mut all: BTreeMap<String, Vec<Reply>> = BTreeMap::new();
    let mut request = String::new();
    for line in script.lines() {
        if let Some(line) = line.strip_prefix("> ") {
            line.clone_into(&mut request);
            all.entry(request.clone()).or_default();
        } else if let Some(head) = line.strip_prefix("< ") {
            let replies = all
                .get_mut(&request)
                .expect("an answer belongs to a request");
            replies.push(Reply {
                head: head.to_owned(),
                body: String::new(),
            });
        } else if let Some(reply) = all.get_mut(&request).and_then(|all| all.last_mut()) {
            reply.body.push_str(line);
            reply.body.push('\n');
        }
    }
    all
}

trait Wire: Read + Write + Send {}

impl<T: Read + Write + Send> Wire for T {}

impl Shared {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut wire: Box<dyn Wire> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let connection =
                    ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
                Box::new(StreamOwned::new(connection, stream))
            }
        };
        let seen = read_request(&mut wire)?;
        let reply = self.reply(&seen.line);
        locked(&self.seen).push(seen);
        match reply {
            None => {
                let body = "nothing is here\n";
                let head = head("404", "text/plain", body.len());
                wire.write_all(format!("{head}\r\n{body}").as_bytes())?;
            }
            Some(reply) => self.say(&reply, &mut wire)?,
        }
        wire.flush()
    }

    fn reply(&self, line: &str) -> Option<Reply> {
        let replies = self.script.get(line)?;
        let mut asked = locked(&self.asked);
        let count = asked.entry(line.to_owned()).or_default();
        let reply = replies.get(*count).or(replies.last());
        *count += 1;
        reply.cloned()
    }

    fn say(&self, reply: &Reply, wire: &mut Box<dyn Wire>) -> io::Result<()> {
        let mut words = reply.head.split(' ');
        let body = reply.body.trim_end_matches('\n');
        match words.next().unwrap_or_default() {
            "silence" => self.until_over(),
            "raw" => wire.write_all(body.replace('\n', "\r\n").as_bytes())?,
            "broken" => {
                let head = head("200", "application/json", body.len() + 1000);
                wire.write_all(format!("{head}\r\n{body}").as_bytes())?;
            }
            "endless" => {
                wire.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")?;
                while !self.is_over() {
                    wire.write_all(&[b' '; 64 * 1024])?;
                }
            }
            kind @ ("stream" | "ending") => self.stream(body, kind == "stream", wire)?,
            status => {
                let kind = words.next().unwrap_or("text/plain");
                let mut head = head(status, kind, body.len());
                for header in words {
                    let (name, value) = header.split_once('=').unwrap_or((header, ""));
                    head += &format!("{name}: {}\r\n", value.replace("%20", " "));
                }
                wire.write_all(format!("{head}\r\n{body}").as_bytes())?;
            }
        }
        Ok(())
    }

    fn stream(&self, events: &str, goes_on: bool, wire: &mut Box<dyn Wire>) -> io::Result<()> {
        wire.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nretry:500\n\n")?;
        wire.flush()?;
        for event in events.split("\n\n").filter(|event| !event.is_empty()) {
            thread::sleep(BEAT);
            wire.write_all(format!("{event}\n\n").as_bytes())?;
            wire.flush()?;
        }
        while goes_on && !self.is_over() {
            thread::sleep(BEAT);
            wire.write_all(b"data:\n\n")?;
            wire.flush()?;
        }
        Ok(())
    }

    fn until_over(&self) {
        while !self.is_over() {
            thread::sleep(BEAT);
        }
    }
}

fn head(status: &str, kind: &str, length: usize) -> String {
    format!(
        "HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         connection: close\r\n"
    )
}

fn read_request(wire: &mut Box<dyn Wire>) -> io::Result<Seen> {
    let mut reader = BufReader::new(wire);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace();
    let line = format!(
        "{} {}",
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default()
    );
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end();
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Seen {
        line,
        headers,
        body,
    })
}
