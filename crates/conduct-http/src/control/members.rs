//! Members: who is here, who leaves, whose instances move.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{Form, Path, State};
use conduct_api::{MemberDetail, Members, UniqueAddress, Voters};
use conduct_model::{NodeKey, RequestId};
use conduct_node::command::{Command, ForceMajority};
use conduct_node::view::View;
use serde::Deserialize;

use crate::app::{App, RequestName};
use crate::error::ApiError;
use crate::render;

/// Lists the members that keep the cluster's state, as the one that answers sees them.
#[utoipa::path(get, path = "/members", tag = "members", operation_id = "listMembers",
    responses((status = 200, body = Members)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Members>, ApiError> {
    Ok(Json(render::members(&*app.view().await?)))
}

/// Shows one member.
#[utoipa::path(get, path = "/members/{member}", tag = "members", operation_id = "getMember",
    params(("member" = String, Path, description = "Its URI, `ip:port`, ip, or key")),
    responses((status = 200, body = MemberDetail), (status = 404, description = "No such member")))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(member): Path<String>,
) -> Result<Json<MemberDetail>, ApiError> {
    let view = app.view().await?;
    let key = find(&view, &member)?;
    Ok(Json(render::member(&view, key, &view.members[&key])))
}

/// The cluster to join.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JoinForm {
    /// The URI or the `ip:port` of one of its members.
    join_to: String,
}

/// Makes the node that is asked look for a cluster.
#[utoipa::path(post, path = "/members", tag = "members", operation_id = "joinCluster",
    request_body(content = JoinForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = Done), (status = 400, description = "No address")))]
pub(crate) async fn join(
    State(app): State<App>,
    RequestName(request): RequestName,
    Form(form): Form<JoinForm>,
) -> Result<Json<Done>, ApiError> {
    let seed: SocketAddr = UniqueAddress::authority(&form.join_to)
        .parse()
        .map_err(|_| {
            ApiError::Malformed("joinTo is a member's address such as 10.0.0.1:9004".to_owned())
        })?;
    let command = Command::Join { seeds: vec![seed] };
    app.change(request, "join", &seed.to_string(), command)
        .await?;
    Ok(done(request))
}

/// What to do about a member.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct OperationForm {
    /// `drain` or `undrain`.
    operation: String,
}

/// Does something about a member. `down` is refused: members are declared down by a quorum that
/// does not hear from them, and by nobody else.
#[utoipa::path(put, path = "/members/{member}", tag = "members", operation_id = "operateMember",
    params(("member" = String, Path, description = "Its URI, `ip:port`, ip, or key")),
    request_body(content = OperationForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Done),
        (status = 400, description = "No such operation"),
        (status = 404, description = "No such member"),
        (status = 409, description = "The operation is not for people")))]
pub(crate) async fn operate(
    State(app): State<App>,
    RequestName(request): RequestName,
    Path(member): Path<String>,
    Form(form): Form<OperationForm>,
) -> Result<Json<Done>, ApiError> {
    let view = app.view().await?;
    let node = find(&view, &member)?;
    match form.operation.as_str() {
        "drain" => set_drain(&app, request, node, true).await,
        "undrain" => set_drain(&app, request, node, false).await,
        "down" => Err(ApiError::Conflict(
            "a member is declared down by a quorum that does not hear from it; drain it to move \
             its instances, and delete it on the node itself to make it leave"
                .to_owned(),
        )),
        _ => Err(ApiError::Malformed(
            "operation is drain or undrain".to_owned(),
        )),
    }
}

/// Makes the node that is asked leave the cluster: its instances move, then it gives up its vote.
/// Answers when it has left.
#[utoipa::path(delete, path = "/members/{member}", tag = "members", operation_id = "leaveCluster",
    params(("member" = String, Path, description = "The URI, `ip:port`, ip, or key of the node that is asked")),
    responses(
        (status = 200, body = Done),
        (status = 404, description = "No such member"),
        (status = 409, description = "It is another node: ask that one")))]
pub(crate) async fn leave(
    State(app): State<App>,
    RequestName(request): RequestName,
    Path(member): Path<String>,
) -> Result<Json<Done>, ApiError> {
    let view = app.view().await?;
    let node = find(&view, &member)?;
    if node != view.node {
        return Err(ApiError::Conflict(format!(
            "a node leaves when it is asked itself: ask {}",
            render::host(&view, node)
        )));
    }
    app.change(request, "leave", &node.to_string(), Command::Leave)
        .await?;
    Ok(done(request))
}

/// Moves the instances of a node to others and gives it no new ones.
#[utoipa::path(put, path = "/members/{member}/drain", tag = "members", operation_id = "drainMember",
    params(("member" = String, Path, description = "Its URI, `ip:port`, ip, or key")),
    responses((status = 200, body = Done), (status = 404, description = "No such member")))]
pub(crate) async fn drain(
    State(app): State<App>,
    RequestName(request): RequestName,
    Path(member): Path<String>,
) -> Result<Json<Done>, ApiError> {
    let node = find(&*app.view().await?, &member)?;
    set_drain(&app, request, node, true).await
}

/// Gives a node instances again.
#[utoipa::path(delete, path = "/members/{member}/drain", tag = "members",
    operation_id = "undrainMember",
    params(("member" = String, Path, description = "Its URI, `ip:port`, ip, or key")),
    responses((status = 200, body = Done), (status = 404, description = "No such member")))]
pub(crate) async fn undrain(
    State(app): State<App>,
    RequestName(request): RequestName,
    Path(member): Path<String>,
) -> Result<Json<Done>, ApiError> {
    let node = find(&*app.view().await?, &member)?;
    set_drain(&app, request, node, false).await
}

async fn set_drain(
    app: &App,
    request: RequestId,
    node: NodeKey,
    on: bool,
) -> Result<Json<Done>, ApiError> {
    let (what, command) = match on {
        true => ("drain", Command::Drain { node }),
        false => ("undrain", Command::Undrain { node }),
    };
    app.change(request, what, &node.to_string(), command)
        .await?;
    Ok(done(request))
}

/// Lists who counts for a majority.
#[utoipa::path(get, path = "/voters", tag = "members", operation_id = "listVoters",
    responses((status = 200, body = Voters)))]
pub(crate) async fn voters(State(app): State<App>) -> Result<Json<Voters>, ApiError> {
    let view = app.view().await?;
    Ok(Json(Voters {
        epoch: view.voters_epoch,
        voters: view.voters.iter().map(ToString::to_string).collect(),
    }))
}

/// Declares that the voters not named are gone for good. For the disaster in which no majority can
/// ever come back; both fields must be what this node shows.
#[utoipa::path(put, path = "/voters", tag = "members", operation_id = "forceMajority",
    request_body = Voters,
    responses(
        (status = 200, body = Done),
        (status = 409, description = "The epoch or the keys are not those that this node knows")))]
pub(crate) async fn force_majority(
    State(app): State<App>,
    RequestName(request): RequestName,
    Json(survivors): Json<Voters>,
) -> Result<Json<Done>, ApiError> {
    let keys: Result<Vec<NodeKey>, _> = survivors.voters.iter().map(|key| key.parse()).collect();
    let survivors = ForceMajority {
        epoch: survivors.epoch,
        survivors: keys.map_err(|error| ApiError::Malformed(error.to_string()))?,
    };
    let subject = format!(
        "{} survivors of epoch {}",
        survivors.survivors.len(),
        survivors.epoch
    );
    app.change(
        request,
        "force majority",
        &subject,
        Command::ForceMajority(survivors),
    )
    .await?;
    Ok(done(request))
}

/// It is done.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Done {
    /// The name of the request.
    #[schema(value_type = String, format = "uuid")]
    request_id: RequestId,
}

fn done(request_id: RequestId) -> Json<Done> {
    Json(Done { request_id })
}

fn find(view: &View, reference: &str) -> Result<NodeKey, ApiError> {
    render::find_member(view, reference).ok_or_else(|| {
        let shown: String = reference
            .chars()
            .filter(|c| !c.is_control())
            .take(128)
            .collect();
        ApiError::NotFound(format!("no member was found for '{shown}'"))
    })
}
