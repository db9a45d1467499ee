//! What is laid over a bundle: what was named, what flags say, or both.

use super::Args;
use super::archive::{Prepared, material, opened, packed};
use super::cache::Caches;
use super::source;
use crate::bndl::{ConfFlags, Format, Material};
use crate::conduct::session::Session;
use crate::exit::Failure;

/// The configuration, if there is to be one.
pub(super) async fn prepare(
    named: Option<&str>,
    bundle: &Prepared,
    args: &Args,
    caches: &Caches,
    session: &mut Session<'_>,
) -> Result<Option<Prepared>, Failure> {
    let asks = args.conf.make_a_configuration();
    let flags = flags(&args.conf, bundle);
    let format = Some(Format::Configuration);
    let Some(named) = named else {
        if !asks {
            return Ok(None);
        }
        let nothing = Material::nothing();
        return packed(&nothing, format, &flags, session.screen).map(Some);
    };
    let source = source::configuration(named, args, caches, session).await?;
    let prepared = if source.is_zip()? && !asks {
        opened(&source.path, &source.name, Some("config"))?
    } else {
        let material = material(&source, format, session.screen)?;
        packed(&material, format, &flags, session.screen)?
    };
    Ok(Some(prepared.holding(source.kept)))
}

/// The flags as a configuration takes them: what names no component means the bundle's first one.
fn flags(all: &ConfFlags, bundle: &Prepared) -> ConfFlags {
    let mut flags = all.clone();
    flags.with_defaults = None;
    for edit in &mut flags.components.edits {
        if edit.component.is_none() {
            edit.component = bundle.first_component().map(str::to_owned);
        }
    }
    flags
}
