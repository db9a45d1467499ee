//! The built-in `check`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use crate::host::{Host, Setup};
use crate::tools::alive;

#[tokio::test]
async fn a_check_waits_for_its_address_and_signals_the_start() {
    // The node's status service, as far as a check is concerned.
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let setup = Setup {
        status_port: service.local_addr().unwrap().port(),
        ..Setup::default()
    };
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = service.accept().expect("the check calls");
        let mut line = String::new();
        BufReader::new(&stream)
            .read_line(&mut line)
            .expect("it says what it wants");
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .expect("it is answered");
        line
    });
    let mut host = Host::with(setup).await;
    let bundle = host.bundle(
        "exec python3 -m http.server --bind $WEB_BIND_IP $1",
        r#"components.status { description = "", file-system-type = universal, endpoints {}
           start-command = ["check", "$WEB_HOST/?retry-count=100&retry-delay=0.1"] }"#,
    );
    let (instance, pid, _) = host.start(bundle).await;
    let line = tokio::task::spawn_blocking(|| heard.join())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        line.trim_end(),
        format!("PUT /bundles/{bundle}?isStarted=true HTTP/1.1")
    );
    assert!(
        alive(pid),
        "the end of a check is not the end of the instance"
    );
    host.finish(instance).await;
}
