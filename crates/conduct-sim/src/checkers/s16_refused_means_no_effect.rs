//! S16: what was refused has no effect: in the end nothing is loaded that was never loaded, and
//! nothing is gone that was never unloaded.

use super::Report;
use crate::clients::{Operation, Wish};
use crate::watch::Look;

const NAME: &str = "s16_refused_means_no_effect";

pub(crate) fn finish(look: &Look<'_>, core: &[usize], report: &mut Report<'_>) {
    for host in core {
        let Some(view) = look.view(*host) else {
            continue;
        };
        for bundle in look.clients.bundles().keys() {
            let effective =
                |wish: Wish| move |o: &&Operation| o.wish == wish && o.may_have_effect();
            let loaded = look
                .clients
                .about(*bundle)
                .find(effective(Wish::Load))
                .is_some();
            let known = view.bundles.contains_key(bundle);
            if known && !loaded {
                let name = look.bundle_name(*bundle);
                report.object(
                    NAME,
                    format!("n{host} knows {name}, whose load was refused"),
                );
            }
            let acked = look
                .clients
                .about(*bundle)
                .any(|o| o.wish == Wish::Load && o.is_ok());
            let unloaded = look
                .clients
                .about(*bundle)
                .find(effective(Wish::Unload))
                .is_some();
            if !known && acked && !unloaded {
                let name = look.bundle_name(*bundle);
                report.object(
                    NAME,
                    format!("n{host} forgot {name}, whose unload was refused"),
                );
            }
        }
    }
}
