//! The cluster's certificate authority: what makes a node a member.

use conduct_model::Digest;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ED25519,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::{Duration, OffsetDateTime};

use crate::error::NetError;
use crate::identity::{Identity, IdentityRequest, NODE_NAME};

/// How long an authority signs.
const AUTHORITY_DAYS: i64 = 3650;

/// How long a node's certificate holds; it is renewed at two thirds.
const NODE_DAYS: i64 = 30;

/// Certificates hold since yesterday, so that a clock that lags a little does not matter.
const SKEW_HOURS: i64 = 24;

/// Signs the certificates of a cluster's nodes.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes the authority of a new cluster.
    pub fn make() -> Result<Authority, NetError> {
        let failed = |source| NetError::Certificate {
            what: "make an authority",
            source,
        };
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(failed)?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "conduct cluster authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = validity(AUTHORITY_DAYS);
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        Ok(Authority {
            certificate,
            issuer: Issuer::new(params, key),
        })
    }

    /// Reads an authority from its certificate and key.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Authority, NetError> {
        let failed = |source| NetError::Certificate {
            what: "read the authority",
            source,
        };
        let certificate =
            CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| NetError::Pem {
                what: "the authority's certificate",
            })?;
        let key = KeyPair::from_pem(key).map_err(failed)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(failed)?;
        Ok(Authority {
            certificate,
            issuer,
        })
    }

    /// The certificate, which every node holds.
    pub fn certificate_pem(&self) -> String {
        crate::identity::pem("CERTIFICATE", &self.certificate)
    }

    /// The key, which only nodes hold that may let others in.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// What join tokens name the cluster by.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.certificate)
    }

    /// Signs what a node asked for. Only its key is taken over: name and purposes are ours.
    pub fn sign(&self, request: &[u8]) -> Result<Vec<u8>, NetError> {
        let failed = |source| NetError::Certificate {
            what: "sign a node's certificate",
            source,
        };
        let request = CertificateSigningRequestDer::from(request);
        let mut asked = CertificateSigningRequestParams::from_der(&request).map_err(failed)?;
        asked.params = node_params().map_err(failed)?;
        let certificate = asked.signed_by(&self.issuer).map_err(failed)?;
        Ok(certificate.der().to_vec())
    }

    /// Makes a node of this cluster in one go, as the first node and tests want it.
    pub fn make_node(&self) -> Result<Identity, NetError> {
        let request = IdentityRequest::make()?;
        let signed = self.sign(request.request())?;
        request.signed(signed, self.certificate.to_vec())
    }

    /// The certificate's bytes, for those who are let in.
    pub fn certificate_der(&self) -> Vec<u8> {
        self.certificate.to_vec()
    }

    #[cfg(test)]
    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }
}

/// What stands in every node's certificate.
pub(crate) fn node_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec![NODE_NAME.to_owned()])?;
    params
        .distinguished_name
        .push(DnType::CommonName, "conduct node");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    (params.not_before, params.not_after) = validity(NODE_DAYS);
    Ok(params)
}

fn validity(days: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (
        now - Duration::hours(SKEW_HOURS),
        now + Duration::days(days),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_reads_back_and_goes_on_signing() {
        let made = Authority::make().unwrap();
        let read = Authority::from_pem(&made.certificate_pem(), &made.key_pem()).unwrap();
        assert_eq!(read.digest(), made.digest());
        let node = read.make_node().unwrap();
        assert_eq!(node.authority_digest(), made.digest());
    }

    #[test]
    fn what_is_no_request_is_not_signed() {
        assert!(Authority::make().unwrap().sign(b"please").is_err());
    }
}
