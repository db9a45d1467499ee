//! What callers are told when it did not work: a status, a word for programs, a sentence for people.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use conduct_api::multipart::MultipartError;
use conduct_api::resolve::Unresolved;
use conduct_model::RequestId;
use conduct_node::command::Refusal;

use crate::handle::NodeGone;
use crate::services::{SourceError, UploadError};

/// Carries the word for programs.
pub(crate) const CODE: HeaderName = HeaderName::from_static("conduct-error");

/// Why a request was not answered as its caller wished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The daemon is on its way out.
    #[error(transparent)]
    Gone(#[from] NodeGone),
    /// The reference names no bundle, or several.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// The brain refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// This node accepts no changes.
    #[error("{0}")]
    Quarantined(String),
    /// It may or may not have taken effect.
    #[error(
        "the change was stored on {durability} disks and not confirmed by a quorum in time; asking \
         again with Idempotency-Key {request} has no second effect"
    )]
    Unconfirmed {
        /// The name to ask again under.
        request: RequestId,
        /// Who has it.
        durability: u32,
    },
    /// The request makes no sense.
    #[error("{0}")]
    Malformed(String),
    /// The body is none.
    #[error(transparent)]
    Multipart(#[from] MultipartError),
    /// The body is larger than it may be.
    #[error("the request has more than {max_bytes} bytes, which is the most")]
    TooLarge {
        /// The bound.
        max_bytes: u64,
    },
    /// The body came so slowly that others would have had to wait for it.
    #[error("the request came too slowly")]
    Slow,
    /// The caller went away.
    #[error("the request ended too soon")]
    Aborted,
    /// Enough uploads are under way.
    #[error("{max} uploads are under way, try again later")]
    UploadsBusy {
        /// How many there may be.
        max: usize,
    },
    /// Enough streams are open.
    #[error("{max} event streams are open, which is the most")]
    StreamsBusy {
        /// How many there may be.
        max: usize,
    },
    /// An archive was not taken.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// No node could ever hold it.
    #[error("{0}")]
    NoRoom(String),
    /// Something cannot be had from here or from another node.
    #[error("{what} cannot be had")]
    Source {
        /// What.
        what: String,
        /// Why.
        source: SourceError,
    },
    /// Nothing is here.
    #[error("{0}")]
    NotFound(String),
    /// It would contradict something else.
    #[error("{0}")]
    Conflict(String),
    /// Whoever asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// No representation that the caller takes.
    #[error("{0}")]
    NotAcceptable(String),
    /// A bug or a failed machine.
    #[error("{0}")]
    Internal(String),
}

impl ApiError {
    /// The status and the word.
    fn kind(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            ApiError::Gone(_) => (S::SERVICE_UNAVAILABLE, "stopping"),
            ApiError::Unresolved(Unresolved::Unknown { .. }) => (S::NOT_FOUND, "unknown-bundle"),
            ApiError::Unresolved(Unresolved::Ambiguous { .. }) => {
                (S::MULTIPLE_CHOICES, "ambiguous-bundle")
            }
            ApiError::Refused(refusal) => refusal_kind(refusal),
            ApiError::Quarantined(_) => (S::SERVICE_UNAVAILABLE, "quarantined"),
            ApiError::Unconfirmed { .. } => (S::GATEWAY_TIMEOUT, "unknown"),
            ApiError::Malformed(_) | ApiError::Multipart(_) => (S::BAD_REQUEST, "malformed"),
            ApiError::TooLarge { .. } | ApiError::Upload(UploadError::TooLarge { .. }) => {
                (S::PAYLOAD_TOO_LARGE, "too-large")
            }
            ApiError::Slow => (S::REQUEST_TIMEOUT, "slow"),
            ApiError::Aborted => (S::BAD_REQUEST, "aborted"),
            ApiError::UploadsBusy { .. } => (S::TOO_MANY_REQUESTS, "uploads-busy"),
            ApiError::StreamsBusy { .. } => (S::TOO_MANY_REQUESTS, "streams-busy"),
            ApiError::Upload(UploadError::NoSpace) | ApiError::NoRoom(_) => {
                (S::FORBIDDEN, "no-room")
            }
            ApiError::Upload(UploadError::Digest { .. }) => (S::BAD_REQUEST, "digest"),
            ApiError::Upload(UploadError::Disk(_)) => (S::SERVICE_UNAVAILABLE, "disk-failed"),
            ApiError::Source { source, .. } => source_kind(source),
            ApiError::NotFound(_) => (S::NOT_FOUND, "not-found"),
            ApiError::Conflict(_) => (S::CONFLICT, "conflict"),
            ApiError::Forbidden(_) => (S::FORBIDDEN, "forbidden"),
            ApiError::NotAcceptable(_) => (S::NOT_ACCEPTABLE, "not-acceptable"),
            ApiError::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.kind().0
    }

    /// The sentence, with what lies behind it.
    pub(crate) fn text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// After how many seconds another try makes sense, where time alone may help.
    fn retry_after(&self) -> Option<u32> {
        match self.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        }
    }
}

fn refusal_kind(refusal: &Refusal) -> (StatusCode, &'static str) {
    use Refusal as R;
    use StatusCode as S;
    match refusal {
        R::NotLoaded(_) | R::AffinityNotLoaded(_) => (S::NOT_FOUND, "unknown-bundle"),
        R::StillRunning { .. } => (S::CONFLICT, "still-running"),
        R::ArchiveMissing(_) => (S::SERVICE_UNAVAILABLE, "archive-missing"),
        R::ExclusiveKept => (S::BAD_REQUEST, "exclusive-kept"),
        R::DescriptorSize { .. } | R::ScaleSize { .. } => (S::BAD_REQUEST, "too-large"),
        R::NoSuchNode(_) => (S::NOT_FOUND, "unknown-node"),
        R::NodeSilent(_) => (S::SERVICE_UNAVAILABLE, "node-silent"),
        R::RequestIdReused => (S::UNPROCESSABLE_ENTITY, "request-id-reused"),
        R::Busy { .. } => (S::TOO_MANY_REQUESTS, "busy"),
        R::NoRoomForArchive(_) => (S::FORBIDDEN, "no-room"),
        R::Departing => (S::CONFLICT, "departing"),
        R::DiskFailed => (S::SERVICE_UNAVAILABLE, "disk-failed"),
        R::NoSuchInstance(_) => (S::NOT_FOUND, "unknown-instance"),
        R::SignalLate(_) => (S::GONE, "signal-late"),
        R::NotConfirmed { .. } => (S::CONFLICT, "not-confirmed"),
        R::MajorityPresent => (S::CONFLICT, "majority-present"),
        R::NoCluster => (S::SERVICE_UNAVAILABLE, "no-cluster"),
        R::Full { .. } => (S::FORBIDDEN, "full"),
        R::NoCore => (S::SERVICE_UNAVAILABLE, "no-core"),
    }
}

fn source_kind(source: &SourceError) -> (StatusCode, &'static str) {
    match source {
        SourceError::Absent | SourceError::Silent(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
        SourceError::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.kind();
        let text = format!("{}\n", self.text());
        if status.is_server_error() {
            tracing::warn!(code, status = status.as_u16(), "{}", text.trim_end());
        }
        let mut response = plain(status, text);
        let headers = response.headers_mut();
        headers.insert(CODE, HeaderValue::from_static(code));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A text, under the one type that old clients read as one.
pub(crate) fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let mut response = (status, text.into()).into_response();
    let kind = HeaderValue::from_static("text/plain; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
