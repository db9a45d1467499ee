//! V1: every core node has the same members: the core, and the rest that it can reach.

use conduct_node::view::Verdict;

use super::liveness::Healed;

pub(crate) fn wrong(healed: &Healed<'_>) -> Option<String> {
    for &host in healed.core {
        if healed.look.awake(host).is_none() {
            return Some(format!("n{host} is not running"));
        }
        let members = &healed.opinions.of(host).members;
        for &other in healed.core {
            match members.get(&other) {
                Some((_, Verdict::Reachable)) => {}
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

/// All hold the same lives of each other.
fn same_lives(healed: &Healed<'_>) -> Option<String> {
    for &of in healed.core {
        let own = healed.look.view(of)?.uid;
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
