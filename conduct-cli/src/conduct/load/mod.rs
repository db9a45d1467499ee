//! `conduct load`.
//!
//! [`source`] makes a file of whatever was named, [`archive`] an archive of whatever that file is;
//! here the archives go to the cluster.

mod archive;
mod cache;
mod configuration;
mod fetch;
mod image;
mod source;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use conduct_client::answers::{Accepted, Bundle};
use conduct_client::{Answered, ApiVersion, ClientError, Part, Passed, Upload};
use serde_json::json;

use super::flags::{Form, Waiting};
use super::run::millis;
use super::session::Session;
use super::text::{count, plain, span};
use super::waiting::{End, Goal, wait};
use crate::bndl::ConfFlags;
use crate::exit::{Exit, Failure};
use crate::screen::{Progress, size};
use archive::Prepared;
use cache::Caches;

/// How often the bar is redrawn.
const REDRAW: Duration = Duration::from_millis(100);

/// Load a bundle, and wait until the first copy of it is there
///
/// BUNDLE may be a file, a folder, an http(s) address, the name of an image in a registry such as
/// nginx:1.27, or - for stdin. What is no bundle yet is made one, as bndl does it. Flags for keys of
/// the bundle do not change it, they make a configuration that is laid over it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bundle; nothing or - means stdin
    bundle: Option<String>,
    /// A configuration that is laid over it: a file, a folder or an http(s) address
    configuration: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    resolving: Resolving,
    #[command(flatten)]
    conf: ConfFlags,
}

/// Where files come from that are not here.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Sources")]
pub(crate) struct Resolving {
    /// Take what was fetched before, fetch nothing [env: CONDUCTR_OFFLINE_MODE]
    #[arg(long)]
    offline: bool,
    /// Where fetched bundles are kept [env: CONDUCTR_BUNDLE_RESOLVE_CACHE_DIR]
    #[arg(long, value_name = "DIR")]
    bundle_resolve_cache_dir: Option<PathBuf>,
    /// Where fetched configurations are kept [env: CONDUCTR_CONFIGURATION_RESOLVE_CACHE_DIR]
    #[arg(long, value_name = "DIR")]
    configuration_resolve_cache_dir: Option<PathBuf>,
}

impl Resolving {
    fn is_offline(&self) -> bool {
        self.offline || std::env::var_os("CONDUCTR_OFFLINE_MODE").is_some()
    }
}

pub(crate) async fn run(args: &Args, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let caches = Caches::new(&args.resolving, &session.folder)?;
    let bundle = args.bundle.as_deref();
    let bundle = archive::bundle(bundle, args, &caches, session).await?;
    let configuration = args.configuration.as_deref();
    let configuration =
        configuration::prepare(configuration, &bundle, args, &caches, session).await?;
    let upload = upload(&bundle, configuration.as_ref(), session.api);
    let accepted = send(&upload, session).await?;
    caches.tidy(&bundle.file_name);
    session.heard(&accepted)?;
    let accepted = accepted.value;
    let loaded = if args.waiting.no_wait {
        None
    } else {
        let limit = args.waiting.limit();
        let waited = wait(session, &accepted.bundle_id, Goal::Installed, limit).await?;
        if waited.end != End::Reached {
            let id = session.id(&accepted.bundle_id);
            let sentence = format!(
                "timed out after {} s: no node has a copy of {id} yet",
                limit.as_secs()
            );
            return Err(Failure::new(Exit::NotInTime, sentence)
                .hint("the cluster accepted it and goes on")
                .hint(session.command("info")));
        }
        waited.bundle
    };
    let outcome = Outcome {
        accepted: &accepted,
        loaded: loaded.as_ref(),
        bundle: &bundle,
        bytes: upload.bytes(),
        took: begun.elapsed(),
    };
    outcome.show(session)?;
    Ok(Exit::Done)
}

/// What is sent, in the order that servers insist on.
fn upload(bundle: &Prepared, configuration: Option<&Prepared>, api: ApiVersion) -> Upload {
    let mut parts = Vec::new();
    match api {
        ApiVersion::One => {
            let overlay = configuration.and_then(|it| it.conf.as_ref());
            let fields = bundle.fields(overlay);
            parts.extend(
                fields
                    .into_iter()
                    .map(|(name, text)| Part::Field { name, text }),
            );
        }
        ApiVersion::Two => {
            let overlay = configuration.and_then(|it| it.text.clone());
            for (name, text) in [
                ("bundleConf", bundle.text.clone()),
                ("bundleConfOverlay", overlay),
            ] {
                parts.extend(text.map(|text| Part::Text {
                    name,
                    file_name: "bundle.conf".to_owned(),
                    text,
                }));
            }
        }
    }
    for (name, prepared) in [("bundle", Some(bundle)), ("configuration", configuration)] {
        parts.extend(prepared.map(|it| Part::File {
            name,
            file_name: it.file_name.to_string(),
            path: it.path.clone(),
            bytes: it.bytes,
        }));
    }
    Upload { parts }
}

async fn send(upload: &Upload, session: &mut Session<'_>) -> Result<Answered<Accepted>, Failure> {
    let passed = Passed::default();
    let mut progress = bar(session, "uploading", Some(upload.bytes()));
    let sent = watched(session.client.load(upload, &passed), &passed, &mut progress).await;
    drop(progress);
    sent.map_err(|error| {
        let has_no_room = error.status() == Some(403);
        let failure = session.failure(error);
        if has_no_room {
            failure.hint(format_args!(
                "see what nodes have left: {}",
                session.command("agents")
            ))
        } else {
            failure
        }
    })
}

/// A bar, unless nobody wants to see one.
fn bar(session: &mut Session<'_>, label: &str, total: Option<u64>) -> Option<Progress> {
    if session.is_quiet() {
        return None;
    }
    Some(session.screen.progress(label, total))
}

/// Redraws the bar while something passes.
async fn watched<T>(
    work: impl Future<Output = Result<T, ClientError>>,
    passed: &Passed,
    progress: &mut Option<Progress>,
) -> Result<T, ClientError> {
    let mut work = Box::pin(work);
    let mut shown = 0;
    loop {
        let done = tokio::time::timeout(REDRAW, &mut work).await;
        let now = passed.bytes();
        if let Some(progress) = progress {
            progress.add(now.saturating_sub(shown));
        }
        shown = shown.max(now);
        if let Ok(done) = done {
            return done;
        }
    }
}

struct Outcome<'a> {
    accepted: &'a Accepted,
    loaded: Option<&'a Bundle>,
    bundle: &'a Prepared,
    bytes: u64,
    took: Duration,
}

impl Outcome<'_> {
    fn show(&self, session: &mut Session<'_>) -> Result<(), Failure> {
        let Outcome {
            accepted, loaded, ..
        } = self;
        let (is_quiet, id) = (session.is_quiet(), session.id(&accepted.bundle_id));
        session.show(
            || match is_quiet {
                true => format!("{}\n", plain(&accepted.bundle_id)),
                false => self.line(&id),
            },
            || {
                json!({
                    "id": accepted.bundle_id,
                    "name": self.bundle.file_name.label,
                    "requestId": accepted.request_id,
                    "durability": accepted.durability,
                    "reached": loaded.map(|_| true),
                    "copies": loaded.map(|it| it.bundle_installations.len()),
                    "uploadedBytes": self.bytes,
                    "tookMs": millis(self.took),
                })
            },
            || vec![accepted.bundle_id.clone()],
        )?;
        if session.looks.output == Form::Table {
            let run = session.command(&format!("run {id}"));
            session.instruct(format_args!("Run it with: {run}"));
        }
        Ok(())
    }

    fn line(&self, id: &str) -> String {
        let name = plain(&self.bundle.file_name.label);
        let tag = self.loaded.and_then(Bundle::tag);
        let tag = tag.map_or_else(String::new, |tag| format!(" {}", plain(tag)));
        let copies = self.loaded.map_or(0, |it| it.bundle_installations.len());
        let copies = match self.loaded {
            Some(_) => format!("verified, {}", count(copies, "copy", "copies")),
            None => "accepted".to_owned(),
        };
        let (bytes, took) = (size(self.bytes), span(self.took));
        format!("{name}{tag}  {id}  {bytes}  {copies}  {took}\n")
    }
}
