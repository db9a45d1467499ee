//! V1: every core node has the same members: the core, and the rest that it can reach.

use conduct_node::view::Verdict;

use super::liveness::Healed;
use crate::engine::{Moment, secs};

/// So many returns are flapping, within this time and the quiet after it.
const FLAPS: usize = 3;
const FLAP_WINDOW: Moment = secs(40);
/// What is demanded of others is demanded of one that flapped ten seconds later.
const QUIET: Moment = secs(15);

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    for &host in healed.core {
        if healed.look.awake(host).is_none() {
            return Some(format!("n{host} is not running"));
        }
        let members = &healed.opinions.of(host).members;
        for &other in healed.core {
            match members.get(&other) {
                Some((_, Verdict::Reachable)) => {}
                Some((_, Verdict::Unreachable)) if is_damped(healed, host, other) => {}
                Some((_, verdict)) => {
                    return Some(format!("n{host} holds n{other} for {verdict:?}"));
                }
                None => return Some(format!("n{host} does not know n{other}")),
            }
        }
        let stranger = members.iter().find(|(other, (_, verdict))| {
            *verdict == Verdict::Reachable && !healed.look.sides().joined(host, **other)
        });
        if let Some((other, _)) = stranger {
            return Some(format!(
                "n{host} holds n{other} for reachable, which it is not"
            ));
        }
    }
    same_lives(healed)
}

/// A member that comes and goes counts as back after ten seconds of quiet only, so that nothing
/// moves with it; the quiet begins when it is first heard again.
fn is_damped(healed: &Healed<'_>, host: usize, other: usize) -> bool {
    let sides = &healed.look.truth.sides;
    let flapped = sides.returns(host, other, healed.since.since(FLAP_WINDOW)) >= FLAPS;
    flapped && healed.look.now.since(healed.since) < QUIET
}

/// All hold the same lives of each other.
fn same_lives(healed: &Healed<'_>) -> Option<String> {
    for &of in healed.core {
        let own = healed.look.node(of)?.uid()?;
        for &host in healed.core.iter().filter(|host| **host != of) {
            let told = healed
                .opinions
                .of(host)
                .members
                .get(&of)
                .map(|(uid, _)| *uid);
            if told != Some(own) {
                return Some(format!("n{of} is {own} and n{host} holds it for {told:?}"));
            }
        }
    }
    None
}
