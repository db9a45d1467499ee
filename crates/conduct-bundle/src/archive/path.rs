//! Names in an archive: the one check that writing and reading share.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use super::error::Rule;

/// Where an entry stands in an archive: relative, UTF-8, `/` between its parts, and never leading
/// outside, on whatever system it is unpacked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntryPath(String);

impl EntryPath {
    /// Longest path.
    pub const BYTES_MAX: usize = 1024;
    /// Longest part of a path: what the usual file systems take.
    pub const PART_BYTES_MAX: usize = 255;
    /// Parts of a path, the file's own name included.
    pub const DEPTH_MAX: usize = 32;

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parts, from the outermost folder to its own name.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Its last part.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder it stands in; none at the top.
    pub fn folder(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(folder, _)| folder)
    }

    /// What is left of it below `folder`, where an empty folder is the top.
    pub fn below(&self, folder: &str) -> Option<&str> {
        if folder.is_empty() {
            return Some(&self.0);
        }
        self.0.strip_prefix(folder)?.strip_prefix('/')
    }

    /// Takes the bytes of a name as an archive has them.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<EntryPath, Rule> {
        std::str::from_utf8(bytes)
            .map_err(|_| Rule::NameEncoding)?
            .parse()
    }
}

impl FromStr for EntryPath {
    type Err = Rule;

    fn from_str(text: &str) -> Result<EntryPath, Rule> {
        if text.is_empty() {
            return Err(Rule::NameEmpty);
        }
        if text.len() > EntryPath::BYTES_MAX {
            return Err(Rule::NameLong {
                bytes: text.len(),
                max: EntryPath::BYTES_MAX,
            });
        }
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            return Err(Rule::NameControl(control));
        }
        if has_drive(text) {
            return Err(Rule::Drive);
        }
        if text.contains('\\') {
            return Err(Rule::Backslash);
        }
        if text.starts_with('/') {
            return Err(Rule::Absolute);
        }
        text.split('/').try_for_each(check_part)?;
        let depth = text.split('/').count();
        if depth > EntryPath::DEPTH_MAX {
            return Err(Rule::Deep {
                depth,
                max: EntryPath::DEPTH_MAX,
            });
        }
        Ok(EntryPath(text.to_owned()))
    }
}

fn check_part(part: &str) -> Result<(), Rule> {
    match part {
        ".." => Err(Rule::Outside),
        "" | "." => Err(Rule::EmptyPart),
        long if long.len() > EntryPath::PART_BYTES_MAX => Err(Rule::NameLong {
            bytes: long.len(),
            max: EntryPath::PART_BYTES_MAX,
        }),
        _ => Ok(()),
    }
}

/// Windows takes `c:x` for a drive, and `x:y` for a hidden stream of the file `x`.
fn has_drive(text: &str) -> bool {
    let bytes = text.as_bytes();
    let drive = bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    drive || (cfg!(windows) && text.contains(':'))
}

/// Lets a map of paths be searched by text; equal and ordered as the text is.
impl Borrow<str> for EntryPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One entry for [`check_names`].
pub(crate) struct Named<'a> {
    pub(crate) path: &'a EntryPath,
    pub(crate) is_folder: bool,
}

/// Refuses names that could not all exist side by side on every file system: the same name twice,
/// names that differ in case only, a file where another entry needs a folder. Gives the number of
/// files and folders, those included that are only implied by what is in them.
///
/// Sorted by folded parts, entries that share the beginning of their paths are neighbours, so each
/// needs to be compared with the one before it only, and no table of all folders is kept.
pub(crate) fn check_names<'a>(
    entries: impl IntoIterator<Item = Named<'a>>,
) -> Result<u64, (&'a EntryPath, Rule)> {
    let mut sorted: Vec<(String, Named<'a>)> = entries
        .into_iter()
        .map(|entry| (folded(entry.path), entry))
        .collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));

    let mut count = 0;
    let mut previous: Option<&(String, Named<'a>)> = None;
    for current in &sorted {
        let shared = match previous {
            None => 0,
            Some(before) => compare(before, current).map_err(|rule| (current.1.path, rule))?,
        };
        count += (current.1.path.parts().count() - shared) as u64;
        previous = Some(current);
    }
    Ok(count)
}

/// How many parts two neighbours share, or why they cannot live together.
fn compare(before: &(String, Named<'_>), current: &(String, Named<'_>)) -> Result<usize, Rule> {
    let folded_parts = before.0.split(SEPARATOR).zip(current.0.split(SEPARATOR));
    let shared = folded_parts.take_while(|(a, b)| a == b).count();
    let (first, second) = (before.1.path, current.1.path);
    for (a, b) in first.parts().zip(second.parts()).take(shared) {
        if a != b {
            return Err(Rule::Twin(format!("{a:?}")));
        }
    }
    let (first_depth, second_depth) = (first.parts().count(), second.parts().count());
    if shared == first_depth && shared == second_depth {
        return Err(Rule::Twice);
    }
    if shared == first_depth && !before.1.is_folder {
        return Err(Rule::FileAndFolder);
    }
    Ok(shared)
}

/// Sorts before every character of a name, so that a folder comes right before what is in it.
const SEPARATOR: char = '\0';

fn folded(path: &EntryPath) -> String {
    path.as_str().to_lowercase().replace('/', "\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Result<u64, Rule> {
        let paths: Vec<(EntryPath, bool)> = all
            .iter()
            .map(|text| {
                (
                    text.trim_end_matches('/').parse().unwrap(),
                    text.ends_with('/'),
                )
            })
            .collect();
        check_names(paths.iter().map(|(path, is_folder)| Named {
            path,
            is_folder: *is_folder,
        }))
        .map_err(|(_, rule)| rule)
    }

    #[test]
    fn a_path_that_could_lead_outside_is_refused() {
        let cases = [
            ("", Rule::NameEmpty),
            ("/etc/passwd", Rule::Absolute),
            ("a/../../b", Rule::Outside),
            ("..", Rule::Outside),
            ("a//b", Rule::EmptyPart),
            ("./a", Rule::EmptyPart),
            ("a/", Rule::EmptyPart),
            ("C:/x", Rule::Drive),
            ("c:x", Rule::Drive),
            ("a\\b", Rule::Backslash),
            ("a\0b", Rule::NameControl('\0')),
            ("a\nb", Rule::NameControl('\n')),
            ("a\u{1b}[2J", Rule::NameControl('\u{1b}')),
        ];
        for (text, rule) in cases {
            assert_eq!(text.parse::<EntryPath>(), Err(rule), "{text:?}");
        }
        assert!(
            "a/".repeat(40)
                .trim_end_matches('/')
                .parse::<EntryPath>()
                .is_err()
        );
        assert!("x".repeat(256).parse::<EntryPath>().is_err());
        assert!("x/".repeat(600).parse::<EntryPath>().is_err());
        assert!("shop/lib/a b…c.jar".parse::<EntryPath>().is_ok());
    }

    #[test]
    fn names_that_cannot_live_side_by_side_are_refused() {
        assert_eq!(names(&["a", "b", "a"]), Err(Rule::Twice));
        assert_eq!(names(&["a/", "a"]), Err(Rule::Twice));
        assert_eq!(
            names(&["a/README", "b", "a/readme"]),
            Err(Rule::Twin("\"README\"".into()))
        );
        assert_eq!(names(&["A/x", "a/y"]), Err(Rule::Twin("\"A\"".into())));
        assert_eq!(names(&["ä/x", "Ä/y"]), Err(Rule::Twin("\"ä\"".into())));
        assert_eq!(names(&["a/b", "a", "a!"]), Err(Rule::FileAndFolder));
    }

    #[test]
    fn implied_folders_are_counted_once() {
        assert_eq!(names(&["a/b/c", "a/b/d", "a/e", "a/"]), Ok(5));
        assert_eq!(names(&[]), Ok(0));
    }
}
