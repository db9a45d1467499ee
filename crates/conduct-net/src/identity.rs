//! A node's key and certificate.

use conduct_model::{Digest, NodeKey};
use pem::{EncodeConfig, LineEnding, Pem};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ParsedCertificate;

use crate::authority::node_params;
use crate::error::NetError;

/// The name in every node's certificate. Nodes are told apart by their keys, not by names.
pub(crate) const NODE_NAME: &str = "node.conduct";

/// Who a node is: its key, the certificate that the authority gave it, and the authority's own.
pub struct Identity {
    node: NodeKey,
    certificate: CertificateDer<'static>,
    authority: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

/// A key that waits for its certificate.
pub struct IdentityRequest {
    key: KeyPair,
    request: Vec<u8>,
}

impl IdentityRequest {
    /// Draws a key and asks for a certificate.
    pub fn make() -> Result<IdentityRequest, NetError> {
        let failed = |source| NetError::Certificate {
            what: "make a node key",
            source,
        };
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(failed)?;
        let request = node_params().and_then(|params| params.serialize_request(&key));
        let request = request.map_err(failed)?.der().to_vec();
        Ok(IdentityRequest { key, request })
    }

    /// What the authority is asked to sign. It holds the public key and a proof of the secret one.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Puts the certificate to the key. It must be one for this key.
    pub fn signed(self, certificate: Vec<u8>, authority: Vec<u8>) -> Result<Identity, NetError> {
        let certificate = CertificateDer::from(certificate);
        let node = node_of(&certificate)?;
        let own = NodeKey::from_digest(Digest::of(&self.key.subject_public_key_info()));
        if node != own {
            return Err(NetError::Protocol("the certificate is for another key"));
        }
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        Ok(Identity {
            node,
            certificate,
            authority: CertificateDer::from(authority),
            key,
        })
    }
}

impl Identity {
    /// Reads what [`Identity::certificates_pem`] and [`Identity::key_pem`] wrote.
    pub fn from_pem(certificates: &str, key: &str) -> Result<Identity, NetError> {
        let unreadable = |what| move |_| NetError::Pem { what };
        let mut chain = CertificateDer::pem_slice_iter(certificates.as_bytes());
        let mut next = |what| {
            chain
                .next()
                .ok_or(NetError::Pem { what })?
                .map_err(unreadable(what))
        };
        let certificate = next("the node's certificate")?;
        let authority = next("the authority's certificate")?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes())
            .map_err(unreadable("the node's key"))?;
        Ok(Identity {
            node: node_of(&certificate)?,
            certificate,
            authority,
            key,
        })
    }

    /// The node's certificate, then the authority's.
    pub fn certificates_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate) + &pem("CERTIFICATE", &self.authority)
    }

    /// The secret key. Whoever has it is this node.
    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.key.secret_pkcs8_der())
    }

    /// The node's name among nodes.
    pub fn node(&self) -> NodeKey {
        self.node
    }

    /// Which cluster the node belongs to.
    pub fn authority_digest(&self) -> Digest {
        Digest::of(&self.authority)
    }

    pub(crate) fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone(), self.authority.clone()]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
}

/// The node that a certificate belongs to.
pub(crate) fn node_of(certificate: &CertificateDer<'_>) -> Result<NodeKey, NetError> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(NodeKey::from_digest(Digest::of(
        &parsed.subject_public_key_info(),
    )))
}

/// Base64 in lines between markers, as every tool reads it.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(label, der), lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authority;

    #[test]
    fn an_identity_reads_back_as_the_same_node() {
        let made = Authority::make().unwrap().make_node().unwrap();
        let read = Identity::from_pem(&made.certificates_pem(), &made.key_pem()).unwrap();
        assert_eq!(read.node(), made.node());
        assert_eq!(read.authority_digest(), made.authority_digest());
    }

    #[test]
    fn a_certificate_for_another_key_is_refused() {
        let authority = Authority::make().unwrap();
        let (mine, other) = (
            IdentityRequest::make().unwrap(),
            IdentityRequest::make().unwrap(),
        );
        let signed = authority.sign(other.request()).unwrap();
        assert!(
            mine.signed(signed, authority.certificate().to_vec())
                .is_err()
        );
    }
}
