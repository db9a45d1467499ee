//! What has been said: a view over what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chirper_common::names::UserId;
use chirper_common::replica::{Origin, Stamp, View};
use serde::{Deserialize, Serialize};

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum Event {
    /// Somebody said something. The key is drawn by whoever sends it: sent again, because the answer
    /// was lost, it is still the same chirp.
    Chirped {
        user: UserId,
        text: String,
        key: Option<String>,
    },
}

/// All chirps, in the order of their stamps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chirps {
    all: BTreeMap<Stamp, (UserId, String)>,
    by_user: BTreeMap<UserId, BTreeSet<Stamp>>,
    by_key: BTreeMap<(UserId, String), Stamp>,
}

/// A chirp, as callers see one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chirp {
    /// Its stamp, in words that a URL can have.
    pub(crate) id: String,
    pub(crate) user: UserId,
    pub(crate) text: String,
    /// When it was said, in milliseconds since 1970.
    pub(crate) at: u64,
}

impl View for Chirps {
    type Event = Event;

    fn see(&mut self, stamp: Stamp, event: Event) {
        let Event::Chirped { user, text, key } = event;
        if let Some(key) = key {
            let key = (user.clone(), key);
            match self.by_key.get(&key).copied() {
                Some(known) if known < stamp => return,
                Some(known) => self.drop(known),
                None => {}
            }
            self.by_key.insert(key, stamp);
        }
        self.by_user.entry(user.clone()).or_default().insert(stamp);
        self.all.insert(stamp, (user, text));
    }
}

impl Chirps {
    /// The latest chirps, the latest first: those of these users (of all, if none is named), before
    /// a stamp if there is one.
    pub(crate) fn latest(&self, users: &[UserId], before: Option<Stamp>, max: usize) -> Vec<Chirp> {
        let end = before.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let range = (std::ops::Bound::Unbounded, end);
        if users.is_empty() {
            let stamps = self.all.range(range).rev().take(max);
            return stamps.filter_map(|(stamp, _)| self.chirp(*stamp)).collect();
        }
        let users: BTreeSet<&UserId> = users.iter().collect();
        let of_user = |user: &UserId| self.by_user.get(user);
        let mut stamps: Vec<Stamp> = users
            .into_iter()
            .filter_map(of_user)
            .flat_map(|stamps| stamps.range(range).rev().take(max))
            .copied()
            .collect();
        stamps.sort_unstable_by(|one, other| other.cmp(one));
        stamps.truncate(max);
        stamps.into_iter().filter_map(|it| self.chirp(it)).collect()
    }

    pub(crate) fn chirp(&self, stamp: Stamp) -> Option<Chirp> {
        let (user, text) = self.all.get(&stamp)?;
        Some(Chirp {
            id: written(stamp),
            user: user.clone(),
            text: text.clone(),
            at: stamp.time,
        })
    }

    /// What was said with this key.
    pub(crate) fn with_key(&self, user: &UserId, key: &str) -> Option<Chirp> {
        let stamp = self.by_key.get(&(user.clone(), key.to_owned()))?;
        self.chirp(*stamp)
    }

    fn drop(&mut self, stamp: Stamp) {
        if let Some((user, _)) = self.all.remove(&stamp)
            && let Some(stamps) = self.by_user.get_mut(&user)
        {
            stamps.remove(&stamp);
        }
    }
}

/// `1764246000000.0000000000000007.3`
fn written(stamp: Stamp) -> String {
    let Stamp {
        time,
        origin,
        number,
    } = stamp;
    format!("{time}.{origin}.{number}")
}

/// Reads the id of a chirp.
pub(crate) fn read(id: &str) -> Option<Stamp> {
    let mut parts = id.split('.');
    let stamp = Stamp {
        time: parts.next()?.parse().ok()?,
        origin: Origin::from_str(parts.next()?).ok()?,
        number: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(stamp)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(id: &str) -> UserId {
        id.parse().expect("a name")
    }

    fn stamp(time: u64) -> Stamp {
        Stamp {
            time,
            origin: Origin::from_number(9),
            number: time,
        }
    }

    fn said(by: &str, text: &str, key: Option<&str>) -> Event {
        Event::Chirped {
            user: user(by),
            text: text.to_owned(),
            key: key.map(str::to_owned),
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        let name = prop_oneof![Just("ada"), Just("bob")];
        let key = prop_oneof![Just(None), Just(Some("k1")), Just(Some("k2"))];
        (name, "[a-z]{1,3}", key).prop_map(|(by, text, key)| said(by, &text, key))
    }

    fn seen(events: impl IntoIterator<Item = (u64, Event)>) -> Chirps {
        let mut view = Chirps::default();
        for (time, event) in events {
            view.see(stamp(time), event);
        }
        view
    }

    proptest! {
        #[test]
        fn the_order_in_which_events_come_in_does_not_matter(
            (ordered, shuffled) in proptest::collection::vec(event(), 0..20).prop_flat_map(|events| {
                let stamped: Vec<(u64, Event)> = (1..).zip(events).collect();
                (Just(stamped.clone()), Just(stamped).prop_shuffle())
            })
        ) {
            let (ordered, shuffled) = (seen(ordered), seen(shuffled));
            prop_assert_eq!(ordered.latest(&[], None, 99), shuffled.latest(&[], None, 99));
            let ada = [user("ada")];
            prop_assert_eq!(ordered.latest(&ada, None, 99), shuffled.latest(&ada, None, 99));
        }

        #[test]
        fn page_by_page_everything_comes_once(
            events in proptest::collection::vec(event(), 0..20),
            size in 1..4_usize
        ) {
            let view = seen((1..).zip(events));
            let everybody = [user("ada"), user("bob")];
            let whole = view.latest(&everybody, None, 99);
            let mut paged = Vec::<Chirp>::new();
            loop {
                let before = paged.last().and_then(|last| read(&last.id));
                let page = view.latest(&everybody, before, size);
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            prop_assert_eq!(paged, whole);
        }
    }

    #[test]
    fn what_is_sent_twice_is_said_once() {
        let view = seen([
            (2, said("ada", "again", Some("k"))),
            (1, said("ada", "first", Some("k"))),
        ]);
        let texts: Vec<String> = view
            .latest(&[], None, 9)
            .into_iter()
            .map(|it| it.text)
            .collect();
        assert_eq!(texts, ["first"]);
        assert!(view.with_key(&user("ada"), "k").is_some());
        assert!(view.with_key(&user("bob"), "k").is_none());
    }

    #[test]
    fn an_id_is_read_as_it_was_written() {
        assert_eq!(read(&written(stamp(7))), Some(stamp(7)));
        for wrong in ["", "7", "7.x.1", "7.0000000000000009.1.1"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
