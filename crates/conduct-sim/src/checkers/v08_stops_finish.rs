//! V8: every stop and every unload is finished: nothing runs that nobody wishes.

use super::liveness::Healed;
use super::rules::Allowed;
use crate::engine::Moment;

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    let look = healed.look;
    for bundle in look.clients.bundles().keys() {
        let running = look
            .truth
            .live()
            .filter(|(_, real)| real.bundle == *bundle && !real.kept);
        let running = running.count();
        if running == 0 {
            continue;
        }
        let allowed = Allowed::at(look.clients, *bundle, look.now, crate::engine::secs(12));
        if running > allowed.most() as usize {
            let name = look.bundle_name(*bundle);
            return Some(format!("{running} of {name} run, {allowed} are wished for"));
        }
    }
    let _: Moment = healed.since;
    None
}
