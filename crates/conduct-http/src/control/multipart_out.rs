//! Archives as parts of a response.

use std::fs::File;
use std::io::{self, Read};

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::app::draw;
use crate::services::OpenArchive;

/// What is read from a disk at a time.
const CHUNK_BYTES: usize = 128 * 1024;
/// Chunks that are read ahead of the caller.
const CHUNKS_MAX: usize = 2;

pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) file_name: String,
    pub(super) archive: OpenArchive,
}

/// A part's own lines, and the archive behind them.
struct Piece {
    head: String,
    file: File,
    bytes: u64,
}

/// All parts, one after the other, read as the caller takes them.
pub(super) fn respond(parts: Vec<Part>) -> Response {
    let boundary = draw().to_string();
    let end = format!("\r\n--{boundary}--\r\n");
    let mut pieces = Vec::new();
    let mut length = end.len() as u64;
    for (at, part) in parts.into_iter().enumerate() {
        let line_end = if at == 0 { "" } else { "\r\n" };
        let head = format!(
            "{line_end}--{boundary}\r\n\
             Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            part.name,
            part.file_name.replace(['"', '\\', '\r', '\n'], "_")
        );
        length += head.len() as u64 + part.archive.bytes;
        pieces.push(Piece {
            head,
            file: part.archive.file,
            bytes: part.archive.bytes,
        });
    }
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    tokio::task::spawn_blocking(move || {
        // The caller left: nobody is there to be told.
        let _ = send(pieces, end, &sender);
    });
    let chunks = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={boundary}"),
        ),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

type Sent = Result<(), mpsc::error::SendError<io::Result<Bytes>>>;

/// Sends everything. An archive that is shorter than it was breaks the response off.
fn send(pieces: Vec<Piece>, end: String, sender: &mpsc::Sender<io::Result<Bytes>>) -> Sent {
    for Piece { head, file, bytes } in pieces {
        sender.blocking_send(Ok(head.into()))?;
        let mut rest = file.take(bytes);
        let mut sent = 0;
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            match rest.read(&mut chunk) {
                Ok(0) if sent < bytes => {
                    return sender.blocking_send(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(0) => break,
                Ok(read) => {
                    sent += read as u64;
                    chunk.truncate(read);
                    sender.blocking_send(Ok(chunk.into()))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return sender.blocking_send(Err(error)),
            }
        }
    }
    sender.blocking_send(Ok(end.into()))
}
