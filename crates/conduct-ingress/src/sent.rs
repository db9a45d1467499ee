//! The content of a request on its way to an instance.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use crate::activity::Activity;

/// An error of whichever side a content came from.
pub(crate) type ContentError = Box<dyn std::error::Error + Send + Sync>;

/// Nothing for too long.
#[derive(Debug, thiserror::Error)]
#[error("no content came for {} s", .0.as_secs())]
pub(crate) struct Idle(Duration);

/// Content that must not rest for too long.
#[derive(Debug)]
pub(crate) struct Timed {
    content: Incoming,
    time_max: Duration,
    resting: Option<Pin<Box<Sleep>>>,
    told: Option<Activity>,
}

impl Timed {
    pub(crate) fn new(content: Incoming, time_max: Duration) -> Timed {
        Timed {
            content,
            time_max,
            resting: None,
            told: None,
        }
    }

    /// The same, holding an activity until it has ended: nobody answers before that.
    pub(crate) fn holding(self, activity: Activity) -> Timed {
        activity.hold();
        let told = Some(activity);
        Timed { told, ..self }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ContentError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.content).poll_frame(cx) {
            self.resting = None;
            let is_over = frame.is_none() || self.content.is_end_stream();
            if let Some(told) = self.told.take_if(|_| is_over) {
                told.let_go();
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(ContentError::from)));
        }
        let time_max = self.time_max;
        let resting = self
            .resting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(time_max)));
        ready!(resting.as_mut().poll(cx));
        Poll::Ready(Some(Err(Idle(time_max).into())))
    }
}

/// What an instance gets.
#[derive(Debug)]
pub(crate) enum Sent {
    /// No content: the request can be sent once more.
    Nothing,
    /// The caller's content, as it comes.
    Content(Timed),
}

impl Body for Sent {
    type Data = Bytes;
    type Error = ContentError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ContentError>>> {
        match self.get_mut() {
            Sent::Nothing => Poll::Ready(None),
            Sent::Content(content) => content.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Sent::Nothing => true,
            Sent::Content(content) => content.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Sent::Nothing => SizeHint::with_exact(0),
            Sent::Content(content) => content.size_hint(),
        }
    }
}
