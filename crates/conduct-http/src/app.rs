//! What all handlers share.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bytes::Bytes;
use conduct_api::resolve::resolve;
use conduct_model::{BundleId, Digest, RequestId};
use conduct_node::command::{Command, Quarantined, Reply};
use conduct_node::view::View;
use rand::TryRng;
use tokio::sync::Semaphore;

use crate::control::ConfCache;
use crate::error::ApiError;
use crate::feed::{Feed, Subscribers};
use crate::handle::NodeHandle;
use crate::locator::Locator;
use crate::metrics::Metrics;
use crate::per_view::PerView;
use crate::render;
use crate::services::{ArchiveSource, Journal, Signals, UploadStore};
use crate::settings::Settings;

/// Uploads at a time: each has a disk to write and a digest to compute.
pub(crate) const UPLOADS_MAX: usize = 4;

/// What all handlers share. Clones are the same.
pub(crate) type App = Arc<Shared>;

pub(crate) struct Shared {
    pub(crate) node: NodeHandle,
    pub(crate) uploads: Arc<dyn UploadStore>,
    pub(crate) archives: Arc<dyn ArchiveSource>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) signals: Arc<dyn Signals>,
    pub(crate) settings: Settings,
    pub(crate) feed: Arc<Feed>,
    pub(crate) subscribers: Subscribers,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) locator: Locator,
    /// Free places for uploads.
    pub(crate) slots: Semaphore,
    /// The list of bundles, as it is sent.
    pub(crate) listed: PerView<Bytes>,
    pub(crate) confs: ConfCache,
}

impl Shared {
    /// What the node knows now, everything included that was answered before.
    pub(crate) async fn view(&self) -> Result<Arc<View>, ApiError> {
        Ok(self.node.view().await?)
    }

    /// The one bundle that a caller names.
    pub(crate) fn resolve(&self, view: &View, reference: &str) -> Result<BundleId, ApiError> {
        Ok(resolve(reference, render::named(view))?)
    }

    /// Gives a command, waits for its answer and notes both. Tells on how many disks it is.
    pub(crate) async fn change(
        &self,
        request: RequestId,
        what: &'static str,
        subject: &str,
        command: Command,
    ) -> Result<u32, ApiError> {
        let reply = self.node.command(request, command).await?;
        let outcome = match reply {
            Reply::Acknowledged { durability } => Ok(durability),
            Reply::Done => Ok(1),
            Reply::Quarantined(quarantined) => Err(self.quarantined(&quarantined)),
            Reply::Unknown { durability } => Err(ApiError::Unconfirmed {
                request,
                durability,
            }),
            Reply::Refused(refusal) => Err(refusal.into()),
        };
        let result = outcome
            .as_ref()
            .map_or_else(ToString::to_string, |_| "done".to_owned());
        tracing::info!(target: "audit", %request, what, subject, result, "changed");
        outcome
    }

    /// Refuses at once what this node would refuse in the end.
    pub(crate) fn must_accept(&self, view: &View) -> Result<(), ApiError> {
        match &view.quarantine {
            Some(quarantined) => Err(self.quarantined(quarantined)),
            None => Ok(()),
        }
    }

    /// Why this node accepts no changes, and who does.
    fn quarantined(&self, quarantined: &Quarantined) -> ApiError {
        let Quarantined {
            reason,
            reached,
            voters,
            ask,
        } = quarantined;
        let view = self.node.views().borrow().clone();
        let hosts: Vec<String> = ask.iter().map(|node| render::host(&view, *node)).collect();
        let others = match hosts.as_slice() {
            [] => String::new(),
            hosts => format!("; the majority answers at {}", hosts.join(" and ")),
        };
        ApiError::Quarantined(format!(
            "{} is quarantined ({reason}): it reaches {reached} of {voters} members and accepts no \
             changes{others}",
            render::host(&view, view.node)
        ))
    }
}

/// The name of a request: the caller's, so that it may ask again, or a fresh one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestName(pub(crate) RequestId);

/// Headers that name a request. A UUID names it as it is; any other text is digested to one.
const NAME_HEADERS: [&str; 2] = ["idempotency-key", "x-request-id"];
const NAME_BYTES_MAX: usize = 256;

impl<S: Sync> FromRequestParts<S> for RequestName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestName, ApiError> {
        let given = NAME_HEADERS
            .iter()
            .find_map(|name| parts.headers.get(*name));
        let Some(given) = given else {
            return Ok(RequestName(draw()));
        };
        let given = given
            .to_str()
            .ok()
            .filter(|it| (1..=NAME_BYTES_MAX).contains(&it.len()));
        let given = given.ok_or_else(|| {
            ApiError::Malformed(format!(
                "the name of a request is a text of up to {NAME_BYTES_MAX} characters, best a UUID"
            ))
        })?;
        Ok(RequestName(
            given
                .trim_matches('"')
                .parse()
                .unwrap_or_else(|_| digested(given)),
        ))
    }
}

fn digested(text: &str) -> RequestId {
    let digest = Digest::of(text.as_bytes());
    let (half, _) = digest.as_bytes().split_at(16);
    RequestId::from_u128(u128::from_be_bytes(
        half.try_into().expect("it has 16 bytes"),
    ))
}

/// A fresh name: a random UUID.
pub(crate) fn draw() -> RequestId {
    let half = || {
        let drawn = rand::rngs::SysRng.try_next_u64();
        u128::from(drawn.expect("the kernel has randomness as soon as any process runs"))
    };
    let random = half() << 64 | half();
    // The bits that say what kind of UUID it is.
    let version = 0x4 << 76 | 0x8 << 60;
    let free = !(0xf << 76 | 0xc << 60);
    RequestId::from_u128(random & free | version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_names_are_uuids_of_the_random_kind() {
        let (one, other) = (draw().to_string(), draw().to_string());
        assert_ne!(one, other);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }

    #[test]
    fn one_text_is_one_name() {
        assert_eq!(digested("deploy 7"), digested("deploy 7"));
        assert_ne!(digested("deploy 7"), digested("deploy 8"));
    }
}
