//! Who owns the files of an image on this machine.

use crate::ImageError;

/// How the numbers of users and groups inside an image become numbers outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Owners {
    /// Everything belongs to whoever unpacks: the only way without root.
    #[default]
    Unpacker,
    /// The numbers stay.
    Kept,
    /// As in a user namespace. A number that no range has is refused.
    Mapped {
        /// For users.
        users: Vec<IdRange>,
        /// For groups.
        groups: Vec<IdRange>,
    },
}

/// A run of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The first inside.
    pub inside: u32,
    /// The first outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

impl Owners {
    /// User and group outside, or nothing where they are left alone.
    pub(super) fn of(&self, user: u64, group: u64) -> Result<Option<(u32, u32)>, ImageError> {
        let fits = |id: u64| u32::try_from(id).map_err(|_| unmapped(id));
        match self {
            Owners::Unpacker => Ok(None),
            Owners::Kept => Ok(Some((fits(user)?, fits(group)?))),
            Owners::Mapped { users, groups } => Ok(Some((
                outside(users, fits(user)?)?,
                outside(groups, fits(group)?)?,
            ))),
        }
    }
}

fn outside(ranges: &[IdRange], id: u32) -> Result<u32, ImageError> {
    let found = ranges.iter().find_map(|range| {
        let step = id
            .checked_sub(range.inside)
            .filter(|step| *step < range.count)?;
        range.outside.checked_add(step)
    });
    found.ok_or_else(|| unmapped(u64::from(id)))
}

fn unmapped(id: u64) -> ImageError {
    ImageError::Unsupported {
        what: format!("user or group {id}"),
        why: "it is outside of the ranges that images may use here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shifted_and_strangers_refused() {
        let range = IdRange {
            inside: 0,
            outside: 200_000,
            count: 1000,
        };
        let owners = Owners::Mapped {
            users: vec![range],
            groups: vec![range],
        };
        assert_eq!(
            owners.of(0, 999).expect("in range"),
            Some((200_000, 200_999))
        );
        assert!(owners.of(1000, 0).is_err());
        assert_eq!(Owners::Kept.of(7, 8).expect("as it is"), Some((7, 8)));
        assert!(Owners::Kept.of(1 << 40, 0).is_err());
        assert_eq!(Owners::Unpacker.of(1 << 40, 0).expect("not asked"), None);
    }
}
