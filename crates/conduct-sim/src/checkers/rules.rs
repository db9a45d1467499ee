//! What the history of a bundle allows: which scales may be wished for now.

use conduct_model::BundleId;

use crate::clients::{Clients, Operation, Wish};
use crate::engine::Moment;

/// The scales that a bundle may have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Allowed {
    /// One range for each absolute scale that may hold, with the offsets that may count.
    ranges: Vec<(u32, u32)>,
}

impl Allowed {
    /// The scales that may be wished for, given everything that was asked by now. A command that
    /// another one replaced goes on counting for `grace`, while nodes still act on it.
    pub fn at(clients: &Clients, bundle: BundleId, now: Moment, grace: Moment) -> Allowed {
        let history: Vec<&Operation> = clients
            .about(bundle)
            .filter(|operation| operation.may_have_effect())
            .collect();
        let loaded = history.iter().any(|operation| operation.wish == Wish::Load);
        if !loaded {
            return Allowed::default();
        }
        let settled_by = now.since(grace);
        let replaced = |old: &Operation| {
            history.iter().any(|new| {
                begins_anew(new) && old.is_before(new) && new.is_ok() && {
                    now.since(new.settled) >= grace
                }
            })
        };
        let mut ranges: Vec<(u32, u32)> = history
            .iter()
            .filter(|base| begins_anew(base) && !replaced(base))
            .map(|base| range(base, &history, settled_by))
            .collect();
        if !history.iter().any(|base| begins_anew(base) && base.is_ok()) {
            ranges.push(offsets(0, None, &history, settled_by));
        }
        Allowed { ranges }
    }

    /// The most that may be wished for.
    pub fn most(&self) -> u32 {
        self.ranges.iter().map(|(_, most)| *most).max().unwrap_or(0)
    }

    /// Whether this scale may be wished for.
    pub fn contains(&self, scale: u32) -> bool {
        self.ranges
            .iter()
            .any(|(least, most)| (*least..=*most).contains(&scale))
            || (self.ranges.is_empty() && scale == 0)
    }
}

/// Whether the machine may be emptied at this moment: an instance there is one too many while its
/// successor starts elsewhere. For `grace` after the drain was called off nodes still act on it.
pub(crate) fn may_be_drained(clients: &Clients, host: usize, now: Moment, grace: Moment) -> bool {
    let wished = |wish: Wish| {
        let history = clients.history().iter();
        history.filter(move |operation| operation.wish == wish && operation.may_have_effect())
    };
    wished(Wish::Drain(host)).any(|drain| {
        !wished(Wish::Undrain(host)).any(|undrain| {
            let over = now.since(undrain.settled) >= grace;
            undrain.is_ok() && drain.is_before(undrain) && over
        })
    })
}

impl std::fmt::Display for Allowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<String> = self
            .ranges
            .iter()
            .map(|(least, most)| {
                if least == most {
                    least.to_string()
                } else {
                    format!("{least} to {most}")
                }
            })
            .collect();
        f.write_str(&if texts.is_empty() {
            "0".to_owned()
        } else {
            texts.join(" or ")
        })
    }
}

/// A new scale begins anew; so does an unload, after which nothing is wished.
fn begins_anew(operation: &Operation) -> bool {
    matches!(operation.wish, Wish::Scale(..) | Wish::Unload)
}

fn range(base: &Operation, history: &[&Operation], settled_by: Moment) -> (u32, u32) {
    let scale = match base.wish {
        Wish::Scale(scale, _) => scale,
        _ => 0,
    };
    offsets(scale, Some(base), history, settled_by)
}

/// What the offsets that came after `base`, or may have, can make of its scale. Those that were
/// acknowledged by `settled_by` count for sure.
fn offsets(
    scale: u32,
    base: Option<&Operation>,
    history: &[&Operation],
    settled_by: Moment,
) -> (u32, u32) {
    let (mut least, mut most) = (i64::from(scale), i64::from(scale));
    for operation in history {
        let Wish::Offset(by) = operation.wish else {
            continue;
        };
        if base.is_some_and(|base| operation.is_before(base)) {
            continue;
        }
        let surely = operation.is_ok()
            && operation.settled <= settled_by
            && base.is_none_or(|base| base.is_before(operation));
        let by = i64::from(by);
        if surely || by < 0 {
            least += by;
        }
        if surely || by > 0 {
            most += by;
        }
    }
    let clamp = |scale: i64| u32::try_from(scale.max(0)).unwrap_or(u32::MAX);
    (clamp(least), clamp(most))
}

#[cfg(test)]
mod tests {
    use conduct_model::Digest;

    use super::*;
    use crate::clients::Outcome;
    use crate::engine::secs;

    fn history(steps: &[(Wish, u64, u64, Outcome)]) -> (Clients, BundleId) {
        let bundle = BundleId::plain(Digest::of(b"web"));
        let mut clients = Clients::new(1);
        for (wish, begun, settled, outcome) in steps {
            let id = clients.begin(secs(*begun), bundle, *wish);
            clients.get_mut(id).settle(secs(*settled), outcome.clone());
        }
        (clients, bundle)
    }

    #[test]
    fn of_two_that_overlap_either_may_win_and_of_two_in_a_row_the_later() {
        let (clients, bundle) = history(&[
            (Wish::Load, 0, 1, Outcome::Ok),
            (Wish::Scale(7, None), 2, 3, Outcome::Ok),
            (Wish::Scale(2, None), 4, 6, Outcome::Ok),
            (Wish::Scale(5, None), 5, 6, Outcome::Ok),
        ]);
        let allowed = Allowed::at(&clients, bundle, secs(60), secs(20));
        assert!(allowed.contains(2) && allowed.contains(5));
        assert!(!allowed.contains(7) && !allowed.contains(3));
        assert_eq!(
            Allowed::at(&clients, bundle, secs(7), secs(20)).most(),
            7,
            "not stopped yet"
        );
    }

    #[test]
    fn an_unknown_offset_may_count_or_not_and_an_acknowledged_one_counts() {
        let (clients, bundle) = history(&[
            (Wish::Load, 0, 1, Outcome::Ok),
            (Wish::Scale(3, None), 2, 3, Outcome::Ok),
            (Wish::Offset(1), 4, 5, Outcome::Ok),
            (Wish::Offset(1), 6, 9, Outcome::Unknown),
            (Wish::Offset(-2), 6, 9, Outcome::Refused(String::new())),
        ]);
        let allowed = Allowed::at(&clients, bundle, secs(60), secs(20));
        assert_eq!(allowed.to_string(), "4 to 5");
    }

    #[test]
    fn a_machine_is_emptied_until_a_while_after_that_was_called_off() {
        let (clients, _) = history(&[
            (Wish::Drain(1), 10, 11, Outcome::Ok),
            (Wish::Undrain(1), 30, 31, Outcome::Ok),
            (Wish::Drain(2), 40, 41, Outcome::Ok),
            (Wish::Undrain(2), 50, 60, Outcome::Unknown),
        ]);
        let drained = |host, at| may_be_drained(&clients, host, secs(at), secs(20));
        assert!(!drained(0, 45));
        assert!(drained(1, 45) && !drained(1, 51));
        assert!(drained(2, 900), "nobody knows that it was called off");
    }

    #[test]
    fn what_was_never_loaded_has_no_scale() {
        let (clients, bundle) = history(&[]);
        assert_eq!(Allowed::at(&clients, bundle, secs(60), secs(20)).most(), 0);
    }
}
