//! Requests of a few lines: one connection each, read to its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long any answer may take; much longer than any does.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The body, where it is JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let split = self.headers.iter().filter_map(|line| line.split_once(':'));
        let mut found = split.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }
}

/// Asks; an error is told in words, because whoever is asked may just have been killed.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Answer, String> {
    exchange(address, method, path, body).map_err(|error| error.to_string())
}

fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut reader = BufReader::new(stream);
    let headers = head(&mut reader)?;
    let status = headers[0].split(' ').nth(1).and_then(|it| it.parse().ok());
    let mut answer = Answer {
        status: status.ok_or_else(|| std::io::Error::other("no status"))?,
        headers,
        body: String::new(),
    };
    let length = answer
        .header("content-length")
        .and_then(|it| it.parse().ok());
    let mut bytes = Vec::new();
    if let Some(length) = length {
        bytes.resize(length, 0);
        reader.read_exact(&mut bytes)?;
    } else if answer.header("transfer-encoding").is_some() {
        bytes = chunks(&mut reader)?;
    } else {
        reader.read_to_end(&mut bytes)?;
    }
    answer.body = String::from_utf8(bytes).map_err(std::io::Error::other)?;
    Ok(answer)
}

fn chunks(reader: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk)?;
        if length == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&chunk[..length]);
    }
}

/// The lines up to the empty one.
fn head(reader: &mut BufReader<TcpStream>) -> std::io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line)?;
        let line = line.trim_end().to_owned();
        match (read, line.is_empty(), lines.is_empty()) {
            (0, ..) => return Err(std::io::Error::other("the answer broke off")),
            (_, true, false) => return Ok(lines),
            _ => lines.push(line),
        }
    }
}

/// A stream of server-sent events.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
}

impl Events {
    pub(crate) fn of(address: SocketAddr, path: &str) -> Events {
        let mut stream = TcpStream::connect(address).expect("the service listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").expect("heard");
        let mut reader = BufReader::new(stream);
        let head = head(&mut reader).expect("an answer");
        assert!(head[0].contains(" 200 "), "{head:?}");
        Events { reader }
    }

    /// The data of the next event of this kind; nothing when the stream ends before. The framing of
    /// chunks stands in lines of its own and is passed over like other events.
    pub(crate) fn next(&mut self, kind: &str) -> Option<String> {
        let wanted = format!("event: {kind}");
        let mut is_it = false;
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "no {kind} came");
            let mut line = String::new();
            let read = self.reader.read_line(&mut line).expect("news in time");
            let line = line.trim_end();
            match line.strip_prefix("data:") {
                _ if read == 0 => return None,
                Some(data) if is_it => return Some(data.trim().to_owned()),
                _ if line.starts_with("event:") => is_it = line == wanted,
                _ => {}
            }
        }
    }
}
