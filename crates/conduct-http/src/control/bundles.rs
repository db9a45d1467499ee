//! Bundles: what there is, how many of each, and no more of one.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body};
use bytes::Bytes;
use conduct_api::{Accepted, Bundle};
use conduct_model::{BundleId, RequestId};
use conduct_node::command::Command;
use conduct_node::view::View;
use serde::Deserialize;

use super::{archives, conf};
use crate::app::{App, RequestName};
use crate::error::ApiError;
use crate::render;

/// Lists all bundles with what is wished for them and what there is of them.
#[utoipa::path(get, path = "/bundles", tag = "bundles", operation_id = "listBundles",
    responses((status = 200, body = Vec<Bundle>)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Response, ApiError> {
    let view = app.view().await?;
    let listed = app.listed.get(&view, |view| {
        let bundles = render::bundles(view, &app.settings.archive_folder);
        Bytes::from(serde_json::to_vec(&bundles).expect("a bundle is texts and numbers"))
    });
    let kind = HeaderValue::from_static("application/json");
    Ok((
        [(header::CONTENT_TYPE, kind)],
        Body::from((*listed).clone()),
    )
        .into_response())
}

/// Gives a bundle's files: with `Accept: application/hocon` its `bundle.conf` with that of its
/// configuration laid over it, with `Accept: multipart/form-data` its archives.
#[utoipa::path(get, path = "/bundles/{bundle}", tag = "bundles", operation_id = "getBundle",
    params(("bundle" = String, Path, description = "Id, beginning of an id, name or name:tag")),
    responses(
        (status = 200, content((String = "application/hocon"), (String = "multipart/form-data"))),
        (status = 300, description = "Several bundles answer to it"),
        (status = 404, description = "No bundle answers to it"),
        (status = 406, description = "Neither of the two is accepted")))]
pub(crate) async fn get(
    State(app): State<App>,
    Path(bundle): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = app.view().await?;
    let bundle = app.resolve(&view, &bundle)?;
    let accepts = |kind: &str| {
        let all = headers.get_all(header::ACCEPT).iter();
        all.filter_map(|value| value.to_str().ok())
            .any(|value| value.contains(kind))
    };
    if accepts("application/hocon") {
        return conf::respond(&app, &view, bundle).await;
    }
    if accepts("multipart/form-data") {
        return archives::respond(&app, &view, bundle).await;
    }
    Err(ApiError::NotAcceptable(
        "ask with Accept: application/hocon for the bundle.conf, or with Accept: \
         multipart/form-data for the archives"
            .to_owned(),
    ))
}

/// How many instances are wished for; exactly one of the first two.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ScaleQuery {
    /// How many; 0 stops all.
    #[param(value_type = Option<u32>)]
    scale: Option<String>,
    /// How many more or, where negative, fewer.
    #[param(value_type = Option<i32>)]
    scale_offset: Option<String>,
    /// Only on nodes where this bundle runs.
    affinity: Option<String>,
}

/// What a scale asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    Scale(u32),
    Offset(i32),
}

impl ScaleQuery {
    fn wanted(&self) -> Result<Wanted, ApiError> {
        let malformed = |what: &str, text: &str| {
            let text: String = text.chars().filter(|c| !c.is_control()).take(32).collect();
            ApiError::Malformed(format!("{what}, this is '{text}'"))
        };
        match (&self.scale, &self.scale_offset) {
            (Some(scale), None) => scale
                .parse()
                .map(Wanted::Scale)
                .map_err(|_| malformed("scale is a number of instances from 0 on", scale)),
            (None, Some(offset)) => offset
                .parse()
                .map(Wanted::Offset)
                .map_err(|_| malformed("scaleOffset is a number such as -1", offset)),
            (None, None) | (Some(_), Some(_)) => Err(ApiError::Malformed(
                "give either scale or scaleOffset".to_owned(),
            )),
        }
    }
}

/// Sets how many instances a bundle should have. Answers as soon as the wish is on the disks of a
/// quorum; `/v2/bundles/events` tells when it is met.
#[utoipa::path(put, path = "/bundles/{bundle}", tag = "bundles", operation_id = "scaleBundle",
    params(("bundle" = String, Path, description = "Id, beginning of an id, name or name:tag"),
        ScaleQuery),
    responses(
        (status = 200, body = Accepted),
        (status = 300, description = "Several bundles answer to it"),
        (status = 400, description = "Neither or both of scale and scaleOffset, or no number"),
        (status = 404, description = "No bundle answers to it"),
        (status = 503, description = "This node accepts no changes"),
        (status = 504, description = "Stored, and not confirmed in time: ask again")))]
pub(crate) async fn scale(
    State(app): State<App>,
    RequestName(request): RequestName,
    Path(bundle): Path<String>,
    Query(query): Query<ScaleQuery>,
) -> Result<Json<Accepted>, ApiError> {
    let wanted = query.wanted()?;
    let view = app.view().await?;
    let bundle = app.resolve(&view, &bundle)?;
    let affinity = query.affinity.as_deref();
    let affinity = affinity
        .map(|affinity| app.resolve(&view, affinity))
        .transpose()?;
    let command = match wanted {
        Wanted::Scale(scale) => Command::Scale {
            bundle,
            scale,
            affinity,
        },
        // An offset changes nothing but the number; with an affinity it is a new wish.
        Wanted::Offset(by) if affinity.is_some() => {
            let scale = wished(&view, bundle).saturating_add_signed(by);
            Command::Scale {
                bundle,
                scale,
                affinity,
            }
        }
        Wanted::Offset(by) => Command::Offset { bundle, by },
    };
    let durability = app
        .change(request, "scale", &bundle.to_string(), command)
        .await?;
    Ok(accepted(request, bundle, durability))
}

fn wished(view: &View, bundle: BundleId) -> u32 {
    let wish = view.bundles.get(&bundle).and_then(|bundle| bundle.wish);
    wish.map_or(0, |wish| wish.scale)
}

/// Forgets a bundle everywhere, its archives included. Its instances have to be stopped before.
#[utoipa::path(delete, path = "/bundles/{bundle}", tag = "bundles", operation_id = "unloadBundle",
    params(("bundle" = String, Path, description = "Id, beginning of an id, name or name:tag")),
    responses(
        (status = 200, body = Accepted),
        (status = 300, description = "Several bundles answer to it"),
        (status = 404, description = "No bundle answers to it"),
        (status = 409, description = "It still has instances"),
        (status = 503, description = "This node accepts no changes"),
        (status = 504, description = "Stored, and not confirmed in time: ask again")))]
pub(crate) async fn unload(
    State(app): State<App>,
    RequestName(request): RequestName,
    Path(bundle): Path<String>,
) -> Result<Json<Accepted>, ApiError> {
    let view = app.view().await?;
    let bundle = app.resolve(&view, &bundle)?;
    let command = Command::Unload { bundle };
    let durability = app
        .change(request, "unload", &bundle.to_string(), command)
        .await?;
    Ok(accepted(request, bundle, durability))
}

pub(super) fn accepted(request_id: RequestId, bundle: BundleId, durability: u32) -> Json<Accepted> {
    Json(Accepted {
        request_id,
        bundle_id: bundle.to_string(),
        durability,
    })
}
