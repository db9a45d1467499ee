//! Loading: from a request's body to a bundle that the cluster will not forget.

mod form;
mod inspect;
mod spool;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use conduct_api::Accepted;
use conduct_bundle::archive::ArchiveName;
use conduct_model::{BundleId, Descriptor, Digest, RequestId};
use conduct_node::command::{Command, Load};
use conduct_node::view::View;

use super::bundles::accepted;
use crate::app::{App, RequestName, UPLOADS_MAX};
use crate::descriptor::for_node;
use crate::error::ApiError;
use form::{Form, PartName};
use inspect::{Confs, inspect};
use spool::{Arrived, Spool};

/// After this the other nodes have most likely heard of the bundle as well, so that a client that
/// goes on at another node finds it.
const SETTLE_TIME: Duration = Duration::from_millis(100);

/// The parts of a load, in their order.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it only describes the request")]
pub(crate) struct LoadForm {
    /// The text of the bundle's `bundle.conf`.
    #[schema(rename = "bundleConf")]
    bundle_conf: String,
    /// The text of the configuration's `bundle.conf`; may be empty or missing.
    #[schema(rename = "bundleConfOverlay")]
    bundle_conf_overlay: Option<String>,
    /// The archive. Its file name ends in its SHA-256: `shop-<64 hex digits>.zip`.
    #[schema(value_type = String, format = Binary)]
    bundle: Vec<u8>,
    /// The configuration's archive, named likewise.
    #[schema(value_type = Option<String>, format = Binary)]
    configuration: Option<Vec<u8>>,
}

/// Loads a bundle. Answers when it is on the disks of a quorum, archives included. Loading it
/// again does no harm. The parts have to come in this order.
#[utoipa::path(post, path = "/bundles", tag = "bundles", operation_id = "loadBundle",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Names the request, so that it can be repeated without a second effect")),
    request_body(content = LoadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = Accepted),
        (status = 400, description = "A part is missing, misplaced, or not what it should be"),
        (status = 403, description = "No node has the room for it"),
        (status = 413, description = "It is larger than it may be"),
        (status = 429, description = "Enough uploads are under way; see Retry-After"),
        (status = 503, description = "This node accepts no changes"),
        (status = 504, description = "Stored, and not confirmed in time: ask again")))]
pub(crate) async fn load(
    State(app): State<App>,
    RequestName(request): RequestName,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Accepted>, ApiError> {
    let mut form = Form::new(&headers, body, app.settings.archive_bytes_max)?;
    let taken = take(&app, request, &mut form).await;
    if let Err(error) = &taken {
        let (status, text) = (error.status().as_u16(), error.text());
        tracing::info!(target: "audit", %request, what = "load", status, result = text, "refused");
        form.linger(&headers);
    }
    let (bundle, durability) = taken?;
    Ok(accepted(request, bundle, durability))
}

async fn take(app: &App, request: RequestId, form: &mut Form) -> Result<(BundleId, u32), ApiError> {
    let _slot = app
        .slots
        .try_acquire()
        .map_err(|_| ApiError::UploadsBusy { max: UPLOADS_MAX })?;
    let view = app.view().await?;
    app.must_accept(&view)?;
    form.check_length()?;

    let confs = read_confs(app, form).await?;
    let described = confs.as_ref().map(Confs::read).transpose()?;
    if let Some(descriptor) = &described {
        has_room(&view, descriptor)?;
    }
    let (bundle, configuration) = receive(app, form).await?;

    let id = BundleId {
        bundle: bundle.digest(),
        configuration: configuration.as_ref().map(Arrived::digest),
    };
    let finished = tokio::task::spawn_blocking(move || {
        let descriptor = inspect(&bundle, configuration.as_ref(), described.as_ref())?;
        let bundle_bytes = bundle.finish()?;
        let configuration_bytes = configuration.map(Arrived::finish).transpose()?.unwrap_or(0);
        Ok::<_, ApiError>((descriptor, bundle_bytes, configuration_bytes))
    });
    let finished = finished
        .await
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    let (descriptor, bundle_bytes, configuration_bytes) = finished?;

    let load = Load {
        bundle: id,
        descriptor: Arc::new(for_node(&descriptor, &app.settings.annotation_paths)),
        bundle_bytes,
        configuration_bytes,
    };
    let command = Command::Load(Box::new(load));
    let durability = app
        .change(request, "load", &id.to_string(), command)
        .await?;
    tokio::time::sleep(SETTLE_TIME).await;
    Ok((id, durability))
}

/// Reads what comes before the archive: the texts or, in the oldest form of a load, fields that say
/// less than the archive does.
async fn read_confs(app: &App, form: &mut Form) -> Result<Option<Confs>, ApiError> {
    let max = app.settings.conf_bytes_max;
    if form.name().await? == PartName::Field {
        while form.name().await? == PartName::Field {
            form.text(max).await?;
        }
        return Ok(None);
    }
    form.expect(PartName::BundleConf).await?;
    let bundle = form.text(max).await?;
    let mut overlay = None;
    if form.name().await? == PartName::BundleConfOverlay {
        overlay = Some(form.text(max).await?).filter(|text| !text.trim().is_empty());
    }
    Ok(Some(Confs { bundle, overlay }))
}

/// Takes the archives, and nothing behind them.
async fn receive(app: &App, form: &mut Form) -> Result<(Arrived, Option<Arrived>), ApiError> {
    form.expect(PartName::Bundle).await?;
    let bundle = receive_archive(app, form).await?;
    let mut configuration = None;
    if form.name().await? == PartName::Configuration {
        configuration = Some(receive_archive(app, form).await?);
    }
    form.expect(PartName::End).await?;
    Ok((bundle, configuration))
}

async fn receive_archive(app: &App, form: &mut Form) -> Result<Arrived, ApiError> {
    let mut spool = Spool::begin(Arc::clone(&app.uploads), expected(form)?);
    while let Some(bytes) = form.bytes().await? {
        spool.write(bytes).await?;
    }
    spool.end().await
}

/// The digest that the file name of the part tells.
fn expected(form: &Form) -> Result<Digest, ApiError> {
    let name = form.file_name().unwrap_or_default();
    let parsed = name.parse::<ArchiveName>();
    parsed.map(|name| name.digest).map_err(|error| {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(160).collect();
        ApiError::Malformed(format!(
            "an archive is named by its SHA-256, as in shop-<64 hex digits>.zip; this one is \
             called '{shown}': {error}"
        ))
    })
}

/// Refuses what no node could ever unpack. Anything else that is missing may come later.
fn has_room(view: &View, descriptor: &Descriptor) -> Result<(), ApiError> {
    let needed = descriptor.resources.disk_bytes;
    let mut largest = 0;
    for member in view.members.values() {
        if member.duty.is_none() {
            // It has not said yet what it gives.
            return Ok(());
        }
        largest = largest.max(member.capacity.disk_bytes);
    }
    if needed <= largest {
        return Ok(());
    }
    Err(ApiError::NoRoom(format!(
        "no node can take {}: it needs {needed} bytes of disk, the largest node has {largest}",
        descriptor.name
    )))
}
