//! S15: the scale that holds in the end is one that the history allows: of commands in a row the
//! last, of commands at the same time either, and every offset once.

use super::Report;
use super::rules::Allowed;
use crate::engine::Moment;
use crate::watch::Look;

const NAME: &str = "s15_no_lost_scale";

pub(crate) fn finish(look: &Look<'_>, core: &[usize], report: &mut Report<'_>) {
    for host in core {
        let Some(view) = look.view(*host) else {
            continue;
        };
        for (bundle, known) in &view.bundles {
            let Some(wish) = known.wish else { continue };
            let allowed = Allowed::at(look.clients, *bundle, look.now, Moment::ZERO);
            if !allowed.contains(wish.scale) {
                report.object(
                    NAME,
                    format!(
                        "n{host} wishes for {} of {}, and the history allows {allowed}",
                        wish.scale,
                        look.bundle_name(*bundle)
                    ),
                );
            }
        }
    }
}
