//! How a machine without certificate becomes a node: one exchange, encrypted, token for certificate.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream, TransportErrorCode};
use rustls::AlertDescription;
use tokio::time::timeout;

use crate::endpoint::DONE;
use crate::error::NetError;
use crate::identity::{IdentityRequest, NODE_NAME};
use crate::tls;
use crate::token::JoinToken;

/// The whole exchange takes one round trip; more than this is no answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a joiner stays to say that it is done.
const GOODBYE: Duration = Duration::from_millis(100);

/// A certificate request, an answer with certificates and addresses: a few kilobytes each.
const PART_BYTES_MAX: usize = 64 * 1024;

const WELCOME: u8 = 0;

/// Why the cluster does not want a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JoinRefusal {
    /// No member made it, or it is for something else.
    #[error("the join token is not known to this cluster")]
    Unknown,
    /// Too old.
    #[error("the join token has expired; make a new one with: conductd token")]
    Expired,
    /// One token, one node.
    #[error("the join token was used already; make a new one with: conductd token")]
    Used,
    /// Somebody is guessing.
    #[error("too many tries from this address; wait a minute")]
    Rate,
    /// A minority takes nobody in.
    #[error("this node is quarantined and takes nobody in; ask another one")]
    Quarantined,
    /// The key is not one that could be signed.
    #[error("the certificate request is not acceptable")]
    Request,
}

const REFUSALS: [JoinRefusal; 6] = [
    JoinRefusal::Unknown,
    JoinRefusal::Expired,
    JoinRefusal::Used,
    JoinRefusal::Rate,
    JoinRefusal::Quarantined,
    JoinRefusal::Request,
];

/// What a node gets that was let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// Its certificate.
    pub certificate: Vec<u8>,
    /// The authority's certificate.
    pub authority: Vec<u8>,
    /// Whatever else the member hands over: addresses of peers, settings. Bytes to this crate.
    pub message: Vec<u8>,
}

/// Decides about joiners.
pub trait JoinDesk: Send + Sync + 'static {
    /// Redeems the secret of a token for a certificate.
    fn redeem(
        &self,
        from: SocketAddr,
        secret: [u8; 32],
        request: &[u8],
    ) -> Result<Welcome, JoinRefusal>;
}

/// Asks the member at `address` to be let in. The secret is told only to a member of the cluster
/// that the token names.
pub async fn join(
    own: SocketAddr,
    address: SocketAddr,
    token: &JoinToken,
    request: &IdentityRequest,
) -> Result<Welcome, NetError> {
    let bind = SocketAddr::new(own.ip(), 0);
    let endpoint = Endpoint::client(bind).map_err(|source| NetError::Bind {
        address: bind,
        source,
    })?;
    let client = tls::joiner(token.authority)?;
    let unreachable = |why: String| NetError::Unreachable { address, why };
    let exchange = async {
        let connection = endpoint
            .connect_with(client, address, NODE_NAME)
            .map_err(|error| unreachable(error.to_string()))?
            .await
            .map_err(|error| match error {
                ConnectionError::TransportError(error) if is_of_other_authority(error.code) => {
                    NetError::OtherCluster { address }
                }
                error => unreachable(error.to_string()),
            })?;
        let answer = ask(&connection, token, request).await;
        connection.close(DONE, b"thank you");
        answer
    };
    let answer = timeout(PATIENCE, exchange).await;
    // Lets the goodbye leave; whether it arrives matters to nobody.
    let _ = timeout(GOODBYE, endpoint.wait_idle()).await;
    answer.map_err(|_| unreachable("no answer".to_owned()))?
}

/// Whether the certificate that was shown was refused on this side, for whom it was signed by.
fn is_of_other_authority(code: TransportErrorCode) -> bool {
    let alerts = [
        AlertDescription::UnknownCA,
        AlertDescription::BadCertificate,
    ];
    alerts
        .into_iter()
        .any(|alert| code == TransportErrorCode::crypto(alert.into()))
}

async fn ask(
    connection: &Connection,
    token: &JoinToken,
    request: &IdentityRequest,
) -> Result<Welcome, NetError> {
    let address = connection.remote_address();
    let unreachable = |why: String| NetError::Unreachable { address, why };
    let (mut send, mut answer) = connection
        .open_bi()
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    send.write_all(&token.secret)
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    write_part(&mut send, request.request())
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    let mut status = [0; 1];
    let read = answer.read_exact(&mut status).await;
    read.map_err(|error| unreachable(error.to_string()))?;
    if status[0] != WELCOME {
        let refusal = REFUSALS.get(usize::from(status[0]) - 1);
        return Err(NetError::Refused(*refusal.unwrap_or(&JoinRefusal::Unknown)));
    }
    Ok(Welcome {
        certificate: read_part(&mut answer).await?,
        authority: read_part(&mut answer).await?,
        message: read_part(&mut answer).await?,
    })
}

/// A member's side.
pub(crate) async fn answer(connection: Connection, desk: &dyn JoinDesk) {
    let from = connection.remote_address();
    let exchange = async {
        let broken = |_| NetError::Protocol("a joiner broke off");
        let (mut send, mut ask) = connection.accept_bi().await.map_err(broken)?;
        let mut secret = [0; 32];
        let gone = |_| NetError::Protocol("a joiner broke off");
        ask.read_exact(&mut secret).await.map_err(gone)?;
        let request = read_part(&mut ask).await?;
        let decision = desk.redeem(from, secret, &request);
        match &decision {
            Ok(_) => tracing::info!(%from, "a node was let in"),
            Err(refusal) => tracing::warn!(%from, %refusal, "a join was refused"),
        }
        let gone = |_| NetError::Protocol("a joiner broke off");
        write_decision(&mut send, decision).await.map_err(gone)?;
        // The joiner closes when it has read everything.
        connection.closed().await;
        Ok::<(), NetError>(())
    };
    if let Ok(Err(why)) = timeout(PATIENCE, exchange).await {
        tracing::debug!(%from, %why, "a join was not finished");
    }
    connection.close(DONE, b"closing");
}

async fn write_decision(
    send: &mut SendStream,
    decision: Result<Welcome, JoinRefusal>,
) -> Result<(), quinn::WriteError> {
    match decision {
        Ok(welcome) => {
            send.write_all(&[WELCOME]).await?;
            write_part(send, &welcome.certificate).await?;
            write_part(send, &welcome.authority).await?;
            write_part(send, &welcome.message).await
        }
        Err(refusal) => {
            let place = REFUSALS
                .iter()
                .position(|known| *known == refusal)
                .unwrap_or_default();
            send.write_all(&[place as u8 + 1]).await
        }
    }
}

async fn write_part(send: &mut SendStream, part: &[u8]) -> Result<(), quinn::WriteError> {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    send.write_all(&length.to_be_bytes()).await?;
    send.write_all(part).await
}

async fn read_part(stream: &mut RecvStream) -> Result<Vec<u8>, NetError> {
    let broken = |_| NetError::Protocol("an answer broke off");
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.map_err(broken)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > PART_BYTES_MAX {
        return Err(NetError::Protocol("a part is longer than parts may be"));
    }
    let mut part = vec![0; length];
    stream.read_exact(&mut part).await.map_err(broken)?;
    Ok(part)
}
