//! What TLS is asked to insist on.

use std::sync::Arc;
use std::time::Duration;

use conduct_model::Digest;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::error::NetError;
use crate::identity::Identity;

/// Probes, gossip, frames.
pub(crate) const NODE: &[u8] = b"conduct-node/1";
/// Archives, on connections of their own.
pub(crate) const ARCHIVE: &[u8] = b"conduct-archive/1";
/// The one thing that may be asked without a certificate.
pub(crate) const JOIN: &[u8] = b"conduct-join/1";

/// A connection on which nothing at all is heard for so long is gone.
const IDLE: Duration = Duration::from_secs(20);

/// Keeps standing connections warm when probes come seldom. Whoever called sees to it, so that an
/// idle cluster does not spend its bytes on both ends of every connection.
const KEEP_ALIVE: Duration = Duration::from_secs(8);

/// What a round trip is taken for before one was seen. A lost hello is said again after three times
/// this, so that a peer that is back is heard of soon.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);

/// Streams that a peer may have open towards us on one connection.
const PEER_STREAMS_MAX: u32 = 8;

/// Unread bytes that a peer may make us hold on one stream, and on one connection.
const STREAM_WINDOW_BYTES_MAX: u32 = 512 * 1024;
const WINDOW_BYTES_MAX: u32 = 1024 * 1024;

/// Unsent datagrams wait in so many bytes; older ones are dropped for newer ones.
const DATAGRAM_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// The least that every path must carry. Packets are planned for it from the first one on.
const MTU_BYTES: u16 = 1280;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn roots(authority: &CertificateDer<'static>) -> Result<Arc<RootCertStore>, NetError> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone())?;
    Ok(Arc::new(roots))
}

fn transport(keep_alive: Option<Duration>) -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok())
        .keep_alive_interval(keep_alive)
        .initial_rtt(FIRST_ROUND_TRIP)
        .max_concurrent_bidi_streams(VarInt::from_u32(PEER_STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(PEER_STREAMS_MAX))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES_MAX))
        .receive_window(VarInt::from_u32(WINDOW_BYTES_MAX))
        .send_window(u64::from(WINDOW_BYTES_MAX))
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER_BYTES_MAX))
        .datagram_send_buffer_size(DATAGRAM_BUFFER_BYTES_MAX)
        .initial_mtu(MTU_BYTES)
        .min_mtu(1200);
    Arc::new(transport)
}

/// What a node answers with. Clients without certificate get through the handshake, because
/// joiners have none; all but joining is closed to them right after it.
pub(crate) fn server(identity: &Identity) -> Result<ServerConfig, NetError> {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots(identity.authority())?, provider())
            .allow_unauthenticated()
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain(), identity.key())?;
    tls.alpn_protocols = vec![NODE.to_vec(), ARCHIVE.to_vec(), JOIN.to_vec()];
    let quic = QuicServerConfig::try_from(tls)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(quic));
    config.transport_config(transport(None));
    Ok(config)
}

/// What a member calls another member with, for as long as there is something to say.
pub(crate) fn client(identity: &Identity, protocol: &[u8]) -> Result<ClientConfig, NetError> {
    member(identity, protocol, None)
}

/// What a member calls another member with, for a connection that stands.
pub(crate) fn standing_client(identity: &Identity) -> Result<ClientConfig, NetError> {
    member(identity, NODE, Some(KEEP_ALIVE))
}

fn member(
    identity: &Identity,
    protocol: &[u8],
    keep_alive: Option<Duration>,
) -> Result<ClientConfig, NetError> {
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots(identity.authority())?)
        .with_client_auth_cert(identity.chain(), identity.key())?;
    tls.alpn_protocols = vec![protocol.to_vec()];
    quic_client(tls, keep_alive)
}

/// What a joiner calls a member with: it trusts the one authority that its token names.
pub(crate) fn joiner(authority: Digest) -> Result<ClientConfig, NetError> {
    let verifier = Arc::new(NamedAuthority {
        authority,
        provider: provider(),
    });
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    tls.alpn_protocols = vec![JOIN.to_vec()];
    quic_client(tls, None)
}

fn quic_client(
    tls: rustls::ClientConfig,
    keep_alive: Option<Duration>,
) -> Result<ClientConfig, NetError> {
    let quic = QuicClientConfig::try_from(tls)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ClientConfig::new(Arc::new(quic));
    config.transport_config(transport(keep_alive));
    Ok(config)
}

/// Accepts a server whose chain ends in the authority with this digest, and no other.
#[derive(Debug)]
struct NamedAuthority {
    authority: Digest,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for NamedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let named = intermediates
            .iter()
            .find(|shown| Digest::of(shown) == self.authority);
        let authority = named.ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let provider = Arc::clone(&self.provider);
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
