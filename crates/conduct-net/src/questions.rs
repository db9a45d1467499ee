//! A question to a peer and its answer: for what only that node knows, such as its instances' logs.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conduct_model::NodeKey;
use quinn::{Connection, RecvStream, SendStream};
use tokio::time::timeout;

use crate::endpoint::Shared;
use crate::error::NetError;

/// Questions are a few words, answers a page or two.
const QUESTION_BYTES_MAX: usize = 16 * 1024;
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A peer that has not answered by then does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who answers the questions of peers.
pub trait Answers: Send + Sync + 'static {
    /// Answers a member's question; bytes to this crate.
    fn answer(
        &self,
        from: NodeKey,
        question: Bytes,
    ) -> Pin<Box<dyn Future<Output = Bytes> + Send + '_>>;
}

/// Asks by a connection that stands.
pub(crate) async fn ask(connection: Connection, question: Bytes) -> Result<Bytes, NetError> {
    let address = connection.remote_address();
    let broken = |why: String| NetError::Unreachable { address, why };
    if question.len() > QUESTION_BYTES_MAX {
        return Err(NetError::Protocol(
            "a question is longer than questions may be",
        ));
    }
    let asking = async {
        let (mut send, mut answer) = connection
            .open_bi()
            .await
            .map_err(|error| broken(error.to_string()))?;
        send.write_all(&question)
            .await
            .map_err(|error| broken(error.to_string()))?;
        // A peer that is gone says so by the answer that is missing.
        let _ = send.finish();
        let answered = answer.read_to_end(ANSWER_BYTES_MAX).await;
        answered
            .map(Bytes::from)
            .map_err(|error| broken(error.to_string()))
    };
    timeout(PATIENCE, asking)
        .await
        .map_err(|_| broken("no answer".to_owned()))?
}

/// Answers what a peer asks on its connection, one question after the other.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    from: NodeKey,
    connection: Connection,
    answers: Arc<dyn Answers>,
) {
    while let Ok((send, question)) = connection.accept_bi().await {
        let answered = timeout(PATIENCE, answer(from, send, question, answers.as_ref())).await;
        if !matches!(answered, Ok(Ok(()))) {
            tracing::debug!(peer = %from.short(), "a question was not answered to its end");
        }
        if shared.events.is_closed() {
            return;
        }
    }
}

async fn answer(
    from: NodeKey,
    mut send: SendStream,
    mut question: RecvStream,
    answers: &dyn Answers,
) -> std::io::Result<()> {
    let question = question.read_to_end(QUESTION_BYTES_MAX).await;
    let question = Bytes::from(question.map_err(std::io::Error::other)?);
    let mut bytes = answers.answer(from, question).await;
    bytes.truncate(ANSWER_BYTES_MAX);
    send.write_all(&bytes).await?;
    send.finish().map_err(std::io::Error::other)
}
