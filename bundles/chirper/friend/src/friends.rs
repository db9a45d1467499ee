//! Who there is and who follows whom: a view over what happened.

use std::collections::{BTreeMap, BTreeSet};

use chirper_common::names::UserId;
use chirper_common::replica::{Stamp, View};
use serde::{Deserialize, Serialize};

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum Event {
    /// Somebody signed up.
    SignedUp { user: UserId, name: String },
    /// Somebody follows somebody, or does not any longer.
    Follows {
        user: UserId,
        friend: UserId,
        follows: bool,
    },
}

/// Users and friendships.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Friends {
    users: BTreeMap<UserId, SignUp>,
    /// The latest word on every pair. Pairs of users who are not known yet wait for them.
    follows: BTreeMap<UserId, BTreeMap<UserId, (Stamp, bool)>>,
}

/// A sign-up. If two took the same name where they could not know of each other, the first counts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SignUp {
    stamp: Stamp,
    name: String,
}

/// A user, as callers see one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    /// Whom this one follows.
    pub(crate) friends: Vec<UserId>,
    /// How many follow this one.
    pub(crate) followers: usize,
    /// When this one signed up, in milliseconds since 1970.
    pub(crate) since: u64,
}

impl View for Friends {
    type Event = Event;

    fn see(&mut self, stamp: Stamp, event: Event) {
        match event {
            Event::SignedUp { user, name } => {
                let known = self.users.get(&user);
                if known.is_none_or(|known| stamp < known.stamp) {
                    self.users.insert(user, SignUp { stamp, name });
                }
            }
            Event::Follows {
                user,
                friend,
                follows,
            } => {
                let friends = self.follows.entry(user).or_default();
                if friends.get(&friend).is_none_or(|(known, _)| stamp > *known) {
                    friends.insert(friend, (stamp, follows));
                }
            }
        }
    }
}

impl Friends {
    pub(crate) fn user(&self, id: &UserId) -> Option<User> {
        let SignUp { stamp, name } = self.users.get(id)?;
        let followers = self.users.keys().filter(|other| self.follows(other, id));
        Some(User {
            id: id.clone(),
            name: name.clone(),
            friends: self.friends(id),
            followers: followers.count(),
            since: stamp.time,
        })
    }

    /// The users who signed up last, at most so many, the latest first.
    pub(crate) fn latest(&self, max: usize) -> Vec<User> {
        let mut all: Vec<(&UserId, Stamp)> = self
            .users
            .iter()
            .map(|(id, sign_up)| (id, sign_up.stamp))
            .collect();
        all.sort_by_key(|(_, stamp)| std::cmp::Reverse(*stamp));
        all.truncate(max);
        all.into_iter()
            .filter_map(|(id, _)| self.user(id))
            .collect()
    }

    pub(crate) fn follows(&self, user: &UserId, friend: &UserId) -> bool {
        let word = self.follows.get(user).and_then(|it| it.get(friend));
        word.is_some_and(|(_, follows)| *follows)
    }

    fn friends(&self, user: &UserId) -> Vec<UserId> {
        let words = self.follows.get(user).into_iter().flatten();
        let friends: BTreeSet<&UserId> = words
            .filter(|(friend, (_, follows))| *follows && self.users.contains_key(*friend))
            .map(|(friend, _)| friend)
            .collect();
        friends.into_iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use chirper_common::replica::Origin;
    use proptest::prelude::*;

    use super::*;

    fn user(id: &str) -> UserId {
        id.parse().expect("a name")
    }

    fn stamp(time: u64) -> Stamp {
        Stamp {
            time,
            origin: Origin::from_number(1),
            number: time,
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        let name = || prop_oneof![Just("ada"), Just("bob"), Just("eve")].prop_map(user);
        prop_oneof![
            (name(), "[A-Z]").prop_map(|(user, name)| Event::SignedUp { user, name }),
            (name(), name(), any::<bool>()).prop_map(|(user, friend, follows)| Event::Follows {
                user,
                friend,
                follows
            }),
        ]
    }

    proptest! {
        #[test]
        fn the_order_in_which_events_come_in_does_not_matter(
            (ordered, shuffled) in proptest::collection::vec(event(), 0..20).prop_flat_map(|events| {
                let stamped: Vec<(u64, Event)> = (1..).zip(events).collect();
                (Just(stamped.clone()), Just(stamped).prop_shuffle())
            })
        ) {
            let seen = |events: Vec<(u64, Event)>| {
                let mut view = Friends::default();
                for (time, event) in events {
                    view.see(stamp(time), event);
                }
                view
            };
            prop_assert_eq!(seen(ordered), seen(shuffled));
        }
    }

    #[test]
    fn of_two_who_take_the_same_name_the_first_has_it() {
        let mut view = Friends::default();
        for (time, name) in [(2, "Late"), (1, "Early")] {
            let (user, name) = (user("ada"), name.to_owned());
            view.see(stamp(time), Event::SignedUp { user, name });
        }
        assert_eq!(view.user(&user("ada")).expect("there").name, "Early");
    }

    #[test]
    fn a_friendship_with_somebody_unknown_shows_when_they_are_known() {
        let mut view = Friends::default();
        let (ada, bob) = (user("ada"), user("bob"));
        let sign_up = |user: &UserId| Event::SignedUp {
            user: user.clone(),
            name: user.to_string(),
        };
        view.see(stamp(1), sign_up(&ada));
        view.see(
            stamp(3),
            Event::Follows {
                user: ada.clone(),
                friend: bob.clone(),
                follows: true,
            },
        );
        assert!(view.user(&ada).expect("there").friends.is_empty());
        view.see(stamp(2), sign_up(&bob));
        assert_eq!(
            view.user(&ada).expect("there").friends,
            std::slice::from_ref(&bob)
        );
        assert_eq!(view.user(&bob).expect("there").followers, 1);
    }
}
