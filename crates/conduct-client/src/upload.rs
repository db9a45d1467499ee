//! Archives on their way to a cluster.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Body;
use reqwest::multipart;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::answers::Accepted;
use crate::calls::Answered;
use crate::client::{Client, JSON, idempotency_key, no_answer_within};
use crate::error::{ClientError, reason};
use crate::request::{Method, Request};

/// What is read from a file at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// How often it is looked whether an upload still moves.
const LOOK: Duration = Duration::from_secs(1);

/// What a bundle is loaded with: its parts in the order that servers insist on.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    /// The parts.
    pub parts: Vec<Part>,
}

/// A part of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A value without a file's name.
    Field {
        /// What the part is called.
        name: &'static str,
        /// Its content.
        text: String,
    },
    /// A text that was a file.
    Text {
        /// What the part is called.
        name: &'static str,
        /// What the file is called.
        file_name: String,
        /// Its content.
        text: String,
    },
    /// The beginning of a file, without what was appended to it.
    File {
        /// What the part is called.
        name: &'static str,
        /// What the file is called there; says its digest.
        file_name: String,
        /// Where it is here.
        path: PathBuf,
        /// How much of it.
        bytes: u64,
    },
}

/// How many bytes have passed.
#[derive(Debug, Clone, Default)]
pub struct Passed(Arc<AtomicU64>);

impl Passed {
    /// So far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Upload {
    /// The bytes of its files.
    pub fn bytes(&self) -> u64 {
        let files = self.parts.iter().map(|part| match part {
            Part::File { bytes, .. } => *bytes,
            Part::Field { .. } | Part::Text { .. } => 0,
        });
        files.sum()
    }

    /// Opens all files, so that one that is missing is told before anything is sent.
    async fn form(&self, passed: &Passed) -> Result<multipart::Form, ClientError> {
        let mut form = multipart::Form::new();
        for part in &self.parts {
            form = match part {
                Part::Field { name, text } => form.text(*name, text.clone()),
                Part::Text {
                    name,
                    file_name,
                    text,
                } => {
                    let part = multipart::Part::text(text.clone()).file_name(file_name.clone());
                    form.part(*name, part)
                }
                Part::File {
                    name,
                    file_name,
                    path,
                    bytes,
                } => {
                    let file = File::open(path).await.map_err(|source| ClientError::File {
                        path: path.clone(),
                        doing: "read",
                        source,
                    })?;
                    let passed = passed.clone();
                    let pieces = ReaderStream::with_capacity(file.take(*bytes), PIECE_BYTES);
                    let counted = pieces.inspect(move |piece| {
                        passed.add(piece.as_ref().map_or(0, bytes::Bytes::len));
                    });
                    let body = Body::wrap_stream(counted);
                    let part = multipart::Part::stream_with_length(body, *bytes);
                    form.part(*name, part.file_name(file_name.clone()))
                }
            };
        }
        Ok(form)
    }
}

impl Client {
    /// Loads a bundle. `passed` tells meanwhile how far it has come.
    pub async fn load(
        &self,
        upload: &Upload,
        passed: &Passed,
    ) -> Result<Answered<Accepted>, ClientError> {
        let request = Request::new(Method::Post, "bundles");
        let name = idempotency_key(request.method);
        let span = self.limits.upload;
        // A body goes out once, so each node that is asked gets one of its own.
        let mut forms = Vec::new();
        for _ in 0..self.nodes() {
            forms.push(upload.form(passed).await?);
        }
        let mut finish = |builder: reqwest::RequestBuilder| {
            let mut builder = builder.header(reqwest::header::ACCEPT, JSON);
            if let Some(name) = &name {
                builder = builder.header("Idempotency-Key", name);
            }
            let form = forms.pop().expect("there are as many as nodes");
            Ok(builder.multipart(form))
        };
        let answer = self
            .in_turn(&request, &mut finish, |sent| {
                let passed = passed.clone();
                async move {
                    tokio::select! {
                        sent = sent.send() => sent.map_err(|error| reason(&error)),
                        () = stalled(&passed, span) => Err(no_answer_within(span)),
                    }
                }
            })
            .await;
        let answer = answer.map_err(|error| self.without_verdict(error, upload, passed))?;
        let (value, text) = answer.json("an acceptance").await?;
        Ok(Answered { value, text })
    }

    /// Everything was taken, and then nothing came: that is no unreachable node.
    fn without_verdict(&self, error: ClientError, upload: &Upload, passed: &Passed) -> ClientError {
        let after = self.limits.upload;
        match error {
            ClientError::Unreachable { tried }
                if passed.bytes() >= upload.bytes()
                    && tried.iter().all(|it| it.reason == no_answer_within(after)) =>
            {
                let url = tried.into_iter().next_back().map(|it| it.url);
                ClientError::NoVerdict {
                    url: url.unwrap_or_default(),
                    after,
                }
            }
            error => error,
        }
    }
}

/// Returns when nothing has moved for `span`.
async fn stalled(passed: &Passed, span: Duration) {
    let mut last = (passed.bytes(), tokio::time::Instant::now());
    while last.1.elapsed() < span {
        tokio::time::sleep(LOOK.min(span)).await;
        if passed.bytes() != last.0 {
            last = (passed.bytes(), tokio::time::Instant::now());
        }
    }
}
