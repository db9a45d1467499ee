//! The content of an answer on its way to a caller.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};

use crate::access::Entry;
use crate::sent::{ContentError, Timed};
use crate::upstream::Lease;

/// What a caller gets.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A sentence of our own.
    Sentence(Option<Bytes>, Entry),
    /// An instance's content, as it comes.
    Relayed(Box<Relayed>),
}

/// An instance's content, and the connection that it comes through.
#[derive(Debug)]
pub(crate) struct Relayed {
    content: Timed,
    lease: Option<Lease>,
    entry: Entry,
}

impl Answer {
    pub(crate) fn relayed(content: Timed, lease: Lease, entry: Entry) -> Answer {
        let mut relayed = Relayed {
            content,
            lease: Some(lease),
            entry,
        };
        if relayed.content.is_end_stream() {
            relayed.finish();
        }
        Answer::Relayed(Box::new(relayed))
    }
}

impl Relayed {
    /// All of it is here, so the connection is free.
    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.finish();
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ContentError>>> {
        let frame = std::task::ready!(self.content.poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.entry.bytes += bytes as u64;
                if self.content.is_end_stream() {
                    self.finish();
                }
            }
            Some(Err(_)) => {
                self.entry.is_cut = true;
                self.lease = None;
            }
            None => self.finish(),
        }
        Poll::Ready(frame)
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = ContentError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ContentError>>> {
        match self.get_mut() {
            Answer::Sentence(text, entry) => {
                let text = text.take();
                entry.bytes = text.as_ref().map_or(0, Bytes::len) as u64;
                Poll::Ready(text.map(|text| Ok(Frame::data(text))))
            }
            Answer::Relayed(relayed) => relayed.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Answer::Sentence(text, _) => text.is_none(),
            Answer::Relayed(relayed) => relayed.content.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Sentence(text, _) => {
                SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64)
            }
            Answer::Relayed(relayed) => relayed.content.size_hint(),
        }
    }
}

/// An answer of our own. Nothing that a caller or a bundle said is in it.
pub(crate) fn sentence(status: StatusCode, text: &'static str, entry: Entry) -> Response<Answer> {
    let text = Bytes::from_static(text.as_bytes());
    let mut response = Response::new(Answer::Sentence(Some(text), entry));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
