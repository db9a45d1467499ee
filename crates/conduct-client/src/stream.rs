//! Event streams.

use std::collections::VecDeque;
use std::time::Duration;

use conduct_api::sse::{Frame, Reader};

use crate::client::{Answer, Client};
use crate::error::ClientError;
use crate::request::Request;

/// What the type of such a stream's content is.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// Frames that arrived together; a node that sends more at once means something else than events.
const FRAMES_MAX: usize = 100_000;

/// A stream of events that has begun.
#[derive(Debug)]
pub struct EventStream {
    answer: Answer,
    reader: Reader,
    frames: VecDeque<Frame>,
    last_id: Option<String>,
    /// A stream that lives says so every second, whatever else happens.
    silence: Duration,
}

impl Client {
    /// Begins a stream, behind the event that was seen `last`.
    pub(crate) async fn stream(
        &self,
        request: Request,
        last: Option<&str>,
    ) -> Result<EventStream, ClientError> {
        let answer = self.send(&streaming(request, last)).await?;
        if answer.content_type() != EVENT_STREAM {
            return Err(ClientError::ContentType {
                found: answer.content_type(),
                url: answer.url,
                expected: EVENT_STREAM,
            });
        }
        Ok(EventStream::new(answer, self.limits.stream))
    }
}

/// A request for a stream, behind the event that was seen `last`.
pub(crate) fn streaming(request: Request, last: Option<&str>) -> Request {
    let request = request
        .header("Accept", "text/event-stream, application/json;q=0.5")
        .header("Cache-Control", "no-cache");
    match last {
        Some(last) => request.header("Last-Event-ID", last),
        None => request,
    }
}

impl EventStream {
    pub(crate) fn new(answer: Answer, silence: Duration) -> EventStream {
        EventStream {
            answer,
            reader: Reader::default(),
            frames: VecDeque::new(),
            last_id: None,
            silence,
        }
    }

    /// The next event, heartbeats left out; nothing when the stream has ended. May be given up at
    /// any time without losing an event.
    pub async fn next(&mut self) -> Result<Option<Frame>, ClientError> {
        loop {
            while let Some(frame) = self.frames.pop_front() {
                if let Some(id) = &frame.id {
                    self.last_id = Some(id.clone());
                }
                if frame.event.is_some() {
                    return Ok(Some(frame));
                }
            }
            let Some(piece) = self.answer.piece(self.silence).await? else {
                return Ok(None);
            };
            let mut frames = Vec::new();
            self.reader.push(&piece, &mut frames);
            frames.truncate(FRAMES_MAX);
            self.frames.extend(frames);
        }
    }

    /// Where to go on after the event that came last.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }
}
