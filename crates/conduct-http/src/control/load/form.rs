//! The body of a load, part by part, in its one order.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use conduct_api::multipart::{Parser, PartHead, Piece, boundary};
use http_body_util::BodyExt;

use crate::error::ApiError;

/// The longest that nothing comes.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How much comes in a second, over all.
const BYTES_PER_SECOND_MIN: u64 = 1024;
/// What an upload may be larger than the archives in it.
const OVERHEAD_BYTES_MAX: u64 = 64 * 1024;
/// Of a body that was refused so much is still read, so that its sender comes to read the answer.
const LINGER_BYTES_MAX: u64 = 64 * 1024 * 1024;
const LINGER_TIME_MAX: Duration = Duration::from_secs(5);

/// A part by its name; `End` when there are no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PartName {
    BundleConf,
    BundleConfOverlay,
    Bundle,
    Configuration,
    /// What the oldest clients send before the archive.
    Field,
    Unknown,
    End,
}

/// A body that arrives.
pub(super) struct Form {
    body: Body,
    parser: Parser,
    pace: Pace,
    bytes_max: u64,
    /// The part that has begun and was not taken yet.
    head: Option<PartHead>,
    /// The part that was begun last.
    current: PartHead,
    is_over: bool,
    announced: Option<u64>,
}

/// How fast a body comes: only the time counts in which nothing else was waited for.
#[derive(Debug, Default)]
struct Pace {
    bytes: u64,
    waited: Duration,
}

impl Form {
    pub(super) fn new(
        headers: &HeaderMap,
        body: Body,
        archive_bytes_max: u64,
    ) -> Result<Form, ApiError> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let boundary = boundary(text(header::CONTENT_TYPE).unwrap_or_default())?;
        Ok(Form {
            body,
            parser: Parser::new(&boundary),
            pace: Pace::default(),
            bytes_max: archive_bytes_max + OVERHEAD_BYTES_MAX,
            head: None,
            current: PartHead::default(),
            is_over: false,
            announced: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        })
    }

    /// Refuses a body that says itself that it is too large.
    pub(super) fn check_length(&self) -> Result<(), ApiError> {
        match self.announced {
            Some(length) if length > self.bytes_max => Err(self.too_large()),
            _ => Ok(()),
        }
    }

    /// The name of the part that comes next, which stays the next one.
    pub(super) async fn name(&mut self) -> Result<PartName, ApiError> {
        while self.head.is_none() && !self.is_over {
            match self.piece().await? {
                Piece::Part(head) => self.head = Some(head),
                Piece::End => self.is_over = true,
                // The rest of a part that nobody wanted to the end.
                Piece::Data(_) => {}
            }
        }
        Ok(self
            .head
            .as_ref()
            .map_or(PartName::End, |head| PartName::of(&head.name)))
    }

    /// Begins the part that comes next, which has to be this one.
    pub(super) async fn expect(&mut self, wanted: PartName) -> Result<(), ApiError> {
        let found = self.name().await?;
        if found != wanted {
            return Err(ApiError::Malformed(format!(
                "{} must come here, {} does; the parts are bundleConf, bundleConfOverlay, bundle \
                 and configuration, in this order, the second and the last at will",
                wanted.describe(),
                found.describe()
            )));
        }
        Ok(())
    }

    /// The file name of the part that comes next or was begun last.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.head
            .as_ref()
            .unwrap_or(&self.current)
            .file_name
            .as_deref()
    }

    /// The next bytes of the part, or nothing at its end.
    pub(super) async fn bytes(&mut self) -> Result<Option<Bytes>, ApiError> {
        if let Some(head) = self.head.take() {
            self.current = head;
        }
        match self.piece().await? {
            Piece::Data(bytes) => Ok(Some(bytes)),
            Piece::Part(head) => {
                self.head = Some(head);
                Ok(None)
            }
            Piece::End => {
                self.is_over = true;
                Ok(None)
            }
        }
    }

    /// All of the part that comes next, as a text.
    pub(super) async fn text(&mut self, bytes_max: usize) -> Result<String, ApiError> {
        let name = self.name().await?;
        let mut text = Vec::new();
        while let Some(bytes) = self.bytes().await? {
            if text.len() + bytes.len() > bytes_max {
                return Err(ApiError::Malformed(format!(
                    "{} has more than {bytes_max} bytes, which is the most",
                    name.describe()
                )));
            }
            text.extend_from_slice(&bytes);
        }
        String::from_utf8(text)
            .map_err(|_| ApiError::Malformed(format!("{} is not UTF-8", name.describe())))
    }

    async fn piece(&mut self) -> Result<Piece, ApiError> {
        loop {
            if let Some(piece) = self.parser.next_piece()? {
                return Ok(piece);
            }
            match self.frame().await? {
                Some(bytes) => self.parser.push(&bytes),
                None => {
                    self.parser.finish()?;
                    return Ok(Piece::End);
                }
            }
        }
    }

    /// The next bytes of the body, if they come in time.
    async fn frame(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let began = Instant::now();
            let frame = tokio::time::timeout(self.pace.patience()?, self.body.frame()).await;
            self.pace.waited += began.elapsed();
            let frame = match frame {
                Err(_) => return Err(ApiError::Slow),
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => frame.map_err(|_| ApiError::Aborted)?,
            };
            // Trailers are no content.
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            self.pace.bytes += bytes.len() as u64;
            if self.pace.bytes > self.bytes_max {
                return Err(self.too_large());
            }
            return Ok(Some(bytes));
        }
    }

    fn too_large(&self) -> ApiError {
        ApiError::TooLarge {
            max_bytes: self.bytes_max - OVERHEAD_BYTES_MAX,
        }
    }

    /// Reads on for a while without looking: many clients read an answer only once they have sent
    /// everything. One that waits for a word to go on has not sent anything yet.
    pub(super) fn linger(self, headers: &HeaderMap) {
        if headers.contains_key(header::EXPECT) {
            return;
        }
        let mut body = self.body;
        tokio::spawn(tokio::time::timeout(LINGER_TIME_MAX, async move {
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
                if read > LINGER_BYTES_MAX {
                    return;
                }
            }
        }));
    }
}

impl Pace {
    /// How long the next bytes may take.
    fn patience(&self) -> Result<Duration, ApiError> {
        let earned = Duration::from_secs(self.bytes / BYTES_PER_SECOND_MIN);
        let left = (SILENCE_MAX + earned).checked_sub(self.waited);
        left.map(|left| left.min(SILENCE_MAX)).ok_or(ApiError::Slow)
    }
}

impl PartName {
    /// Fields of the oldest form of a load; what they say stands in the archive as well.
    const FIELDS: [&str; 8] = [
        "system",
        "systemVersion",
        "compatibilityVersion",
        "bundleName",
        "nrOfCpus",
        "memory",
        "diskSpace",
        "roles",
    ];

    fn of(name: &str) -> PartName {
        match name {
            "bundleConf" => PartName::BundleConf,
            "bundleConfOverlay" => PartName::BundleConfOverlay,
            "bundle" => PartName::Bundle,
            "configuration" => PartName::Configuration,
            field if PartName::FIELDS.contains(&field) => PartName::Field,
            _ => PartName::Unknown,
        }
    }

    const fn describe(self) -> &'static str {
        match self {
            PartName::BundleConf => "part bundleConf",
            PartName::BundleConfOverlay => "part bundleConfOverlay",
            PartName::Bundle => "part bundle",
            PartName::Configuration => "part configuration",
            PartName::Field => "a field of version 1",
            PartName::Unknown => "an unknown part",
            PartName::End => "the end",
        }
    }
}
