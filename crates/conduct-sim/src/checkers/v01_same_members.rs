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
    let (first, rest) = healed.core.split_first()?;
    let lives = |host: usize| {
        let members = &healed.opinions.of(host).members;
        healed
            .core
            .iter()
            .map(|other| members.get(other).map(|m| m.0))
            .collect::<Vec<_>>()
    };
    let here = lives(*first);
    let other = rest.iter().find(|&&other| lives(other) != here)?;
    Some(format!(
        "n{first} and n{other} hold different lives of the core"
    ))
}
