//! HTTPS, and certificates that change.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conduct_ingress::{IngressError, Listeners, Settings, TlsFiles};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::client::within;
use crate::instance::Instance;
use crate::proxy::{embedded, offer, routing, settings};

/// Writes a certificate and its key to one file; answers the certificate.
fn certificate(path: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["shop.example.com".to_owned()]).unwrap();
    let text = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
    made.cert.der().clone()
}

fn with_file(path: &Path) -> Settings {
    Settings {
        tls: Some(TlsFiles {
            certificate: path.to_owned(),
            key: path.to_owned(),
        }),
        ..settings()
    }
}

async fn shake(
    at: std::net::SocketAddr,
    root: &CertificateDer<'static>,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let socket = TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from("shop.example.com").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
}

#[tokio::test]
async fn https_is_served_and_a_new_certificate_is_used_once_its_file_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("cert.pem");
    let first = certificate(&pem);
    let shop = Instance::start("shop").await;
    let offers = [offer("shop", &["path-beg=/"], &[shop.at])];
    let ingress = embedded(&offers, with_file(&pem)).await;
    let https = ingress.https.unwrap();
    within(async {
        let mut socket = shake(https, &first, &[b"h2", b"http/1.1"]).await.unwrap();
        assert_eq!(socket.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        drop(socket);
        socket = shake(https, &first, &[b"http/1.1"]).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        socket.write_all(request).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("x-forwarded-proto: https"), "{answer}");

        // What is no certificate changes nothing.
        std::fs::write(&pem, "nonsense").unwrap();
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert!(shake(https, &first, &[]).await.is_ok());

        let second = certificate(&pem);
        while shake(https, &second, &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(shake(https, &first, &[]).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_speaks_no_tls_and_one_that_says_nothing_disturb_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("cert.pem");
    let root = certificate(&pem);
    let ingress = embedded(&[], with_file(&pem)).await;
    let https = ingress.https.unwrap();
    within(async {
        let _silent = TcpStream::connect(https).await.unwrap();
        let mut plain = TcpStream::connect(https).await.unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        // It may be cut off.
        let _ = plain.read_to_end(&mut answer).await;
        assert!(shake(https, &root, &[]).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn files_that_do_not_serve_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("cert.pem");
    let serve = |settings: Settings| {
        let (_told, routing) = watch::channel(routing(1, &[]));
        let none = Listeners {
            http: Vec::new(),
            https: Vec::new(),
            status: None,
        };
        conduct_ingress::serve(settings, none, routing, CancellationToken::new())
    };
    let refused = serve(with_file(&pem)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("could not read {}", pem.display())
    );
    std::fs::write(&pem, "nonsense").unwrap();
    let refused = serve(with_file(&pem)).unwrap_err();
    assert!(matches!(refused, IngressError::Pem { .. }), "{refused}");
    let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
    std::fs::write(&pem, made.cert.pem()).unwrap();
    let refused = serve(with_file(&pem)).unwrap_err();
    assert!(refused.to_string().contains("no private key"), "{refused}");
}
