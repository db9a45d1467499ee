//! Whom an image runs as: `user` or `user:group`, each a name of the image's own lists or a number.

use crate::ImageError;

/// A user in the numbers of the image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
    /// Further groups that have the user as a member.
    pub groups: Vec<u32>,
}

/// A line of `/etc/passwd`.
struct User<'a> {
    name: &'a str,
    id: u32,
    group: u32,
}

/// A line of `/etc/group`.
struct Group<'a> {
    name: &'a str,
    id: u32,
    members: &'a str,
}

/// Looks up what an image says of its user; nothing means root.
pub(super) fn account(text: &str, passwd: &str, group: &str) -> Result<Account, ImageError> {
    let (user_text, group_text) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let user_text = if user_text.is_empty() { "0" } else { user_text };
    let number = user_text.parse::<u32>().ok();
    let user = users(passwd).find(|user| user.name == user_text || Some(user.id) == number);
    let id = match (&user, number) {
        (Some(user), _) => user.id,
        (None, Some(number)) => number,
        (None, None) => return Err(nobody("user", user_text)),
    };
    let name = user.as_ref().map(|user| user.name);
    let Some(group_text) = group_text.filter(|text| !text.is_empty()) else {
        let is_member =
            |group: &Group<'_>| group.members.split(',').any(|member| Some(member) == name);
        let further = groups(group).filter(is_member).map(|group| group.id);
        return Ok(Account {
            user: id,
            group: user.map_or(0, |user| user.group),
            groups: further.collect(),
        });
    };
    let number = group_text.parse::<u32>().ok();
    let found = groups(group).find(|group| group.name == group_text || Some(group.id) == number);
    let group = match (found, number) {
        (Some(group), _) => group.id,
        (None, Some(number)) => number,
        (None, None) => return Err(nobody("group", group_text)),
    };
    // Who names a group means that one and no other.
    Ok(Account {
        user: id,
        group,
        groups: Vec::new(),
    })
}

fn nobody(what: &str, name: &str) -> ImageError {
    ImageError::Unsupported {
        what: format!("{what} {name:?}"),
        why: format!("the image is to run so, and has no such {what}"),
    }
}

fn users(passwd: &str) -> impl Iterator<Item = User<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some(User {
            name: fields.next()?,
            id: fields.nth(1)?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        })
    })
}

fn groups(group: &str) -> impl Iterator<Item = Group<'_>> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some(Group {
            name: fields.next()?,
            id: fields.nth(1)?.parse().ok()?,
            members: fields.next().unwrap_or_default(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\nweb:x:101:102::/srv:\nodd line\n7:x:8:9::/:";
    const GROUP: &str = "root:x:0:\nweb:x:102:\nssl:x:103:root,web\nlog:x:104:web\nodd";

    fn is(text: &str, user: u32, group: u32, groups: &[u32]) {
        let expected = Account {
            user,
            group,
            groups: groups.to_vec(),
        };
        assert_eq!(
            account(text, PASSWD, GROUP).expect(text),
            expected,
            "{text}"
        );
    }

    #[test]
    fn users_and_groups_are_found_by_name_and_by_number() {
        is("", 0, 0, &[103]);
        is("web", 101, 102, &[103, 104]);
        is("101", 101, 102, &[103, 104]);
        is("web:log", 101, 104, &[]);
        is("1000:1000", 1000, 1000, &[]);
        is("1000", 1000, 0, &[]);
        is(":log", 0, 104, &[]);
        // A name that looks like a number is a name first.
        is("7", 8, 9, &[]);
    }

    #[test]
    fn somebody_who_is_in_no_list_is_refused_by_name() {
        for (text, told) in [
            ("nginx", "user \"nginx\""),
            ("web:wheel", "group \"wheel\""),
        ] {
            let why = account(text, PASSWD, GROUP).expect_err(text).to_string();
            assert!(why.contains(told), "{why}");
        }
        assert!(account("web", "", "").is_err());
    }
}
