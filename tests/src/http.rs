//! Requests as they go over the wire. No client library: tests also say what none would.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::PATIENCE;

/// So long a server may take to say anything.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// The number.
    pub status: u16,
    /// All headers, names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// The body without the marks of its chunks.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header with that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as people read it.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, which must be JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }
}

/// Asks, and reads the answer to its end.
///
/// # Errors
/// When nothing answers, or what answers speaks no HTTP.
pub fn request(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Response, String> {
    let mut connection = Connection::open(to).map_err(|error| error.to_string())?;
    connection
        .ask(method, path, headers, body)
        .map_err(|error| format!("{method} {path}: {error}"))?;
    connection
        .answer()
        .map_err(|error| format!("{method} {path}: {error}"))
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    to: SocketAddr,
}

impl Connection {
    /// Opens one.
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn open(to: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&to, SILENCE_MAX)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_write_timeout(Some(SILENCE_MAX))?;
        Ok(Connection {
            stream: BufReader::new(stream),
            to,
        })
    }

    /// Sends these bytes as they are.
    ///
    /// # Errors
    /// When the other side does not take them.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// The socket itself.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// Sends a well-formed request. `Host` and `Content-Length` are added unless they are given.
    ///
    /// # Errors
    /// When the other side does not take it.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        let is_given = |name: &str| headers.iter().any(|(it, _)| it.eq_ignore_ascii_case(name));
        if !is_given("host") {
            head += &format!("Host: {}\r\n", self.to);
        }
        if !is_given("content-length") && !is_given("transfer-encoding") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.send(head.as_bytes())?;
        self.send(body)
    }

    /// Reads an answer to its end.
    ///
    /// # Errors
    /// When it does not come, or is none.
    pub fn answer(&mut self) -> io::Result<Response> {
        let mut response = self.head()?;
        response.body = match response.header("transfer-encoding") {
            Some("chunked") => {
                let mut body = Vec::new();
                while let Some(mut chunk) = self.chunk()? {
                    body.append(&mut chunk);
                }
                body
            }
            _ => match response.header("content-length") {
                Some(length) => {
                    let length = length.parse().map_err(io::Error::other)?;
                    let mut body = vec![0; length];
                    self.stream.read_exact(&mut body)?;
                    body
                }
                None if response.status == 204 => Vec::new(),
                None => {
                    let mut body = Vec::new();
                    self.stream.read_to_end(&mut body)?;
                    body
                }
            },
        };
        Ok(response)
    }

    /// Reads the status and the headers and leaves the body where it is.
    ///
    /// # Errors
    /// When they do not come, or are none.
    pub fn head(&mut self) -> io::Result<Response> {
        let status = self.line()?;
        let number = status.strip_prefix("HTTP/1.1 ").and_then(|it| it.get(..3));
        let number = number.and_then(|it| it.parse().ok());
        let status = number.ok_or_else(|| io::Error::other(format!("no answer: {status:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| io::Error::other(format!("no header: {line:?}")))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Response {
            status,
            headers,
            body: Vec::new(),
        })
    }

    /// The next chunk of a body that is sent in chunks; nothing at its end.
    ///
    /// # Errors
    /// When it does not come.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let length = self.line()?;
        let length = usize::from_str_radix(&length, 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; length];
        self.stream.read_exact(&mut chunk)?;
        self.line()?;
        Ok((length > 0).then_some(chunk))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// A stream of events, read one by one.
#[derive(Debug)]
pub struct Events {
    connection: Connection,
    pending: String,
    /// What the server said before the first event.
    pub head: Response,
}

/// An event: its lines, each cut at its colon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its name; heartbeats have none.
    pub name: String,
    /// What it is about.
    pub data: String,
    /// Where to go on from.
    pub id: String,
}

impl Events {
    /// Opens a stream.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn open(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> io::Result<Events> {
        let mut connection = Connection::open(to)?;
        let mut all = vec![("Accept", "text/event-stream")];
        all.extend_from_slice(headers);
        connection.ask("GET", path, &all, b"")?;
        let head = connection.head()?;
        if head.status != 200 {
            let sentence = format!("{path} answers {}", head.status);
            return Err(io::Error::other(sentence));
        }
        Ok(Events {
            connection,
            pending: String::new(),
            head,
        })
    }

    /// The next event, heartbeats included. A hint of when to come back counts as none.
    ///
    /// # Errors
    /// When the stream ends.
    pub fn next_of_any_kind(&mut self) -> io::Result<Event> {
        loop {
            if let Some(end) = self.pending.find("\n\n") {
                let text: String = self.pending.drain(..end + 2).collect();
                return Ok(parse(&text));
            }
            let chunk = self.connection.chunk()?;
            let chunk = chunk.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            self.pending += &String::from_utf8(chunk).map_err(io::Error::other)?;
        }
    }

    /// The next event that is more than a heartbeat.
    ///
    /// # Errors
    /// When the stream ends, or brings nothing else for a minute.
    pub fn next_event(&mut self) -> io::Result<Event> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if Instant::now() > deadline {
                return Err(io::Error::other("nothing but heartbeats came"));
            }
            let event = self.next_of_any_kind()?;
            if !event.name.is_empty() {
                return Ok(event);
            }
        }
    }
}

fn parse(text: &str) -> Event {
    let mut event = Event::default();
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => event.name = value.to_owned(),
            "data" => event.data += value,
            "id" => event.id = value.to_owned(),
            _ => {}
        }
    }
    event
}
