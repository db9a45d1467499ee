//! How a person names a bundle: by its id, the beginning of its id, its name, its name and tag, or
//! the beginning of its name.
//!
//! The first of these that anything answers to decides, so that a whole name is never ambiguous
//! with a longer one.

use conduct_model::BundleId;

/// What a bundle can be named by.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its id.
    pub id: BundleId,
    /// Its name.
    pub name: &'a str,
    /// Its tags.
    pub tags: &'a [String],
}

/// Why a reference names no bundle. The texts quote it without anything that could be syntax to a
/// terminal or a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// None answers to it.
    #[error("no bundle was found for '{}'", quoted(reference))]
    Unknown {
        /// What was asked for.
        reference: String,
    },
    /// Several do.
    #[error(
        "'{}' is ambiguous, it could be any of {}",
        quoted(reference),
        listed(candidates)
    )]
    Ambiguous {
        /// What was asked for.
        reference: String,
        /// Which answer to it.
        candidates: Vec<BundleId>,
    },
}

/// The fewest digits that name a bundle by its id.
pub const ID_CHARS_MIN: usize = 7;

/// A longer text cannot name anything: names have a bound, and so have ids.
pub const REFERENCE_CHARS_MAX: usize = 512;

/// Candidates that a person can still read.
const LISTED_MAX: usize = 20;
const QUOTED_CHARS_MAX: usize = 128;

/// Finds the one bundle that answers to `reference`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "an iterator is cheap to clone and is walked several times"
)]
pub fn resolve<'a>(
    reference: &str,
    bundles: impl Iterator<Item = Named<'a>> + Clone,
) -> Result<BundleId, Unresolved> {
    let unknown = || Unresolved::Unknown {
        reference: reference.to_owned(),
    };
    if reference.is_empty() || reference.len() > REFERENCE_CHARS_MAX {
        return Err(unknown());
    }
    let levels: [fn(&str, &Named<'_>) -> bool; 4] = [is_id, is_name, begins_id, begins_name];
    for answers in levels {
        let mut found: Vec<BundleId> = bundles
            .clone()
            .filter(|named| answers(reference, named))
            .map(|it| it.id)
            .collect();
        found.sort_unstable();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(*one),
            _ => {
                let reference = reference.to_owned();
                return Err(Unresolved::Ambiguous {
                    reference,
                    candidates: found,
                });
            }
        }
    }
    Err(unknown())
}

/// The id that clients know, or both digests in full.
fn is_id(reference: &str, named: &Named<'_>) -> bool {
    let is = |id: String| id.eq_ignore_ascii_case(reference);
    is(named.id.to_string()) || is(named.id.full())
}

/// A name, or a name and one of the tags behind a colon.
fn is_name(reference: &str, named: &Named<'_>) -> bool {
    let is_tagged =
        |(name, tag): (&str, &str)| name == named.name && named.tags.iter().any(|it| it == tag);
    reference == named.name || reference.split_once(':').is_some_and(is_tagged)
}

/// The beginning of an id; where there is a dash, of both halves.
fn begins_id(reference: &str, named: &Named<'_>) -> bool {
    let first = reference
        .split_once('-')
        .map_or(reference, |(first, _)| first);
    first.len() >= ID_CHARS_MIN && named.id.answers_to(reference)
}

fn begins_name(reference: &str, named: &Named<'_>) -> bool {
    named.name.starts_with(reference)
}

fn quoted(reference: &str) -> String {
    let mut text: String = reference
        .chars()
        .take(QUOTED_CHARS_MAX)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if reference.chars().nth(QUOTED_CHARS_MAX).is_some() {
        text.push('…');
    }
    text
}

fn listed(candidates: &[BundleId]) -> String {
    let shown: Vec<String> = candidates
        .iter()
        .take(LISTED_MAX)
        .map(BundleId::to_string)
        .collect();
    let more = candidates.len().saturating_sub(LISTED_MAX);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use conduct_model::Digest;

    struct World(Vec<(BundleId, &'static str, Vec<String>)>);

    impl World {
        fn find(&self, reference: &str) -> Result<BundleId, Unresolved> {
            let named = |(id, name, tags): &'_ (BundleId, &'static str, Vec<String>)| {
                (*id, *name, tags.clone())
            };
            let all: Vec<_> = self.0.iter().map(named).collect();
            resolve(
                reference,
                all.iter().map(|(id, name, tags)| Named {
                    id: *id,
                    name,
                    tags,
                }),
            )
        }
    }

    fn id(text: &str) -> BundleId {
        BundleId::plain(Digest::of(text.as_bytes()))
    }

    fn world() -> World {
        let configured = BundleId::configured(Digest::of(b"shop"), Digest::of(b"prod"));
        World(vec![
            (id("shop"), "shop", vec!["1.0".to_owned()]),
            (configured, "shop", vec!["2.0".to_owned()]),
            (id("shopping"), "shopping", vec![]),
            (id("visualizer"), "visualizer", vec![]),
            (id("a"), "a", vec![]),
        ])
    }

    #[test]
    fn each_form_finds_its_one_bundle() {
        let world = world();
        let configured = world.0[1].0;
        for (reference, found) in [
            (id("visualizer").to_string(), id("visualizer")),
            (id("visualizer").full(), id("visualizer")),
            (
                id("visualizer").to_string().to_uppercase(),
                id("visualizer"),
            ),
            (id("visualizer").short(), id("visualizer")),
            (configured.short(), configured),
            (configured.to_string(), configured),
            ("visualizer".to_owned(), id("visualizer")),
            ("visual".to_owned(), id("visualizer")),
            ("a".to_owned(), id("a")),
            ("shop:1.0".to_owned(), id("shop")),
            ("shop:2.0".to_owned(), configured),
            ("shoppi".to_owned(), id("shopping")),
        ] {
            assert_eq!(world.find(&reference), Ok(found), "{reference}");
        }
    }

    #[test]
    fn a_whole_id_is_never_the_beginning_of_another() {
        let world = world();
        assert_eq!(world.find(&id("shop").to_string()), Ok(id("shop")));
        let seven = world.find(&id("shop").short());
        assert!(
            matches!(seven, Err(Unresolved::Ambiguous { .. })),
            "{seven:?}"
        );
    }

    #[test]
    fn a_name_that_two_have_is_ambiguous_and_both_are_named() {
        let world = world();
        let Err(ambiguous) = world.find("shop") else {
            panic!("two are called shop")
        };
        let text = ambiguous.to_string();
        assert!(text.starts_with("'shop' is ambiguous"), "{text}");
        for (id, _, _) in &world.0[..2] {
            assert!(text.contains(&id.to_string()), "{text}");
        }
    }

    #[test]
    fn what_names_nothing_is_quoted_harmlessly() {
        let world = world();
        for reference in [
            "",
            "b",
            "shop:3.0",
            "6",
            &"x".repeat(1_000_000),
            "../shop",
            "a\u{1b}[31m\n",
        ] {
            let Err(unknown) = world.find(reference) else {
                panic!("{reference}")
            };
            let text = unknown.to_string();
            assert!(text.starts_with("no bundle was found for '"), "{text}");
            assert!(
                text.len() < 1000 && !text.chars().any(char::is_control),
                "{text}"
            );
        }
        let six = &id("visualizer").to_string()[..6];
        assert!(world.find(six).is_err(), "six digits are too few");
    }
}
