//! Over TLS: only with the right authority, and only then with a password.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{limits, run};
use crate::fake::Fake;
use crate::{Access, Client, Credentials, Scheme, Target};

struct Authority {
    key: rcgen::KeyPair,
    certificate: rcgen::Certificate,
    params: rcgen::CertificateParams,
}

impl Authority {
    fn new() -> Authority {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("sound");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Authority {
            key,
            certificate,
            params,
        }
    }

    fn server(&self) -> Arc<ServerConfig> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = vec!["127.0.0.1".to_owned()];
        let params = rcgen::CertificateParams::new(names).expect("sound");
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).expect("signed");
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("sound")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private);
        Arc::new(config.expect("sound"))
    }

    fn file(&self) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), self.certificate.pem()).expect("written");
        file
    }
}

const SCRIPT: &str = "> GET /v2/bundles\n< 200 application/json\n[]";

fn client(fake: &Fake, access: Access) -> Client {
    let target = Target {
        scheme: Scheme::Https,
        ..Target::new(&fake.address().to_string()).expect("an address")
    };
    Client::new([(target, access)], limits())
}

#[test]
fn a_password_goes_to_the_server_that_the_authority_vouches_for() {
    let (authority, other) = (Authority::new(), Authority::new());
    let fake = Fake::with_tls(SCRIPT, authority.server());
    let credentials = Credentials {
        username: "me".to_owned(),
        password: "secret".to_owned(),
    };
    let access = |authority: &Authority| {
        let file = authority.file();
        let access = Access {
            credentials: Some(credentials.clone()),
            ca_file: Some(file.path().to_owned()),
        };
        (file, access)
    };
    let (_file, right) = access(&authority);
    run(client(&fake, right).bundles()).expect("trusted");
    let seen = fake.seen().remove(0);
    assert_eq!(seen.headers["authorization"], "Basic bWU6c2VjcmV0");

    let (_file, wrong) = access(&other);
    let error = run(client(&fake, wrong).bundles())
        .expect_err("not trusted")
        .to_string();
    assert!(error.contains("certificate"), "{error}");
    let error = run(client(&fake, Access::default()).bundles()).expect_err("unknown");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(fake.seen().len(), 1, "nobody else came so far as to ask");
}

#[test]
fn a_file_without_certificates_is_told() {
    let fake = Fake::new(SCRIPT);
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let access = |path: &std::path::Path| Access {
        credentials: None,
        ca_file: Some(path.to_owned()),
    };
    let error = run(client(&fake, access(empty.path())).bundles()).expect_err("empty");
    assert!(
        error.to_string().ends_with("holds no certificates"),
        "{error}"
    );
    let missing = std::path::Path::new("/nowhere/ca.pem");
    let error = run(client(&fake, access(missing)).bundles()).expect_err("missing");
    assert_eq!(error.to_string(), "could not read /nowhere/ca.pem");
}
