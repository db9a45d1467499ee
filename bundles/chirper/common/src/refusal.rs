//! Saying no to a caller: one status, one sentence, in JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of no.
    pub status: StatusCode,
    /// What is wrong, for people.
    pub message: String,
}

/// How it is written.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefusalBody {
    /// The sentence.
    pub error: String,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "errors are handed over as they come: `map_err(Refusal::bad_request)`"
)]
impl Refusal {
    /// The caller sent what cannot be.
    pub fn bad_request(message: impl ToString) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, message.to_string())
    }

    /// There is no such thing.
    pub fn not_found(message: impl ToString) -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, message.to_string())
    }

    /// Something else is there already.
    pub fn conflict(message: impl ToString) -> Refusal {
        Refusal::new(StatusCode::CONFLICT, message.to_string())
    }

    /// Not now; perhaps later.
    pub fn unavailable(message: impl ToString) -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message.to_string())
    }

    fn new(status: StatusCode, message: String) -> Refusal {
        Refusal { status, message }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = RefusalBody {
            error: self.message,
        };
        (self.status, Json(body)).into_response()
    }
}
