//! S7: what was unloaded, and had vanished from every node of the majority, comes back only by a
//! new load.

use std::collections::BTreeMap;

use conduct_model::BundleId;
use conduct_node::event::EventKind;

use super::{Opinions, Report};
use crate::clients::Wish;
use crate::engine::Moment;
use crate::watch::{Fact, Look};

const NAME: &str = "s07_no_resurrection";

/// Since when each bundle that was unloaded is gone from the majority.
#[derive(Debug, Default)]
pub(crate) struct NoResurrection {
    gone: BTreeMap<BundleId, Moment>,
}

impl NoResurrection {
    pub(crate) fn fact(
        &mut self,
        look: &Look<'_>,
        opinions: &Opinions,
        fact: &Fact<'_>,
        report: &mut Report<'_>,
    ) {
        let Fact::Published { host, event } = *fact else {
            return;
        };
        let Some(bundle) = event.bundle else { return };
        match event.kind {
            EventKind::BundleRemoved => {
                let elsewhere = opinions
                    .iter()
                    .any(|(other, opinion)| other != host && opinion.bundles.contains(&bundle));
                if !elsewhere && is_unloaded(look, bundle) && majority_is_up(look, opinions) {
                    self.gone.insert(bundle, look.now);
                }
            }
            EventKind::BundleAdded { .. } => {
                let Some(gone) = self.gone.get(&bundle).copied() else {
                    return;
                };
                if loaded_since(look, bundle, gone) {
                    self.gone.remove(&bundle);
                } else if !opinions.of(host).quarantined {
                    report.object(
                        NAME,
                        format!(
                            "{} was unloaded and gone at {gone}, and n{host} knows it again though nobody loaded it",
                            look.bundle_name(bundle)
                        ),
                    );
                }
            }
            _ => {}
        }
    }
}

/// Whether an unload was acknowledged which every load that may have had an effect precedes.
fn is_unloaded(look: &Look<'_>, bundle: BundleId) -> bool {
    let unloads = || {
        look.clients
            .about(bundle)
            .filter(|o| o.wish == Wish::Unload && o.is_ok())
    };
    let mut loads = look
        .clients
        .about(bundle)
        .filter(|o| o.wish == Wish::Load && o.may_have_effect());
    loads.all(|load| unloads().any(|unload| load.settled < unload.begun))
}

/// A load that may have had its effect only after `gone`.
fn loaded_since(look: &Look<'_>, bundle: BundleId, gone: Moment) -> bool {
    look.clients
        .about(bundle)
        .any(|o| o.wish == Wish::Load && o.may_have_effect() && o.settled >= gone)
}

fn majority_is_up(look: &Look<'_>, opinions: &Opinions) -> bool {
    let voting = opinions.iter().filter(|(host, opinion)| {
        look.awake(*host).is_some() && opinion.life != 0 && !opinion.quarantined
    });
    opinions.is_quorum(look, voting.map(|(host, _)| host))
}
