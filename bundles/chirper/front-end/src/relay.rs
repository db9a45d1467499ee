//! Handing requests on to the services that the ingress would have sent them to.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use chirper_common::call::{ACTIVITY, CHIRP, Callee, FRIEND, Services};
use chirper_common::refusal::Refusal;
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
struct Relay {
    callee: Callee,
    services: Services,
    ending: CancellationToken,
}

pub(crate) fn routes(services: &Services, ending: &CancellationToken) -> Router {
    let mut routes = Router::new();
    let callees = [
        ("/api/users", FRIEND),
        ("/api/chirps", CHIRP),
        ("/api/activity", ACTIVITY),
    ];
    for (path, callee) in callees {
        let relay = Relay {
            callee,
            services: services.clone(),
            ending: ending.clone(),
        };
        let below = format!("{path}/{{*rest}}");
        let one = Router::new()
            .route(path, any(hand_on))
            .route(&below, any(hand_on))
            .with_state(relay);
        routes = routes.merge(one);
    }
    routes
}

async fn hand_on(State(relay): State<Relay>, request: Request) -> Result<Response, Refusal> {
    let answer = relay.services.forward(relay.callee, request).await?;
    let (mut head, body) = answer.into_parts();
    // These belong to the connection that the answer came on.
    head.headers.remove("connection");
    head.headers.remove("transfer-encoding");
    // A stream would keep this instance from ending.
    let ending = relay.ending;
    let body = Body::new(body).into_data_stream();
    let body = body.take_until(async move { ending.cancelled().await });
    Ok(Response::from_parts(head, Body::from_stream(body)))
}
