//! `GET /status`: whether there is a routing, and what could not be done of it. Load balancers
//! ask it before they send anybody.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::door::accept;
use crate::guarded::Guarded;
use crate::live::Live;
use crate::ports::Open;

/// Those who ask at a time.
const CONNECTIONS_MAX: usize = 64;
const TIME_MAX: Duration = Duration::from_secs(5);

/// What is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    configured: bool,
    version: u64,
    routes: usize,
    servers: usize,
    ports: Vec<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_ports: Vec<FailedPort>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clashes: Vec<String>,
}

#[derive(Serialize)]
struct FailedPort {
    port: u16,
    why: String,
}

/// Answers until the shutdown begins.
pub(crate) async fn serve(
    listener: TcpListener,
    live: watch::Receiver<Arc<Live>>,
    open: watch::Receiver<Open>,
    shutdown: CancellationToken,
) {
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let (socket, _) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = shutdown.cancelled() => return,
        };
        let Ok(place) = Arc::clone(&free).try_acquire_owned() else {
            continue;
        };
        let (live, open) = (live.clone(), open.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = answer(&request, &live.borrow(), &open.borrow());
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(TIME_MAX)
                .keep_alive(false)
                .serve_connection(TokioIo::new(Guarded::new(socket, TIME_MAX)), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a question for the status ended");
            }
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, live: &Live, open: &Open) -> Response<Full<Bytes>> {
    if request.uri().path() != "/status" {
        return plain(StatusCode::NOT_FOUND, "there is only /status here\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "the status can only be asked for\n",
        );
    }
    let failed = open.failed.iter().map(|(port, why)| FailedPort {
        port: port.get(),
        why: why.clone(),
    });
    let status = Status {
        configured: live.is_told,
        version: live.version,
        routes: live.http.len() + live.tcp.len(),
        servers: live.servers,
        ports: open.ports.iter().map(|port| port.get()).collect(),
        failed_ports: failed.collect(),
        clashes: live.clashes.iter().map(ToString::to_string).collect(),
    };
    let code = if live.is_told {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let text = serde_json::to_vec(&status).expect("numbers and texts are JSON");
    respond(code, "application/json", Bytes::from(text))
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    respond(
        status,
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    )
}

fn respond(status: StatusCode, kind: &'static str, text: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}
